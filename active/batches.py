"""Batches: what a strategy chooses, with a stated share drawn at random among it."""

import math
from dataclasses import replace

import numpy as np

from prelabel.active.budgets import Budget, Unit
from prelabel.active.k_center import by_id
from prelabel.active.pool import Pool, Rows
from prelabel.active.reasons import CONTROL_REASON
from prelabel.active.strategies import NOTHING_TAKEN, Strategy
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.errors import InvalidValueError

CONTROL_FROM = 10  # a batch of this size or more has at least one control frame


def control_count(count: int, control_share: float) -> int:
    """How many frames of a batch are random control: the share, rounded half up.

    At least 1 in a batch of `CONTROL_FROM` or more; none where the share is 0.
    """
    _check_share(control_share)
    if control_share == 0:
        return 0
    rounded = math.floor(control_share * count + 0.5)
    return max(rounded, 1) if count >= CONTROL_FROM else rounded


def compose_batch(
    strategy: Strategy, pool: Pool, budget: Budget, control_share: float, seed: int
) -> Batch:
    """A batch for a budget; the same for the same pool and seed.

    The control frames are drawn first, from the whole pool, so that they are a random sample of
    it; the strategy chooses among the rest. They stand at random places in the working order:
    a batch that is only begun has its share of them too.
    """
    if budget.unit is Unit.FRAMES:
        pool.check_holds(int(budget.amount))
    control_rng, strategy_rng, order_rng = (
        np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(3)
    )
    prices = budget.prices(pool)
    control_rows = _draw(pool, prices, _control_budget(budget, control_share), control_rng)
    rest = replace(budget, amount=max(budget.amount - float(prices[control_rows].sum()), 0.0))
    picks = _chosen_picks(strategy, pool, rest, control_rows, strategy_rng)
    count = len(picks) + len(control_rows)
    places = np.sort(order_rng.choice(count, len(control_rows), replace=False)) if count else ()
    for place, row in zip(places, control_rows, strict=True):
        cost_s = float(pool.cost_s[row])
        control = Pick(pool.frame_ids[row], None, CONTROL_REASON, cost_s, is_control=True)
        picks.insert(int(place), control)
    return Batch(strategy.name, seed, tuple(picks))


def _control_budget(budget: Budget, control_share: float) -> Budget:
    if budget.unit is Unit.FRAMES:
        return replace(budget, amount=control_count(int(budget.amount), control_share))
    _check_share(control_share)
    return replace(budget, amount=control_share * budget.amount)


def _draw(pool: Pool, prices: Float64s, budget: Budget, rng: np.random.Generator) -> Rows:
    """Frames by lot until the next one drawn is not paid for: passing by dear ones would make the
    sample one of cheap frames."""
    shuffled = by_id(pool.frame_ids)[rng.permutation(len(pool))] if budget.amount else NOTHING_TAKEN
    return shuffled[np.cumsum(prices[shuffled]) <= budget.amount * (1 + 1e-9)]


def _chosen_picks(
    strategy: Strategy, pool: Pool, budget: Budget, taken: Rows, rng: np.random.Generator
) -> list[Pick]:
    selection = strategy.choose(pool, budget, rng, taken)
    return [
        Pick(
            pool.frame_ids[row],
            float(selection.values[row]),
            reason,
            float(pool.cost_s[row]),
        )
        for row, reason in zip(selection.indices, selection.reasons, strict=True)
    ]


def _check_share(control_share: float) -> None:
    if not 0 <= control_share <= 1:
        raise InvalidValueError(f"control_share must lie between 0 and 1, but is {control_share}")
