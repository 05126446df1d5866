"""Batches: what a strategy chooses, with a stated share drawn at random among it."""

import math

import numpy as np
from numpy.typing import NDArray

from prelabel.active.pool import Pool
from prelabel.active.reasons import CONTROL_REASON
from prelabel.active.strategies import Strategy
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.errors import InvalidValueError

CONTROL_FROM = 10  # a batch of this size or more has at least one control frame


def control_count(count: int, control_share: float) -> int:
    """How many frames of a batch are random control: the share, rounded half up.

    At least 1 in a batch of `CONTROL_FROM` or more; none where the share is 0.
    """
    if not 0 <= control_share <= 1:
        raise InvalidValueError(f"control_share must lie between 0 and 1, but is {control_share}")
    if control_share == 0:
        return 0
    rounded = math.floor(control_share * count + 0.5)
    return max(rounded, 1) if count >= CONTROL_FROM else rounded


def compose_batch(
    strategy: Strategy, pool: Pool, count: int, control_share: float, seed: int
) -> Batch:
    """A batch of `count` frames; the same for the same pool and seed.

    The control frames are drawn first, from the whole pool, so that they are a random sample of
    it; the strategy chooses among the rest. They stand at random places in the working order:
    a batch that is only begun has its share of them too.
    """
    pool.check_holds(count)
    controls = control_count(count, control_share)
    control_rng, strategy_rng, order_rng = (
        np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(3)
    )
    control_rows = _draw(pool, controls, control_rng)
    rest = np.setdiff1d(np.arange(len(pool)), control_rows)
    chosen = _chosen_picks(strategy, pool.take(rest), count - controls, strategy_rng)
    picks: list[Pick] = list(chosen)
    places = np.sort(order_rng.choice(count, controls, replace=False)) if controls else ()
    for place, row in zip(places, control_rows, strict=True):
        cost_s = float(pool.cost_s[row])
        control = Pick(pool.frames[row].frame_id, None, CONTROL_REASON, cost_s, is_control=True)
        picks.insert(int(place), control)
    return Batch(strategy.name, seed, tuple(picks))


def _draw(pool: Pool, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    by_id = np.argsort(np.array(pool.frame_ids, dtype=np.str_), kind="stable")
    return by_id[rng.choice(len(pool), count, replace=False)] if count else by_id[:0]


def _chosen_picks(
    strategy: Strategy, pool: Pool, count: int, rng: np.random.Generator
) -> list[Pick]:
    selection = strategy.choose(pool, count, rng)
    return [
        Pick(
            pool.frames[row].frame_id,
            float(selection.values[row]),
            reason,
            float(pool.cost_s[row]),
        )
        for row, reason in zip(selection.indices, selection.reasons, strict=True)
    ]
