"""Making the tasks of a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.database import Database
from prelabel.store.errors import UnknownEntryError
from prelabel.store.records import EventKind
from prelabel.store.tables import batches, frames, picks
from prelabel.store.work_tables import OPEN_STATES, edits, tasks
from prelabel.work.records import TaskState

FILLER = "prelabel review"

_UNFINISHED = (*OPEN_STATES, TaskState.SUBMITTED.value, TaskState.SET_ASIDE.value)


def fill_round(
    database: Database, round_number: int, copies: int, author: str, clock: Clock
) -> int:
    """Make the tasks of a round's batch, unless that was done; how many were made."""
    with database.reading() as connection:
        if _is_filled(connection, round_number):
            return 0
    with changing(database, author, clock) as change:
        if _is_filled(change.connection, round_number):
            return 0
        wanted = select(batches.c.round).where(batches.c.round == round_number)
        if change.connection.execute(wanted).first() is None:
            raise UnknownEntryError(
                f"round {round_number} has no batch: choose one with `prelabel select`"
            )
        superseded = _supersede_untouched(change, round_number)
        made = _insert_tasks(change, round_number, copies)
        if made or superseded:
            told = {"round": round_number, "tasks": made, "superseded": superseded}
            change.log(EventKind.TASKS_QUEUED, [Entry(told)])
        return made


def _is_filled(connection: Connection, round_number: int) -> bool:
    found = select(tasks.c.number).where(tasks.c.round == round_number).limit(1)
    return connection.execute(found).first() is not None


def _supersede_untouched(change: Change, round_number: int) -> int:
    """End the tasks of older rounds on whose frame nobody has begun; how many those are."""
    has_edits = exists().where(edits.c.task == tasks.c.number, edits.c.attempt == tasks.c.attempt)
    wanted = (
        select(tasks, has_edits.label("has_edits"))
        .where(tasks.c.round < round_number, tasks.c.state.in_(_UNFINISHED))
        .order_by(tasks.c.number)
        .with_for_update(of=tasks)
    )
    rows = change.connection.execute(wanted).all()
    touched = {(row.round, row.frame) for row in rows if _is_touched(row, change.at)}
    ended = [row.number for row in rows if (row.round, row.frame) not in touched]
    _supersede(change.connection, ended)
    return len(ended)


def _is_touched(row: Row[Any], now: datetime) -> bool:
    """Whether somebody has it, has worked on it, or has queued it again on purpose."""
    lent = row.leased_until is not None and row.leased_until > now
    return bool(row.state != TaskState.QUEUED or lent or row.has_edits or row.attempt > 1)


def _supersede(connection: Connection, numbers: Sequence[int]) -> None:
    ended = {"state": TaskState.SUPERSEDED.value, "leased_until": None}
    for start in range(0, len(numbers), 10_000):
        some = numbers[start : start + 10_000]
        connection.execute(update(tasks).where(tasks.c.number.in_(some)).values(ended))


def _insert_tasks(change: Change, round_number: int, copies: int) -> int:
    connection = change.connection
    elsewhere = exists().where(tasks.c.frame == picks.c.frame, tasks.c.state.in_(_UNFINISHED))
    wanted = (
        select(picks.c.position, picks.c.frame)
        .join(frames, frames.c.number == picks.c.frame)
        .where(picks.c.round == round_number, frames.c.label_version.is_(None), ~elsewhere)
        .order_by(picks.c.position)
    )
    first = (connection.execute(select(func.max(tasks.c.number))).scalar() or 0) + 1
    places = [(row, copy) for row in connection.execute(wanted).all() for copy in range(copies)]
    rows = [
        {
            "number": number,
            "round": round_number,
            "frame": row.frame,
            "position": row.position,
            "copy": copy,
            "state": TaskState.QUEUED.value,
            "attempt": 1,
            "skips": 0,
        }
        for number, (row, copy) in enumerate(places, first)
    ]
    if rows:
        connection.execute(insert(tasks), rows)
    return len(rows)
