"""Where cameras and lidar disagree, as a view of label errors: read, and sent to people."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.comparing import ViewFinding, reason_of
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.lidar.fusion import Conflict
from prelabel.project import Project
from prelabel.reviewing import send_frames

# What a label of the lidar would be, were the camera right.
KIND_OF = {
    Conflict.ONLY_CAMERA: ErrorKind.MISSING,
    Conflict.ONLY_LIDAR: ErrorKind.SPURIOUS,
    Conflict.CLASS: ErrorKind.WRONG_CLASS,
    Conflict.PLACE: ErrorKind.BADLY_LOCATED,
}


def read_findings(path: Path, kinds: Collection[ErrorKind] = tuple(ErrorKind)) -> list[ViewFinding]:
    """The findings of these kinds in a file of `prelabel lidar compare`, the weightiest first.

    Raises BadInputError naming the line that cannot be read.
    """
    found = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.append(_finding(row))
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadInputError(
            f"{path}: line {len(found) + 2}: is no finding of `prelabel lidar compare`: {error}"
        ) from error
    wanted = [one for one in found if KIND_OF[one.conflict] in kinds]
    return sorted(wanted, key=lambda one: -one.weight)


def send_findings(project: Project, found: Sequence[ViewFinding], count: int) -> tuple[int, int]:
    """Ask people about the first of these; how many findings, and on how many frames."""
    asked = found[:count]
    by_frame: dict[str, list[ViewFinding]] = {}
    for one in asked:
        by_frame.setdefault(one.frame_id, []).append(one)
    if by_frame:
        send_frames(project, {frame_id: reason_of(its) for frame_id, its in by_frame.items()})
    return len(asked), len(by_frame)


def _finding(row: dict[str, str]) -> ViewFinding:
    left, top, right, bottom = (float(row[name]) for name in ("left", "top", "right", "bottom"))
    return ViewFinding(
        float(row["weight"]),
        Conflict(row["conflict"]),
        row["sweep"],
        row["camera"],
        row["frame_id"],
        row["picture_frame_id"],
        row["box_id"] or None,
        row["class"],
        float(row["distance_m"]) if row["distance_m"] else None,
        (left, top, right, bottom),
        row["words"],
    )
