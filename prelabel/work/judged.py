"""What people have handed in, and what reviewers made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from prelabel.store.tables import frames
from prelabel.store.work_tables import judgements, submissions, tasks
from prelabel.work.records import TaskState, Verdict


@dataclass(frozen=True, slots=True)
class SentBack:
    """A task that a reviewer gave back: which, when (UTC), why, and who it was."""

    task: int
    frame_id: str
    at: datetime
    reason: str
    reviewer: str


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One person's work so far.

    `frames` tasks were handed in at least once, in `seconds` of active time; of these `accepted`
    have been accepted and `waiting` wait for a reviewer. `sent_back` is newest first, and names a
    task each time it came back.
    """

    person: str
    frames: int
    seconds: float
    accepted: int
    waiting: int
    sent_back: tuple[SentBack, ...]


def records_of(
    connection: Connection, seconds: Mapping[str, float], person: str | None = None
) -> dict[str, PersonRecord]:
    """The record of everybody, or of one, by name; `seconds` are their active times."""
    names = set(seconds)
    handed_in: dict[str, set[int]] = {}
    accepted: dict[str, set[int]] = {}
    waiting: dict[str, set[int]] = {}
    sent_back: dict[str, list[SentBack]] = {}
    for row in connection.execute(_judged(person)):
        names.add(row.person)
        handed_in.setdefault(row.person, set()).add(row.task)
        if row.verdict == Verdict.ACCEPTED.value:
            accepted.setdefault(row.person, set()).add(row.task)
        elif row.verdict == Verdict.SENT_BACK.value:
            one = SentBack(row.task, row.frame_id, row.at, row.reason or "", row.judge or "")
            sent_back.setdefault(row.person, []).append(one)
        elif row.newest == row.number and row.state == TaskState.SUBMITTED.value:
            waiting.setdefault(row.person, set()).add(row.task)
    return {
        name: PersonRecord(
            name,
            len(handed_in.get(name, ())),
            seconds.get(name, 0.0),
            len(accepted.get(name, ())),
            len(waiting.get(name, ())),
            tuple(sent_back.get(name, ())),
        )
        for name in names
    }


def _judged(person: str | None) -> Select[Any]:
    """Submissions with what was decided about each, the latest judgement first."""
    wanted = (
        select(
            submissions.c.number,
            submissions.c.person,
            submissions.c.task,
            tasks.c.submission.label("newest"),
            tasks.c.state,
            frames.c.frame_id,
            judgements.c.verdict,
            judgements.c.judge,
            judgements.c.at,
            judgements.c.reason,
        )
        .select_from(submissions)
        .join(tasks, tasks.c.number == submissions.c.task)
        .join(frames, frames.c.number == tasks.c.frame)
        .outerjoin(judgements, judgements.c.submission == submissions.c.number)
        .order_by(judgements.c.at.desc(), submissions.c.number.desc())
    )
    return wanted if person is None else wanted.where(submissions.c.person == person)
