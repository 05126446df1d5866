"""Random changes of pictures and their boxes that a detector should not mind.

Made for small sets: mirror, size, place and colour. No mosaic: within a few thousand steps it
costs more than it gives.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import areas, moved_boxes, turned_intersection_areas

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

GREY = (114, 114, 114)  # around a picture, as ultralytics fills it when it predicts
_LEAST_LEFT = 0.3  # share of a box's area that must stay in view, else it is no longer asked for
_LEAST_SIDE_PX = 2.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures are changed.

    `zoom` is the largest factor by which a picture grows or shrinks, `shift` the largest move as a
    share of the canvas, `mirror` the chance of a left-right flip; `hue`, `saturation` and `value`
    the largest relative change of each.
    """

    zoom: float = 1.5
    shift: float = 0.1
    mirror: float = 0.5
    hue: float = 0.015
    saturation: float = 0.5
    value: float = 0.4


@dataclass(frozen=True, slots=True)
class View:
    """A picture on a canvas, with the boxes that are still in view, in pixels of the canvas.

    `xyxy` (m, 4) and, for turned boxes, `angle` (m,) are of the boxes in the mask `in_view` (n,).
    """

    picture: Pixels
    xyxy: Floats
    angle: Floats | None
    in_view: NDArray[np.bool_]


def placed(
    picture: Pixels,
    xyxy: Floats,
    angle: Floats | None,
    canvas_hw: tuple[int, int],
    how: Augmentation,
    rng: np.random.Generator,
) -> View:
    """A picture on a canvas, changed at random, with its boxes (n, 4), upright or turned."""
    move = _random_move(picture.shape[:2], canvas_hw, how, rng)
    height, width = canvas_hw
    by_centres = move.copy()  # `move` takes pixel edges, OpenCV counts from the pixels' centres
    by_centres[:, 2] += (np.diag(move) - 1) / 2
    turned = cv2.warpAffine(
        picture, by_centres, (width, height), flags=cv2.INTER_LINEAR, borderValue=GREY
    )
    recoloured = _recoloured(np.asarray(turned, np.uint8), how, rng)
    if angle is None:
        moved, in_view = _move_boxes(xyxy, move, canvas_hw)
        return View(recoloured, moved, None, in_view)
    moved, moved_angle = moved_boxes(xyxy, angle, np.diag(move), move[:, 2])
    in_view = _turned_in_view(moved, moved_angle, canvas_hw)
    return View(recoloured, moved[in_view], moved_angle[in_view], in_view)


def _random_move(
    from_hw: tuple[int, ...],
    canvas_hw: tuple[int, int],
    how: Augmentation,
    rng: np.random.Generator,
) -> Floats:
    """The (2, 3) matrix from pixel edges of a picture to those of the canvas."""
    scale = np.exp(rng.uniform(-1, 1) * np.log(how.zoom))
    shift = rng.uniform(-how.shift, how.shift, 2)
    sign = -1.0 if rng.random() < how.mirror else 1.0
    from_centre = np.array([from_hw[1], from_hw[0]]) / 2
    canvas = np.array([canvas_hw[1], canvas_hw[0]])
    factors = np.array([sign * scale, scale])
    offset = canvas * (0.5 + shift) - factors * from_centre
    return np.array([[factors[0], 0, offset[0]], [0, factors[1], offset[1]]], np.float32)


def _move_boxes(
    xyxy: Floats, move: Floats, canvas_hw: tuple[int, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    factors, offset = np.diag(move), move[:, 2]
    ends = np.stack([xyxy[:, :2] * factors + offset, xyxy[:, 2:] * factors + offset])
    low, high = ends.min(axis=0), ends.max(axis=0)  # a mirror swaps left and right
    canvas = np.array([canvas_hw[1], canvas_hw[0]], np.float32)
    kept_low, kept_high = low.clip(0, canvas), high.clip(0, canvas)
    left = (kept_high - kept_low).prod(axis=1) > _LEAST_LEFT * (high - low).prod(axis=1)
    in_view = left & ((kept_high - kept_low) >= _LEAST_SIDE_PX).all(axis=1)
    return np.concatenate([kept_low, kept_high], axis=1)[in_view].astype(np.float32), in_view


def _turned_in_view(xyxy: Floats, angle: Floats, canvas_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Which turned boxes have their middle and enough of their area on the canvas.

    They are not cut off at its border, since what is left would be no rectangle.
    """
    size = np.array(canvas_hw[::-1], np.float32)
    middle, sides = (xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]
    on_canvas = ((middle > 0) & (middle < size)).all(axis=1)
    in_view = np.asarray(on_canvas & (sides >= _LEAST_SIDE_PX).all(axis=1), np.bool_)
    canvas = Boxes([[0, 0, *size]])
    rows = np.flatnonzero(in_view)
    left = turned_intersection_areas(Boxes(xyxy[rows], angle[rows]), canvas)[:, 0]
    in_view[rows] = left > _LEAST_LEFT * areas(xyxy[rows])
    return in_view


def _recoloured(picture: Pixels, how: Augmentation, rng: np.random.Generator) -> Pixels:
    """Hue, saturation and value scaled by random factors, through one table for each."""
    reach = (how.hue, how.saturation, how.value)
    hue, saturation, value = 1 + rng.uniform(-1, 1, 3) * reach
    steps = np.arange(256)
    tables = np.stack(
        [(steps * hue) % 180, (steps * saturation).clip(0, 255), (steps * value).clip(0, 255)], -1
    )
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    changed = cv2.LUT(hsv, tables[None].astype(np.uint8))
    return np.asarray(cv2.cvtColor(changed, cv2.COLOR_HSV2RGB), np.uint8)
