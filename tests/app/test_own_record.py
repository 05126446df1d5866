"""People see what they have done, how long it took, and what was sent back and why."""

import pytest
from work_content import Work, begin, frame_of

from prelabel.store.store import Store
from prelabel.work.judged import PersonRecord, SentBack


@pytest.fixture
def work(store: Store) -> Work:
    return begin(store, frames=4, reviewer=True)


def hand_in(work: Work, person: str, seconds: float) -> int:
    """The next task of a person, worked on for so long and handed in; its number."""
    task = work.take(person).number
    work.clock.pass_by(seconds=seconds)
    work.act(task, person, seconds)
    work.accept_all(task, person)
    work.hand_in(task, person, f"request {work.clock()}")
    return task


def test_whoever_did_nothing_has_an_empty_record(work: Work) -> None:
    assert work.times.record("ann") == PersonRecord("ann", 0, 0.0, 0, 0, ())
    assert work.times.records() == []


def test_a_record_says_what_became_of_each_task(work: Work) -> None:
    first, second = hand_in(work, "ann", 10), hand_in(work, "ann", 20)
    other = hand_in(work, "ben", 5)
    assert work.times.record("ann") == PersonRecord("ann", 2, 30.0, 0, 2, ())
    work.submissions.accept(first, "olga")
    work.submissions.send_back(second, "olga", "a heron is missing")
    sent_back = SentBack(second, frame_of(1).frame_id, work.clock(), "a heron is missing", "olga")
    assert work.times.record("ann") == PersonRecord("ann", 2, 30.0, 1, 0, (sent_back,))
    assert work.times.record("ben") == PersonRecord("ben", 1, 5.0, 0, 1, ())
    assert [one.person for one in work.times.records()] == ["ann", "ben"]

    work.clock.pass_by(minutes=1)
    assert hand_in(work, "ann", 8) == second  # what came back comes first
    assert work.times.record("ann") == PersonRecord("ann", 2, 38.0, 1, 1, (sent_back,))
    work.submissions.send_back(second, "olga", "the other one, too")
    work.submissions.send_back(other, "olga", "look again")
    reasons = [one.reason for one in work.times.record("ann").sent_back]
    assert reasons == ["the other one, too", "a heron is missing"]  # newest first


def test_time_without_a_submission_counts(work: Work) -> None:
    task = work.take("ann").number
    work.clock.pass_by(minutes=1)
    work.act(task, "ann", 20)
    assert work.times.record("ann") == PersonRecord("ann", 0, 20.0, 0, 0, ())
    assert work.times.records() == [work.times.record("ann")]
