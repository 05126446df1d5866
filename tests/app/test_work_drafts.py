"""Edits: kept once, in order, whoever has the task by now; and what they fold to."""

from dataclasses import replace

import pytest
from store_content import labels_of
from work_content import accepted, an_edit, begin, box_id, drawn, frame_of, rejected

from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.frames import LabelledFrame
from prelabel.store.errors import UnknownEntryError
from prelabel.store.store import Store
from prelabel.work.errors import LeaseLostError, NotWaitingError, UnknownTaskError
from prelabel.work.records import BoxStatus, TaskState


def test_edits_are_kept_once_and_in_their_order(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    first = work.drafts.read(task, "ann").boxes[0]
    edits = [an_edit([replace(accepted(first), xyxy=(x, 1.0, 99.0, 50.0))]) for x in (1.0, 2.0)]
    assert work.drafts.append(task, "ann", edits).new == 2
    assert work.drafts.append(task, "ann", edits).new == 0
    later = an_edit([replace(first, xyxy=(3.0, 1.0, 99.0, 50.0))], "move")
    assert work.drafts.append(task, "ann", [edits[0], later, later]).new == 1
    draft = work.drafts.read(task, "ann")
    assert draft.edits == 3
    assert draft.boxes[0].xyxy == (3.0, 1.0, 99.0, 50.0)
    assert draft.boxes[1:] == draft.initial.boxes[1:]


def test_an_edit_begins_the_task(store: Store) -> None:
    work = begin(store)
    (task,) = work.queue.next("ann", 1)
    work.drafts.append(task.number, "ann", [an_edit([])])
    assert work.queue.task(task.number).state is TaskState.IN_WORK


def test_unknown_classes_and_tasks_are_refused_and_nothing_is_kept(store: Store) -> None:
    work = begin(store)
    task = work.take("ann").number
    fine, wrong = an_edit([drawn((1, 1, 9, 9), 2)]), an_edit([drawn((1, 1, 9, 9), 3)])
    with pytest.raises(UnknownEntryError, match="class 3"):
        work.drafts.append(task, "ann", [fine, wrong])
    assert work.drafts.read(task, "ann").edits == 0
    with pytest.raises(UnknownTaskError):
        work.drafts.append(99, "ann", [fine])


def test_whoever_takes_over_starts_from_the_proposals_and_nothing_is_lost(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    work.clock.pass_by(hours=1)
    assert work.take("ben").number == task
    his = work.drafts.read(task, "ben")
    assert (his.edits, his.boxes) == (0, his.initial.boxes)
    late = an_edit([drawn((5, 5, 50, 50))], "draw")
    with pytest.raises(LeaseLostError, match="somebody else's"):
        work.drafts.append(task, "ann", [late])
    assert work.drafts.append(task, "ann", [late]).new == 0  # known: nothing more to say
    hers = work.drafts.read(task, "ann")
    assert (hers.edits, hers.boxes[0].status) == (2, BoxStatus.ACCEPTED)

    work.accept_all(task, "ben")
    work.hand_in(task, "ben")
    version = store.labels(frame_of(0).frame_id)
    assert version is not None
    assert (version.author, len(version.annotations)) == ("ben", 3)
    with pytest.raises(LeaseLostError, match="has been accepted"):
        work.hand_in(task, "ann")


def test_who_gets_a_task_back_goes_on_from_their_own_draft(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    work.clock.pass_by(hours=1)
    work.take("ben")
    work.clock.pass_by(hours=1)
    assert work.take("ann").number == task
    assert work.drafts.read(task, "ann").edits == 1


def test_what_was_sent_back_is_gone_on_with(store: Store) -> None:
    work = begin(store, frames=3, reviewer=True, hold_sent_back_hours=24)
    task = work.finish("ann").number
    held = work.take("ann")
    sent_back = work.submissions.send_back(task, "rea", "the bus is missing")
    assert sent_back.state is TaskState.SENT_BACK
    first, second = work.queue.next("ann", 2)
    assert (first.number, first.sent_back_reason) == (task, "the bus is missing")
    assert second.number == held.number
    work.clock.pass_by(hours=23)
    assert task not in [one.number for one in work.queue.next("ben", 3)]
    assert work.queue.open(task, "ann").sent_back_reason == "the bus is missing"
    draft = work.drafts.read(task, "ann")
    assert [box.status for box in draft.boxes[:3]] == [BoxStatus.ACCEPTED] * 3
    work.drafts.append(task, "ann", [an_edit([drawn((5, 5, 50, 50), 2)], "draw")])
    assert work.hand_in(task, "ann", "second").state is TaskState.SUBMITTED
    assert work.queue.task(task).sent_back_reason is None


def test_what_was_sent_back_goes_to_others_in_the_end(store: Store) -> None:
    work = begin(store, frames=1, reviewer=True, hold_sent_back_hours=24)
    task = work.finish("ann").number
    work.submissions.send_back(task, "rea", "try again")
    work.clock.pass_by(hours=25)
    (taken,) = work.queue.next("ben", 1)
    assert (taken.number, taken.state, taken.sent_back_reason) == (task, TaskState.QUEUED, None)
    with pytest.raises(LeaseLostError):
        work.queue.open(task, "ann")


def test_a_frame_queued_again_starts_from_its_labels(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann").number
    first, second, third, _ = work.drafts.read(task, "ann").boxes
    new = drawn((5, 5, 50, 50), 2)
    moved = replace(accepted(first), xyxy=(11.0, 11.0, 61.0, 51.0))
    boxes = [moved, accepted(second), rejected(third), new]
    work.drafts.append(task, "ann", [an_edit(boxes)])
    work.hand_in(task, "ann")

    work.queue.requeue(task, "olga")
    assert work.take("ann").number == task
    draft = work.drafts.read(task, "ann")
    statuses = {box.box_id: box.status for box in draft.boxes}
    assert statuses == {
        box_id(0, 0): BoxStatus.ACCEPTED,
        box_id(0, 1): BoxStatus.ACCEPTED,
        box_id(0, 2): BoxStatus.REJECTED,
        box_id(0, 3): BoxStatus.PROPOSED,
        new.box_id: BoxStatus.ACCEPTED,
    }
    work.hand_in(task, "ann", "second")
    before, after = store.label_history(frame_of(0).frame_id)
    assert after.annotations == before.annotations
    kinds = [origin.kind for origin in after.annotations.origin]
    assert kinds == [OriginKind.CHANGED, OriginKind.PROPOSED, OriginKind.DRAWN]


def test_a_superseded_frame_queued_again_keeps_the_origins_of_its_labels(store: Store) -> None:
    work = begin(store, frames=1)
    labels = labels_of(5)
    store.import_frames([LabelledFrame(frame_of(0), labels)], "import")
    work.queue.requeue(1, "olga")
    task = work.take("ann").number
    work.hand_in(task, "ann")
    version = store.labels(frame_of(0).frame_id)
    assert version is not None
    assert version.annotations.origin == labels.origin


def test_a_reviewers_edits_are_apart_from_the_annotators(store: Store) -> None:
    work = begin(store, frames=2, reviewer=True)
    task = work.finish("ann").number
    seen = work.drafts.review(task, "rea")
    assert seen.edits == 0
    edit = an_edit([rejected(seen.boxes[0])], "reject")
    with pytest.raises(LeaseLostError):
        work.drafts.append(task, "ann", [edit])
    assert work.drafts.append(task, "rea", [edit], reviewing=True).new == 1
    assert work.drafts.review(task, "rea").boxes[0].status is BoxStatus.REJECTED
    assert work.drafts.review(task, "ruth").boxes[0].status is BoxStatus.ACCEPTED
    with pytest.raises(NotWaitingError, match="does not wait for a reviewer"):
        work.drafts.append(2, "rea", [an_edit([])], reviewing=True)
    with pytest.raises(NotWaitingError, match="has not been submitted"):
        work.drafts.review(2, "rea")
    with pytest.raises(NotWaitingError):
        work.submissions.accept(2, "rea")


def test_turned_boxes_stay_turned(store: Store) -> None:
    work = begin(store, frames=1, angle=0.25)
    task = work.take("ann").number
    work.accept_all(task, "ann")
    work.drafts.append(task, "ann", [an_edit([drawn((5, 5, 50, 50), 2, angle=1.5)], "draw")])
    work.hand_in(task, "ann")
    version = store.labels(frame_of(0).frame_id)
    assert version is not None
    angle = version.annotations.boxes.angle
    assert angle is not None
    assert angle.tolist() == [0.25, 0.25, 0.25, 1.5]
