"""Turned boxes in COCO files, whose `bbox` can only be upright."""

from collections.abc import Sequence

import numpy as np

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.coco_document import BoxExtras
from prelabel.datasets.formats.upright import upright_boxes
from prelabel.datasets.geometry import rotated_corners

_SAME_PX = 0.02  # tools that write a file again round to two decimals

Turned = tuple[float, float, float, float, float]  # corners before the turn, and the angle


def turned_of(extras: BoxExtras) -> Turned | None:
    """The turned box that an annotation's extras hold, if they hold one with an area."""
    if extras.angle is None or extras.xyxy is None or len(extras.xyxy) != 4:
        return None
    left, top, right, bottom = extras.xyxy
    numbers = left, top, right, bottom, extras.angle
    has_area = np.float32(left) < np.float32(right) and np.float32(top) < np.float32(bottom)
    return numbers if has_area and np.isfinite(numbers).all() else None


def as_turned(
    xyxy: Float64s, turned: Sequence[Turned | None], size: tuple[int, int] | None
) -> tuple[Float64s, Float64s, list[int]]:
    """Boxes with the turned ones put in: corners (n, 4), angle (n,), and the rows left upright.

    A box whose `bbox` is no longer the one around its turned box was changed by another tool: it is
    left upright. `size` is that of the picture, to whose border a `bbox` is cut.
    """
    told = np.array(
        [(*box, 0.0) if one is None else one for box, one in zip(xyxy, turned, strict=True)]
    )
    given = Boxes(told[:, :4], told[:, 4])
    around = upright_boxes(given, size)
    changed = [
        row
        for row, one in enumerate(turned)
        if one is not None and np.abs(around[row] - xyxy[row]).max() > _SAME_PX
    ]
    corners, angle = told[:, :4], told[:, 4]
    corners[changed], angle[changed] = xyxy[changed], 0.0
    return corners, angle, changed


def outlines(boxes: Boxes) -> list[list[list[float]]]:
    """Each turned box as a COCO polygon; none for upright ones."""
    if boxes.angle is None:
        return [[] for _ in range(len(boxes))]
    corners = rotated_corners(boxes.xyxy, boxes.angle).reshape(-1, 8)
    return [[row] for row in np.round(corners, 3).tolist()]
