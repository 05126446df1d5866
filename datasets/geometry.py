"""Arithmetic on upright and on turned boxes, vectorised; all arrays are in pixels."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float32s, Float64s
from prelabel.datasets.boxes import Boxes


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


def boxes_iou(left: Boxes, right: Boxes) -> Float64s:
    """Intersection over union of each pair, (n, m) in 0 to 1, whichever of them are turned."""
    if left.angle is None and right.angle is None:
        return pairwise_iou(left.xyxy, right.xyxy)
    shared = turned_intersection_areas(left, right)
    union = areas(left.xyxy)[:, None] + areas(right.xyxy)[None, :] - shared
    return np.asarray(shared / union, np.float64)


def paired_iou(left: Boxes, right: Boxes) -> Float64s:
    """Intersection over union of each box and the one in the same place of `right`, (n,)."""
    if left.angle is None and right.angle is None:
        top_left = np.maximum(left.xyxy[:, :2], right.xyxy[:, :2]).astype(np.float64)
        bottom_right = np.minimum(left.xyxy[:, 2:], right.xyxy[:, 2:])
        shared = (bottom_right - top_left).clip(min=0).prod(axis=1)
    else:
        shared = _shared_areas(_Turned.of(left), _Turned.of(right))
    return np.asarray(shared / (areas(left.xyxy) + areas(right.xyxy) - shared), np.float64)


def turned_intersection_areas(left: Boxes, right: Boxes) -> Float64s:
    """Area shared by each pair of boxes of which any may be turned, (n, m) square pixels.

    Exact but for rounding, without clipping polygons: in the frame of the right box, where that is
    upright, the area is the integral of x over y along the border of the left one (Green), both
    held within the sides of the right one.
    """
    return _shared_areas(_Turned.of(left).along(1), _Turned.of(right).along(0))


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """Boxes by middle and half sides (…, 2), angle (…) and corners (…, 4, 2), to be broadcast."""

    middle: Float64s
    half: Float64s
    angle: Float64s
    corners: Float64s

    @classmethod
    def of(cls, boxes: Boxes) -> "_Turned":
        first, last = boxes.xyxy[:, :2].astype(np.float64), boxes.xyxy[:, 2:]
        angle = angle_of(boxes)
        corners = rotated_corners(boxes.xyxy, angle)
        return cls((first + last) / 2, (last - first) / 2, angle.astype(np.float64), corners)

    def along(self, axis: int) -> "_Turned":
        """With an axis of length 1 at this place."""
        parts = (self.middle, self.half, self.angle, self.corners)
        middle, half, angle, corners = (np.expand_dims(one, axis) for one in parts)
        return _Turned(middle, half, angle, corners)


def _shared_areas(left: _Turned, right: _Turned) -> Float64s:
    begin = _corners_seen_from(left, right)
    end = np.roll(begin, -1, axis=-2)
    wide, high = right.half[..., None, 0], right.half[..., None, 1]
    from_y, to_y = begin[..., 1].clip(-high, high), end[..., 1].clip(-high, high)
    rise = end[..., 1] - begin[..., 1]
    slope = np.divide(end[..., 0] - begin[..., 0], rise, out=np.zeros_like(rise), where=rise != 0)
    mean_x = _mean_within(
        begin[..., 0] + (from_y - begin[..., 1]) * slope,
        begin[..., 0] + (to_y - begin[..., 1]) * slope,
        wide,
    )
    whole = 4 * np.minimum(left.half.prod(axis=-1), right.half.prod(axis=-1))
    return np.asarray(((to_y - from_y) * mean_x).sum(axis=-1).clip(0, whole), np.float64)


def _corners_seen_from(left: _Turned, right: _Turned) -> Float64s:
    """The corners of left boxes from the middle of right ones, along their sides: (…, 4, 2).

    In the order of `rotated_corners`.
    """
    apart = left.corners - right.middle[..., None, :]
    cos, sin = np.cos(right.angle)[..., None], np.sin(right.angle)[..., None]
    x, y = apart[..., 0], apart[..., 1]
    return np.asarray(np.stack([x * cos + y * sin, y * cos - x * sin], axis=-1), np.float64)


def _mean_within(first: Float64s, last: Float64s, limit: Float64s) -> Float64s:
    """The mean of what runs evenly from `first` to `last`, held within -`limit` to `limit`."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    inner_low, inner_high = low.clip(-limit, limit), high.clip(-limit, limit)
    below = np.minimum(high, -limit) - np.minimum(low, -limit)
    above = np.maximum(high, limit) - np.maximum(low, limit)
    total = (inner_high - inner_low) * (inner_high + inner_low) / 2 + limit * (above - below)
    np.divide(total, high - low, out=inner_low, where=high > low)
    return inner_low


def angle_of(boxes: Boxes) -> Float32s:
    """The angle of each box, (n,) radians; zeros where the boxes are upright."""
    return np.zeros(len(boxes), np.float32) if boxes.angle is None else boxes.angle


def moved_boxes(
    xyxy: Float32s,
    angle: Float32s,
    factors: Float32s | Float64s,
    offset: Float32s | Float64s,
) -> tuple[Float32s, Float32s]:
    """Turned boxes, corners and angle, where x and y become `factor * value + offset`.

    `factors` and `offset` are (2,); a negative factor mirrors. Where the factors differ in size
    a turned box becomes a parallelogram: given is the rectangle of its middle and side lengths,
    turned by the mean of what its sides turn by.
    """
    box, turn = xyxy.astype(np.float64), angle.astype(np.float64)
    cos, sin = np.cos(turn), np.sin(turn)
    middle = (box[:, :2] + box[:, 2:]) / 2 * factors + offset
    along, down = np.stack([cos, sin], 1) * factors, np.stack([-sin, cos], 1) * factors
    lengths = np.stack([np.hypot(*along.T), np.hypot(*down.T)], 1)
    handed = np.sign(factors.prod())  # a mirror swaps left and right of the second side
    mean = along / lengths[:, :1] + handed * np.stack([down[:, 1], -down[:, 0]], 1) / lengths[:, 1:]
    half = (box[:, 2:] - box[:, :2]) / 2 * lengths
    moved = np.concatenate([middle - half, middle + half], axis=1)
    return moved.astype(np.float32), np.arctan2(mean[:, 1], mean[:, 0]).astype(np.float32)


def boxes_from_corners(corners: Float64s) -> tuple[Float64s, Float64s, Float64s]:
    """Turned boxes, corners (n, 4) and angle (n,), from their four corners in turn (n, 4, 2).

    What `rotated_corners` gives comes back as it was, its angle within -pi to pi. The last value
    is how far the farthest corner given lies from that of the rectangle, (n,): well above 0 where
    the corners are those of another quadrilateral.
    """
    x, y = corners[..., 0], corners[..., 1]
    twice_area = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    clockwise = np.where(twice_area[:, None, None] < 0, corners[:, ::-1], corners)
    first, second, third, fourth = clockwise.transpose(1, 0, 2)
    along, down = (second - first + third - fourth) / 2, (fourth - first + third - second) / 2
    middle = corners.mean(axis=1)
    half = np.stack([np.hypot(*along.T), np.hypot(*down.T)], 1) / 2
    mean = along + np.stack([down[:, 1], -down[:, 0]], 1)
    angle = np.arctan2(mean[:, 1], mean[:, 0])
    xyxy = np.concatenate([middle - half, middle + half], axis=1)
    apart = np.linalg.norm(rotated_corners(xyxy, angle) - clockwise, axis=2)
    return xyxy, angle, np.asarray(apart.max(axis=1, initial=0), np.float64)


def enclosing(boxes: Boxes) -> Float32s:
    """The upright box around each box, (n, 4)."""
    if boxes.angle is None:
        return boxes.xyxy
    corners = rotated_corners(boxes.xyxy, boxes.angle)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], 1).astype(np.float32)


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


def rotated_corners(xyxy: Float32s | Float64s, angle: Float32s | Float64s) -> Float64s:
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
