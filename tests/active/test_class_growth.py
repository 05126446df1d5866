"""Expected objects by class, and the selector that grows the labels of all classes."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of, random_pool

from prelabel.active.budgets import Budget, Unit
from prelabel.active.class_growth import HEAD_START, ClassGrowth
from prelabel.active.expected_objects import expected_objects, known_objects
from prelabel.active.pool import Pool
from prelabel.active.selectors import Task
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.arrays import Float64s, Int64s

MISSED = 0.1  # objects a frame without a box, as long as no evidence says otherwise
NOTHING = np.zeros(0, np.intp)


def with_labels(pool: Pool, *boxes: int) -> Pool:
    return replace(pool, labelled_boxes=np.array(boxes, np.int64))


def order_of(pool: Pool, selector: ClassGrowth, taken: ArrayLike = NOTHING) -> list[int]:
    task = Task.of(pool, np.zeros(len(pool)), Budget(1), np.asarray(taken, np.intp))
    return [place.row for place in selector.order(task, np.random.default_rng(0))]


def test_found_and_missed_objects_by_hand() -> None:
    seen = prediction_of("seen", [[0.8, 0.2], [0.1, 0.3]])
    pool = with_labels(pool_of({"seen": seen, "empty": prediction_of("empty", [])}), 3, 1)
    # a box counts its score, split 4 : 1 and 1 : 3; missed ones go 4 : 2 by labels
    found = np.array([[0.8 * 0.8 + 0.3 * 0.25, 0.8 * 0.2 + 0.3 * 0.75], [0, 0]])
    assert expected_objects(pool) == pytest.approx(found + MISSED * np.array([4 / 6, 2 / 6]))


def test_faint_candidates_tell_what_was_missed() -> None:
    frames = {
        "van": prediction_of("van", [], class_peak=[0.03, 0.01]),
        "truck": prediction_of("truck", [], class_peak=[0.01, 0.03]),
        "silent": prediction_of("silent", []),
    }
    objects = expected_objects(with_labels(pool_of(frames), 1, 1))
    assert objects.sum(axis=1) == pytest.approx([MISSED] * 3)
    assert objects[0] == pytest.approx(objects[1][::-1])
    assert objects[0, 0] == pytest.approx(3 * objects[0, 1])
    assert objects[2, 0] == objects[2, 1]


def test_labels_are_those_of_the_pool_or_else_of_the_evidence() -> None:
    pool = random_pool(4, 0)
    in_evidence = np.bincount(pool.evidence.truth_class, minlength=2)
    assert known_objects(pool).tolist() == in_evidence.tolist()
    assert known_objects(with_labels(pool, 7)).tolist() == [7, 0]


def test_growth_by_hand() -> None:
    frames = {
        "van": prediction_of("van", [[0.8, 0]]),
        "truck": prediction_of("truck", [[0, 0.8]]),
    }
    pool = with_labels(pool_of(frames), 95, 4)
    task = Task.of(pool, np.zeros(2), Budget(1), NOTHING)
    first, second = ClassGrowth().order(task, np.random.default_rng(0))
    assert (first.row, second.row) == (1, 0)  # a truck beside 4 teaches more than a van beside 95
    more = np.log1p(0.8 + MISSED * 5 / 101), np.log1p(MISSED * 96 / 101)
    growth = (9**-0.5 - (9 + more[0]) ** -0.5) + (100**-0.5 - (100 + more[1]) ** -0.5)
    assert first.value == pytest.approx(3600 * growth / 11)
    assert first.remark == "for truck (4 labelled so far), about 0.8 expected here"
    assert first.note == "about 11 s"


def test_seconds_count_whatever_the_budget_is() -> None:
    frames = {name: prediction_of(name, [[0.8, 0]]) for name in ("dear", "cheap")}
    pool = replace(pool_of(frames), cost_s=np.array([20, 10], np.float32))
    for unit in Unit:
        task = Task.of(pool, np.zeros(2), Budget(1, unit), NOTHING)
        order = ClassGrowth().order(task, np.random.default_rng(0))
        assert [place.row for place in order] == [1, 0]


def test_what_is_in_the_batch_already_counts() -> None:
    frames = {f"van {n}": prediction_of(f"van {n}", [[0.9, 0]] * 4) for n in range(4)}
    frames["truck"] = prediction_of("truck", [[0, 0.9]])
    pool = with_labels(replace(pool_of(frames), cost_s=np.full(5, 10, np.float32)), 0, 0)
    assert order_of(pool, ClassGrowth(1.0))[0] != 4
    assert order_of(pool, ClassGrowth(1.0), taken=[0, 1, 2])[0] == 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("steepness", [0.1, 0.5, 1.0])
def test_lazy_greed_is_greed(seed: int, steepness: float) -> None:
    pool = random_pool(30, seed, class_count=3)
    order = order_of(pool, ClassGrowth(steepness))
    assert sorted(order) == list(range(30))
    more, known = np.log1p(expected_objects(pool)), known_objects(pool) + HEAD_START
    for row in order:
        gains = _gains(known, more, steepness) / pool.cost_s
        gains[np.array(order[: order.index(row)], np.intp)] = 0
        assert gains[row] == pytest.approx(gains.max(), rel=1e-9)
        known = known + more[row]


def test_a_class_of_few_labels_gets_more_of_them() -> None:
    rng = np.random.default_rng(3)
    class_id: Int64s = (rng.random(200) < 0.1).astype(np.int64)
    frames = {
        str(n): prediction_of(str(n), [[0.7, 0] if one == 0 else [0, 0.7]])
        for n, one in enumerate(class_id.tolist())
    }
    pool = with_labels(replace(pool_of(frames), cost_s=np.full(200, 10, np.float32)), 90, 10)
    chosen = STRATEGIES["class_growth"].choose(pool, Budget(20), rng).indices
    assert class_id[chosen].sum() == class_id.sum() == 15  # all there are


def _gains(known: Float64s, more: Float64s, steepness: float) -> Float64s:
    fall = known**-steepness - (known + more) ** -steepness
    return np.asarray(fall.sum(axis=1), np.float64)
