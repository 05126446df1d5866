"""Submissions, judgements and corrections as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from prelabel.store.changes import Change
from prelabel.store.inserting import Every, insert_columns
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.work_tables import corrections, judgements, submissions, tasks
from prelabel.work.edit_rows import Author
from prelabel.work.outcome import Outcome
from prelabel.work.records import Correction, Submission, TaskState, Verdict


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
    """Append a submission with its corrections; its number."""
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
    _insert_corrections(connection, number, new.outcome.corrections)
    return number


def insert_judgement(
    change: Change, submission: int, verdict: Verdict, judge: str | None, reason: str | None = None
) -> None:
    """Append what was decided about a submission."""
    row = {"submission": submission, "verdict": verdict.value, "judge": judge}
    change.connection.execute(insert(judgements), {**row, "at": change.at, "reason": reason})


def set_state(connection: Connection, task: int, state: TaskState, **columns: Any) -> None:
    """Move a task on, and set other columns; nobody has it on loan afterwards."""
    moved = {"leased_until": None, "held_until": None, "sent_back_reason": None, **columns}
    of_task = tasks.c.number == task
    connection.execute(update(tasks).where(of_task).values(state=state.value, **moved))


def submission_query() -> Select[Any]:
    """All that a `Submission` tells, and the score from which proposals were shown."""
    return select(
        submissions,
        judgements.c.verdict,
        judgements.c.judge,
        judgements.c.at.label("judged_at"),
        judgements.c.reason,
    ).select_from(submissions.outerjoin(judgements))


def read_submission(connection: Connection, number: int) -> Row[Any] | None:
    """The row of a submission; None where there is none of this number."""
    return connection.execute(submission_query().where(submissions.c.number == number)).first()


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
    if author.attempt == 1:
        return 0.0
    wanted = select(func.max(submissions.c.seconds)).where(
        submissions.c.task == author.task,
        submissions.c.person == author.person,
        submissions.c.attempt < author.attempt,
    )
    return connection.execute(wanted).scalar() or 0.0


def _insert_corrections(
    connection: Connection, submission: int, made: Sequence[Correction]
) -> None:
    proposals = [one.proposal for one in made]
    columns: dict[str, Sequence[Any] | Every] = {
        "submission": Every(submission),
        "box_id": [one.box_id for one in made],
        "action": [one.action.value for one in made],
        "model_id": [None if one is None else one.model_id for one in proposals],
        "score": [None if one is None else one.score for one in proposals],
    }
    for when, boxes in (
        ("before", [one.before for one in made]),
        ("after", [one.after for one in made]),
    ):
        columns[f"{when}_class"] = [None if box is None else box.class_id for box in boxes]
        columns[f"{when}_angle"] = [None if box is None else box.angle for box in boxes]
        for place, name in enumerate(("left", "top", "right", "bottom")):
            columns[f"{when}_{name}"] = [None if box is None else box.xyxy[place] for box in boxes]
        heights = [(None, None) if box is None else box.height_m or (None, None) for box in boxes]
        columns[f"{when}_bottom_m"] = [bottom for bottom, _ in heights]
        columns[f"{when}_top_m"] = [top for _, top in heights]
    insert_columns(connection, corrections, columns)
