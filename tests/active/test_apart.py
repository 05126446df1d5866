"""Near-duplicates and recordings: held back, and not forgotten."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of, random_pool

from prelabel.active.apart import Apart, alike_within
from prelabel.active.budgets import Budget
from prelabel.active.pool import Pool, Recordings
from prelabel.active.selectors import KCenter, Place, Task, Top

NOTHING = np.zeros(0, np.intp)
SHARE_NOTE = "much of its recording is in the batch already"
ALIKE_NOTE = "like a chosen or labelled picture, but no unlike one is left"


def pool_at(
    vectors: ArrayLike,
    labelled: ArrayLike = (),
    sequence: Sequence[int] = (),
    index: Sequence[int] = (),
) -> Pool:
    where = np.asarray(vectors, np.float32)
    where = where[:, None] if where.ndim == 1 else where
    named = {str(row): prediction_of(str(row), []) for row in range(len(where))}
    pool = pool_of(named, where, labelled)
    if not sequence:
        return pool
    places = Recordings(np.array(sequence, np.int64), np.array(index, np.int64))
    return replace(pool, recordings=places)


def order(
    pool: Pool, values: ArrayLike, budget: int, apart: Apart, taken: Sequence[int] = ()
) -> list[Place]:
    gone = np.array(taken, np.intp)
    task = Task.of(pool, np.asarray(values, np.float64), Budget(budget), gone)
    return list(apart.order(task, np.random.default_rng(0)))


def rows(places: Sequence[Place]) -> list[int]:
    return [one.row for one in places]


def test_what_counts_as_alike() -> None:
    # nearest others at 0.1, 0.1, 4.9, 5, 5: the 90 % quantile is 5, half of it 2.5
    assert alike_within(pool_at([0, 0.1, 5, 10, 15])) == pytest.approx(2.5)
    assert alike_within(pool_at([3])) == 0
    assert alike_within(pool_at(np.zeros((4, 0)))) == 0


def test_near_duplicates_come_last_and_are_told() -> None:
    pool = pool_at([0, 0.1, 5, 10, 15])
    places = order(pool, [9, 8, 7, 6, 5], 5, Apart(Top()))
    assert rows(places) == [0, 2, 3, 4, 1]
    assert [one.note for one in places] == ["", "", "", "", ALIKE_NOTE]


def test_what_is_labelled_or_taken_counts() -> None:
    pool = pool_at([0, 0.1, 5, 10, 15], labelled=[[5.2]])
    places = order(pool, [9, 8, 7, 6, 5], 3, Apart(Top()), taken=[0])
    assert rows(places) == [3, 4, 1, 2]
    assert [one.note for one in places] == ["", "", ALIKE_NOTE, ALIKE_NOTE]


def test_exact_duplicates_are_alike_in_any_pool() -> None:
    same = pool_at([4, 4, 4, 4])  # not even a quantile tells them apart
    assert [one.note for one in order(same, [4, 3, 2, 1], 2, Apart(Top()))] == [
        "",
        *[ALIKE_NOTE] * 3,
    ]


def test_frames_of_a_recording_stand_apart() -> None:
    sequence, index = [0] * 6 + [-1] * 2, [0, 1, 2, 3, 4, 5, 0, 0]
    pool = pool_at(np.arange(8) * 10.0, sequence=sequence, index=index)
    places = order(pool, 8 - np.arange(8.0), 8, Apart(Top(), gap=3, share=1))
    # 0 and 3 are 3 apart; the frames without a recording are free
    assert rows(places) == [0, 3, 6, 7, 1, 2, 4, 5]
    assert rows(order(pool, 8 - np.arange(8.0), 8, Apart(Top(), gap=3, share=1), [1])) == [
        *(4, 6, 7),
        *(0, 2, 3, 5),
    ]


def test_a_recording_has_its_share() -> None:
    sequence = [0] * 5 + [1] * 5
    pool = pool_at(np.arange(10) * 10.0, sequence=sequence, index=[*range(5), *range(5)])
    places = order(pool, 10 - np.arange(10.0), 4, Apart(Top(), gap=1, share=0.1))
    # two recordings: an even part of 4 is 2, though a share of 0.1 would be 1
    assert rows(places)[:4] == [0, 1, 5, 6]
    assert rows(places)[4:] == [2, 3, 4, 7, 8, 9]
    assert {one.note for one in places[4:]} == {SHARE_NOTE}


def test_a_single_recording_is_spread_out() -> None:
    pool = pool_at(np.arange(20) * 10.0, sequence=[0] * 20, index=range(20))
    places = order(pool, 20 - np.arange(20.0), 4, Apart(Top(), gap=5))
    assert rows(places)[:4] == [0, 5, 10, 15]


def test_without_embeddings_recordings_still_count() -> None:
    pool = pool_at(np.zeros((4, 0)), sequence=[0, 0, -1, -1], index=[0, 1, 0, 0])
    assert rows(order(pool, [4, 3, 2, 1], 4, Apart(Top()))) == [0, 2, 3, 1]


def test_names_and_needs() -> None:
    assert Apart(KCenter()).name == "kcenter_apart"
    assert Apart(Top()).needs == KCenter().needs


@given(seed=st.integers(0, 400), taken=st.integers(0, 3))
@settings(max_examples=30)
def test_every_frame_comes_once_and_unlike_ones_first(seed: int, taken: int) -> None:
    rng = np.random.default_rng(seed)
    pool = random_pool(30, seed)
    pool = replace(
        pool,
        embeddings=pool.embeddings.round(0),  # many repeat
        recordings=Recordings(rng.integers(-1, 3, 30), rng.permutation(30).astype(np.int64)),
    )
    gone = rng.choice(30, taken, replace=False).tolist()
    places = order(pool, rng.random(30), 8, Apart(Top()), gone)
    assert sorted([*rows(places), *gone]) == list(range(30))
    first = [one.row for one in places if not one.note]
    known = np.concatenate([pool.labelled_embeddings, pool.embeddings[[*gone, *first]]])
    away, within = np.linalg.norm(known[:, None] - known[None], axis=2), alike_within(pool)
    chosen = np.arange(4 + taken, len(known))
    for row in chosen:
        assert away[row, :row].min() > within
    assert [one.note for one in places] == sorted(
        (one.note for one in places), key=["", SHARE_NOTE, ALIKE_NOTE].index
    )


def test_patience_ends_with_a_pool_of_duplicates() -> None:
    drawn = 0

    class Counting(Top):
        def order(self, task: Task, rng: np.random.Generator):  # type: ignore[no-untyped-def]  # a spy
            nonlocal drawn
            for place in super().order(task, rng):
                drawn += 1
                yield place

    pool = pool_at(np.zeros(6000))
    task = Task.of(pool, np.zeros(6000), Budget(3), NOTHING)
    places = Apart(Counting()).order(task, np.random.default_rng(0))
    assert [next(places).note for _ in range(3)] == ["", ALIKE_NOTE, ALIKE_NOTE]
    assert drawn < 4200
