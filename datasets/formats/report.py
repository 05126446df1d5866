"""What an import left out, changed or wants to be known, by file."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from prelabel.datasets.files import write_whole
from prelabel.datasets.wording import counted


class ProblemKind(StrEnum):
    """What was done about a problem."""

    FRAME_LEFT_OUT = "frame left out"
    BOX_LEFT_OUT = "box left out"
    CORRECTED = "corrected"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in the input that was not taken as it stands.

    `reason` says what is wrong and what was done; `boxes` is how many boxes are missing for it.
    """

    file: str
    kind: ProblemKind
    reason: str
    boxes: int = 0


class ImportReport:
    """Filled while a dataset is read: what came through, and every problem with its file.

    For every source, boxes read plus boxes left out is what the source holds.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.frames_read = 0
        self.frames_unlabelled = 0
        self.boxes_read = 0

    def add(self, file: str | Path, kind: ProblemKind, reason: str, boxes: int = 0) -> None:
        """Take down one problem; a box left out counts for one box by itself."""
        lost = boxes or int(kind is ProblemKind.BOX_LEFT_OUT)
        self.problems.append(Problem(str(file), kind, reason, lost))

    def count(self, boxes: int | None) -> None:
        """Take down that a frame was read, with so many boxes or (None) unlabelled."""
        self.frames_read += 1
        self.frames_unlabelled += boxes is None
        self.boxes_read += boxes or 0

    @property
    def boxes_left_out(self) -> int:
        """How many boxes of the source were not read, those of left-out frames included."""
        return sum(problem.boxes for problem in self.problems)

    def by_kind(self) -> dict[ProblemKind, int]:
        """How many problems of each kind there are, kinds without any included."""
        counted = Counter(problem.kind for problem in self.problems)
        return {kind: counted[kind] for kind in ProblemKind}

    def summary(self) -> str:
        """What was read and what was not, in one paragraph."""
        labelled = self.frames_read - self.frames_unlabelled
        said = [
            f"{counted(self.frames_read, 'frame')} read ({labelled} labelled, "
            f"{self.frames_unlabelled} unlabelled) with {counted(self.boxes_read, 'box')}"
        ]
        kinds = self.by_kind()
        if kinds[ProblemKind.FRAME_LEFT_OUT]:
            said.append(f"{counted(kinds[ProblemKind.FRAME_LEFT_OUT], 'frame')} left out")
        if self.boxes_left_out:
            said.append(f"{counted(self.boxes_left_out, 'box')} left out")
        if kinds[ProblemKind.CORRECTED]:
            said.append(counted(kinds[ProblemKind.CORRECTED], "correction"))
        if kinds[ProblemKind.NOTE]:
            said.append(counted(kinds[ProblemKind.NOTE], "note"))
        return "; ".join(said) + "."

    def write(self, path: Path) -> None:
        """Write counts and problems as JSON, replacing an older report as a whole."""
        content = {
            "summary": self.summary(),
            "frames_read": self.frames_read,
            "frames_unlabelled": self.frames_unlabelled,
            "boxes_read": self.boxes_read,
            "boxes_left_out": self.boxes_left_out,
            "problems": [asdict(problem) for problem in self.problems],
        }
        write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())
