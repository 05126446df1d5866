"""From values and embeddings to choices."""

import numpy as np
import pytest
from builders import frame_id_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from prelabel.active.selectors import distance_to_nearest, k_center, top
from prelabel.datasets.errors import InvalidValueError


def ids(count: int) -> list[str]:
    return [frame_id_of(str(number)) for number in range(count)]


def points(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def test_top_takes_the_highest_in_order(rng: np.random.Generator) -> None:
    assert top(np.array([0.1, 0.9, 0.5]), ids(3), 2, rng).tolist() == [1, 2]
    assert top(np.array([0.1, 0.9, 0.5]), ids(3), 0, rng).tolist() == []


def test_ties_fall_by_lot_and_not_by_place() -> None:
    firsts = {
        int(top(np.zeros(5), ids(5), 1, np.random.default_rng(seed))[0]) for seed in range(60)
    }
    assert firsts == {0, 1, 2, 3, 4}


@given(seed=st.integers(0, 1000), count=st.integers(0, 8))
def test_top_does_not_look_at_the_order_of_the_pool(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    names, values = np.array(ids(8)), rng.integers(0, 3, 8).astype(np.float64)
    order = rng.permutation(8)
    chosen = top(values, names.tolist(), count, np.random.default_rng(7))
    shuffled = top(values[order], names[order].tolist(), count, np.random.default_rng(7))
    assert names[chosen].tolist() == names[order][shuffled].tolist()


def test_values_that_are_not_numbers_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InvalidValueError, match="must be finite"):
        top(np.array([0.1, np.nan]), ids(2), 1, rng)


def test_k_center_by_hand() -> None:
    line = points((0,), (1,), (4,), (10,), (11,))
    chosen, distances = k_center(line, points((0,)), ids(5), 3)
    # 11 is furthest from 0; then 4 (4 from 0, 7 from 11); then 1 or 10, both 1 away
    assert chosen[:2].tolist() == [4, 2]
    assert chosen[2] in (1, 3)
    assert distances.tolist() == [11, 4, 1]


def test_k_center_without_labels_starts_from_the_medoid() -> None:
    line = points((0,), (1,), (4,), (10,), (11,))  # mean 5.2
    chosen, distances = k_center(line, np.zeros((0, 1), np.float32), ids(5), 2)
    assert chosen.tolist() == [2, 4]
    assert distances.tolist() == [0, 7]


def test_k_center_tells_near_duplicates_from_duplicates() -> None:
    far = points((1000, 1000), (1000, 1000.0625), (1000, 1000))
    _, distances = k_center(far, points((1000, 1000)), ids(3), 3)
    assert distances.tolist() == [0.0625, 0, 0]


def test_k_center_chooses_all_of_identical_frames_once() -> None:
    same = np.ones((6, 3), np.float32)
    chosen, _ = k_center(same, np.zeros((0, 3), np.float32), ids(6), 6)
    assert sorted(chosen.tolist()) == list(range(6))


@given(seed=st.integers(0, 1000), labelled=st.integers(0, 3))
def test_k_center_is_greedy_and_does_not_look_at_order(seed: int, labelled: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-3, 4, (9, 2)).astype(np.float32)
    known = rng.integers(-3, 4, (labelled, 2)).astype(np.float32)
    names, order = np.array(ids(9)), rng.permutation(9)
    chosen, distances = k_center(vectors, known, names.tolist(), 5)
    shuffled, _ = k_center(vectors[order], known, names[order].tolist(), 5)
    assert names[chosen].tolist() == names[order][shuffled].tolist()
    for turn in range(0 if labelled else 1, 5):
        centres = np.concatenate([known, vectors[chosen[:turn]]])
        furthest = distance_to_nearest(vectors, centres).max()
        assert distances[turn] == pytest.approx(furthest)


def test_distance_without_centres_is_that_to_the_mean() -> None:
    empty = np.zeros((0, 1), np.float32)
    assert distance_to_nearest(points((0,), (4,)), empty).tolist() == [2, 2]
