"""Box ids and origins beside label files that have no place for them (YOLO, KITTI).

`box_ids.csv` has a row for each box: the label file, the very line of text, the id, the origin. A
line that somebody changed finds no row any more, so an id never passes to another box.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, Origin
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.formats.base import ImportReport, ProblemKind
from prelabel.datasets.formats.origins import origin_fields, origin_from_fields
from prelabel.datasets.formats.text_files import UnreadableTextError, read_text

BOX_IDS_FILE = "box_ids.csv"
_COLUMNS = ("labels", "text", "box_id", "origin")


class BoxIdTable:
    """What a `box_ids.csv` says; empty where there is none."""

    def __init__(self, folder: Path, classes: Sequence[str], report: ImportReport) -> None:
        self._path, self._classes, self._report = folder / BOX_IDS_FILE, classes, report
        self._rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
        if self._path.is_file():
            self._read()

    def __bool__(self) -> bool:
        return bool(self._rows)

    def take(self, labels: str, text: str) -> tuple[str | None, Origin]:
        """Id and origin of the box that stands as the line `text` in the file `labels`."""
        rows = self._rows.get((labels, text))
        if not rows:
            return None, IMPORTED
        box_id, origin = rows.pop(0)
        try:
            return box_id, self._origin(origin)
        except InvalidValueError as error:
            self._report.add(self._path, ProblemKind.CORRECTED, f"{error}: taken as imported")
            return box_id, IMPORTED

    def _origin(self, text: str) -> Origin:
        if not text:
            return IMPORTED
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidValueError(f"origin {text!r} is not valid JSON") from error
        if not isinstance(fields, dict):
            raise InvalidValueError(f"origin {text!r} has no fields")
        return origin_from_fields(fields, self._classes)

    def _read(self) -> None:
        try:
            rows = csv.reader(read_text(self._path).splitlines())
            if tuple(next(rows, ())) != _COLUMNS:
                raise UnreadableTextError(self._path, f"has not the columns {', '.join(_COLUMNS)}")
            for labels, text, box_id, origin in rows:
                self._rows.setdefault((labels, text), []).append((box_id, origin))
        except (UnreadableTextError, csv.Error, ValueError) as error:
            told = error.reason if isinstance(error, UnreadableTextError) else str(error)
            self._rows.clear()
            self._report.add(self._path, ProblemKind.NOTE, f"{told}: new box ids were given")


class BoxIdTableWriter:
    """Writes a `box_ids.csv` frame by frame."""

    def __init__(self, file: TextIO, classes: Sequence[str]) -> None:
        self._writer, self._classes = csv.writer(file, lineterminator="\n"), classes
        self._writer.writerow(_COLUMNS)

    def add(self, labels: str, lines: Sequence[str], annotations: AnnotationSet) -> None:
        """Put down the boxes of one label file, whose lines are in their order."""
        for row, text in enumerate(lines):
            origin = annotations.origin[row]
            told = ""
            if origin != IMPORTED:
                told = json.dumps(origin_fields(origin, self._classes), ensure_ascii=False)
            self._writer.writerow((labels, text, annotations.box_id[row], told))
