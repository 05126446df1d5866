"""How unsure a detector is of a frame, from its class vectors alone.

A measure turns the class vector of each box into one value, and an aggregation turns the values of
a frame's boxes into one. The classes of a softmax head and "nothing there" are the outcomes of one
question, those of a sigmoid head are one question each, to be answered with yes or no.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prelabel.active.box_table import BoxTable
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.predictions import ClassScores, Prediction

TOP_BOXES = 3
_TINY = 1e-300  # its logarithm is finite: 0 · log 0 is 0

NOTHING_KNOWN = 0.0  # value of a frame without boxes of which no class_peak is known either


class Measure(StrEnum):
    """How unsure one distribution of outcomes is; higher is less sure."""

    ENTROPY = "entropy"  # -sum p log p, in nats
    MARGIN = "margin"  # 1 - (largest - second largest)
    LEAST_CONFIDENT = "least_confident"  # 1 - largest


class Aggregation(StrEnum):
    """How the values of a frame's boxes become one."""

    SUM = "sum"  # likes crowded frames, which also cost most
    MEAN = "mean"  # likes frames with one odd box
    MAX = "max"
    TOP = "top3"  # mean of the three least sure boxes: neither crowds nor one odd box


@dataclass(frozen=True)
class PoolBoxes:
    """The boxes of all frames of a pool in one table, so that no loop over frames is needed.

    `probs` (m, C) holds the class vector of each box, of the kind `class_scores`; `owner` (m,) the
    frame it belongs to, rising; `real` (m,) is False for the stand-in of a frame without boxes.
    Rows of one frame keep the order of its prediction.
    """

    probs: Float32s
    class_scores: ClassScores
    owner: NDArray[np.intp]
    real: NDArray[np.bool_]
    frame_count: int

    @classmethod
    def of(cls, boxes: BoxTable) -> "PoolBoxes":
        """The class vectors of these boxes, whose table needs them and peaks where there are any.

        Where a model gives only its best class, the vector is (score,). A frame without boxes is
        given one stand-in row made from its best candidate below the threshold, (peak, 0, …): it
        counts as a frame with one faint box, neither first nor last on principle. Where no peak is
        known either it has no row, and the value `NOTHING_KNOWN`.
        """
        rows = boxes.score[:, None] if boxes.class_probs is None else boxes.class_probs
        peaks = _peaks(boxes)
        empty = np.flatnonzero((boxes.counts == 0) & np.isfinite(peaks))
        is_real = np.ones(len(rows), np.bool_)
        if not len(empty):
            return cls(rows, boxes.class_scores, boxes.owner, is_real, boxes.frame_count)
        stand_ins = np.zeros((len(empty), max(rows.shape[1], 1)), np.float32)
        stand_ins[:, 0] = peaks[empty]
        owners = np.concatenate([boxes.owner, empty])
        order = np.argsort(owners, kind="stable")
        table = np.concatenate([rows.reshape(len(rows), stand_ins.shape[1]), stand_ins])[order]
        real = np.concatenate([is_real, np.zeros(len(empty), np.bool_)])[order]
        return cls(table, boxes.class_scores, owners[order], real, boxes.frame_count)

    @cached_property
    def start(self) -> NDArray[np.intp]:
        """Where the rows of each frame begin, (frames + 1,)."""
        return np.searchsorted(self.owner, np.arange(self.frame_count + 1))

    @cached_property
    def distribution(self) -> Float64s:
        """One distribution a box over "nothing there" and the classes, (m, C + 1).

        Exclusive class scores (a softmax) get what is missing to 1. Independent (sigmoid) ones p
        get 1 - max p and are divided by the sum: of use where boxes are compared with each other.
        """
        probs = self.probs.astype(np.float64)
        if self.class_scores is ClassScores.INDEPENDENT:
            nothing = 1 - probs.max(axis=1, keepdims=True, initial=0)
        else:
            nothing = np.maximum(1 - probs.sum(axis=1, keepdims=True), 0)  # rounding may exceed 1
        rows = np.concatenate([nothing, probs], axis=1)
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float64)

    def values(self, measure: Measure) -> Float64s:
        """How unsure the detector is of each box, (m,).

        Exclusive class scores have C + 1 outcomes, their `distribution`. Independent ones answer C
        questions that have 2 to the power of C outcomes: the measure is that of all of them, which
        for a single class is the binary one of its score.
        """
        if self.class_scores is ClassScores.INDEPENDENT:
            return binary_values(self.probs, measure)
        return box_values(self.distribution, measure)


def box_values(distribution: Float64s, measure: Measure) -> Float64s:
    """How unsure each row of a table of distributions is, (m,)."""
    return _MEASURES[measure](distribution)


def binary_values(probs: Float32s, measure: Measure) -> Float64s:
    """How unsure the answers to C independent questions are, (m,), from P(yes) of each, (m, C).

    The entropy of all outcomes is the sum of the binary entropies. The likeliest outcome gives
    each question its likelier answer, the second likeliest all but the least sure one.
    """
    yes = probs.astype(np.float64)
    no = 1 - yes
    if measure is Measure.ENTROPY:
        return _sums(yes * np.log(np.maximum(yes, _TINY)) + no * np.log(np.maximum(no, _TINY)))
    likelier = np.maximum(yes, no)
    likeliest = likelier.prod(axis=1)
    if measure is Measure.LEAST_CONFIDENT:
        return np.asarray(1 - likeliest, np.float64)
    second = likeliest * (np.minimum(yes, no) / likelier).max(axis=1, initial=0)
    return np.asarray(1 - (likeliest - second), np.float64)


def box_uncertainty(prediction: Prediction) -> Float32s:
    """How unsure a detector is of each of its boxes, (n,) in 0 to 1.

    The entropy of the box's `PoolBoxes.distribution`, as a share of that of a detector which holds
    "nothing there" and every class for equally likely.
    """
    return boxes_uncertainty([prediction])[0]


def boxes_uncertainty(predictions: Sequence[Prediction]) -> list[Float32s]:
    """The same for many frames of one detector at once, which takes a tenth of the time."""
    table = BoxTable.of(predictions)
    boxes = PoolBoxes.of(table)
    rows = boxes.distribution[boxes.real]
    entropy = box_values(rows, Measure.ENTROPY) / np.log(boxes.distribution.shape[1])
    return np.split(np.asarray(entropy.clip(0, 1), np.float32), table.start[1:-1])


def frame_values(boxes: PoolBoxes, values: Float64s, aggregation: Aggregation) -> Float64s:
    """One value a frame, (n,), from one a box, (m,)."""
    total = np.full(boxes.frame_count, NOTHING_KNOWN)
    present = np.diff(boxes.start) > 0
    if aggregation is Aggregation.TOP:
        values, boxes = _least_sure(boxes, values)
        aggregation = Aggregation.MEAN
    if aggregation is Aggregation.MAX:
        if len(values):
            total[present] = np.maximum.reduceat(values, boxes.start[:-1][present])
        return total
    sums = np.bincount(boxes.owner, values, boxes.frame_count)
    counts = np.diff(boxes.start) if aggregation is Aggregation.MEAN else 1
    total[present] = (sums / np.maximum(counts, 1))[present]
    return total


def _least_sure(boxes: PoolBoxes, values: Float64s) -> tuple[Float64s, PoolBoxes]:
    """The `TOP_BOXES` highest values of each frame, and the boxes they belong to."""
    falling = np.lexsort((-values, boxes.owner))
    place = np.arange(len(values)) - boxes.start[boxes.owner[falling]]
    kept = np.sort(falling[place < TOP_BOXES])
    of_kept = PoolBoxes(
        boxes.probs[kept],
        boxes.class_scores,
        boxes.owner[kept],
        boxes.real[kept],
        boxes.frame_count,
    )
    return values[kept], of_kept


def _peaks(boxes: BoxTable) -> Float64s:
    """The best score of each frame's candidates, kept or not; NaN where it is not known."""
    if boxes.class_peak is None or not boxes.class_peak.shape[1]:
        return np.full(boxes.frame_count, np.nan)
    return np.asarray(boxes.class_peak.max(axis=1), np.float64)


def _entropy(distribution: Float64s) -> Float64s:
    return _sums(distribution * np.log(np.maximum(distribution, _TINY)))


def _sums(information: Float64s) -> Float64s:
    return np.asarray(0 - information.sum(axis=1), np.float64)  # 0 less 0 is not -0


def _margin(distribution: Float64s) -> Float64s:
    two_largest = np.partition(distribution, -2, axis=1)[:, -2:]
    return np.asarray(1 - (two_largest[:, 1] - two_largest[:, 0]), np.float64)


def _least_confident(distribution: Float64s) -> Float64s:
    return np.asarray(1 - distribution.max(axis=1), np.float64)


_MEASURES: dict[Measure, Callable[[Float64s], Float64s]] = {
    Measure.ENTROPY: _entropy,
    Measure.MARGIN: _margin,
    Measure.LEAST_CONFIDENT: _least_confident,
}
