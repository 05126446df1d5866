"""Which tasks a person gets, and for how long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, exists, or_, select, update

from prelabel.store.work_tables import task_skips, tasks
from prelabel.work.records import TaskState
from prelabel.work.task_rows import is_open

_URGENCY = (TaskState.SENT_BACK, TaskState.IN_WORK, TaskState.QUEUED)

# Made once: building these statements takes longer than running them.
_sibling = tasks.alias("sibling")
_same_frame = and_(_sibling.c.frame == tasks.c.frame, _sibling.c.round == tasks.c.round)
_has_a_copy = exists().where(
    _same_frame, _sibling.c.person == bindparam("me"), _sibling.c.number != tasks.c.number
)
_has_skipped = exists().where(
    _same_frame,
    task_skips.c.task == _sibling.c.number,
    task_skips.c.attempt == _sibling.c.attempt,
    task_skips.c.person == bindparam("me"),
)
_OWN = (
    select(tasks)
    .where(tasks.c.person == bindparam("me"), is_open())
    .order_by(tasks.c.number)  # everybody locks in this order, so that none wait in a circle
    .with_for_update()
)
_FREE = (
    select(tasks.c.number, tasks.c.round, tasks.c.frame)
    .where(
        is_open(),
        or_(tasks.c.person.is_(None), tasks.c.person != bindparam("me")),
        or_(tasks.c.leased_until.is_(None), tasks.c.leased_until <= bindparam("now")),
        or_(tasks.c.held_until.is_(None), tasks.c.held_until <= bindparam("now")),
        ~_has_a_copy,
        ~_has_skipped,
    )
    .order_by(tasks.c.skips, tasks.c.round, tasks.c.position, tasks.c.copy)
    .limit(bindparam("most"))
    .with_for_update(of=tasks, skip_locked=True)
)


def own_tasks(connection: Connection, person: str) -> list[Row[Any]]:
    """All open tasks that a person has, locked, the most urgent first."""
    rows = connection.execute(_OWN, {"me": person})
    return sorted(
        rows, key=lambda row: (_URGENCY.index(TaskState(row.state)), row.round, row.position)
    )


def is_lent_unopened(row: Row[Any], now: datetime) -> bool:
    """Whether somebody has a task on loan that they have not begun."""
    lent = row.leased_until is not None and row.leased_until > now
    return row.state == TaskState.QUEUED and lent


def free_tasks(
    connection: Connection, person: str, now: datetime, count: int, copies: int
) -> list[int]:
    """Up to `count` tasks that anybody may take, locked, in the order of their batch.

    Of each frame there is one copy at most. Those that others are just taking are passed over.
    """
    if count <= 0:
        return []
    chosen = {"me": person, "now": now, "most": count * copies}
    first: dict[tuple[int, int], int] = {}
    for row in connection.execute(_FREE, chosen):
        first.setdefault((row.round, row.frame), row.number)
    return list(first.values())[:count]


def lend(connection: Connection, numbers: Sequence[int], until: datetime, **columns: Any) -> None:
    """Let tasks belong to somebody until then, and set other columns."""
    if numbers:
        lent = tasks.c.number.in_(numbers)
        connection.execute(update(tasks).where(lent).values(leased_until=until, **columns))
