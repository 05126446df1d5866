"""Which proposals are accepted without a person, and what is lost where one is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.checks import Checks, Counts, Judged
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.presence import classes_of
from prelabel.active.regression import Scaling, linear_part, poisson_fit
from prelabel.active.right_boxes import RightBoxes
from prelabel.datasets.arrays import Bools, Float64s
from prelabel.datasets.errors import InvalidValueError

ACCEPTANCE_COLUMNS = (Column.CLASS_ID, Column.XYXY, Column.SUPPORT)
DOUBTFUL_BELOW = 0.5  # a box that is likelier wrong than right is never accepted

Group = int | None  # a class, or all of them


@dataclass(frozen=True, slots=True)
class Promises:
    """What is promised of what is accepted, each with `confidence` on its own.

    At least `precision` of the boxes have the right class and overlap their object by `iou`; at
    most `missed` of the objects on frames that are accepted whole have no box.
    """

    precision: float = 0.98
    missed: float = 0.05
    confidence: float = 0.95
    iou: float = LOCATED_IOU

    def __post_init__(self) -> None:
        for name in ("precision", "missed", "confidence"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InvalidValueError(f"{name} must lie between 0 and 1, but is {value}")
        if not LOCATED_IOU <= self.iou < 1:
            raise InvalidValueError(f"iou must be from {LOCATED_IOU} to below 1, but is {self.iou}")

    @property
    def wrong(self) -> float:
        """The share of accepted boxes that may be wrong."""
        return 1 - self.precision


@dataclass(frozen=True, slots=True)
class BoxLimit:
    """Of one frame at most the `most` likeliest boxes, each with at least `probability` of being
    right."""

    probability: float
    most: int

    def told(self) -> dict[str, Any]:
        """The same in plain JSON values."""
        return {"probability": self.probability, "most": self.most}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is accepted: boxes, and frames whole.

    Boxes by `limits`, under the key None for boxes of whatever class together, or under the number
    of each class; boxes of a class without a limit are left to people. Of frames with no more
    likely boxes (probability of at least 0.5) than may be accepted on one, those are accepted whole
    whose expected number of missed objects is at most `missed_limit`; None: no frame is.
    """

    limits: Mapping[Group, BoxLimit]
    missed_limit: float | None = None

    @property
    def most_boxes(self) -> int:
        """How many boxes of one frame may be accepted."""
        return sum(one.most for one in self.limits.values())

    def told(self) -> dict[str, Any]:
        """The rule in plain JSON values."""
        limits = {
            "all" if group is None else str(group): one.told() for group, one in self.limits.items()
        }
        return {
            "limits": limits,
            "most_boxes": self.most_boxes,
            "missed_limit": self.missed_limit,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """What a rule makes of m boxes on n frames: `sure` (m,) boxes are accepted, `whole` (n,)
    frames are; `probability` (m,) of being right, `missed` (n,) the expected missed objects."""

    probability: Float64s
    sure: Bools
    missed: Float64s
    whole: Bools


@dataclass(frozen=True, slots=True, eq=False)
class MissedRate:
    """How many objects of a frame have no accepted box: a Poisson regression with a ridge of 1.

    It looks at the summed probability of the boxes that are not accepted, the largest of them, and
    the number of boxes that are. Never above twice what was seen on any one frame.
    """

    scaling: Scaling
    coefficients: Float64s
    most: float

    @classmethod
    def fit(cls, checks: Checks, probability: Float64s, sure: Bools) -> "MissedRate":
        """The rate that frames with labels teach."""
        missed = checks.objects - checks.in_each_frame(sure & checks.found)
        features = _doubts(checks.boxes, probability, sure)
        scaling = Scaling.of(features)
        coefficients = poisson_fit(scaling.applied(features), missed.astype(np.float64))
        return cls(scaling, coefficients, max(2.0 * float(missed.max(initial=0)), 1.0))

    def of(self, table: BoxTable, probability: Float64s, sure: Bools) -> Float64s:
        """The number that is expected on each frame, (n,)."""
        scaled = self.scaling.applied(_doubts(table, probability, sure))
        return np.exp(np.minimum(linear_part(self.coefficients, scaled), np.log(self.most)))


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """How likely boxes are right and objects missed, as far as some checked frames tell.

    `strict` is the rule that decides which boxes count as accepted when missed objects are
    foretold, and which frames may be accepted whole; a looser rule misses fewer.
    """

    right: RightBoxes
    missed: MissedRate
    strict: Rule

    @classmethod
    def fit(cls, fit: Judged, right: RightBoxes, strict: Rule) -> "Judge":
        """A judge that has learned from these frames."""
        sure = sure_boxes(fit.checks.boxes, fit.probability, strict)
        return cls(right, MissedRate.fit(fit.checks, fit.probability, sure), strict)

    def judged(self, judged: Judged, missed_limit: float) -> Accepted:
        """What the strict rule accepts of checks, with such a limit for whole frames."""
        rule = with_missed_limit(self.strict, missed_limit)
        return self._accept(judged.checks.boxes, judged.probability, rule)

    def accept(self, table: BoxTable, rule: Rule) -> Accepted:
        """What the rule accepts of these frames."""
        return self._accept(table, self.right.of(table), rule)

    def _accept(self, table: BoxTable, probability: Float64s, rule: Rule) -> Accepted:
        strictly = sure_boxes(table, probability, self.strict)
        missed = self.missed.of(table, probability, strictly)
        sure = sure_boxes(table, probability, rule)
        calm = calm_frames(table, probability, self.strict)
        limit = -np.inf if rule.missed_limit is None else rule.missed_limit
        return Accepted(probability, sure, missed, calm & (missed <= limit))


def sure_boxes(table: BoxTable, probability: Float64s, rule: Rule) -> Bools:
    """The boxes that the rule accepts, (m,)."""
    sure = np.zeros(len(probability), np.bool_)
    for group, limit in rule.limits.items():
        likely = (
            probability if group is None else np.where(classes_of(table) == group, probability, 0)
        )
        enough = likely >= max(limit.probability, DOUBTFUL_BELOW)
        sure |= enough & (places(table.owner, likely) < limit.most)
    return sure


def places(owner: NDArray[np.intp], likely: Float64s) -> NDArray[np.intp]:
    """The place of each box among those of its frame, the likeliest first, from 0, (m,)."""
    order = np.lexsort((-likely, owner))
    sorted_owner = owner[order]
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order)) - np.searchsorted(sorted_owner, sorted_owner)
    return place


def calm_frames(table: BoxTable, probability: Float64s, rule: Rule) -> Bools:
    """Which frames have no more likely boxes than the rule may accept on one, (n,)."""
    likely = np.bincount(table.owner, probability >= DOUBTFUL_BELOW, table.frame_count)
    return np.asarray(likely <= rule.most_boxes)


def wrong_counts(checks: Checks, sure: Bools) -> Counts:
    """Accepted boxes of each frame, and those of them that are wrong."""
    wrong = checks.in_each_frame(sure & ~checks.right)
    return Counts(checks.in_each_frame(sure).astype(np.float64), wrong.astype(np.float64))


def missed_counts(checks: Checks, accepted: Accepted, most_objects: int) -> Counts:
    """Objects of each frame that is accepted whole, and those of them that are missed.

    A frame counts at most `most_objects` missed ones.
    """
    found = checks.in_each_frame(accepted.sure & checks.found)
    missed = np.where(accepted.whole, np.minimum(checks.objects - found, most_objects), 0)
    objects = np.where(accepted.whole, found, 0) + missed
    return Counts(objects.astype(np.float64), missed.astype(np.float64))


def with_missed_limit(rule: Rule, limit: float | None) -> Rule:
    """The same rule for boxes, with another limit for whole frames."""
    return replace(rule, missed_limit=limit)


def _doubts(table: BoxTable, probability: Float64s, sure: Bools) -> Float64s:
    doubtful = np.where(sure, 0, probability)
    summed = np.bincount(table.owner, doubtful, table.frame_count)
    largest = np.zeros(table.frame_count)
    np.maximum.at(largest, table.owner, doubtful)
    accepted = np.bincount(table.owner, sure, table.frame_count)
    return np.stack([np.log(summed + 0.02), largest, np.log1p(accepted)], axis=1)
