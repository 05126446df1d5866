"""Strategies by name: a score of frames, and a selector that orders them by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from prelabel.active.apart import Apart
from prelabel.active.balanced_random import BalancedRandom
from prelabel.active.budgets import Budget, Unit
from prelabel.active.cald import Consistency
from prelabel.active.class_growth import ClassGrowth
from prelabel.active.committee import Disagreement
from prelabel.active.divproto import DiversePrototypes
from prelabel.active.enms import EntropyWithoutDuplicates
from prelabel.active.expected_errors import ExpectedErrors, Wanted
from prelabel.active.given import Given
from prelabel.active.kmeans_plus import KMeansPlusPlus
from prelabel.active.lius import Lius
from prelabel.active.medoids import ClassMedoids
from prelabel.active.novelty import Novelty
from prelabel.active.pal import PalOrder
from prelabel.active.per_second import PerSecond
from prelabel.active.pool import Need, Pool, Rows, Selection
from prelabel.active.ppal import DifficultyWeighted
from prelabel.active.scores import Aggregation, Measure
from prelabel.active.scoring import NoScore, Score, StrategyError
from prelabel.active.selectors import KCenter, Selector, Task, Top, affordable
from prelabel.active.typical import Typical, TypicalCover
from prelabel.active.uncertainty import Uncertainty

NOTHING_TAKEN = np.zeros(0, np.intp)


class Strategy(Protocol):
    """A way to choose: the same frames for the same pool, budget and state of `rng`.

    The order of the pool has no influence on which frames are chosen.
    """

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> frozenset[Need]:
        """What the pool must hold beside boxes and costs."""
        ...

    def choose(
        self, pool: Pool, budget: Budget, rng: np.random.Generator, taken: Rows = NOTHING_TAKEN
    ) -> Selection:
        """Frames for the budget in working order, none of those `taken`.

        PoolExhaustedError where a budget of frames is more than there are.
        """
        ...


@dataclass(frozen=True, slots=True)
class ScoredStrategy:
    """Frames in the order of a selector, valued by a score, as long as the budget lasts."""

    name: str
    score: Score
    selector: Selector

    @property
    def needs(self) -> frozenset[Need]:
        return self.score.needs | self.selector.needs

    def choose(
        self, pool: Pool, budget: Budget, rng: np.random.Generator, taken: Rows = NOTHING_TAKEN
    ) -> Selection:
        if budget.unit is Unit.FRAMES:
            pool.check_holds(int(budget.amount), len(taken))
        scored = self.score.of(pool)
        task = Task.of(pool, scored.values, budget, taken)
        chosen = list(affordable(self.selector.order(task, rng), task.prices, budget.amount))
        rows = np.array([one.row for one in chosen], np.intp)
        told = scored.reasons(rows)
        reasons = (place.reason(one) for place, one in zip(chosen, told, strict=True))
        values = scored.values.copy()
        for place in chosen:
            if place.value is not None:
                values[place.row] = place.value
        return Selection(rows, values, tuple(reasons))


RANDOM = ScoredStrategy("random", NoScore(), Top())

_WORTH_SECONDS: tuple[Score, ...] = (
    Uncertainty(Measure.ENTROPY, Aggregation.SUM),
    *(ExpectedErrors(wanted) for wanted in Wanted),
)
_ALL: tuple[Strategy, ...] = (
    RANDOM,
    ScoredStrategy("kcenter", Novelty(), KCenter()),
    ScoredStrategy("typical", NoScore(), Typical()),
    ScoredStrategy("typical_cover", NoScore(), TypicalCover()),
    ScoredStrategy("random_apart", NoScore(), Apart(Top())),
    *(
        ScoredStrategy(score.name, score, Top())
        for score in (Uncertainty(measure, way) for measure in Measure for way in Aggregation)
    ),
    ScoredStrategy("entropy_enms", EntropyWithoutDuplicates(), Top()),
    ScoredStrategy("balanced_random", NoScore(), BalancedRandom()),
    ScoredStrategy("class_growth", NoScore(), ClassGrowth()),
    ScoredStrategy("class_growth_apart", NoScore(), Apart(ClassGrowth())),
    ScoredStrategy("kmeans++", Novelty(), KMeansPlusPlus()),
    ScoredStrategy("divproto", EntropyWithoutDuplicates(), DiversePrototypes()),
    ScoredStrategy("lius_sum", Lius(Aggregation.SUM), Top()),
    ScoredStrategy("lius_max", Lius(Aggregation.MAX), Top()),
    ScoredStrategy("pal", Lius(Aggregation.MAX), PalOrder()),
    ScoredStrategy("difficulty_sum", DifficultyWeighted(), Top()),
    ScoredStrategy("ppal", DifficultyWeighted(), ClassMedoids()),
    *(ScoredStrategy(str(wanted), ExpectedErrors(wanted), Top()) for wanted in Wanted),
    ScoredStrategy("cald", Consistency(), Top()),
    ScoredStrategy("committee", Disagreement(), Top()),
    ScoredStrategy("given", Given(), Top()),
    *(
        ScoredStrategy(f"{score.name}_{selector.name}", score, selector)
        for score in _WORTH_SECONDS
        for selector in (PerSecond(), Apart(PerSecond()))
    ),
)
# They look at nothing but pictures: for a start, before any detector is trained.
WITHOUT_MODEL = ("random", "random_apart", "kcenter", "kmeans++", "typical", "typical_cover")
STRATEGIES: Mapping[str, Strategy] = MappingProxyType({one.name: one for one in _ALL})


def strategy_by_name(name: str) -> Strategy:
    """The strategy a user calls `name`; StrategyError telling the known names otherwise."""
    try:
        return STRATEGIES[name]
    except KeyError:
        raise StrategyError(
            f"unknown strategy {name!r}; choose one of {', '.join(STRATEGIES)}"
        ) from None
