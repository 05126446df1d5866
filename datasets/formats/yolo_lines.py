"""Lines of YOLO label files: upright boxes, four corners of turned ones, and polygons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.formats.base import ProblemKind, RawBoxes
from prelabel.datasets.formats.box_lines import BoxLine, LabelFiles
from prelabel.datasets.formats.text_files import UnreadableTextError, read_text

_BOX_COLUMNS, _SCORED_BOX_COLUMNS, _CORNERS_COLUMNS = 5, 6, 9
_PROBED_LINES = 500
_PROBED_FILES = 2000


class _Line(NamedTuple):
    """Class number, the upright box in fractions of the picture, and x, y of a polygon's points."""

    class_number: int
    xyxy: list[float]
    polygon: list[float] | None


@dataclass(frozen=True, slots=True)
class YoloLabels:
    """Reads the label files of a dataset; `is_turned` says whether it is one of turned boxes."""

    files: LabelFiles
    names: dict[int, str]
    is_turned: bool

    def boxes(self, path: Path) -> RawBoxes | None:
        """The boxes of one file; None where it is no text."""
        lines = self.files.read(path, _parsed)
        if lines is None:
            return None
        for one in lines:
            if one.box.polygon is not None and not (self.is_turned and _has_corners(one.box)):
                told = f"line {one.number}: the box around a polygon was taken"
                self.files.report.add(path, ProblemKind.CORRECTED, told)
        numbers = [one.box.class_number for one in lines]
        return RawBoxes(
            np.array([one.box.xyxy for one in lines], np.float64).reshape(-1, 4),
            [self.names.get(number, f"(number {number})") for number in numbers],
            "line",
            [one.number for one in lines],
            [one.box_id for one in lines],
            [one.origin for one in lines],
            relative=True,
            corners=_corners(lines) if self.is_turned else None,
        )


def are_turned(label_files: Iterable[Path]) -> bool:
    """Whether these are the label files of turned boxes: each of the first lines has four corners.

    Files of polygons have some with another number of points.
    """
    lines = chain.from_iterable(_lines(path) for path in islice(label_files, _PROBED_FILES))
    counts = {len(line.split()) for line in islice(filter(str.strip, lines), _PROBED_LINES)}
    return counts == {_CORNERS_COLUMNS}


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except UnreadableTextError:
        return []  # reported when its frame is read


def _corners(lines: Sequence[BoxLine[_Line]]) -> Float64s:
    rows = []
    for one in lines:
        left, top, right, bottom = one.box.xyxy
        upright = [left, top, right, top, right, bottom, left, bottom]
        rows.append(one.box.polygon if _has_corners(one.box) else upright)
    return np.array(rows, np.float64).reshape(-1, 4, 2)


def _has_corners(line: _Line) -> bool:
    return line.polygon is not None and len(line.polygon) == _CORNERS_COLUMNS - 1


def _parsed(columns: list[str]) -> _Line:
    """The box of one line; ValueError says why it is left out."""
    if len(columns) == _SCORED_BOX_COLUMNS:
        raise ValueError("has 6 columns: a box with a confidence is a prediction, not a label")
    if len(columns) < _BOX_COLUMNS or len(columns) % 2 == 0:
        raise ValueError(f"must have 5 columns (class and box), but has {len(columns)}")
    try:
        class_number, *values = (float(column) for column in columns)
    except ValueError as error:
        raise ValueError(f"must hold numbers, but is {' '.join(columns)!r}") from error
    if not class_number.is_integer():
        raise ValueError(f"class must be a whole number, but is {columns[0]}")
    if len(columns) > _BOX_COLUMNS:
        across, down = values[0::2], values[1::2]
        return _Line(int(class_number), [min(across), min(down), max(across), max(down)], values)
    x, y, width, height = values
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return _Line(int(class_number), [left, top, right, bottom], None)
