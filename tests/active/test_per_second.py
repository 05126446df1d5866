"""The most for people's seconds: by hand, against every possible batch, and at its edges."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of

from prelabel.active.budgets import Budget, Unit
from prelabel.active.coverage import Coverage, Purse, best_cover, lazy_greedy, similarities
from prelabel.active.per_second import PerSecond
from prelabel.active.pool import Pool
from prelabel.active.scoring import StrategyError
from prelabel.active.selectors import Task, affordable
from prelabel.datasets.arrays import Float32s, Float64s

NOTHING = np.zeros(0, np.intp)
NONE_KNOWN = np.zeros((0, 1), np.float32)


def points(*places: float) -> Float32s:
    return np.array(places, np.float32)[:, None]


def pool_at(places: ArrayLike, seconds: ArrayLike, labelled: ArrayLike = ()) -> Pool:
    where = np.asarray(places, np.float32)
    where = where[:, None] if where.ndim == 1 else where
    named = {str(row): prediction_of(str(row), []) for row in range(len(where))}
    frames = pool_of(named, where, labelled)
    return Pool(
        frames.frame_ids,
        frames.boxes,
        frames.embeddings,
        np.asarray(seconds, np.float32),
        frames.labelled_embeddings,
    )


def chosen(
    pool: Pool, values: ArrayLike, budget: Budget, selector: PerSecond | None = None
) -> list[int]:
    task = Task.of(pool, np.asarray(values, np.float64), budget, NOTHING)
    order = (selector or PerSecond()).order(task, np.random.default_rng(0))
    return [one.row for one in affordable(order, task.prices, budget.amount)]


def test_similarities_by_hand() -> None:
    similar, radius = similarities(points(0, 1, 3, 7))  # second nearest at 3, 2, 3 and 6
    assert radius == 3
    near, further = 1 - 1 / 9, 1 - 4 / 9
    rows = [[1, near, 0, 0], [near, 1, further, 0], [0, further, 1, 0], [0, 0, 0, 1]]
    assert similar == pytest.approx(np.array(rows), abs=1e-6)


def test_similarities_of_frames_that_repeat() -> None:
    similar, radius = similarities(points(0, 0, 0, 2))
    assert radius == 2
    assert similar[0].tolist() == [1, 1, 1, 0]
    same, radius = similarities(points(5, 5))
    assert (radius, same.tolist()) == (1, [[1, 1], [1, 1]])
    assert similarities(points(5))[0].tolist() == [[1]]


VALUES = np.array([9.0, 9, 4.5, 4])  # at 0, 1, 3 and 7


def test_gains_by_hand() -> None:
    coverage = Coverage.of(points(0, 1, 3, 7), VALUES, NONE_KNOWN)
    # 9 + 8/9 of 9; 9 + 8/9 of 9 + 5/9 of 4.5; 4.5 + 5/9 of 9; 4
    assert coverage.gains() == pytest.approx([17, 19.5, 9.5, 4], abs=1e-5)
    coverage.choose(0)
    # a ninth of what stands at 1 is not covered, and all of what stands at 3
    assert coverage.gains() == pytest.approx([0, 1 + 2.5, 4.5, 4], abs=1e-5)
    labelled = Coverage.of(points(0, 1, 3, 7), VALUES, points(0))
    assert labelled.gains() == pytest.approx([0, 3.5, 4.5, 4], abs=1e-5)


def test_a_budget_of_seconds_by_hand() -> None:
    pool = pool_at([0, 1, 3, 7], [10, 10, 5, 2])
    # a second at 7 gives 2, at 1 gives 1.95, at 3 gives 1.9, at 0 gives 1.7
    assert set(chosen(pool, VALUES, Budget(12, Unit.SECONDS))) == {3, 1}
    # by the second 7 and 3 come to 13.5 in 7 s; by gain alone 1 comes to 19.5 in 10 s
    assert chosen(pool, VALUES, Budget(10, Unit.SECONDS)) == [1]


def test_other_budgets_go_by_the_second_too() -> None:
    pool = pool_at([0, 1, 3, 7], [10, 10, 5, 2])
    assert chosen(pool, VALUES, Budget(1)) == [3]
    assert chosen(pool, VALUES, Budget(0.1, Unit.BOXES)) == [3]


def test_of_duplicates_one_comes_first_and_the_others_last() -> None:
    pool = pool_at([0, 0, 0, 50, 90, 130], [10] * 6)
    order = chosen(pool, [9, 9, 9, 1, 2, 1], Budget(6))
    assert order[0] in (0, 1, 2)
    assert sorted(order[-2:]) == sorted({0, 1, 2} - {order[0]})


def test_without_embeddings_goes_by_value_per_second() -> None:
    pool = pool_at(np.zeros((4, 0)), [10, 2, 1, 5])
    assert chosen(pool, [10, 4, 1.5, 1], Budget(4)) == [1, 2, 0, 3]


def test_values_below_zero_are_refused() -> None:
    with pytest.raises(StrategyError, match=r"at least 0, but one is -0.5"):
        chosen(pool_at([0, 1], [1, 1]), [1, -0.5], Budget(1))


def test_without_any_value_coverage_counts() -> None:
    pool = pool_at([0, 0.1, 0.2, 5, 5.1, 5.2], [3] * 6)
    first, second = chosen(pool, [0] * 6, Budget(2))
    assert {first, second} == {1, 4}


def brute_force(coverage: Coverage, purse: Purse) -> float:
    best, count = 0.0, len(purse.prices)
    for size in range(count + 1):
        for batch in combinations(range(count), size):
            if purse.prices[list(batch)].sum() <= purse.amount:
                best = max(best, worth(coverage, list(batch)))
    return best


def worth(coverage: Coverage, batch: list[int]) -> float:
    state, total = coverage.again(), 0.0
    for point in batch:
        total += state.gain(point)
        state.choose(point)
    return total


def a_case(seed: int, count: int) -> tuple[Coverage, Purse]:
    rng = np.random.default_rng(seed)
    where = rng.normal(size=(count, 2)).astype(np.float32)
    values: Float64s = rng.integers(0, 10, count).astype(np.float64)
    prices: Float64s = rng.integers(1, 12, count).astype(np.float64)
    known = rng.normal(size=(seed % 2, 2)).astype(np.float32)
    return Coverage.of(where, values, known), Purse(prices, float(rng.integers(1, 25)))


@given(seed=st.integers(0, 10_000))
def test_the_promised_share_of_the_best_batch(seed: int) -> None:
    coverage, purse = a_case(seed, 7)
    batch = best_cover(coverage, purse, 7)
    assert purse.prices[batch].sum() <= purse.amount
    assert worth(coverage, batch) >= 0.405 * brute_force(coverage, purse) - 1e-6


@given(seed=st.integers(0, 10_000))
def test_lazy_choice_is_that_of_full_evaluation(seed: int) -> None:
    coverage, purse = a_case(seed, 25)
    plain, left = coverage.again(), purse.amount
    gains: list[tuple[int, float]] = []
    while True:
        ratio = np.where(purse.prices <= left, plain.gains() / purse.prices, -1)
        ratio[[point for point, _ in gains]] = -1
        if ratio.max(initial=-1) < 0:
            break
        point = int(ratio.argmax())
        gains.append((point, plain.gain(point)))
        left -= purse.prices[point]
        plain.choose(point)
    lazy = list(lazy_greedy(coverage.again(), purse.prices, purse))
    assert [gain for _, gain in lazy] == pytest.approx([gain for _, gain in gains], abs=1e-4)


@given(seed=st.integers(0, 500), candidates=st.sampled_from([4, 9, 40]))
@settings(max_examples=25)
def test_few_candidates_still_give_every_frame(seed: int, candidates: int) -> None:
    rng = np.random.default_rng(seed)
    pool = pool_at(rng.normal(size=(40, 3)), rng.integers(1, 9, 40), rng.normal(size=(2, 3)))
    values = rng.random(40)
    selector = PerSecond(candidates)
    assert sorted(chosen(pool, values, Budget(40), selector)) == list(range(40))
    order = rng.permutation(40)
    some = chosen(pool, values, Budget(60, Unit.SECONDS), selector)
    again = chosen(pool.take(order), values[order], Budget(60, Unit.SECONDS), selector)
    assert some == order[again].tolist()
    assert pool.cost_s[some].sum() <= 60


def test_a_batch_may_need_candidates_again(rng: np.random.Generator) -> None:
    pool = pool_at(rng.normal(size=(3000, 4)), rng.integers(1, 9, 3000))
    selector, budget = PerSecond(600), Budget(300)
    order = chosen(pool, rng.random(3000), budget, selector)
    assert len(set(order)) == 300
