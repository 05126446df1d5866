"""Handing in and judging: labels, authors, seconds, and that nothing is written twice."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from store_content import labels_of
from work_content import (
    SHOWN_SCORE,
    accepted,
    an_edit,
    begin,
    box_id,
    drawn,
    frame_of,
    numbers,
    rejected,
)

from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.errors import InvalidValueError
from prelabel.store.records import EventKind, LabelVersion
from prelabel.store.store import Store
from prelabel.work.errors import LeaseLostError, NotWaitingError, UndecidedError
from prelabel.work.records import BoxState, TaskState, Verdict
from prelabel.work.submissions import WITH_CHANGES
from prelabel.work.webhooks import HookKind, Webhooks


def labels_of_frame(store: Store, number: int) -> LabelVersion:
    version = store.labels(frame_of(number).frame_id)
    assert version is not None
    return version


def test_what_is_handed_in_becomes_labels_at_once(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    first, second, third, _ = work.drafts.read(task, "ann").boxes
    moved = replace(accepted(first), xyxy=(12.0, 10.0, 62.0, 50.0))
    boxes = [moved, accepted(second), rejected(third), drawn((5, 5, 50, 50), 2)]
    work.drafts.append(task, "ann", [an_edit(boxes)])
    work.act(task, "ann", 12)
    done = work.hand_in(task, "ann")
    assert done.state is TaskState.ACCEPTED
    assert done.seconds == pytest.approx(12)
    assert work.queue.task(task).state is TaskState.ACCEPTED
    version = labels_of_frame(store, 0)
    assert (version.author, version.round_number, version.number) == ("ann", 1, 1)
    assert version.seconds == pytest.approx(12)
    kinds = [origin.kind for origin in version.annotations.origin]
    assert kinds == [OriginKind.CHANGED, OriginKind.PROPOSED, OriginKind.DRAWN]
    assert store.replay(frame_of(0).frame_id) == [version]
    (handed_in,) = work.submissions.history(task)
    assert (handed_in.verdict, handed_in.judge) == (Verdict.ACCEPTED, None)
    assert handed_in.annotations == version.annotations


def test_an_empty_frame_is_handed_in_as_empty(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    boxes = work.drafts.read(task, "ann").boxes
    work.drafts.append(task, "ann", [an_edit(map(rejected, boxes[:3]), "reject")])
    work.hand_in(task, "ann")
    assert len(labels_of_frame(store, 0).annotations) == 0


def test_undecided_boxes_are_named(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    first = work.drafts.read(task, "ann").boxes[0]
    work.drafts.append(task, "ann", [an_edit([accepted(first)])])
    with pytest.raises(UndecidedError, match=r"2 boxes with a score of 0\.30") as told:
        work.hand_in(task, "ann")
    assert told.value.box_ids == (box_id(0, 1), box_id(0, 2))
    assert work.queue.task(task).state is TaskState.IN_WORK
    assert store.labels(frame_of(0).frame_id) is None
    with pytest.raises(UndecidedError):  # whoever looks at more must decide about more
        work.submissions.submit(task, "ann", 0.05, "other")
    for score, request_id in ((1.5, "a"), (SHOWN_SCORE, ""), (SHOWN_SCORE, "x" * 201)):
        with pytest.raises(InvalidValueError):
            work.submissions.submit(task, "ann", score, request_id)


def test_handing_in_twice_is_handing_in_once(store: Store) -> None:
    work = begin(store)
    task = work.finish("ann").number
    again = work.hand_in(task, "ann")
    assert (again.number, again.state) == (1, TaskState.ACCEPTED)
    with pytest.raises(LeaseLostError, match="has been accepted"):
        work.hand_in(task, "ann", "another request")
    assert len(store.label_history(frame_of(0).frame_id)) == 1
    with pytest.raises(LeaseLostError):
        work.hand_in(task, "ben")


def test_only_who_has_a_task_hands_it_in(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    with pytest.raises(LeaseLostError, match="somebody else's"):
        work.hand_in(task, "ben")
    with pytest.raises(LeaseLostError, match="task 6 is free"):
        work.hand_in(6, "ben")


def test_one_request_sent_by_many_threads_at_once_is_taken_once(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    answers = []

    def send() -> None:
        answers.append(work.hand_in(task, "ann"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.number for one in answers] == [1] * 8
    assert len(store.label_history(frame_of(0).frame_id)) == 1


def test_an_edit_on_its_way_is_never_cut_off(store: Store) -> None:
    """Whatever is kept before a submission is answered is in it, or was refused."""
    work = begin(store, frames=6)
    for round_of_six in range(6):
        task = work.take("ann").number
        work.accept_all(task, "ann")
        new = [drawn((1, 1, 9 + row, 9)) for row in range(5)]
        kept: list[str] = []

        def draw(task: int, new: Sequence[BoxState], kept: list[str]) -> None:
            for box in new:
                try:
                    work.drafts.append(task, "ann", [an_edit([box], "draw")])
                except LeaseLostError:
                    return
                kept.append(box.box_id)

        thread = threading.Thread(target=draw, args=(task, new, kept))
        thread.start()
        work.hand_in(task, "ann")
        thread.join()
        labelled = labels_of_frame(store, round_of_six).annotations.box_id
        assert set(kept) <= set(labelled)


def test_a_reviewer_accepts(store: Store) -> None:
    work = begin(store, frames=2, reviewer=True)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    work.act(task, "ann", 20)
    assert work.hand_in(task, "ann").state is TaskState.SUBMITTED
    assert store.labels(frame_of(0).frame_id) is None
    assert numbers(work.submissions.waiting()) == [task]
    assert work.submissions.accept(task, "rea").state is TaskState.ACCEPTED
    version = labels_of_frame(store, 0)
    assert version.author == "ann"
    assert version.seconds == pytest.approx(20)
    assert work.submissions.waiting() == []
    (told,) = [one for one in store.events() if one.kind is EventKind.TASK_ACCEPTED]
    assert (told.author, told.details["person"], told.details["judge"]) == ("rea", "ann", "rea")
    assert work.submissions.accept(task, "rea").state is TaskState.ACCEPTED
    assert len(store.label_history(frame_of(0).frame_id)) == 1
    with pytest.raises(NotWaitingError, match="does not wait for a reviewer: it is accepted"):
        work.submissions.accept(task, "ruth")
    with pytest.raises(NotWaitingError):
        work.submissions.send_back(task, "rea", "after all")


def test_what_a_reviewer_changed_is_what_is_accepted(store: Store) -> None:
    work = begin(store, frames=1, reviewer=True)
    task = work.finish("ann").number
    work.act(task, "rea", 5)
    first, second, *_ = work.drafts.review(task, "rea").boxes
    changes = [rejected(first), replace(second, class_id=0)]
    work.drafts.append(task, "rea", [an_edit(changes)], reviewing=True)
    work.drafts.append(task, "ruth", [an_edit([rejected(second)])], reviewing=True)
    for _ in range(2):
        work.submissions.accept(task, "rea", submission=1)
    version = labels_of_frame(store, 0)
    assert version.author == "rea"
    assert version.seconds == pytest.approx(5)
    assert version.annotations.box_id == (box_id(0, 1), box_id(0, 2))
    assert version.annotations.class_id.tolist() == [0, 2]
    handed_in, corrected = work.submissions.history(task)
    assert (handed_in.person, handed_in.verdict, handed_in.reason) == (
        "ann",
        Verdict.ACCEPTED,
        WITH_CHANGES,
    )
    assert (corrected.person, corrected.judge, corrected.reason) == ("rea", "rea", None)


def test_a_reviewer_who_looked_at_an_older_submission_is_told(store: Store) -> None:
    work = begin(store, frames=1, reviewer=True)
    task = work.finish("ann").number
    with pytest.raises(InvalidValueError, match="reason"):
        work.submissions.send_back(task, "rea", "")
    work.submissions.send_back(task, "rea", "one is missing", submission=1)
    work.submissions.send_back(task, "rea", "one is missing", submission=1)
    work.queue.next("ann", 1)
    work.hand_in(task, "ann", "second")
    for submission in (1, 77):
        with pytest.raises(NotWaitingError, match="look at it again"):
            work.submissions.accept(task, "ruth", submission=submission)
    work.submissions.accept(task, "ruth", submission=2)
    verdicts = [(one.verdict, one.reason) for one in work.submissions.history(task)]
    assert verdicts == [(Verdict.SENT_BACK, "one is missing"), (Verdict.ACCEPTED, None)]


def test_of_two_reviewers_at_once_one_decides(store: Store) -> None:
    work = begin(store, frames=6, reviewer=True)
    tasks = [work.finish("ann").number for _ in range(6)]
    lost: list[int] = []

    def judge(person: str) -> None:
        for task in tasks:
            try:
                if person == "rea":
                    work.submissions.accept(task, person)
                else:
                    work.submissions.send_back(task, person, "no")
            except NotWaitingError:
                lost.append(task)

    threads = [threading.Thread(target=judge, args=(person,)) for person in ("rea", "ruth")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lost) == tasks
    for number, task in enumerate(tasks):
        (judged,) = work.submissions.history(task)
        is_labelled = store.labels(frame_of(number).frame_id) is not None
        assert is_labelled == (judged.verdict is Verdict.ACCEPTED)


def test_accepting_one_copy_ends_the_others(store: Store) -> None:
    work = begin(store, frames=1, copies=3, reviewer=True)
    first, second = work.finish("ann"), work.take("ben")
    assert work.submissions.agreement(first.number) is None
    boxes = work.drafts.read(second.number, "ben").boxes
    half = [accepted(boxes[0]), *map(rejected, boxes[1:3])]
    work.drafts.append(second.number, "ben", [an_edit(half)])
    work.hand_in(second.number, "ben")
    third = work.take("cat")
    for task in (first, second):
        assert work.submissions.agreement(task.number) == pytest.approx(0.5)
    assert work.submissions.agreement(third.number) is None
    work.submissions.accept(first.number, "rea")
    states = [work.queue.task(one.number).state for one in (first, second, third)]
    assert states == [TaskState.ACCEPTED, TaskState.SUPERSEDED, TaskState.SUPERSEDED]
    with pytest.raises(NotWaitingError):
        work.submissions.accept(second.number, "rea")


def test_seconds_of_a_second_attempt_count_alone(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    work.act(task, "ann", 10)
    work.hand_in(task, "ann")
    work.queue.requeue(task, "olga")
    work.clock.pass_by(minutes=30)
    work.take("ann")
    work.act(task, "ann", 4)
    assert work.hand_in(task, "ann", "second").seconds == pytest.approx(14)
    seconds = [one.seconds for one in store.label_history(frame_of(0).frame_id)]
    assert seconds == [pytest.approx(10), pytest.approx(4)]


def test_labels_that_came_in_first_win(store: Store) -> None:
    work = begin(store, frames=1, reviewer=True)
    task = work.finish("ann").number
    store.write_labels(frame_of(0).frame_id, labels_of(1), "import")
    with pytest.raises(NotWaitingError, match="superseded"):
        work.submissions.accept(task, "rea")
    assert labels_of_frame(store, 0).author == "import"


def test_webhooks_are_told(store: Store) -> None:
    work = begin(store, frames=3, reviewer=True, skip_limit=1)
    hooks = Webhooks(store.database, work.clock)
    hook, _ = hooks.add("https://example.org/hook", list(HookKind), "olga")
    first, second = work.finish("ann").number, work.finish("ann").number
    work.submissions.send_back(first, "rea", "one is missing")
    work.submissions.accept(second, "rea")
    work.queue.next("ann", 1)
    work.hand_in(first, "ann", "second")
    work.submissions.accept(first, "rea")
    work.queue.skip(work.take("ann").number, "ann", "blurred")
    told = list(reversed(hooks.deliveries(hook.number)))
    assert [one.kind for one in told] == [
        HookKind.SUBMITTED,
        HookKind.SUBMITTED,
        HookKind.SENT_BACK,
        HookKind.ACCEPTED,
        HookKind.SUBMITTED,
        HookKind.ACCEPTED,
        HookKind.BATCH_DONE,
    ]
    sent_back = json.loads(told[2].body)["data"]
    assert sent_back["frame_id"] == frame_of(0).frame_id
    assert (sent_back["person"], sent_back["judge"]) == ("ann", "rea")
    assert (sent_back["reason"], sent_back["boxes"]) == ("one is missing", 3)
    done = json.loads(told[-1].body)["data"]
    assert done == {"round": 1, "tasks": {"accepted": 2, "set_aside": 1}}


def test_a_batch_is_done_once(store: Store) -> None:
    work = begin(store, frames=2)
    hooks = Webhooks(store.database, work.clock)
    hook, _ = hooks.add("https://example.org/hook", [HookKind.BATCH_DONE], "olga")
    work.finish("ann")
    assert hooks.deliveries(hook.number) == []
    work.finish("ben")
    assert Counter(one.kind for one in hooks.deliveries(hook.number)) == {HookKind.BATCH_DONE: 1}
