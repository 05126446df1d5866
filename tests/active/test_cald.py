"""Consistency over changed pictures: by hand, and frames without boxes."""

from dataclasses import replace

import numpy as np
import pytest
from pools import placed_prediction as frame
from pools import pool_of, random_pool

from prelabel.active.box_source import BoxesInMemory
from prelabel.active.budgets import Budget
from prelabel.active.cald import Consistency
from prelabel.active.pool import Pool
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.predictions import Prediction


def pool_with(frames: dict[str, Prediction], *views: dict[str, Prediction]) -> Pool:
    sources = tuple(BoxesInMemory(tuple(view[name] for name in frames)) for view in views)
    return replace(pool_of(frames), views=sources)


def value(own: Prediction, *views: Prediction) -> float:
    pool = pool_with({"a": own}, *({"a": view} for view in views))
    return float(Consistency().of(pool).values[0])


STEADY = frame("a", [0.8, 0])


@pytest.mark.parametrize(
    ("view", "steadiness"),
    [
        (STEADY, 1 + 0.8),
        (frame("a", [0.4, 0]), None),  # another distribution: see below
        (frame("a", [0.8, 0], [(0, 0, 10, 5)]), 0.5 + 0.8),
        (frame("a", [0, 0.8]), 1 + (1 - 0.8) * 0.8),  # of 1, 0.8 has gone to another class
        (frame("a", [0.8, 0], [(50, 50, 60, 60)]), 0),
        (frame("a", []), 0),
    ],
)
def test_by_hand(view: Prediction, steadiness: float | None) -> None:
    if steadiness is None:
        own, other = np.array([0.2, 0.8]), np.array([0.6, 0.4])
        middle = (own + other) / 2
        towards = [(one * np.log2(one / middle)).sum() for one in (own, other)]
        steadiness = 1 + (1 - sum(towards) / 2) * (0.8 + 0.4) / 2
    assert value(STEADY, view) == pytest.approx(-abs(steadiness - 1.3), abs=1e-6)


def test_the_box_nearest_the_base_point_speaks_for_a_frame_and_views_are_averaged() -> None:
    places = ((0, 0, 10, 10), (20, 0, 30, 10))
    own = frame("a", [[0.8, 0], [0.8, 0]], places)
    halved = frame("a", [[0.8, 0], [0.8, 0]], ((0, 0, 10, 10), (20, 0, 30, 5)))
    assert value(own, own) == pytest.approx(-0.5, abs=1e-6)
    assert value(own, halved) == pytest.approx(0, abs=1e-6)
    assert value(own, own, halved) == pytest.approx(-0.25, abs=1e-6)


def test_frames_without_boxes_do_not_come_first() -> None:
    # The released code gives them 0, the best value there is, and takes them all.
    frames = {f"empty {n}": frame(f"empty {n}", [], peak=[0.03, 0.01]) for n in range(20)}
    frames |= {f"shaky {n}": frame(f"shaky {n}", [0.6, 0]) for n in range(3)}
    views = {name: one for name, one in frames.items() if name.startswith("empty")}
    views |= {f"shaky {n}": frame(f"shaky {n}", [0.5, 0], [(0, 0, 10, 8)]) for n in range(3)}
    pool = pool_with(frames, views)
    chosen = STRATEGIES["cald"].choose(pool, Budget(3), np.random.default_rng(0)).indices
    assert sorted(chosen.tolist()) == [20, 21, 22]


def test_a_frame_without_boxes_counts_as_its_best_candidate() -> None:
    empty = frame("a", [], peak=[0.04, 0.02])
    assert value(empty, empty) == pytest.approx(-(1.3 - 0.04), abs=1e-6)
    assert value(empty, STEADY) == pytest.approx(-(1.3 - (0.04 + 0.8) / 2), abs=1e-6)
    assert value(frame("a", []), frame("a", [])) == pytest.approx(-1.3)


def test_the_base_point_can_be_set() -> None:
    pool = pool_with({"a": STEADY}, {"a": STEADY})
    assert Consistency(base_point=1.8).of(pool).values == pytest.approx([0], abs=1e-6)


def test_views_may_come_in_any_order_of_files() -> None:
    pool = random_pool(20, seed=3)
    expected = Consistency().of(pool).values
    shuffled = pool.take(np.random.default_rng(1).permutation(20))
    rows = [pool.frame_ids.index(one) for one in shuffled.frame_ids]
    np.testing.assert_array_equal(Consistency().of(shuffled).values, expected[rows])


def test_without_views_it_says_so() -> None:
    with pytest.raises(StrategyError, match="compares predictions of changed pictures"):
        Consistency().of(pool_of({"a": STEADY}))
