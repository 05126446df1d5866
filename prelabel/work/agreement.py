"""How far two people agree about the boxes of a frame."""

from scipy.optimize import linear_sum_assignment

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.geometry import boxes_iou

AGREED_IOU = 0.5  # as in PASCAL VOC; above it two boxes are about the same object


def agreement(one: AnnotationSet, other: AnnotationSet) -> float:
    """F1 of the boxes of one person against those of another, 0 to 1; the order does not matter.

    Boxes agree where their classes are the same and their overlap (IoU) is at least 0.5; each is
    matched with one box at most, so that as many as possible agree. Two empty frames agree wholly.
    """
    if not len(one) and not len(other):
        return 1.0
    overlap = boxes_iou(one.boxes, other.boxes)
    agreed = (overlap >= AGREED_IOU) & (one.class_id[:, None] == other.class_id[None, :])
    rows, columns = linear_sum_assignment(agreed, maximize=True)
    return 2 * int(agreed[rows, columns].sum()) / (len(one) + len(other))
