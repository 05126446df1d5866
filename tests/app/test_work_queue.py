"""Who gets which frame: order, loans, skipping, and batches that follow one another."""

from collections import Counter
from datetime import timedelta

import pytest
from store_content import labels_of
from work_content import (
    ManualClock,
    Work,
    accepted,
    an_edit,
    begin,
    frame_of,
    numbers,
    record_batch,
)

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.settings import ReviewSettings
from prelabel.store.errors import UnknownEntryError
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.work.counting import count_tasks, frames_in_hand
from prelabel.work.errors import LeaseLostError, NotAllowedError, UnknownTaskError
from prelabel.work.records import TaskState


def test_a_task_tells_why_its_frame_was_chosen(store: Store) -> None:
    work = begin(store)
    task = work.queue.task(4)
    assert (task.frame_id, task.position, task.copy) == (frame_of(3).frame_id, 3, 0)
    assert (task.reason, task.score, task.is_control) == ("frame 3", 0.5, True)
    assert (task.state, task.person, task.leased_until) == (TaskState.QUEUED, None, None)
    with pytest.raises(UnknownTaskError, match="task 99"):
        work.queue.task(99)


def test_filling_twice_makes_tasks_once(store: Store) -> None:
    work = begin(store, frames=3)
    assert work.queue.fill(1) == 0
    assert work.queue.fill_newest() == 0
    assert work.queue.counts()[TaskState.QUEUED] == 3
    kinds = [event.kind for event in store.events()]
    assert kinds.count(EventKind.TASKS_QUEUED) == 1
    with pytest.raises(UnknownEntryError, match="round 7 has no batch"):
        work.queue.fill(7)


def test_people_get_different_frames_in_the_order_of_the_batch(store: Store) -> None:
    work = begin(store, frames=6)
    assert numbers(work.queue.next("ann", 2)) == [1, 2]
    assert numbers(work.queue.next("ben", 2)) == [3, 4]
    assert numbers(work.queue.next("ann", 3)) == [1, 2, 5]
    assert numbers(work.queue.next("ann", 3, holding=[1, 2])) == [5]


def test_nobody_hoards_frames(store: Store) -> None:
    work = begin(store, frames=6, prefetch=1)
    assert numbers(work.queue.next("ann", 6)) == [1, 2]
    assert numbers(work.queue.next("ann", 6, holding=[1, 2])) == []
    work.queue.open(1, "ann")
    assert numbers(work.queue.next("ann", 6, holding=[1, 2])) == [3]
    with pytest.raises(InvalidValueError, match="count"):
        work.queue.next("ann", -1)


def test_a_frame_comes_back_to_the_queue_when_its_loan_is_over(store: Store) -> None:
    work = begin(store, frames=2, lease_minutes=20)
    (task,) = work.queue.next("ann", 1)
    assert task.leased_until == work.clock() + timedelta(minutes=20)
    work.clock.pass_by(minutes=19)
    assert numbers(work.queue.next("ben", 2)) == [2]
    work.clock.pass_by(minutes=1)
    assert numbers(work.queue.next("ben", 2, holding=[2])) == [1]
    with pytest.raises(LeaseLostError, match="task 1 is somebody else's by now: take the next"):
        work.queue.open(1, "ann")
    assert work.queue.open(1, "ben").person == "ben"


def test_a_loan_is_renewed_by_working_and_by_asking(store: Store) -> None:
    work = begin(store, frames=4, lease_minutes=20, prefetch=3)
    work.queue.next("ann", 4)
    work.queue.open(1, "ann")
    for _ in range(3):
        work.clock.pass_by(minutes=15)
        work.drafts.append(1, "ann", [an_edit([])])
        assert work.queue.renew([2, 99], "ann") == [2]
        work.queue.next("ann", 0, holding=[3])
    until = work.clock() + timedelta(minutes=20)
    assert [work.queue.task(number).leased_until for number in (1, 2, 3)] == [until] * 3
    assert numbers(work.queue.next("ben", 4)) == [4]
    assert work.queue.renew([1, 4], "ben") == [4]


def test_until_somebody_takes_it_an_overdue_frame_stays_with_its_person(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann")
    work.clock.pass_by(hours=20)
    work.accept_all(task.number, "ann")
    work.clock.pass_by(hours=20)
    assert work.hand_in(task.number, "ann").state is TaskState.ACCEPTED


def test_what_was_begun_comes_before_what_was_only_lent(store: Store) -> None:
    work = begin(store, frames=4)
    work.queue.next("ann", 3)
    work.queue.open(2, "ann")
    assert numbers(work.queue.next("ann", 3)) == [2, 1, 3]


def test_a_frame_that_was_not_begun_can_be_given_back(store: Store) -> None:
    work = begin(store, frames=2)
    work.queue.next("ann", 2)
    work.queue.open(1, "ann")
    work.queue.open(2, "ann")
    work.accept_all(2, "ann")
    work.queue.release(1, "ann")
    work.queue.release(2, "ann")  # has edits
    work.queue.release(2, "ben")  # is not his
    assert work.queue.task(1).state is TaskState.QUEUED
    assert numbers(work.queue.next("ben", 2)) == [1]
    assert numbers(work.queue.next("ann", 2)) == [2]


def test_skipped_frames_go_to_others_last_and_are_set_aside_at_the_limit(store: Store) -> None:
    work = begin(store, frames=3, skip_limit=2)
    task = work.take("ann")
    skipped = work.queue.skip(task.number, "ann", "too dark")
    assert (skipped.state, skipped.skips, skipped.person) == (TaskState.QUEUED, 1, None)
    assert numbers(work.queue.next("ann", 3)) == [2, 3]
    assert numbers(work.queue.next("ben", 3)) == [1]
    assert work.queue.skip(1, "ben", "much too dark").state is TaskState.SET_ASIDE
    assert work.queue.counts()[TaskState.SET_ASIDE] == 1
    told = [event.details for event in store.events() if event.kind is EventKind.TASK_SKIPPED]
    assert [one["reason"] for one in told] == ["too dark", "much too dark"]
    with pytest.raises(LeaseLostError, match="has been set aside"):
        work.queue.open(1, "ben")
    with pytest.raises(InvalidValueError, match="reason"):
        work.queue.skip(2, "ann", " ")


def test_a_frame_is_set_aside_when_all_who_could_have_skipped_it(store: Store) -> None:
    work = begin(store, frames=1, skip_limit=5, eligible=lambda: ["ann", "ben"])
    for person, state in (("ann", TaskState.QUEUED), ("ben", TaskState.SET_ASIDE)):
        task = work.take(person)
        assert work.queue.skip(task.number, person, "blurred").state is state


def test_an_owner_queues_a_frame_again(store: Store) -> None:
    work = begin(store, frames=2, skip_limit=1)
    task = work.take("ann")
    with pytest.raises(NotAllowedError, match="task 1 of its frame is not finished"):
        work.queue.requeue(task.number, "olga")
    work.queue.skip(task.number, "ann", "blurred")
    again = work.queue.requeue(task.number, "olga")
    assert (again.state, again.skips, again.attempt) == (TaskState.QUEUED, 0, 2)
    assert work.take("ann").number == task.number  # who skipped it may look at it anew


def test_several_copies_go_to_several_people(store: Store) -> None:
    work = begin(store, frames=2, copies=2, reviewer=True, prefetch=4)
    first = work.queue.next("ann", 4)
    assert [(task.position, task.copy) for task in first] == [(0, 0), (1, 0)]
    second = work.queue.next("ben", 4)
    assert [(task.position, task.copy) for task in second] == [(0, 1), (1, 1)]
    work.queue.skip(first[0].number, "ann", "blurred")
    assert numbers(work.queue.next("ann", 4)) == [first[1].number]
    assert numbers(work.queue.next("cat", 4)) == [first[0].number]


def test_copies_that_nobody_is_left_for_are_set_aside(store: Store) -> None:
    everybody = ["ann", "ben", "cat"]
    work = begin(store, 1, copies=3, reviewer=True, skip_limit=5, eligible=lambda: everybody)
    begun = work.take("ann")
    for person in ("ben", "cat"):
        work.queue.skip(work.take(person).number, person, "blurred")
    states = [work.queue.task(number).state for number in (1, 2, 3)]
    assert states == [TaskState.IN_WORK, TaskState.SET_ASIDE, TaskState.SET_ASIDE]
    assert begun.number == 1


def test_labels_from_elsewhere_end_the_work_on_their_frame(store: Store) -> None:
    work = begin(store, frames=3, copies=2, reviewer=True)
    task = work.take("ann")
    store.import_frames([LabelledFrame(frame_of(0), labels_of(0))], "import")
    assert work.queue.counts(1)[TaskState.SUPERSEDED] == 2
    edit = an_edit([accepted(work.drafts.initial(task).boxes[0])])
    with pytest.raises(LeaseLostError, match="its frame got labels in another way"):
        work.drafts.append(task.number, "ann", [edit])
    assert work.drafts.read(task.number, "ann").edits == 1  # kept all the same
    with pytest.raises(LeaseLostError, match="got labels"):
        work.hand_in(task.number, "ann")
    assert work.take("ann").position == 1


def test_a_new_batch_ends_what_nobody_has_touched_of_the_old_one(store: Store) -> None:
    work = begin(store, frames=6, prefetch=0, reviewer=True, skip_limit=1)
    work.finish("ann")  # task 1 waits for a reviewer
    begun, lent = work.take("ann"), work.queue.next("ben", 1)[0]
    skipped = work.take("cat")
    work.queue.skip(skipped.number, "cat", "blurred")
    assert frames_in_hand(store) == {frame_of(number).frame_id for number in (0, 1, 3)}

    second = record_batch(store, [1, 3, 4, 6])  # as if somebody had chosen frames in hand again
    assert work.queue.fill_newest() == 2
    states = {number: work.queue.task(number).state for number in range(1, 7)}
    assert states == {
        1: TaskState.SUBMITTED,
        begun.number: TaskState.IN_WORK,
        lent.number: TaskState.QUEUED,
        skipped.number: TaskState.SET_ASIDE,
        5: TaskState.SUPERSEDED,
        6: TaskState.SUPERSEDED,
    }
    made = [work.queue.task(number) for number in (7, 8)]
    assert [(task.round_number, task.position) for task in made] == [(second, 2), (second, 3)]
    counts = work.queue.counts()
    assert (counts[TaskState.QUEUED], counts[TaskState.IN_WORK]) == (3, 1)
    work.clock.pass_by(hours=1)
    assert numbers(work.queue.next("dan", 5)) == [begun.number]  # the older batch first
    assert count_tasks(store, second)[TaskState.QUEUED] == 2


def test_frames_with_labels_get_no_task(store: Store) -> None:
    number = record_batch(store, range(3))
    store.write_labels(frame_of(1).frame_id, labels_of(1), "ann")
    work = Work(store, ReviewSettings(), ManualClock())
    assert work.queue.fill(number) == 2
    assert [task.position for task in work.queue.next("ann", 5)] == [0, 2]


def test_the_log_tells_what_happened_to_frames(store: Store) -> None:
    work = begin(store, frames=2, skip_limit=1)
    work.finish("ann")
    work.queue.skip(work.take("ann").number, "ann", "blurred")
    kinds = Counter(event.kind for event in store.events())
    assert kinds[EventKind.TASK_SUBMITTED] == kinds[EventKind.TASK_ACCEPTED] == 1
    assert kinds[EventKind.TASK_SKIPPED] == kinds[EventKind.TASK_SET_ASIDE] == 1
    events = list(store.events())
    assert [event.number for event in events] == list(range(1, len(events) + 1))
