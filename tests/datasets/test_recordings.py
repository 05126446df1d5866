"""Recordings: what is linked, carried, and asked for."""

import numpy as np
import pytest
from followers import follow_by_overlap

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.recordings.films import Film, KeyFrame, Proposed
from prelabel.datasets.recordings.foretelling import appearing, expected_loss
from prelabel.datasets.recordings.key_frames import ask_for_key_frames
from prelabel.datasets.recordings.lifetimes import lifetime
from prelabel.datasets.recordings.linking import KeyBoxes, link

FRAMES = 21
TIMES = np.arange(FRAMES) / 10


def car(at: int) -> list[float]:
    """A car that brakes and drives back: constant velocity does not foretell it."""
    left = 10 + 12 * at - 0.5 * at**2
    return [left, 20, left + 40, 50]


def bus(at: int) -> list[float]:
    return [300 - 4 * at, 100, 380 - 4 * at, 150]


def key(*boxes: list[float]) -> KeyFrame:
    return KeyFrame(
        Boxes(np.array(boxes).reshape(-1, 4)), np.arange(len(boxes)), [None] * len(boxes)
    )


def seen(*boxes: list[float]) -> Proposed:
    corners = np.array(boxes).reshape(-1, 4)
    count = len(boxes)
    return Proposed(Boxes(corners), np.full(count, 0.8, np.float32), np.zeros(count, np.int64))


def test_an_object_is_carried_while_it_is_seen() -> None:
    unwatched = lifetime([5], [], [5, 20], TIMES, is_watched=False)
    assert (unwatched[0], unwatched[-1]) == (0, 19)
    watched = lifetime([5], [6, 7, 8], [5, 20], TIMES, is_watched=True)
    assert (watched[0], watched[-1]) == (3, 10)
    until_a_person_looked = lifetime([5], [6, 7, 8], [2, 5, 9], TIMES, is_watched=True)
    assert (until_a_person_looked[0], until_a_person_looked[-1]) == (3, 8)


def test_boxes_of_key_frames_are_linked_through_proposals() -> None:
    other = [500.0, 300.0, 520.0, 320.0]
    keys = {
        0: KeyBoxes(Boxes([car(0), bus(0)]), [None, "the bus"]),
        20: KeyBoxes(Boxes([bus(20), car(20)]), [None, None]),
    }
    proposals = {
        at: (Boxes([bus(at), other, car(at)]), np.full(3, 0.8, np.float32)) for at in range(1, 20)
    }

    linked = link(FRAMES, keys, proposals, follow_by_overlap)

    assert linked.shown[0][1] == "the bus"
    assert linked.shown[20] == linked.shown[0][::-1]
    assert linked.followed[7].rows.tolist() == [0, 2]
    assert linked.followed[7].track == ("the bus", linked.shown[0][0])
    assert linked.new[7].rows.tolist() == [1]


def test_what_a_person_denied_is_not_new() -> None:
    """A detector sees it before and after a key frame in which a person saw nothing."""
    proposals = {
        at: (Boxes([[500, 300, 520, 320]]), np.ones(1, np.float32)) for at in range(20) if at != 10
    }
    keys = {0: KeyBoxes(Boxes([car(0)]), [None]), 10: KeyBoxes(Boxes([car(10)]), [None])}
    linked = link(FRAMES, keys, proposals, follow_by_overlap)
    assert all(len(rows.rows) == 0 for rows in linked.new.values())


def film(keys: dict[int, KeyFrame], proposals: dict[int, Proposed]) -> Film:
    return Film(TIMES, keys, proposals, follow_by_overlap)


def middles_off(one: Film) -> float:
    """The largest distance of a carried car from where it is."""
    found = [(boxes.boxes.xyxy[0] - car(at))[0] for at, boxes in enumerate(one.carried)]
    return float(np.abs(found).max())


def test_proposals_bend_the_way_between_key_frames() -> None:
    ends = {0: key(car(0)), 20: key(car(20))}
    alone = film(ends, {})
    helped = film(ends, {at: seen(car(at)) for at in range(1, 20)})
    assert middles_off(helped) < 0.5 * middles_off(alone)
    assert max(one.spread[0] for one in helped.carried) < max(
        one.spread[0] for one in alone.carried
    )
    assert helped.classes(9).tolist() == [0]


def test_proposals_are_corrected_as_people_corrected_them() -> None:
    """A detector that sees every car 6 pixels too far right and 10 % too narrow."""

    def wrong(at: int) -> list[float]:
        left, top, right, bottom = car(at)
        return [left + 8, top, right + 4, bottom]

    proposals = {at: seen(wrong(at)) for at in range(FRAMES)}
    keys = {at: key(car(at)) for at in (0, 5, 10, 15, 20)}
    assert middles_off(film(keys, proposals)) < 2


def test_frames_are_asked_for_where_something_is_new() -> None:
    """A bus comes into sight that no key frame shows."""
    there = range(6, 12)
    proposals = {at: seen(car(at), *([bus(at)] if at in there else [])) for at in range(FRAMES)}
    asked = ask_for_key_frames(film({0: key(car(0)), 20: key(car(20))}, proposals), most=2)
    assert asked.frames[0] in there
    assert asked.expected[0] > 0.8
    assert asked.frames[1] not in there
    assert asked.left < asked.expected[1]


def test_without_a_detector_time_tells_where_to_look() -> None:
    asked = ask_for_key_frames(film({0: key(car(0)), 20: key(car(20))}, {}), most=1)
    assert 8 <= asked.frames[0] <= 12
    nothing_known = appearing(4, np.arange(4.0), [])
    assert (nothing_known == 4).all()


def test_the_loss_of_an_offset_is_what_overlaps_lose() -> None:
    sides = np.array([[10.0, 4.0], [10.0, 4.0]])
    loss = expected_loss(np.array([0.0, 1.0]), sides)
    assert loss[0] == 0
    off = np.sqrt(2 / np.pi)
    kept = (10 - off) * (4 - off)
    assert loss[1] == pytest.approx(1 - kept / (80 - kept))
