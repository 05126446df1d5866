"""Cameras against lidar: where the two do not see the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.projection import ProjectedCuboids
from prelabel.datasets.predictions import Prediction

_SAME_OBJECT = 0.4  # overlap in the picture from which the two may mean one object
_PLAIN_SIGHT = 0.5
_NEIGHBOURS = 20


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
    in_sight = _in_sight(seen)
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


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """How often the two agree, by what the camera can tell: learned from many moments.

    `height_px` (n,) are the heights of cuboids in plain sight and `is_seen` (n,) whether a
    detection showed them; `score` (m,) those of detections and `is_explained` (m,) whether a cuboid
    was there. What one side misses as a rule is no surprise, and weighs little.
    """

    height_px: Float64s
    is_seen: Bools
    score: Float64s
    is_explained: Bools

    @classmethod
    def of(cls, views: Sequence[tuple[ProjectedCuboids, Prediction, Comparison]]) -> "Habits":
        """What cameras, their detections and cuboids of many moments teach."""
        heights, seen, scores, explained = list[float](), list[bool](), list[float](), list[bool]()
        for projected, picture, compared in views:
            pairs = [one for one in compared.findings if one.conflict is Conflict.PLACE]
            cuboids, detections = {one.cuboid for one in pairs}, {one.detection for one in pairs}
            in_sight = _in_sight(projected) > _PLAIN_SIGHT
            for at in np.flatnonzero(in_sight):
                heights.append(_height(projected, int(at)))
                seen.append(int(projected.rows[at]) in cuboids)
            scores += picture.score.tolist()
            explained += [row in detections for row in range(len(picture))]
        return cls(
            np.array(heights, np.float64),
            np.array(seen, np.bool_),
            np.array(scores, np.float64),
            np.array(explained, np.bool_),
        )

    def surprise(self, finding: Finding, seen: ProjectedCuboids, picture: Prediction) -> float:
        """The weight of a finding by how rarely its like is found."""
        if finding.conflict is Conflict.ONLY_LIDAR:
            at = int(np.flatnonzero(seen.rows == finding.cuboid)[0])
            height = np.log(self.height_px.clip(1)), np.log(max(1.0, _height(seen, at)))
            return finding.weight * _rate(*height, self.is_seen)
        if finding.conflict is Conflict.ONLY_CAMERA:
            score = float(picture.score[finding.detection])
            return finding.weight * _rate(self.score, score, self.is_explained)
        return finding.weight


def _rate(known: Float64s, asked: float, happened: Bools) -> float:
    """How often something happened to the nearest of what is known, drawn to a half."""
    nearest = np.argsort(np.abs(known - asked), kind="stable")[:_NEIGHBOURS]
    return float((happened[nearest].sum() + 0.5) / (len(nearest) + 1))


def _height(seen: ProjectedCuboids, at: int) -> float:
    return float(seen.boxes.xyxy[at, 3] - seen.boxes.xyxy[at, 1])


def _in_sight(seen: ProjectedCuboids) -> Float64s:
    hidden = np.nan_to_num(seen.occlusion, nan=0.0)
    return np.asarray((1 - seen.truncation) * (1 - hidden), np.float64)
