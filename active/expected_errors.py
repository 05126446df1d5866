"""Frames by what a person would have to correct on them, objects without a box included."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.error_models import ERROR_COLUMNS, BoxErrors, error_models
from prelabel.active.pool import Need, Pool
from prelabel.active.regression import binary_entropy
from prelabel.active.scoring import Scored, frame_by_frame, told
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.predictions import Prediction

_RATES = np.logspace(-6, 2, 400)
_COUNTS = np.arange(400.0)


class Wanted(StrEnum):
    """What of the expected errors makes a frame worth labelling."""

    NUMBER = "expected_errors"  # how many there are
    DOUBT = "error_doubt"  # how unsure it is whether there are any: what is certain teaches little


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """Errors that are expected on a frame, learned from frames that were corrected.

    NUMBER is the sum over boxes of min(q, 1 - q) + q (P(wrong class) + P(loose)), q being the
    probability that a box lies on an object, plus the expected number of objects without a box:
    a box that is likelier no object counts as an object hidden, one that is likelier as a false
    box. DOUBT is the sum of H(q) + q (H(wrong class) + H(loose)) plus the entropy of a Poisson
    variable of that expected number, in nats. The idea of summing the errors of four small models
    is that of ECPAL (unpublished, 2026); models and terms here are `error_models`.
    """

    wanted: Wanted = Wanted.NUMBER
    needs: frozenset[Need] = frozenset({Need.EVIDENCE})

    @property
    def name(self) -> str:
        return str(self.wanted)

    def of(self, pool: Pool) -> Scored:
        expected = error_models(pool.evidence)
        value = _number if self.wanted is Wanted.NUMBER else _doubt

        def values(table: BoxTable) -> Float64s:
            boxes, missed = expected(table)
            of_boxes, of_missed = value(boxes, missed)
            return np.bincount(table.owner, of_boxes, table.frame_count) + of_missed

        def reason(row: int, prediction: Prediction) -> str:
            return _reason(prediction, expected)

        return Scored(frame_by_frame(pool, ERROR_COLUMNS, values), told(pool, reason))


def poisson_entropy(rate: Float64s) -> Float64s:
    """Entropy in nats of Poisson variables of these rates, up to 100; interpolated, to 1e-3."""
    return np.asarray(np.interp(rate, _RATES, _entropies(), left=0.0), np.float64)


@cache
def _entropies() -> Float64s:
    log_factorial = np.concatenate([np.zeros(1), np.cumsum(np.log(_COUNTS[1:]))])
    logs = _COUNTS * np.log(_RATES[:, None]) - _RATES[:, None] - log_factorial
    return np.asarray(-(np.exp(logs) * logs).sum(axis=1), np.float64)


def _number(boxes: BoxErrors, missed: Float64s) -> tuple[Float64s, Float64s]:
    wrong = boxes.is_object * (boxes.wrong_class + boxes.loose)
    return np.minimum(boxes.is_object, 1 - boxes.is_object) + wrong, missed


def _doubt(boxes: BoxErrors, missed: Float64s) -> tuple[Float64s, Float64s]:
    inner = binary_entropy(boxes.wrong_class) + binary_entropy(boxes.loose)
    return binary_entropy(boxes.is_object) + boxes.is_object * inner, poisson_entropy(missed)


def _reason(
    prediction: Prediction, expected: Callable[[BoxTable], tuple[BoxErrors, Float64s]]
) -> str:
    boxes, missed = expected(BoxTable.of([prediction]))
    q = boxes.is_object
    false = float(np.where(q >= 0.5, 1 - q, 0).sum())
    hidden = float(np.where(q < 0.5, q, 0).sum() + missed.sum())
    wrong, loose = float((q * boxes.wrong_class).sum()), float((q * boxes.loose).sum())
    return (
        f"expected: {false:.1f} false boxes, {wrong:.1f} of a wrong class, {loose:.1f} loose, "
        f"{hidden:.1f} objects missed"
    )
