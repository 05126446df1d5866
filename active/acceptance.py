"""Which proposals are accepted without a person, and what is lost where one is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.checks import Checks
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.presence import classes_of
from prelabel.active.regression import Scaling, linear_part, poisson_fit
from prelabel.active.right_boxes import RightBoxes
from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError

ACCEPTANCE_COLUMNS = (Column.CLASS_ID, Column.XYXY, Column.SUPPORT)
DOUBTFUL_BELOW = 0.5  # a box that is likelier wrong than right is never accepted
NEVER = 2.0  # a limit above every probability


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
class Rule:
    """What is accepted: boxes, and frames whole.

    A box is accepted whose probability of being right is at least `box_limit`, or that of its
    class in `class_limits` where there are such; no box of a frame with more than `most_boxes`
    likely ones (probability of at least 0.5). Of the others a frame is accepted whole whose
    expected number of missed objects is at most `missed_limit`; None: no frame is.
    """

    box_limit: float
    most_boxes: int
    missed_limit: float | None = None
    class_limits: Mapping[int, float] | None = None

    def limits(self, class_id: Int64s) -> Float64s:
        """The limit for boxes of these classes, (m,)."""
        if self.class_limits is None:
            return np.full(len(class_id), self.box_limit)
        highest = int(class_id.max(initial=-1)) + 1
        table = [self.class_limits.get(one, NEVER) for one in range(highest)]
        return np.array(table, np.float64)[class_id] if highest else np.zeros(0)

    def told(self) -> dict[str, Any]:
        """The rule in plain JSON values."""
        by_class = self.class_limits
        return {
            "box_limit": self.box_limit,
            "most_boxes": self.most_boxes,
            "missed_limit": self.missed_limit,
            "class_limits": None if by_class is None else {str(k): v for k, v in by_class.items()},
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
    foretold; a rule with lower limits misses fewer.
    """

    right: RightBoxes
    missed: MissedRate
    strict: Rule

    @classmethod
    def fit(cls, checks: Checks, right: RightBoxes, strict: Rule) -> "Judge":
        """A judge that has learned from these frames."""
        probability = right.of(checks.boxes)
        sure = sure_boxes(checks.boxes, probability, strict)
        return cls(right, MissedRate.fit(checks, probability, sure), strict)

    def accept(self, table: BoxTable, rule: Rule) -> Accepted:
        """What the rule accepts of these frames."""
        probability = self.right.of(table)
        strictly = sure_boxes(table, probability, self.strict)
        missed = self.missed.of(table, probability, strictly)
        sure = sure_boxes(table, probability, rule)
        calm = ~crowded(table, probability, rule.most_boxes)
        limit = -np.inf if rule.missed_limit is None else rule.missed_limit
        return Accepted(probability, sure, missed, calm & (missed <= limit))


def sure_boxes(table: BoxTable, probability: Float64s, rule: Rule) -> Bools:
    """The boxes that the rule accepts, (m,)."""
    above = probability >= np.maximum(rule.limits(classes_of(table)), DOUBTFUL_BELOW)
    return above & ~crowded(table, probability, rule.most_boxes)[table.owner]


def crowded(table: BoxTable, probability: Float64s, most_boxes: int) -> Bools:
    """Which frames have more likely boxes than that, (n,)."""
    likely = np.bincount(table.owner, probability >= DOUBTFUL_BELOW, table.frame_count)
    return np.asarray(likely > most_boxes)


def most_boxes_of(table: BoxTable, probability: Float64s) -> int:
    """With more likely boxes than that a frame is crowded, and left to people.

    What is promised must hold out against the worst frame, so a few frames with very many boxes
    make every other frame worth less as evidence: it grows with the share of boxes on frames that
    are not crowded, over the most boxes that these have. The gain grows with that share as well;
    the product of both is at its highest.
    """
    likely = np.bincount(table.owner, probability >= DOUBTFUL_BELOW, table.frame_count)
    if not len(likely):
        return 1
    rising = np.sort(likely)
    held = np.cumsum(rising).astype(np.float64)
    return max(int(rising[np.argmax(np.square(held) / np.maximum(rising, 1))]), 1)


def wrong_losses(checks: Checks, sure: Bools, share: float) -> Float64s:
    """Wrong boxes less the share of accepted ones that may be, by frame, (n,)."""
    wrong = checks.in_each_frame(sure & ~checks.right)
    return np.asarray(wrong - share * checks.in_each_frame(sure), np.float64)


def missed_losses(checks: Checks, accepted: Accepted, share: float, most_objects: int) -> Float64s:
    """Missed objects less the share of objects that may be, by frame, (n,); 0 where not whole.

    A frame counts at most `most_objects` missed ones.
    """
    found = checks.in_each_frame(accepted.sure & checks.found)
    missed = np.minimum(checks.objects - found, most_objects)
    return np.asarray(np.where(accepted.whole, missed - share * (missed + found), 0), np.float64)


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
