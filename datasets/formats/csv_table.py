"""A CSV table with one row a box: reading.

The first eight columns are those that TensorFlow's tutorials made common; the others are ours and
may be missing:

    filename,width,height,class,xmin,ymin,xmax,ymax,
    split,labelled,box_id,origin,model_id,score,
    original_class,original_xmin,original_ymin,original_xmax,original_ymax,
    angle,original_angle,rule,spread_px

Where a box has an `angle`, in radians clockwise, its corners are those before the turn. A row
without class is a picture without boxes; `labelled` (true or false) tells whether somebody looked
at it.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np

from prelabel.datasets.annotations import IMPORTED, Origin
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    Unannotated,
    split_named,
)
from prelabel.datasets.formats.origins import origin_from_fields
from prelabel.datasets.formats.picture_folder import PictureFolder, lies_below
from prelabel.datasets.formats.text_files import CLASSES_FILE, read_names
from prelabel.datasets.frames import Split

CORNERS = ("xmin", "ymin", "xmax", "ymax")
ORIGINAL_CORNERS = tuple(f"original_{corner}" for corner in CORNERS)
_NEEDED = ("filename", "class", *CORNERS)
COLUMNS = (
    "filename", "width", "height", "class", *CORNERS, "split", "labelled", "box_id",
    "origin", "model_id", "score", "original_class", *ORIGINAL_CORNERS, "angle", "original_angle",
    "rule", "spread_px",
)  # fmt: skip
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

Row = Mapping[str, str]
_Csv: TypeAlias = "csv.DictReader[str]"
NumberedRow = tuple[int, Row]


class CsvReader:
    """Reads a table, or a folder that holds one, with `classes.txt` beside it where it is there.

    Rows of one picture may stand anywhere; where they stand together, as they mostly do, the file
    is read as a stream.
    """

    def recognises(self, path: Path) -> bool:
        return len(_tables(path)) == 1

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        tables = [source.path] if source.path.is_file() else _tables(source.path)
        if len(tables) != 1:
            raise BadInputError(
                f"{source.path}: holds {len(tables)} CSV tables of boxes: name one of them"
            )
        path = tables[0]
        missing = [name for name in _NEEDED if name not in _header(path)]
        if missing:
            raise BadInputError(
                f"{path}: lacks the columns {', '.join(missing)} of {', '.join(_NEEDED)}"
            )
        overview = _overview(path)
        names_file = path.with_name(CLASSES_FILE)
        classes = overview.class_names
        if names_file.is_file():
            classes = read_names(names_file)
        elif source.classes is not None:
            classes = source.classes
        reading = _Reading(path, source, source.classes or classes, report)
        frames = reading.frames(overview.adjacent)
        return RawDataset(classes, overview.pictures, _picture_folder(source, path), frames)


@dataclass(frozen=True, slots=True)
class _Overview:
    class_names: tuple[str, ...]  # sorted
    pictures: int
    adjacent: bool  # the rows of every picture stand together


@dataclass(frozen=True, slots=True)
class _Reading:
    path: Path
    source: Source
    classes: Sequence[str]
    report: ImportReport

    def frames(self, adjacent: bool) -> Iterator[RawFrame]:
        rows: Iterable[NumberedRow] = self._whole_rows()
        if not adjacent:
            first: dict[str, int] = {}
            rows = sorted(rows, key=lambda row: first.setdefault(row[1]["filename"], len(first)))
        for name, group in groupby(rows, key=lambda row: row[1]["filename"]):
            yield self._frame(name, list(group))

    def _whole_rows(self) -> Iterator[NumberedRow]:
        for number, row in _rows(self.path):
            if None in row.values() or None in row:
                self._told(ProblemKind.BOX_LEFT_OUT, number, "has another number of columns")
            elif not row["filename"]:
                self._told(ProblemKind.BOX_LEFT_OUT, number, "has no filename")
            else:
                yield number, row

    def _frame(self, name: str, rows: list[NumberedRow]) -> RawFrame:
        first = rows[0][1]
        with_box = [(number, row) for number, row in rows if _has_box(row)]
        boxes = None
        if with_box:
            boxes = self._boxes(with_box)
        elif self._is_empty(first):
            boxes = RawBoxes.none()
        split = split_named(first.get("split", "")) or Split.TRAIN
        return RawFrame(name, str(self.path), split, _declared_size(first), boxes)

    def _is_empty(self, row: Row) -> bool:
        told = _TRUTHS.get(row.get("labelled", "").lower())
        return self.source.rules.unannotated is Unannotated.EMPTY if told is None else told

    def _boxes(self, rows: list[NumberedRow]) -> RawBoxes:
        numbered: list[list[float]] = []
        class_names: list[str] = []
        numbers: list[int] = []
        ids: list[str | None] = []
        origins: list[Origin] = []
        for number, row in rows:
            try:
                numbered.append([float(text) for text in _geometry(row)])
            except ValueError:
                told = ", ".join(_geometry(row))
                self._told(
                    ProblemKind.BOX_LEFT_OUT, number, f"box must be numbers, but is ({told})"
                )
                continue
            class_names.append(row["class"])
            numbers.append(number)
            ids.append(row.get("box_id") or None)
            origins.append(self._origin(number, row))
        geometry = np.array(numbered, np.float64).reshape(-1, 5)
        angle = geometry[:, 4] if any(row.get("angle") for _, row in rows) else None
        xyxy = geometry[:, :4]
        return RawBoxes(xyxy, class_names, "line", numbers, ids, origins, angle=angle)

    def _origin(self, number: int, row: Row) -> Origin:
        fields: dict[str, object] = {"kind": row.get("origin", "")}
        if not fields["kind"]:
            return IMPORTED
        for key in ("model_id", "score", "original_class", "original_angle", "rule", "spread_px"):
            if row.get(key):
                fields[key] = row[key]
        if row.get(ORIGINAL_CORNERS[0]):
            fields["original_xyxy"] = [row.get(corner) for corner in ORIGINAL_CORNERS]
        try:
            return origin_from_fields(fields, self.classes)
        except InvalidValueError as error:
            self._told(ProblemKind.CORRECTED, number, f"{error}: taken as imported")
            return IMPORTED

    def _told(self, kind: ProblemKind, number: int, reason: str) -> None:
        self.report.add(self.path, kind, f"line {number}: {reason}")


def _geometry(row: Row) -> list[str]:
    """Corners and angle as they are written."""
    return [*(row[corner] for corner in CORNERS), row.get("angle") or "0"]


def _has_box(row: Row) -> bool:
    return any(row[name] for name in ("class", *CORNERS))


def _declared_size(row: Row) -> tuple[int, int] | None:
    try:
        width, height = int(float(row.get("width", ""))), int(float(row.get("height", "")))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None


@contextmanager
def _reader(path: Path) -> Iterator[_Csv]:
    """A reader of the file; BadInputError where it is no text or no CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield csv.DictReader(file)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: is not UTF-8 text: byte {error.start}") from error
    except csv.Error as error:
        raise BadInputError(f"{path}: is no CSV table: {error}") from error


def _rows(path: Path) -> Iterator[NumberedRow]:
    """Each row with the number of the line it ends on."""
    with _reader(path) as reader:
        for row in reader:
            yield reader.line_num, row


def _header(path: Path) -> Sequence[str]:
    with _reader(path) as reader:
        return reader.fieldnames or ()


def _overview(path: Path) -> _Overview:
    class_names: set[str] = set()
    pictures: set[str] = set()
    previous, adjacent = None, True
    for _, row in _rows(path):
        name = row["filename"]
        if row["class"] and row["class"].strip():
            class_names.add(row["class"])
        if name != previous:
            adjacent = adjacent and name not in pictures
            pictures.add(name)
            previous = name
    return _Overview(tuple(sorted(class_names)), len(pictures), adjacent)


def _tables(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.glob("*.csv"))
    return [one for one in files if one.suffix.lower() == ".csv" and _is_table(one)]


def _is_table(path: Path) -> bool:
    try:
        return set(_NEEDED).issubset(_header(path))
    except BadInputError:
        return False


def _picture_folder(source: Source, path: Path) -> PictureFolder:
    first = next((row["filename"] for _, row in _rows(path) if row["filename"]), "")
    below = path.parent / "images"
    return source.pictures(below if lies_below(below, first) else path.parent)
