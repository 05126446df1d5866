"""Typical pictures: by hand, and what clusters and neighbourhoods keep."""

import numpy as np
import pytest
from builders import frame_id_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of

from prelabel.active.box_source import NoBoxes
from prelabel.active.budgets import Budget
from prelabel.active.clusters import k_means
from prelabel.active.neighbourhoods import (
    fair_sample,
    mean_neighbour_distance,
    neighbour_distances,
    squared_distances,
)
from prelabel.active.pool import Pool
from prelabel.active.selectors import Task
from prelabel.active.strategies import STRATEGIES, WITHOUT_MODEL
from prelabel.active.typical import Typical

GROUPS = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 105, 106, 1000]


def line_pool(places: list[int], labelled: ArrayLike = ()) -> Pool:
    named = {str(place): prediction_of(str(place), []) for place in places}
    return pool_of(named, np.array(places, np.float64)[:, None], labelled)


def chosen(name: str, pool: Pool, count: int, seed: int = 0) -> tuple[list[float], tuple[str, ...]]:
    selection = STRATEGIES[name].choose(pool, Budget(count), np.random.default_rng(seed))
    return pool.embeddings[selection.indices, 0].tolist(), selection.reasons


@pytest.mark.parametrize("seed", range(5))
def test_typiclust_by_hand(seed: int) -> None:
    pool = line_pool(GROUPS)
    task = Task.of(pool, np.zeros(13), Budget(3), np.zeros(0, np.intp))
    order = list(Typical().order(task, np.random.default_rng(seed)))
    places = [GROUPS[one.row] for one in order]
    # the middle of 7, then the middle of 5, then a neighbour of the first; the single one is last
    assert places[:2] == [103, 2]
    assert places[2] in (102, 104)
    assert places[-1] == 1000
    assert sorted(places) == GROUPS
    told = [order[place].remark for place in (0, 1, -1)]
    assert told == [
        "typical of 7 similar pictures",
        "typical of 5 similar pictures",
        "a picture of a kind of its own",
    ]


def test_clusters_without_labels_come_first() -> None:
    places, _ = chosen("typical", line_pool(GROUPS, [[102.5]]), 2)
    assert places[0] == 2


def test_typicality_is_not_the_middle_of_the_cluster() -> None:
    # 0..4 and 9: the mean is 3.2, but 2 has the nearest neighbours: (2+1+1+2+7)/5 = 2.6
    sparse = mean_neighbour_distance(np.array([[0], [1], [2], [3], [4], [9]], np.float32), 20)
    assert sparse[2] == pytest.approx(2.6)
    assert sparse[3] == pytest.approx((3 + 2 + 1 + 1 + 6) / 5)
    nearest_two = mean_neighbour_distance(np.array([[0], [1], [3]], np.float32), 2)
    assert nearest_two == pytest.approx([2, 1.5, 2.5])
    assert mean_neighbour_distance(np.zeros((1, 2), np.float32), 20).tolist() == [0]


def test_cover_of_typical_frames_by_hand() -> None:
    places, reasons = chosen("typical_cover", line_pool(GROUPS), 3)
    # Mean distances to the 12 others put 1000 in the sparse half; then what is furthest apart.
    assert 1000 not in places
    assert {places[0] < 50, places[1] < 50} == {True, False} or places[1] >= 100
    assert reasons[0] == "the most typical picture of the pool"
    assert reasons[1].startswith("a common kind of picture, at distance")


@given(seed=st.integers(0, 300), count=st.integers(1, 6))
def test_clusters_hold_every_point_and_none_is_empty(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (9, 2)).astype(np.float32)  # many repeat
    clusters = k_means(points, count, rng)
    assert clusters.sizes.min() >= 1
    assert clusters.sizes.sum() == 9
    assert len(clusters.centres) == len(clusters.sizes) <= count
    for number, centre in enumerate(clusters.centres):
        assert centre == pytest.approx(points[clusters.member == number].mean(axis=0), abs=1e-6)


def test_equal_points_are_one_cluster(rng: np.random.Generator) -> None:
    assert k_means(np.ones((5, 3), np.float32), 4, rng).sizes.tolist() == [5]


def test_distances_from_afar_keep_their_digits() -> None:
    far = np.array([[10_000.0, 0], [10_000.5, 0], [10_000.5, 0]], np.float32)
    assert np.sqrt(squared_distances(far, far))[0] == pytest.approx([0, 0.5, 0.5], abs=1e-3)
    assert neighbour_distances(far, np.arange(3), far).tolist() == [0.5, 0, 0]
    assert np.isinf(neighbour_distances(far[:1], np.arange(1), far[:1])).all()


def test_a_fair_sample_is_the_same_in_any_order(rng: np.random.Generator) -> None:
    ids = np.array([frame_id_of(str(number)) for number in range(40)])
    rows, order = np.arange(5, 40), rng.permutation(40)
    sample = ids[fair_sample(ids.tolist(), rows, 10)]
    place = np.argsort(order)
    again = ids[order][fair_sample(ids[order].tolist(), place[rows], 10)]
    assert sample.tolist() == again.tolist() == sorted(sample)
    assert len(sample) == 10
    assert not set(sample) & set(ids[:5])
    assert len(fair_sample(ids.tolist(), rows, 100)) == 35


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_a_start_needs_no_proposals(name: str, rng: np.random.Generator) -> None:
    ids = tuple(frame_id_of(str(number)) for number in range(20))
    vectors = rng.normal(size=(20, 8)).astype(np.float32)
    nothing = np.zeros((0, 0), np.float32)
    pool = Pool(ids, NoBoxes(ids), vectors, np.full(20, 9, np.float32), nothing)
    selection = STRATEGIES[name].choose(pool, Budget(6), rng)
    assert len(set(selection.indices.tolist())) == 6
    assert all(selection.reasons)
