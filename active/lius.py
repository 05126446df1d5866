"""How unsure it is whether the boxes of a frame are true ones, learned from labelled frames."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.evidence import Evidence
from prelabel.active.pairing import agreement
from prelabel.active.pool import Need, Pool
from prelabel.active.presence import FaintBoxes, classes_of
from prelabel.active.regression import (
    Scaling,
    binary_entropy,
    linear_part,
    logistic_fit,
    sigmoid,
)
from prelabel.active.scores import Aggregation
from prelabel.active.scoring import Scored, frame_by_frame, told
from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.wording import counted

BOXES_OF_EACH = 5  # true and false boxes that a class needs for a model of its own

LIUS_COLUMNS = (Column.CLASS_ID, Column.SUPPORT, Column.XYXY)


@dataclass(frozen=True, slots=True, eq=False)
class TrueBoxModel:
    """The probability that a box is true, from its support and its score.

    P(true) = sigmoid(b0 + b1 support + b2 score), a model a class, fitted on boxes of frames whose
    labels came later (PAL, "Portable Active Learning", CVPR 2026, arXiv 2605.10349). Features are
    standardised over all boxes and the coefficients held by a ridge of 1. A class with fewer than
    five true or five false boxes goes by a model of all boxes together, and where these are too few
    the score itself is the probability. Detectors without NMS count no candidates: instead of the
    support it is the sum of the scores of other boxes that overlap by an IoU of at least 0.5.
    """

    by_class: Mapping[int, Float64s]
    pooled: Float64s | None
    scaling: Scaling
    uses_support: bool

    @classmethod
    def fit(cls, evidence: Evidence, uses_support: bool) -> "TrueBoxModel":
        """The model that labelled frames teach."""
        features = _features(evidence.boxes, uses_support)
        scaling = Scaling.of(features)
        scaled, class_id = scaling.applied(features), classes_of(evidence.boxes)
        by_class = {}
        for number in np.unique(class_id).tolist():
            own = class_id == number
            if _enough(evidence.is_right[own]):
                by_class[number] = logistic_fit(scaled[own], evidence.is_right[own])
        is_enough = _enough(evidence.is_right)
        pooled = logistic_fit(scaled, evidence.is_right) if is_enough else None
        return cls(by_class, pooled, scaling, uses_support)

    def of_boxes(self, table: BoxTable) -> Float64s:
        """P(true) of each box, (m,)."""
        return self._of(_features(table, self.uses_support), classes_of(table))

    def of_faint(self, faint: FaintBoxes) -> Float64s:
        """P(true) of the stand-ins of frames without boxes, (k,)."""
        alone = np.full(len(faint.score), 1.0 if self.uses_support else 0.0)
        features = np.stack([alone, faint.score.astype(np.float64)], axis=1)
        return self._of(features, faint.class_id)

    def _of(self, features: Float64s, class_id: Int64s) -> Float64s:
        if self.pooled is None:
            return features[:, 1]
        scaled = self.scaling.applied(features)
        linear = linear_part(self.pooled, scaled)
        for number, coefficients in self.by_class.items():
            own = class_id == number
            linear[own] = linear_part(coefficients, scaled[own])
        return sigmoid(linear)


def true_box_models(evidence: Evidence) -> Callable[[BoxTable], TrueBoxModel]:
    """The model that fits a table: by support where the table and the evidence tell it."""
    fitted = cache(lambda uses_support: TrueBoxModel.fit(evidence, uses_support))
    known = evidence.boxes.support is not None

    def model_for(table: BoxTable) -> TrueBoxModel:
        return fitted(known and table.support is not None)

    return model_for


@dataclass(frozen=True, slots=True)
class Lius:
    """Sum or maximum of the entropy of P(true) over a frame's boxes (PAL's LIUS).

    A frame without boxes counts as one with its best candidate below the detection threshold.
    """

    aggregation: Aggregation = Aggregation.MAX
    needs: frozenset[Need] = frozenset({Need.EVIDENCE})

    @property
    def name(self) -> str:
        return f"lius_{self.aggregation}"

    def of(self, pool: Pool) -> Scored:
        model_for = true_box_models(pool.evidence)

        def values(table: BoxTable) -> Float64s:
            return self._values(model_for(table), table)

        def reason(row: int, prediction: Prediction) -> str:
            return _reason(pool, prediction, model_for)

        columns = (*LIUS_COLUMNS, Column.CLASS_PEAK)
        return Scored(frame_by_frame(pool, columns, values), told(pool, reason))

    def _values(self, model: TrueBoxModel, table: BoxTable) -> Float64s:
        entropy = binary_entropy(model.of_boxes(table))
        faint = FaintBoxes.of(table)
        total = np.zeros(table.frame_count)
        if self.aggregation is Aggregation.MAX:
            np.maximum.at(total, table.owner, entropy)
        else:
            total += np.bincount(table.owner, entropy, table.frame_count)
        total[faint.frame] = binary_entropy(model.of_faint(faint))
        return total


def _reason(
    pool: Pool, prediction: Prediction, model_for: Callable[[BoxTable], TrueBoxModel]
) -> str:
    if not len(prediction):
        return "no box found; judged by the strongest hint below the threshold"
    table = BoxTable.of([prediction])
    likely = model_for(table).of_boxes(table)
    box = int(np.abs(likely - 0.5).argmin())
    name = pool.class_name(int(prediction.class_id[box]))
    return (
        f"{counted(len(prediction), 'box')}; least sure to be real: {name} of score "
        f"{prediction.score[box]:.2f}, right with probability {likely[box]:.2f}"
    )


def _features(table: BoxTable, uses_support: bool) -> Float64s:
    if uses_support and table.support is not None:
        backing = table.support.astype(np.float64)
    else:
        backing = agreement(table)
    return np.stack([backing, table.score.astype(np.float64)], axis=1)


def _enough(is_right: Bools) -> bool:
    return min(int(is_right.sum()), int((~is_right).sum())) >= BOXES_OF_EACH
