"""Submissions, judgements and corrections as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from prelabel.store.changes import Change
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.work_tables import corrections, judgements, submissions, tasks
from prelabel.work.edit_rows import Author
from prelabel.work.outcome import Outcome
from prelabel.work.records import BoxState, Correction, Submission, TaskState, Verdict


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """What is handed in: whose, under which request, and the newest edit that is in it."""

    task: int
    attempt: int
    person: str
    request_id: str
    shown_score: float
    seconds: float | None
    edits: int
    outcome: Outcome


def insert_submission(change: Change, new: NewSubmission) -> int:
    """Append a submission with its corrections, and make it the newest one of its task."""
    connection = change.connection
    number = (connection.execute(select(func.max(submissions.c.number))).scalar() or 0) + 1
    labels = new.outcome.labels
    row = {
        "number": number,
        "task": new.task,
        "attempt": new.attempt,
        "person": new.person,
        "at": change.at,
        "request_id": new.request_id,
        "shown_score": new.shown_score,
        "seconds": new.seconds,
        "edits": new.edits,
        "box_count": len(labels),
        "labels": pack_labels(labels),
    }
    connection.execute(insert(submissions), row)
    rows = [_correction_row(number, one) for one in new.outcome.corrections]
    if rows:
        connection.execute(insert(corrections), rows)
    of_task = tasks.c.number == new.task
    connection.execute(update(tasks).where(of_task).values(submission=number))
    return number


def insert_judgement(
    change: Change, submission: int, verdict: Verdict, judge: str | None, reason: str | None = None
) -> None:
    """Append what was decided about a submission."""
    row = {"submission": submission, "verdict": verdict.value, "judge": judge}
    change.connection.execute(insert(judgements), {**row, "at": change.at, "reason": reason})


def set_state(
    connection: Connection,
    task: int,
    state: TaskState,
    held_until: datetime | None = None,
    sent_back_reason: str | None = None,
) -> None:
    """Move a task on; nobody has it on loan afterwards."""
    moved = {
        "state": state.value,
        "leased_until": None,
        "held_until": held_until,
        "sent_back_reason": sent_back_reason,
    }
    connection.execute(update(tasks).where(tasks.c.number == task).values(moved))


def submission_query() -> Select[Any]:
    """All that a `Submission` tells, and the score from which proposals were shown."""
    return select(
        submissions,
        judgements.c.verdict,
        judgements.c.judge,
        judgements.c.at.label("judged_at"),
        judgements.c.reason,
    ).select_from(submissions.outerjoin(judgements))


def read_submission(connection: Connection, number: int) -> Row[Any]:
    """The row of a submission that is known to be there."""
    return connection.execute(submission_query().where(submissions.c.number == number)).one()


def submission_of(row: Row[Any]) -> Submission:
    """The submission of a row of `submission_query`."""
    return Submission(
        number=row.number,
        task=row.task,
        attempt=row.attempt,
        person=row.person,
        at=row.at,
        seconds=row.seconds,
        annotations=unpack_labels(row.labels),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        judge=row.judge,
        judged_at=row.judged_at,
        reason=row.reason,
    )


def seconds_before(connection: Connection, author: Author) -> float:
    """Active seconds of a person on a task that went into submissions of earlier attempts."""
    wanted = select(func.max(submissions.c.seconds)).where(
        submissions.c.task == author.task,
        submissions.c.person == author.person,
        submissions.c.attempt < author.attempt,
    )
    return connection.execute(wanted).scalar() or 0.0


def _correction_row(submission: int, one: Correction) -> dict[str, Any]:
    proposal = one.proposal
    return {
        "submission": submission,
        "box_id": one.box_id,
        "action": one.action.value,
        "model_id": None if proposal is None else proposal.model_id,
        "score": None if proposal is None else proposal.score,
        **_geometry("before", one.before),
        **_geometry("after", one.after),
    }


def _geometry(when: str, box: BoxState | None) -> dict[str, Any]:
    names = ("class", "left", "top", "right", "bottom", "angle")
    values: Sequence[Any] = [None] * 6
    if box is not None:
        values = (box.class_id, *box.xyxy, box.angle)
    return {f"{when}_{name}": value for name, value in zip(names, values, strict=True)}
