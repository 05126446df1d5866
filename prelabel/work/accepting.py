"""Making a submission the labels of its frame."""

from dataclasses import dataclass, replace
from typing import Any

from prelabel.datasets.annotations import AnnotationSet
from prelabel.store.changes import Change, Entry
from prelabel.store.labels import append_version
from prelabel.store.records import EventKind
from prelabel.work.notices import tell_if_batch_is_done
from prelabel.work.records import Task, TaskState, Verdict
from prelabel.work.submission_rows import insert_judgement, set_state
from prelabel.work.webhooks import HookKind, queue_delivery


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A submission by number, of which task and whose it is, its labels, and the seconds spent."""

    number: int
    task: Task
    person: str
    labels: AnnotationSet
    seconds: float | None

    def told(self) -> dict[str, Any]:
        """What events and webhooks are told of a submission."""
        return {
            "task": self.task.number,
            "round": self.task.round_number,
            "submission": self.number,
            "person": self.person,
            "boxes": len(self.labels),
            "seconds": self.seconds,
        }


def accept_submission(change: Change, frame: int, what: HandedIn, judge: str | None) -> None:
    """Make a submission the labels of the frame with this row number.

    Other copies of the frame are superseded. The author of the labels is who drew them; the judge,
    if there is one, stands in the event.
    """
    insert_judgement(change, what.number, Verdict.ACCEPTED, judge)
    # Before the labels are written, as they supersede all tasks of the frame that are not done.
    state = TaskState.ACCEPTED
    set_state(change.connection, what.task.number, state, submission=what.number)
    drawn = replace(change, author=what.person)
    round_number = what.task.round_number
    append_version(drawn, frame, what.labels, what.seconds, round_number)
    told = {**what.told(), "judge": judge}
    change.log(EventKind.TASK_ACCEPTED, [Entry(told, frame)])
    queue_delivery(change, HookKind.ACCEPTED, {**told, "frame_id": what.task.frame_id})
    tell_if_batch_is_done(change, round_number)
