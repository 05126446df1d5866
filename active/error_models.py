"""What a person would have to correct on a frame, learned from frames that were corrected."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.cost import TIGHT_IOU
from prelabel.active.evidence import Evidence
from prelabel.active.lius import BOXES_OF_EACH
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.pairing import agreement
from prelabel.active.presence import classes_of
from prelabel.active.regression import (
    Scaling,
    linear_part,
    logistic_fit,
    poisson_fit,
    sigmoid,
)
from prelabel.datasets.arrays import Bools, Float64s, Int64s

FAINT_BELOW = 0.3  # a box of a lower score is a hint of an object rather than a find
FRAMES_ENOUGH = 10  # labelled frames from which the missed objects of a frame are foretold
PRIOR = 5.0  # boxes or frames that stand for "about a tenth" as long as nothing else is known

ERROR_COLUMNS = (
    Column.CLASS_ID,
    Column.XYXY,
    Column.CLASS_PROBS,
    Column.SPREAD_PX,
    Column.SUPPORT,
    Column.CLASS_PEAK,
)
_OPTIONAL = (Column.CLASS_PROBS, Column.SPREAD_PX, Column.SUPPORT)


@dataclass(frozen=True, slots=True, eq=False)
class BoxErrors:
    """For each box, (m,): the probability that it lies on an object of any class, and if it does,
    that its class is wrong, and that it lies loosely (IoU below 0.75)."""

    is_object: Float64s
    wrong_class: Float64s
    loose: Float64s


@dataclass(frozen=True, slots=True, eq=False)
class BoxErrorModel:
    """Three logistic models with a ridge of 1, over all classes, each class with an offset.

    Features: the logit of the score, the logarithms of support (or agreement) and size, and where
    they are given the margin between the two best classes and the spread as a share of the size.
    The ridge holds the offsets of classes too, so a rare class goes by the others. With fewer than
    five boxes of either outcome it is the score (is it an object), or (k + 1/2) / (n + 5).
    """

    given: frozenset[Column]
    scaling: Scaling
    classes: int
    is_object: Float64s | None
    wrong_class: Float64s
    loose: Float64s

    @classmethod
    def fit(cls, evidence: Evidence, given: frozenset[Column]) -> "BoxErrorModel":
        """The model that labelled frames teach, from these of the optional columns."""
        features = _box_features(evidence.boxes, given)
        scaling = Scaling.of(features)
        class_id = classes_of(evidence.boxes)
        classes = int(class_id.max(initial=-1)) + 1
        design = np.concatenate([scaling.applied(features), _one_hot(class_id, classes)], axis=1)
        found = evidence.iou >= LOCATED_IOU
        return cls(
            given,
            scaling,
            classes,
            logistic_fit(design, found) if _enough(found) else None,
            _fit(design[found], ~evidence.same_class[found]),
            _fit(design[found], evidence.iou[found] < TIGHT_IOU),
        )

    def of(self, table: BoxTable) -> BoxErrors:
        """The errors of these boxes."""
        scaled = self.scaling.applied(_box_features(table, self.given))
        class_id = classes_of(table)

        def likely(coefficients: Float64s) -> Float64s:
            own, offsets = np.split(coefficients, [1 + scaled.shape[1]])
            of_class = np.append(offsets, 0)[np.minimum(class_id, self.classes)]
            return sigmoid(linear_part(own, scaled) + of_class)

        known = self.is_object
        is_object = table.score.astype(np.float64) if known is None else likely(known)
        return BoxErrors(is_object, likely(self.wrong_class), likely(self.loose))


@dataclass(frozen=True, slots=True, eq=False)
class MissedModel:
    """How many objects of a frame no box lies on, by a Poisson regression with a ridge of 1.

    Features: the logarithms of the number of boxes, of the sum of their scores, of that of faint
    ones, of how much they overlap; and the sum and maximum of the best candidates of each class,
    where they are told. The rate of a frame on which nothing is found is not 0 by nature, which no
    score made of boxes can say. With fewer than ten labelled frames it is (k + 1/2) / (n + 5) for
    every frame; never more than twice what was seen on any one.
    """

    uses_peaks: bool
    scaling: Scaling
    coefficients: Float64s
    most: float

    @classmethod
    def fit(cls, evidence: Evidence, uses_peaks: bool) -> "MissedModel":
        """The model that labelled frames teach."""
        features = _frame_features(evidence.boxes, uses_peaks)
        scaling, missed = Scaling.of(features), evidence.missed.astype(np.float64)
        most = max(2 * float(missed.max(initial=0)), 1.0)
        if len(evidence) >= FRAMES_ENOUGH and missed.any():
            coefficients = poisson_fit(scaling.applied(features), missed)
        else:
            coefficients = np.zeros(1 + features.shape[1])
            coefficients[0] = np.log((missed.sum() + 0.5) / (len(evidence) + PRIOR))
        return cls(uses_peaks, scaling, coefficients, most)

    def of(self, table: BoxTable) -> Float64s:
        """The number of missed objects that is expected of each frame, (n,)."""
        scaled = self.scaling.applied(_frame_features(table, self.uses_peaks))
        return np.exp(np.minimum(linear_part(self.coefficients, scaled), np.log(self.most)))


def error_models(evidence: Evidence) -> Callable[[BoxTable], tuple[BoxErrors, Float64s]]:
    """What is expected of the boxes of a table, and of each of its frames to be missed."""
    box_model = cache(lambda given: BoxErrorModel.fit(evidence, given))
    missed_model = cache(lambda uses_peaks: MissedModel.fit(evidence, uses_peaks))

    def expected(table: BoxTable) -> tuple[BoxErrors, Float64s]:
        given = frozenset(
            one
            for one in _OPTIONAL
            if getattr(table, one) is not None and getattr(evidence.boxes, one) is not None
        )
        uses_peaks = table.class_peak is not None and evidence.boxes.class_peak is not None
        return box_model(given).of(table), missed_model(uses_peaks).of(table)

    return expected


def _fit(design: Float64s, outcome: Bools) -> Float64s:
    if _enough(outcome):
        return logistic_fit(design, outcome)
    constant = np.zeros(1 + design.shape[1])
    rate = (outcome.sum() + 0.5) / (len(outcome) + PRIOR)
    constant[0] = np.log(rate / (1 - rate))
    return constant


def _enough(outcome: Bools) -> bool:
    return min(int(outcome.sum()), int((~outcome).sum())) >= BOXES_OF_EACH


def _one_hot(class_id: Int64s, classes: int) -> Float64s:
    return np.asarray(np.eye(classes)[class_id], np.float64)


def _box_features(table: BoxTable, given: frozenset[Column]) -> Float64s:
    score = table.score.astype(np.float64).clip(1e-3, 1 - 1e-3)
    size = _sizes(table)
    counts = table.support if Column.SUPPORT in given else None
    backing = agreement(table) if counts is None else counts.astype(np.float64)
    columns = [np.log(score / (1 - score)), np.log1p(backing), np.log(size)]
    if Column.CLASS_PROBS in given and table.class_probs is not None:
        columns.append(_margin(table.class_probs.astype(np.float64)))
    if Column.SPREAD_PX in given and table.spread_px is not None:
        columns.append(np.log(table.spread_px.mean(axis=1, dtype=np.float64) / size + 1e-3))
    return np.stack(columns, axis=1)


def _frame_features(table: BoxTable, uses_peaks: bool) -> Float64s:
    def total(values: Float64s) -> Float64s:
        return np.log1p(np.bincount(table.owner, values, table.frame_count))

    score = table.score.astype(np.float64)
    columns = [
        np.log1p(table.counts),
        total(score),
        total(np.where(score < FAINT_BELOW, score, 0)),
        total(agreement(table)),
    ]
    if uses_peaks and table.class_peak is not None:
        peak = table.class_peak.astype(np.float64)
        columns += [peak.sum(axis=1), peak.max(axis=1, initial=0)]
    return np.stack(columns, axis=1)


def _sizes(table: BoxTable) -> Float64s:
    if table.xyxy is None:
        return np.ones(len(table.score))
    sides = table.xyxy[:, 2:].astype(np.float64) - table.xyxy[:, :2]
    return np.asarray(np.sqrt(sides.prod(axis=1)).clip(1e-3), np.float64)


def _margin(probs: Float64s) -> Float64s:
    if probs.shape[1] < 2:
        return np.zeros(len(probs))
    two = np.partition(probs, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], np.float64)
