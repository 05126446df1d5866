"""Strategies in the form that modAL's ActiveLearner asks for.

Each returns `(indices, metrics)`. modAL would take a bare array of two indices apart into an index
and a metric, and call a strategy that returns any other bare array twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.active.batches import compose_batch
from prelabel.active.budgets import Budget
from prelabel.active.estimator import FrameIds
from prelabel.active.learner import DetectionLearner
from prelabel.active.strategies import STRATEGIES, Strategy, strategy_by_name
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.batches import Batch


@dataclass(frozen=True, slots=True)
class QueryStrategy:
    """A strategy for `learner.query(X_pool, n_instances=…, rng=…)`; metrics are the values chosen.

    Without `rng` chance is seeded by the number of labelled frames: the same again for the same
    state of the learner.
    """

    strategy: Strategy

    def __call__(
        self,
        learner: DetectionLearner,
        X_pool: FrameIds,
        n_instances: int = 1,
        rng: np.random.Generator | None = None,
    ) -> tuple[NDArray[np.intp], Float64s]:
        known = 0 if learner.X_training is None else len(learner.X_training)
        pool = learner.estimator.pool(X_pool, learner.X_training)
        chance = rng or np.random.default_rng(known)
        selection = self.strategy.choose(pool, Budget(n_instances), chance)
        return selection.indices, selection.values[selection.indices]


@dataclass(frozen=True, slots=True)
class BatchQuery:
    """A whole batch with its control share, for `learner.query(..., seed=…, return_metrics=True)`.

    The metrics are the Batch: its picks stand in the order of the indices. A `budget` of boxes or
    seconds stands in for the number of instances.
    """

    strategy: Strategy
    control_share: float

    def __call__(
        self,
        learner: DetectionLearner,
        X_pool: FrameIds,
        n_instances: int = 1,
        *,
        seed: int,
        budget: Budget | None = None,
    ) -> tuple[NDArray[np.intp], Batch]:
        pool = learner.estimator.pool(X_pool, learner.X_training)
        wanted = budget or Budget(n_instances)
        batch = compose_batch(self.strategy, pool, wanted, self.control_share, seed)
        place: dict[str, Any] = {frame_id: row for row, frame_id in enumerate(X_pool)}
        return np.array([place[one.frame_id] for one in batch.picks], np.intp), batch


QUERY_STRATEGIES: Mapping[str, QueryStrategy] = MappingProxyType(
    {name: QueryStrategy(strategy) for name, strategy in STRATEGIES.items()}
)


def query_strategy_by_name(name: str) -> QueryStrategy:
    """The modAL query strategy called `name`; StrategyError telling the known names otherwise."""
    return QueryStrategy(strategy_by_name(name))
