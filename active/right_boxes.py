"""The probability that a box is right, from frames drawn at random."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.checks import Checks
from prelabel.active.pairing import agreement
from prelabel.active.presence import classes_of
from prelabel.active.regression import Scaling, linear_part, logistic_fit, sigmoid
from prelabel.datasets.arrays import Float64s, Int64s

FOLDS = 5
LEAST_BOXES_A_COLUMN = 10  # right, and wrong; fewer say too little to choose what to look at


class Look(StrEnum):
    """What of a box its probability depends on, besides its score and class."""

    SCORE = "score"
    SIZE = "score and size"  # and how many candidates stood behind it
    PLACE = "score, size and place"


_COLUMNS = {Look.SCORE: 1, Look.SIZE: 3, Look.PLACE: 5}


@dataclass(frozen=True, slots=True, eq=False)
class RightBoxes:
    """P(right class, and IoU of at least t with its object), a logistic model with a ridge of 1.

    All classes share the slopes, and each has an offset that the ridge holds near 0: a rare class
    goes by the others, a frequent one by itself. Besides the logit of the score it looks at the
    logarithms of size and support, and at the centre of the box, where that foretells the boxes of
    frames that were left out better (5 folds of whole frames). Fit it on frames drawn at random
    that did not train the detector: the share of right boxes differs elsewhere. It needs the
    columns CLASS_ID, XYXY and SUPPORT of a table.
    """

    look: Look
    scaling: Scaling
    classes: int
    coefficients: Float64s
    uses_support: bool

    @classmethod
    def fit(cls, checks: Checks) -> "RightBoxes":
        """The model that frames with labels teach."""
        uses_support = checks.boxes.support is not None
        features = _features(checks.boxes, uses_support)
        look = _best_look(checks, features)
        class_id = classes_of(checks.boxes)
        classes = int(class_id.max(initial=-1)) + 1
        scaling = Scaling.of(features)
        design = _design(look, scaling.applied(features), class_id, classes)
        return cls(look, scaling, classes, logistic_fit(design, checks.right), uses_support)

    def of(self, table: BoxTable) -> Float64s:
        """The probability of each box, (m,)."""
        scaled = self.scaling.applied(_features(table, self.uses_support))
        # A class never seen has the offset of none.
        design = _design(self.look, scaled, classes_of(table), self.classes)
        return sigmoid(linear_part(self.coefficients, design))


def _best_look(checks: Checks, features: Float64s) -> Look:
    rarer = min(int(checks.right.sum()), int((~checks.right).sum()))
    looks = [look for look in Look if rarer >= LEAST_BOXES_A_COLUMN * _COLUMNS[look]]
    if len(looks) < 2 or len(checks) < FOLDS:
        return Look.SCORE
    losses = {look: _left_out_loss(look, checks, features) for look in looks}
    return min(looks, key=lambda look: losses[look])


def _left_out_loss(look: Look, checks: Checks, features: Float64s) -> float:
    """The mean logarithmic loss on boxes of frames that were left out, in nats."""
    fold = checks.boxes.owner % FOLDS
    right, class_id = checks.right, classes_of(checks.boxes)
    classes = int(class_id.max(initial=-1)) + 1
    total = 0.0
    for number in range(FOLDS):
        out = fold == number
        scaling = Scaling.of(features[~out])
        design = _design(look, scaling.applied(features), class_id, classes)
        linear = linear_part(logistic_fit(design[~out], right[~out]), design[out])
        total += float((np.logaddexp(0, linear) - right[out] * linear).sum())
    return total / len(right)


def _design(look: Look, scaled: Float64s, class_id: Int64s, classes: int) -> Float64s:
    offsets = class_id[:, None] == np.arange(classes)[None, :]
    own = scaled[:, : _COLUMNS[look]]
    return np.concatenate([own, offsets.astype(np.float64)], axis=1)


def _features(table: BoxTable, uses_support: bool) -> Float64s:
    score = table.score.astype(np.float64).clip(1e-4, 1 - 1e-4)
    xyxy = np.ones((len(score), 4)) if table.xyxy is None else table.xyxy.astype(np.float64)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    size = np.sqrt(np.abs(sides.prod(axis=1)).clip(1e-3))
    counts = table.support if uses_support else None
    backing = agreement(table) if counts is None else counts.astype(np.float64)
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    columns = [np.log(score / (1 - score)), np.log(size), np.log1p(backing), *centre.T]
    return np.stack(columns, axis=1)
