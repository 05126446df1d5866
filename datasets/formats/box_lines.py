"""Label files of one picture each with a box a line (YOLO, KITTI)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from prelabel.datasets.annotations import Origin
from prelabel.datasets.formats.base import ImportReport, ProblemKind
from prelabel.datasets.formats.box_id_table import BoxIdTable
from prelabel.datasets.formats.text_files import UnreadableTextError, read_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BoxLine(Generic[T]):
    """A box, the number of its line, and its id and origin where `box_ids.csv` has them."""

    number: int
    box: T
    box_id: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """Reads label files below `root`; what cannot be read is reported."""

    root: Path
    table: BoxIdTable
    report: ImportReport

    def read(self, path: Path, parse: Callable[[list[str]], T]) -> list[BoxLine[T]] | None:
        """The boxes of one file; None where it is no text.

        `parse` makes a box of the columns of a line, or says by a ValueError why it is left out.
        """
        try:
            lines = read_text(path).splitlines()
        except UnreadableTextError as error:
            told = f"{error.reason}: the picture counts as unlabelled"
            self.report.add(path, ProblemKind.CORRECTED, told)
            return None
        boxes = []
        labels = path.relative_to(self.root).as_posix()
        for number, line in enumerate(lines, start=1):
            if not (columns := line.split()):
                continue
            try:
                box = parse(columns)
            except ValueError as error:
                self.report.add(path, ProblemKind.BOX_LEFT_OUT, f"line {number}: {error}")
                continue
            boxes.append(BoxLine(number, box, *self.table.take(labels, line)))
        return boxes
