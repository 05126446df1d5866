"""Boxes as a source holds them, in pixels of the picture as shown, and which of them serve."""

from dataclasses import dataclass

import cv2
import numpy as np

from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.formats.base import RawBoxes, RawFrame
from prelabel.datasets.formats.report import ImportReport, ProblemKind
from prelabel.datasets.geometry import boxes_from_corners
from prelabel.datasets.pictures import PictureFacts, shown_from_stored

# Writers that round to six digits put a box that touches the border up to this far outside.
ROUNDING_DUST_PX = 0.01
# Corners written as whole pixels are those of a rectangle but for this much.
_CORNERS_OFF_PX = 1.0
_MIRRORED = (2, 4, 5, 7)  # EXIF orientations


@dataclass(frozen=True, slots=True)
class Place:
    """Reports problems of single boxes of one frame."""

    report: ImportReport
    frame: RawFrame
    boxes: RawBoxes

    def left_out(self, row: int, reason: str) -> None:
        self.report.add(self.frame.labels, ProblemKind.BOX_LEFT_OUT, self._told(row, reason))

    def corrected(self, row: int, reason: str) -> None:
        self.report.add(self.frame.labels, ProblemKind.CORRECTED, self._told(row, reason))

    def whole(self, kind: ProblemKind, reason: str) -> None:
        self.report.add(self.frame.labels, kind, f"{self.frame.picture}: {reason}")

    def _told(self, row: int, reason: str) -> str:
        number = self.boxes.numbers[row]
        return f"{self.frame.picture}, {self.boxes.unit} {number}: {reason}"


def usable_boxes(
    boxes: RawBoxes, facts: PictureFacts, place: Place
) -> tuple[Float32s, Float32s | None, list[bool]]:
    """Corners (n, 4), the angle of each where they are turned, and which boxes can be used.

    What is changed or cannot be used is reported.
    """
    if boxes.corners is None and boxes.angle is None:
        corners, keep = _cleaned(_in_shown_pixels(boxes, facts, place), facts, place)
        return corners, None, keep
    if boxes.corners is not None:
        xyxy, angle = _rectangles(boxes.corners, facts, place)
    else:
        xyxy, angle = _turned_in_shown_pixels(boxes, facts, place)
    keep = _usable_turned(xyxy, angle, facts, place)
    with np.errstate(over="ignore", invalid="ignore"):
        return xyxy.astype(np.float32), angle.astype(np.float32), keep


def _rectangles(corners: Float64s, facts: PictureFacts, place: Place) -> tuple[Float64s, Float64s]:
    """Turned boxes from four corners each, given in fractions of the picture."""
    pixels = np.round(corners * (facts.width_px, facts.height_px), 9)
    xyxy, angle, off = boxes_from_corners(pixels)
    for row in np.flatnonzero(off > _CORNERS_OFF_PX).tolist():
        (x, y), (width, height), degrees = cv2.minAreaRect(pixels[row].astype(np.float32))
        xyxy[row] = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        angle[row] = np.radians(degrees)
        place.corrected(row, "is no rectangle: the smallest one around it was taken")
    return xyxy, angle


def _turned_in_shown_pixels(
    boxes: RawBoxes, facts: PictureFacts, place: Place
) -> tuple[Float64s, Float64s]:
    angle = np.zeros(len(boxes)) if boxes.angle is None else boxes.angle
    shown, declared = (facts.width_px, facts.height_px), place.frame.declared_size
    as_stored = declared == facts.stored_size != shown
    if as_stored and facts.orientation in _MIRRORED:
        angle = -angle
    return _in_shown_pixels(boxes, facts, place), angle


def _usable_turned(
    xyxy: Float64s, angle: Float64s, facts: PictureFacts, place: Place
) -> list[bool]:
    """Which turned boxes serve; they may reach out of the picture, their middle must not."""
    finite = np.asarray(np.isfinite(np.column_stack([xyxy, angle])).all(axis=1), np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = xyxy.astype(np.float32)
        has_area = np.asarray((rounded[:, 2:] > rounded[:, :2]).all(axis=1), np.bool_)
        middle = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    size = facts.width_px, facts.height_px
    inside = np.asarray(((middle >= 0) & (middle <= size)).all(axis=1), np.bool_)
    for row in np.flatnonzero(~finite | ~has_area | ~inside).tolist():
        told = f"box ({', '.join(f'{side:g}' for side in xyxy[row])}), turned by {angle[row]:g},"
        if not finite[row]:
            place.left_out(row, f"{told} is not finite")
        elif not has_area[row]:
            place.left_out(row, f"{told} has no area")
        else:
            place.left_out(row, f"{told} has its middle outside {size[0]} x {size[1]} pixels")
    keep: list[bool] = np.logical_and.reduce([finite, has_area, inside]).tolist()
    return keep


def _in_shown_pixels(boxes: RawBoxes, facts: PictureFacts, place: Place) -> Float64s:
    shown = facts.width_px, facts.height_px
    if boxes.relative:
        # Whole pixels come back whole: the products are off by some 1e-13 pixels.
        return np.asarray(np.round(boxes.xyxy * np.array(shown * 2, np.float64), 9), np.float64)
    declared = place.frame.declared_size
    if declared is None or declared == shown or min(declared) < 1:
        if facts.orientation in (2, 3, 4) and len(boxes):
            place.whole(
                ProblemKind.NOTE,
                f"is turned or mirrored by its EXIF orientation {facts.orientation}: its boxes "
                "were taken as drawn on the picture as shown",
            )
        return boxes.xyxy
    if declared == facts.stored_size:
        place.whole(
            ProblemKind.CORRECTED,
            f"boxes are given for {declared[0]} x {declared[1]} pixels as stored, and were turned "
            f"with the picture (EXIF orientation {facts.orientation}) to {shown[0]} x {shown[1]}",
        )
        return shown_from_stored(boxes.xyxy, facts)
    place.whole(
        ProblemKind.NOTE,
        f"is said to have {declared[0]} x {declared[1]} pixels but has {shown[0]} x {shown[1]}: "
        "its boxes were taken as pixels of the picture that is there",
    )
    return boxes.xyxy


def _cleaned(xyxy: Float64s, facts: PictureFacts, place: Place) -> tuple[Float32s, list[bool]]:
    """Boxes cut off at the border, and which can be used; each change is reported."""
    width, height = facts.width_px, facts.height_px
    _, _, right, bottom = xyxy.max(axis=0, initial=0)
    if xyxy.min(initial=0) >= 0 and right <= width and bottom <= height:  # false for NaN as well
        corners = xyxy.astype(np.float32)
        if (corners[:, 2:] > corners[:, :2]).all():
            return corners, [True] * len(xyxy)
    limits = np.array([width, height, width, height], np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        corners = np.clip(xyxy, 0, limits).astype(np.float32)
        has_area = np.asarray((corners[:, 2:] > corners[:, :2]).all(axis=1), np.bool_)
        had_area = np.asarray((xyxy[:, 2:] > xyxy[:, :2]).all(axis=1), np.bool_)
        outside = np.maximum(-xyxy, xyxy - limits).max(axis=1) > ROUNDING_DUST_PX
    finite = np.asarray(np.isfinite(xyxy).all(axis=1), np.bool_)
    size = f"{width} x {height}"
    for row in np.flatnonzero(~finite | ~has_area | outside).tolist():
        told = ", ".join(f"{side:g}" for side in xyxy[row])
        if not finite[row]:
            place.left_out(row, f"box ({told}) is not finite")
        elif not had_area[row]:
            place.left_out(row, f"box ({told}) has no area")
        elif not has_area[row]:
            place.left_out(row, f"box ({told}) lies outside the picture of {size} pixels")
        else:
            place.corrected(row, f"box ({told}) was cut off at the picture of {size} pixels")
    return corners, (finite & has_area).tolist()
