"""Cameras against lidar: where the two do not see the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.projection import ProjectedCuboids
from prelabel.datasets.predictions import Prediction

_SAME_OBJECT = 0.4  # overlap in the picture from which the two may mean one object


class Conflict(StrEnum):
    """In what way camera and lidar differ."""

    ONLY_CAMERA = "only camera"  # a detection that no cuboid explains
    ONLY_LIDAR = "only lidar"  # a cuboid in plain sight that no detection shows
    CLASS = "class"  # one object, two classes
    PLACE = "place"  # one object, loosely matched


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; `cuboid` and `detection` are row numbers, None where there is none.

    `weight` is 0 to 1: how sure one side is and the other does not follow.
    """

    conflict: Conflict
    weight: float
    cuboid: int | None
    detection: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one camera and the cuboids say of one moment; the weightiest finding first."""

    findings: tuple[Finding, ...]
    matched: int

    @property
    def score(self) -> float:
        """The sum of the weights: how much a person may learn, or mend, by looking here."""
        return sum(finding.weight for finding in self.findings)


def compare_views(
    seen: ProjectedCuboids,
    class_id: Int64s,
    score: Float64s,
    picture: Prediction,
    same_class: Sequence[Sequence[bool]] | None = None,
) -> Comparison:
    """Match a camera's detections to cuboids that it sees.

    `class_id` and `score` (n,) are those of all cuboids, labelled ones with score 1. A cuboid
    weighs by how much of it is in sight. `same_class[c][d]` says whether a cuboid's class c and a
    picture's class d mean the same; None takes equal numbers. Raises InvalidValueError where a row
    of `seen` has no class.
    """
    if len(seen) and int(seen.rows.max()) >= min(len(class_id), len(score)):
        raise InvalidValueError("class_id and score must have one entry a cuboid")
    overlap = boxes_iou(seen.boxes, picture.boxes)
    pairs = [
        (row, column)
        for row, column in zip(*linear_sum_assignment(-overlap), strict=True)
        if overlap[row, column] >= _SAME_OBJECT
    ]
    in_sight = (1 - seen.truncation) * (1 - np.nan_to_num(seen.occlusion, nan=0.0))
    findings: list[Finding] = []
    for row, column in pairs:
        cuboid, sure = int(seen.rows[row]), float(picture.score[column] * score[seen.rows[row]])
        kinds = int(class_id[cuboid]), int(picture.class_id[column])
        agree = kinds[0] == kinds[1] if same_class is None else same_class[kinds[0]][kinds[1]]
        if not agree:
            findings.append(Finding(Conflict.CLASS, sure, cuboid, int(column)))
        loose = (1 - float(overlap[row, column])) * sure * float(in_sight[row])
        findings.append(Finding(Conflict.PLACE, loose, cuboid, int(column)))
    lone = set(range(len(seen))) - {row for row, _ in pairs}
    findings += [
        Finding(
            Conflict.ONLY_LIDAR, float(in_sight[r] * score[seen.rows[r]]), int(seen.rows[r]), None
        )
        for r in sorted(lone)
    ]
    unexplained = set(range(len(picture))) - {int(column) for _, column in pairs}
    findings += [
        Finding(Conflict.ONLY_CAMERA, float(picture.score[d]), None, d) for d in sorted(unexplained)
    ]
    ordered = sorted(findings, key=lambda finding: -finding.weight)
    return Comparison(tuple(ordered), len(pairs))
