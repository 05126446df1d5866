"""Batches: their size, their control share, and that a seed gives them again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import random_pool

from prelabel.active.batches import compose_batch, control_count
from prelabel.active.budgets import Budget
from prelabel.active.pool import PoolExhaustedError
from prelabel.active.strategies import STRATEGIES, strategy_by_name
from prelabel.datasets.errors import InvalidValueError


@pytest.mark.parametrize(
    ("count", "share", "controls"),
    [
        (0, 0.1, 0),
        (4, 0.1, 0),
        (5, 0.1, 1),  # half is rounded up
        (9, 0.01, 0),
        (10, 0.01, 1),  # from ten on at least one
        (20, 0.1, 2),
        (25, 0.1, 3),
        (24, 0.1, 2),
        (20, 0.0, 0),
        (20, 1.0, 20),
    ],
)
def test_how_many_are_control(count: int, share: float, controls: int) -> None:
    assert control_count(count, share) == controls


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"control_share must lie between 0 and 1"):
        control_count(10, 1.5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_batch(name: str) -> None:
    pool = random_pool(40, seed=1)
    batch = compose_batch(strategy_by_name(name), pool, Budget(20), 0.1, seed=5)
    assert (batch.strategy, batch.seed, len(batch)) == (name, 5, 20)
    assert {one.frame_id for one in batch.picks} <= set(pool.frame_ids)
    controls = [one for one in batch.picks if one.is_control]
    assert len(controls) == 2
    assert all(one.score is None and "at random" in one.reason for one in controls)
    assert all(one.score is not None for one in batch.picks if not one.is_control)
    cost = dict(zip(pool.frame_ids, pool.cost_s.tolist(), strict=True))
    assert all(one.cost_s == cost[one.frame_id] for one in batch.picks)


@given(seed=st.integers(0, 500), name=st.sampled_from(list(STRATEGIES)))
def test_a_seed_gives_the_batch_again_in_any_order_of_the_pool(seed: int, name: str) -> None:
    pool = random_pool(25, seed)
    shuffled = pool.take(np.random.default_rng(seed).permutation(25))
    strategy = strategy_by_name(name)
    first = [one.frame_id for one in compose_batch(strategy, pool, Budget(12), 0.2, seed).picks]
    again = [one.frame_id for one in compose_batch(strategy, shuffled, Budget(12), 0.2, seed).picks]
    assert first == again


def test_control_frames_are_a_random_sample_of_the_whole_pool() -> None:
    pool = random_pool(20, seed=3)
    drawn: list[str] = []
    for seed in range(500):
        batch = compose_batch(strategy_by_name("entropy_sum"), pool, Budget(10), 0.2, seed)
        drawn += [one.frame_id for one in batch.picks if one.is_control]
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == 20
    assert 20 < counts.min() <= counts.max() < 85  # 50 expected, 5 standard deviations of 6.9


def test_control_stands_anywhere_in_the_order() -> None:
    pool = random_pool(20, seed=3)
    places = set()
    for seed in range(80):
        batch = compose_batch(strategy_by_name("entropy_sum"), pool, Budget(10), 0.1, seed)
        places |= {place for place, one in enumerate(batch.picks) if one.is_control}
    assert places == set(range(10))


def test_the_whole_pool_and_more() -> None:
    pool = random_pool(12, seed=0)
    batch = compose_batch(strategy_by_name("kcenter"), pool, Budget(12), 0.1, seed=0)
    assert {one.frame_id for one in batch.picks} == set(pool.frame_ids)
    only_control = compose_batch(strategy_by_name("kcenter"), pool, Budget(12), 1.0, seed=0)
    assert all(one.is_control for one in only_control.picks)
    with pytest.raises(PoolExhaustedError):
        compose_batch(strategy_by_name("kcenter"), pool, Budget(13), 0.1, seed=0)
