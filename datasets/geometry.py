"""Arithmetic on axis-aligned boxes, vectorised; all arrays are in pixels."""

import numpy as np

from prelabel.datasets.arrays import Bools, Float32s, Float64s


def areas(xyxy: Float32s) -> Float64s:
    """Area of each box, (n,) square pixels."""
    sides = xyxy[:, 2:].astype(np.float64) - xyxy[:, :2]
    return np.asarray(sides[:, 0] * sides[:, 1], np.float64)


def intersection_areas(left_xyxy: Float32s, right_xyxy: Float32s) -> Float64s:
    """Area shared by each pair, (n, m) square pixels, 0 where boxes only touch."""
    left, right = left_xyxy.astype(np.float64), right_xyxy.astype(np.float64)
    top_left = np.maximum(left[:, None, :2], right[None, :, :2])
    bottom_right = np.minimum(left[:, None, 2:], right[None, :, 2:])
    sides = (bottom_right - top_left).clip(min=0)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float64)


def pairwise_iou(left_xyxy: Float32s, right_xyxy: Float32s) -> Float64s:
    """Intersection over union of each pair, (n, m) in 0 to 1."""
    shared = intersection_areas(left_xyxy, right_xyxy)
    union = areas(left_xyxy)[:, None] + areas(right_xyxy)[None, :] - shared
    return np.asarray(shared / union, np.float64)


def clip_to_picture(xyxy: Float32s, width_px: int, height_px: int) -> tuple[Float32s, Bools]:
    """Boxes cut off at the picture's border, and which of them still have an area.

    The first is (n, 4), the second (n,); rows that lie outside come back without area.
    """
    limits = np.array([width_px, height_px, width_px, height_px], np.float32)
    clipped = np.clip(xyxy, 0, limits).astype(np.float32)
    has_area = np.asarray((clipped[:, 2:] > clipped[:, :2]).all(axis=1), np.bool_)
    return clipped, has_area


def xyxy_from_xywh(xywh: Float32s) -> Float32s:
    """Corners of boxes given as left, top, width, height; (n, 4) both."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def xywh_from_xyxy(xyxy: Float32s) -> Float32s:
    """Left, top, width, height of boxes given by corners; (n, 4) both."""
    return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def rotated_corners(xyxy: Float32s, angle: Float32s) -> Float64s:
    """The four corners of boxes turned about their centre, (n, 4, 2) x and y.

    Corners run clockwise on the screen from the one that is top left before the turn; `angle` is
    (n,) radians, clockwise on the screen (y points down).
    """
    box = xyxy.astype(np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2
    half = (box[:, 2:] - box[:, :2]) / 2
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    offset = signs[None] * half[:, None]
    cos, sin = np.cos(angle.astype(np.float64)), np.sin(angle.astype(np.float64))
    turned_x = offset[..., 0] * cos[:, None] - offset[..., 1] * sin[:, None]
    turned_y = offset[..., 0] * sin[:, None] + offset[..., 1] * cos[:, None]
    return np.asarray(centre[:, None] + np.stack([turned_x, turned_y], axis=-1), np.float64)
