"""How unsure a detector is of a frame, from its class vectors alone.

Each box becomes a distribution over "nothing there" and the classes, a measure turns the
distribution into one value, and an aggregation turns the values of a frame's boxes into one.
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
NOTHING_KNOWN = 0.0  # value of a frame without boxes of which no class_peak is known either


class Measure(StrEnum):
    """How unsure one distribution is; higher is less sure."""

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

    `distribution` (m, C + 1) holds a row a box, "nothing there" first, each summing to 1; `owner`
    (m,) the frame it belongs to, rising; `real` (m,) is False for the stand-in of a frame without
    boxes. Rows of one frame keep the order of its prediction.
    """

    distribution: Float64s
    owner: NDArray[np.intp]
    real: NDArray[np.bool_]
    frame_count: int

    @classmethod
    def of(cls, boxes: BoxTable) -> "PoolBoxes":
        """The distributions of these boxes, which need class vectors and peaks where there are any.

        Independent (sigmoid) class scores p get a background of 1 - max p and are divided by the
        sum; exclusive ones (a softmax) get what is missing to 1. Where a model gives only its best
        class, the row is (1 - score, score). A frame without boxes is given one stand-in row made
        from its best candidate below the threshold, (1 - peak, peak): it counts as a frame with
        one faint box, neither first nor last on principle. Where no peak is known either it has
        no row, and the value `NOTHING_KNOWN`.
        """
        rows = _distributions(boxes)
        peaks = _peaks(boxes)
        empty = np.flatnonzero((boxes.counts == 0) & np.isfinite(peaks))
        stand_ins = np.zeros((len(empty), max(rows.shape[1], 2)))
        stand_ins[:, 0], stand_ins[:, 1] = 1 - peaks[empty], peaks[empty]
        if not len(rows):
            rows = np.zeros((0, stand_ins.shape[1]))
        owners = np.concatenate([boxes.owner, empty])
        real = np.arange(len(owners)) < len(rows)
        order = np.argsort(owners, kind="stable")
        table = np.concatenate([rows, stand_ins])[order]
        return cls(table, owners[order], real[order], boxes.frame_count)

    @cached_property
    def start(self) -> NDArray[np.intp]:
        """Where the rows of each frame begin, (frames + 1,)."""
        return np.searchsorted(self.owner, np.arange(self.frame_count + 1))

    def predict_proba(self, rows: NDArray[np.intp]) -> Float64s:
        """The distributions of these rows: what modAL's uncertainty measures ask a classifier."""
        return self.distribution[rows]


def box_values(distribution: Float64s, measure: Measure) -> Float64s:
    """How unsure each row of a table of distributions is, (m,)."""
    return _MEASURES[measure](distribution)


def box_uncertainty(prediction: Prediction) -> Float32s:
    """How unsure a detector is of each of its boxes, (n,) in 0 to 1.

    The entropy of the box's distribution (see `PoolBoxes.of`), as a share of that of a detector
    which holds "nothing there" and every class for equally likely.
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
    distribution, owner, real = boxes.distribution[kept], boxes.owner[kept], boxes.real[kept]
    return values[kept], PoolBoxes(distribution, owner, real, boxes.frame_count)


def _peaks(boxes: BoxTable) -> Float64s:
    """The best score of each frame's candidates, kept or not; NaN where it is not known."""
    if boxes.class_peak is None or not boxes.class_peak.shape[1]:
        return np.full(boxes.frame_count, np.nan)
    return np.asarray(boxes.class_peak.max(axis=1), np.float64)


def _distributions(boxes: BoxTable) -> Float64s:
    if boxes.class_probs is None:
        best = boxes.score.astype(np.float64)
        return np.stack([1 - best, best], axis=1)
    probs = boxes.class_probs.astype(np.float64)
    if boxes.class_scores is ClassScores.INDEPENDENT:
        nothing = 1 - probs.max(axis=1, keepdims=True, initial=0)
    else:
        nothing = np.maximum(1 - probs.sum(axis=1, keepdims=True), 0)  # rounding may exceed 1
    rows = np.concatenate([nothing, probs], axis=1)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float64)


def _entropy(distribution: Float64s) -> Float64s:
    logs = np.log(distribution, out=np.zeros_like(distribution), where=distribution > 0)
    return np.asarray(-(distribution * logs).sum(axis=1), np.float64)


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
