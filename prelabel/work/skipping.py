"""Leaving a frame to others, and setting aside what nobody is left for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from prelabel.store.changes import Change, Entry
from prelabel.store.records import EventKind
from prelabel.store.work_tables import OPEN_STATES, task_skips, tasks
from prelabel.work.records import TaskState


def record_skip(
    change: Change, row: Row[Any], copies: Sequence[Row[Any]], reason: str
) -> tuple[int, set[str]]:
    """Keep that the author of the change skips a task.

    Gives how many have skipped this task since it was queued, and who is out of the question for
    its frame: all who skipped a copy of it or have another one.
    """
    attempts = {one.number: one.attempt for one in (row, *copies)}
    skipped = select(task_skips).where(task_skips.c.task.in_(list(attempts)))
    skips = [
        (one.task, one.person)
        for one in change.connection.execute(skipped)
        if one.attempt == attempts[one.task]
    ]
    if (row.number, change.author) not in skips:
        skips.append((row.number, change.author))
        new = {"task": row.number, "attempt": row.attempt, "person": change.author}
        change.connection.execute(insert(task_skips), {**new, "at": change.at, "reason": reason})
    told = {"task": row.number, "round": row.round, "reason": reason}
    change.log(EventKind.TASK_SKIPPED, [Entry(told, row.frame)])
    gone = {person for _, person in skips} | {one.person for one in copies if one.person}
    return sum(task == row.number for task, _ in skips), gone


def put_back(change: Change, row: Row[Any], skips: int, aside: bool) -> None:
    """Let nobody have a task any more; it is free again, or set aside."""
    back = {
        "state": TaskState.QUEUED.value,
        "skips": skips,
        "person": None,
        "leased_until": None,
        "held_until": None,
        "sent_back_reason": None,
    }
    change.connection.execute(update(tasks).where(tasks.c.number == row.number).values(back))
    if aside:
        set_aside(change, [row])


def set_aside(change: Change, rows: Sequence[Row[Any]]) -> None:
    """Offer open tasks that nobody has to nobody any more; other rows are left alone."""
    free = [row for row in rows if row.state in OPEN_STATES]
    if not free:
        return
    numbers = [row.number for row in free]
    aside = {"state": TaskState.SET_ASIDE.value}
    change.connection.execute(update(tasks).where(tasks.c.number.in_(numbers)).values(aside))
    entries = [Entry({"task": row.number, "round": row.round}, row.frame) for row in free]
    change.log(EventKind.TASK_SET_ASIDE, entries)
