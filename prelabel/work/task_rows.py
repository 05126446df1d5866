"""Tasks as rows: reading them, locking them, and whose they are."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.tables import frames, picks
from prelabel.store.work_tables import OPEN_STATES, tasks
from prelabel.work.errors import LeaseLostError, NotWaitingError, UnknownTaskError
from prelabel.work.records import Task, TaskState

_MOST_REASON = 2000  # characters

_TOLD = {
    TaskState.SUBMITTED: "has been submitted and waits for a reviewer",
    TaskState.ACCEPTED: "has been accepted",
    TaskState.SET_ASIDE: "has been set aside",
    TaskState.SUPERSEDED: "is no longer needed: its frame got labels in another way",
}


def is_open() -> ColumnElement[bool]:
    """Whether a task still asks for work.

    The states stand in the statement itself, as a database sees only then that a partial index
    will do.
    """
    return tasks.c.state.in_(
        bindparam(None, list(OPEN_STATES), expanding=True, literal_execute=True)
    )


def task_query() -> Select[Any]:
    """All that a `Task` tells."""
    return (
        select(
            tasks,
            frames.c.frame_id,
            picks.c.reason,
            picks.c.is_control,
            picks.c.score,
        )
        .join(frames, frames.c.number == tasks.c.frame)
        .join(picks, (picks.c.round == tasks.c.round) & (picks.c.position == tasks.c.position))
    )


# Made once: building these statements takes longer than running them.
_ONE = task_query().where(tasks.c.number == bindparam("task"))
_LOCKED = select(tasks).where(tasks.c.number == bindparam("task")).with_for_update()
_asked = tasks.alias("asked")
_COPIES = (
    select(tasks)
    .join(_asked, (_asked.c.round == tasks.c.round) & (_asked.c.frame == tasks.c.frame))
    .where(_asked.c.number == bindparam("task"))
    .order_by(tasks.c.number)  # everybody locks in this order, so that none wait in a circle
    .with_for_update(of=tasks)
)


def read_task(connection: Connection, number: int) -> Task:
    """The task of this number; UnknownTaskError where there is none."""
    row = connection.execute(_ONE, {"task": number}).first()
    if row is None:
        raise unknown(number)
    return task_of(row)


def read_tasks(connection: Connection, numbers: Sequence[int]) -> list[Task]:
    """The tasks of these numbers, in that order."""
    if not numbers:
        return []
    rows = connection.execute(task_query().where(tasks.c.number.in_(numbers)))
    found = {row.number: task_of(row) for row in rows}
    return [found[number] for number in numbers]


def task_of(row: Row[Any]) -> Task:
    """The task of a row of `task_query`."""
    return Task(
        number=row.number,
        round_number=row.round,
        frame_id=row.frame_id,
        position=row.position,
        copy=row.copy,
        state=TaskState(row.state),
        person=row.person,
        leased_until=row.leased_until,
        reason=row.reason,
        is_control=row.is_control,
        score=row.score,
        sent_back_reason=row.sent_back_reason,
        skips=row.skips,
        attempt=row.attempt,
        submission=row.submission,
    )


def lock_task(connection: Connection, number: int) -> Row[Any]:
    """The row of a task, which nobody else can change until the transaction ends."""
    row = connection.execute(_LOCKED, {"task": number}).first()
    if row is None:
        raise unknown(number)
    return row


def lock_copies(connection: Connection, number: int) -> list[Row[Any]]:
    """The rows of a task and of the other copies of its frame, locked; that task's row first."""
    rows = connection.execute(_COPIES, {"task": number}).all()
    if not rows:
        raise unknown(number)
    return sorted(rows, key=lambda row: bool(row.number != number))


def is_theirs(row: Row[Any] | Task, person: str) -> bool:
    """Whether a person may work on a task: they got it, and nobody else has since."""
    return bool(row.person == person and row.state in OPEN_STATES)


def check_theirs(row: Row[Any] | Task, person: str) -> None:
    """LeaseLostError where a task is not this person's to work on."""
    if is_theirs(row, person):
        return
    told = _TOLD.get(TaskState(row.state))
    if told is None:
        told = "is free" if row.person is None else "is somebody else's by now"
    raise LeaseLostError(f"task {row.number} {told}: take the next one")


def check_waiting(row: Row[Any] | Task) -> None:
    """NotWaitingError where a task does not wait for a reviewer."""
    if row.state != TaskState.SUBMITTED:
        raise NotWaitingError(f"task {row.number} does not wait for a reviewer: it is {row.state}")


def check_reason(reason: str) -> None:
    """InvalidValueError where somebody gives no reason, or a novel."""
    if not 0 < len(reason.strip()) <= _MOST_REASON:
        raise InvalidValueError(f"a reason must have 1 to {_MOST_REASON} characters")


def unknown(number: int) -> UnknownTaskError:
    return UnknownTaskError(f"task {number} does not exist")
