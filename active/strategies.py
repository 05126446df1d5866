"""Strategies by name: how a batch of frames is chosen from a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from prelabel.active.k_center import distance_to_nearest, k_center
from prelabel.active.pool import Pool, Selection
from prelabel.active.reasons import RANDOM_REASON, distance_reason, uncertainty_reason
from prelabel.active.scores import Aggregation, Measure, PoolBoxes, box_values, frame_values
from prelabel.active.selectors import top
from prelabel.datasets.errors import PrelabelError


class StrategyError(PrelabelError):
    """A strategy is not known, or cannot work on this pool."""


class Strategy(Protocol):
    """A way to choose: the same frames for the same pool, count and state of `rng`.

    The order of the pool has no influence on which frames are chosen.
    """

    @property
    def name(self) -> str: ...

    def choose(self, pool: Pool, count: int, rng: np.random.Generator) -> Selection:
        """`count` frames in working order; PoolExhaustedError where the pool holds fewer."""
        ...


@dataclass(frozen=True, slots=True)
class RandomStrategy:
    """Every frame is as likely as any other; all values are 0."""

    name: str = "random"

    def choose(self, pool: Pool, count: int, rng: np.random.Generator) -> Selection:
        pool.check_holds(count)
        values = np.zeros(len(pool))
        chosen = top(values, pool.frame_ids, count, rng)
        return Selection(chosen, values, (RANDOM_REASON,) * count)


@dataclass(frozen=True, slots=True)
class KCenterStrategy:
    """Greedy k-center on frame embeddings: what is least like anything labelled.

    The value of a frame is its distance to the nearest labelled one (to the mean of the pool where
    nothing is labelled). Raises StrategyError where the detector gives no embeddings.
    """

    name: str = "kcenter"

    def choose(self, pool: Pool, count: int, rng: np.random.Generator) -> Selection:
        pool.check_holds(count)
        labelled = pool.labelled_embeddings
        self._check(pool)
        chosen, distances = k_center(pool.embeddings, labelled, pool.frame_ids, count)
        values = distance_to_nearest(pool.embeddings, labelled)
        typical = float(np.median(values)) if count else 0.0
        reasons = (
            distance_reason(distance, typical, is_first=turn == 0 and not len(labelled))
            for turn, distance in enumerate(distances.tolist())
        )
        return Selection(chosen, values, tuple(reasons))

    def _check(self, pool: Pool) -> None:
        width, labelled = pool.embeddings.shape[1], pool.labelled_embeddings
        if len(pool) and not width:
            raise StrategyError(
                f"strategy {self.name} compares frame embeddings, but the predictions hold none; "
                "predict with embeddings, or choose another strategy"
            )
        if len(labelled) and len(pool) and labelled.shape[1] != width:
            raise StrategyError(
                f"strategy {self.name}: embeddings of labelled frames have {labelled.shape[1]} "
                f"entries, those of the pool {width}; predict both with one model"
            )


@dataclass(frozen=True, slots=True)
class UncertaintyStrategy:
    """The frames whose boxes the model is least sure of: top of a measure, aggregated."""

    measure: Measure
    aggregation: Aggregation

    @property
    def name(self) -> str:
        return f"{self.measure}_{self.aggregation}"

    def choose(self, pool: Pool, count: int, rng: np.random.Generator) -> Selection:
        pool.check_holds(count)
        boxes = PoolBoxes.of(pool.predictions)
        unsure = box_values(boxes.distribution, self.measure)
        values = frame_values(boxes, unsure, self.aggregation)
        chosen = top(values, pool.frame_ids, count, rng)
        reasons = (uncertainty_reason(pool, boxes, unsure, int(frame)) for frame in chosen)
        return Selection(chosen, values, tuple(reasons))


_ALL: tuple[Strategy, ...] = (
    RandomStrategy(),
    KCenterStrategy(),
    *(UncertaintyStrategy(measure, way) for measure in Measure for way in Aggregation),
)
STRATEGIES: Mapping[str, Strategy] = MappingProxyType({one.name: one for one in _ALL})


def strategy_by_name(name: str) -> Strategy:
    """The strategy a user calls `name`; StrategyError telling the known names otherwise."""
    try:
        return STRATEGIES[name]
    except KeyError:
        raise StrategyError(
            f"unknown strategy {name!r}; choose one of {', '.join(STRATEGIES)}"
        ) from None
