"""How far two people agree about the boxes of a frame."""

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import areas, pairwise_iou, rotated_corners

AGREED_IOU = 0.5  # as in PASCAL VOC; above it two boxes are about the same object


def agreement(one: AnnotationSet, other: AnnotationSet) -> float:
    """F1 of the boxes of one person against those of another, 0 to 1; the order does not matter.

    Boxes agree where their classes are the same and their overlap (IoU) is at least 0.5; each is
    matched with one box at most, so that as many as possible agree. Two empty frames agree wholly.
    """
    if not len(one) and not len(other):
        return 1.0
    overlap = box_overlap(one.boxes, other.boxes)
    agreed = (overlap >= AGREED_IOU) & (one.class_id[:, None] == other.class_id[None, :])
    rows, columns = linear_sum_assignment(agreed, maximize=True)
    return 2 * int(agreed[rows, columns].sum()) / (len(one) + len(other))


def box_overlap(one: Boxes, other: Boxes) -> Float64s:
    """Intersection over union of each pair, (n, m) in 0 to 1; boxes may be turned."""
    if one.angle is None and other.angle is None:
        return pairwise_iou(one.xyxy, other.xyxy)
    left, right = _corners(one), _corners(other)
    shared = np.zeros((len(one), len(other)))
    near = (left.min(1)[:, None] < right.max(1)[None]) & (right.min(1)[None] < left.max(1)[:, None])
    for row, column in np.argwhere(near.all(axis=2)):
        corners = left[row].astype(np.float32), right[column].astype(np.float32)
        shared[row, column] = cv2.intersectConvexConvex(*corners)[0]
    union = areas(one.xyxy)[:, None] + areas(other.xyxy)[None, :] - shared
    return np.asarray((shared / union).clip(0, 1), np.float64)


def _corners(boxes: Boxes) -> Float64s:
    """The corners of each box, (n, 4, 2)."""
    angle = np.zeros(len(boxes), np.float32) if boxes.angle is None else boxes.angle
    return rotated_corners(boxes.xyxy, angle)
