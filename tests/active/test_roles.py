"""Which frames may be chosen and which are for testing only."""

from dataclasses import replace

import pytest
from builders import a_frame, annotations
from hypothesis import given
from hypothesis import strategies as st

from prelabel.active.roles import Roles
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame, LabelledFrame, Split

LABELS = annotations([(0, 0, 9, 9)], [0])


def labelled(*frames: Frame) -> list[LabelledFrame]:
    return [LabelledFrame(frame, LABELS) for frame in frames]


def numbered(count: int) -> list[Frame]:
    return [a_frame(str(number)) for number in range(count)]


def ids(frames: tuple[LabelledFrame, ...]) -> set[str]:
    return {one.frame.frame_id for one in frames}


def test_the_own_test_split_is_used_and_validation_joins_the_pool() -> None:
    one, two, three = numbered(3)
    frames = labelled(one, replace(two, split=Split.VAL), replace(three, split=Split.TEST))
    roles = Roles.of(["card"], frames, test_share=0.9, seed=0)
    assert ids(roles.pool) == {one.frame_id, two.frame_id}
    assert ids(roles.test) == {three.frame_id}


def test_a_share_is_held_out_by_seed_where_there_is_no_test_split() -> None:
    frames = labelled(*numbered(20))
    first = Roles.of(["card"], frames, 0.3, seed=1)
    again = Roles.of(["card"], frames[::-1], 0.3, seed=1)
    other = Roles.of(["card"], frames, 0.3, seed=2)
    assert len(first.test) == 6
    assert ids(first.test) == ids(again.test) != ids(other.test)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


@given(seed=st.integers(0, 200))
def test_recordings_stay_together(seed: int) -> None:
    frames = [
        replace(frame, sequence=f"drive {number // 5}", index=number)
        for number, frame in enumerate(numbered(15))
    ]
    # the first frame of drive 0 was taken at the same instant as the first of drive 1
    for number in (0, 5):
        frames[number] = replace(frames[number], group="instant")
    roles = Roles.of(["card"], labelled(*frames, *[a_frame("single")]), 0.3, seed)
    sides = [frame.frame_id in ids(roles.test) for frame in frames]
    assert len(set(sides[:10])) == 1
    assert len(set(sides[10:])) == 1
    assert not ids(roles.test) & ids(roles.pool)


def test_frames_without_labels_are_left_out() -> None:
    frames = [*labelled(*numbered(4)), LabelledFrame(a_frame("bare"), None)]
    roles = Roles.of(["card"], frames, 0.5, seed=0)
    assert len(roles.pool) + len(roles.test) == 4
    assert set(roles.truth()) == ids(roles.pool)
    assert set(roles.frames()) == ids(roles.pool) | ids(roles.test)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_are_told(count: int) -> None:
    with pytest.raises(BadInputError, match=f"of {count} labelled frames"):
        Roles.of(["card"], labelled(*numbered(count)), 0.5, seed=0)


def test_the_fingerprint_sees_boxes_and_classes() -> None:
    frames = labelled(*numbered(4))
    before = Roles.of(["card"], frames, 0.5, seed=0).fingerprint()
    assert before != Roles.of(["ace"], frames, 0.5, seed=0).fingerprint()
    moved = [LabelledFrame(frames[0].frame, annotations([(0, 0, 9, 8)], [0])), *frames[1:]]
    assert before != Roles.of(["card"], moved, 0.5, seed=0).fingerprint()
