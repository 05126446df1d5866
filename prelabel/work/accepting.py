"""Making a submission the labels of its frame."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select

from prelabel.datasets.annotations import AnnotationSet
from prelabel.store.changes import Change, Entry
from prelabel.store.labels import write_labels
from prelabel.store.records import EventKind
from prelabel.store.tables import frames
from prelabel.work.records import TaskState, Verdict
from prelabel.work.submission_rows import insert_judgement, set_state


@dataclass(frozen=True, slots=True)
class Acceptable:
    """A submission by number, whose it is, its labels, and the human seconds they took."""

    number: int
    person: str
    labels: AnnotationSet
    seconds: float | None


def accept_submission(change: Change, row: Row[Any], what: Acceptable, judge: str | None) -> None:
    """Write the labels of the task in `row`; other copies of its frame are superseded.

    The author of the labels is who drew them; the judge, if there is one, stands in the event.
    """
    connection = change.connection
    insert_judgement(change, what.number, Verdict.ACCEPTED, judge)
    set_state(connection, row.number, TaskState.ACCEPTED)  # before the labels supersede the rest
    wanted = select(frames.c.frame_id).where(frames.c.number == row.frame)
    frame_id = connection.execute(wanted).scalar_one()
    drawn = replace(change, author=what.person)
    write_labels(drawn, frame_id, what.labels, what.seconds, row.round)
    told = {
        "task": row.number,
        "round": row.round,
        "submission": what.number,
        "person": what.person,
        "by_rule": judge is None,
    }
    change.log(EventKind.TASK_ACCEPTED, [Entry(told, row.frame)])
