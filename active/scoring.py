"""The port of scores: how useful it would be to label each frame of a pool."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prelabel.active.ahead import worked_ahead
from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.reasons import RANDOM_REASON
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.predictions import Prediction

NO_NEEDS: frozenset[Need] = frozenset()


class StrategyError(PrelabelError):
    """A strategy is not known, or cannot work on this pool."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A value for every frame of a pool, (n,), higher: more useful; and why, for a few of them.

    Raises InvalidValueError where a value is not finite.
    """

    values: Float64s
    reasons: Callable[[Rows], list[str]]

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all():
            raise InvalidValueError("values to choose by must be finite, but hold NaN or infinity")


class Score(Protocol):
    """A way to value frames; nothing about it is drawn by lot or depends on the pool's order."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> frozenset[Need]:
        """What the pool must hold beside boxes and costs."""
        ...

    def of(self, pool: Pool) -> Scored:
        """The values of a pool."""
        ...


@dataclass(frozen=True, slots=True)
class NoScore:
    """Every frame is worth the same."""

    reason: str = RANDOM_REASON
    name: str = "none"
    needs: frozenset[Need] = NO_NEEDS

    def of(self, pool: Pool) -> Scored:
        return Scored(np.zeros(len(pool)), lambda rows: [self.reason] * len(rows))


def frame_by_frame(
    pool: Pool, columns: Sequence[Column], value: Callable[[BoxTable], Float64s]
) -> Float64s:
    """`value` of each part of a pool, (n,): memory does not grow with the boxes of the pool."""

    def valued(part: tuple[Rows, BoxTable]) -> tuple[Rows, Float64s]:
        rows, boxes = part
        return rows, value(boxes)

    values = np.zeros(len(pool))
    for rows, found in worked_ahead(valued, pool.boxes.chunks(columns)):
        values[rows] = found
    return values


def told(pool: Pool, reason: Callable[[int, Prediction], str]) -> Callable[[Rows], list[str]]:
    """Reasons from the row and the prediction of each chosen frame."""

    def reasons(rows: Rows) -> list[str]:
        return [reason(row, one) for row, one in _with_predictions(pool, rows)]

    return reasons


def _with_predictions(pool: Pool, rows: Rows) -> Iterator[tuple[int, Prediction]]:
    return zip(rows.tolist(), pool.boxes.predictions(rows), strict=True)
