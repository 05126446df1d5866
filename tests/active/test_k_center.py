"""Greedy k-center: by hand, against the plain algorithm, and near its numerical limits."""

from collections.abc import Callable

import numpy as np
import pytest
from builders import frame_id_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from prelabel.active.k_center import by_id, distance_to_nearest, k_center
from prelabel.datasets.errors import InvalidValueError


def ids(count: int) -> list[str]:
    return [frame_id_of(str(number)) for number in range(count)]


def points(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def test_by_hand() -> None:
    line = points((0,), (1,), (4,), (10,), (11,))
    chosen, distances = k_center(line, points((0,)), ids(5), 3)
    # 11 is furthest from 0; then 4 (4 from 0, 7 from 11); then 1 or 10, both 1 away
    assert chosen[:2].tolist() == [4, 2]
    assert chosen[2] in (1, 3)
    assert distances.tolist() == [11, 4, 1]


def test_without_labels_starts_from_the_medoid() -> None:
    line = points((0,), (1,), (4,), (10,), (11,))  # mean 5.2
    chosen, distances = k_center(line, np.zeros((0, 1), np.float32), ids(5), 2)
    assert chosen.tolist() == [2, 4]
    assert distances.tolist() == [0, 7]


def test_tells_near_duplicates_from_duplicates() -> None:
    far = points((1000, 1000), (1000, 1000.0625), (1000, 1000))
    _, distances = k_center(far, points((1000, 1000)), ids(3), 3)
    assert distances.tolist() == [0.0625, 0, 0]


def test_chooses_all_of_identical_frames_once() -> None:
    same = np.ones((6, 3), np.float32)
    chosen, _ = k_center(same, np.zeros((0, 3), np.float32), ids(6), 6)
    assert sorted(chosen.tolist()) == list(range(6))


@given(seed=st.integers(0, 1000), labelled=st.integers(0, 3))
def test_is_greedy_and_does_not_look_at_order(seed: int, labelled: int) -> None:
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


def plain_k_center(
    vectors: NDArray[np.float32], known: NDArray[np.float32], names: list[str], count: int
) -> list[int]:
    """The algorithm as published: one pass over everything a pick."""
    order = np.argsort(np.array(names))
    nearest = np.full(len(vectors), np.inf, np.float32)

    def lower(centre: NDArray[np.float32]) -> None:
        offset = vectors[order] - centre
        np.minimum(nearest, np.einsum("ij,ij->i", offset, offset), out=nearest)

    for centre in known:
        lower(centre)
    picks: list[int] = []
    for _ in range(count):
        pick = int(nearest.argmax())
        picks.append(int(order[pick]))
        lower(vectors[order[pick]])
        nearest[pick] = -1
    return picks


def gaussian(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    return rng.standard_normal((count, 24), dtype=np.float32)


def on_a_sphere(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    vectors = gaussian(rng, count)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def far_from_the_origin(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    return gaussian(rng, count) + np.float32(1000)


def grid_with_ties(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    return rng.integers(0, 3, (count, 4)).astype(np.float32)


def bursts_of_near_duplicates(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    scenes = gaussian(rng, 12) + 5
    jitter = rng.normal(0, 1e-4, (count, 24)).astype(np.float32)
    return scenes[rng.integers(0, 12, count)] + jitter


Kind = Callable[[np.random.Generator, int], NDArray[np.float32]]
KINDS: tuple[Kind, ...] = (
    gaussian,
    on_a_sphere,
    far_from_the_origin,
    grid_with_ties,
    bursts_of_near_duplicates,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("labelled", [1, 7])
def test_picks_are_those_of_the_plain_algorithm(kind: Kind, labelled: int) -> None:
    rng = np.random.default_rng(labelled)
    vectors, known = kind(rng, 400), kind(rng, labelled)
    names = [frame_id_of(str(number)) for number in rng.permutation(400)]
    plain = plain_k_center(vectors, known, names, 120)
    for candidates in (1, 5, 60, 400):
        chosen, _ = k_center(vectors, known, names, 120, candidates)
        assert chosen.tolist() == plain, candidates


def test_every_frame_can_be_chosen_with_few_candidates(rng: np.random.Generator) -> None:
    vectors = np.concatenate([np.ones((40, 3)), np.zeros((40, 3))]).astype(np.float32)
    chosen, distances = k_center(vectors, np.zeros((0, 3), np.float32), ids(80), 80, 3)
    assert sorted(chosen.tolist()) == list(range(80))
    assert (distances[2:] == 0).all()


def test_embeddings_whose_squares_overflow_are_refused() -> None:
    huge = np.full((2, 2), 1e30, np.float32)
    with pytest.raises(InvalidValueError, match="overflow"):
        k_center(huge, huge[:1], ids(2), 1)


@given(st.sets(st.text("0a~", min_size=1, max_size=14)))
def test_ids_are_ordered_by_their_letters(ids: set[str]) -> None:
    given_order = tuple(ids)
    assert [given_order[row] for row in by_id(given_order)] == sorted(ids)
