"""How far the work on batches is, for those who only look."""

from typing import Any

from sqlalchemy import Select, func, or_, select, union_all

from prelabel.store.store import Store
from prelabel.store.tables import frames
from prelabel.store.work_tables import OPEN_STATES, tasks
from prelabel.work.records import TaskState
from prelabel.work.task_rows import is_open

UNFINISHED = (*map(TaskState, OPEN_STATES), TaskState.SUBMITTED)


def count_tasks(store: Store, round_number: int | None = None) -> dict[TaskState, int]:
    """How many tasks of a round are in each state.

    None: of the newest round that has tasks, and the open ones of older rounds.
    """
    with store.database.reading() as connection:
        if round_number is not None:
            wanted: Any = _states_of(round_number)
        else:
            newest = connection.execute(select(func.max(tasks.c.round))).scalar() or 0
            left = select(tasks.c.state).where(is_open(), tasks.c.round < newest)
            wanted = union_all(_states_of(newest), left)
        states = wanted.subquery()
        counted = select(states.c.state, func.count()).group_by(states.c.state)
        found = {TaskState(state): count for state, count in connection.execute(counted)}
    return {state: found.get(state, 0) for state in TaskState}


def frames_in_hand(store: Store) -> set[str]:
    """Ids of frames that people have begun, handed in or set aside, and that have no labels yet.

    They must not be chosen for another batch: somebody's work, or a reason, hangs on them.
    """
    begun = [state.value for state in (*UNFINISHED, TaskState.SET_ASIDE)]
    wanted = (
        select(frames.c.frame_id)
        .join(tasks, tasks.c.frame == frames.c.number)
        .where(
            frames.c.label_version.is_(None),
            tasks.c.state.in_(begun),
            or_(tasks.c.state != TaskState.QUEUED.value, tasks.c.attempt > 1),
        )
    )
    with store.database.reading() as connection:
        return set(connection.execute(wanted).scalars())


def frames_set_aside(store: Store) -> set[str]:
    """Ids of frames without labels that people have skipped until they were set aside."""
    wanted = (
        select(frames.c.frame_id)
        .join(tasks, tasks.c.frame == frames.c.number)
        .where(frames.c.label_version.is_(None), tasks.c.state == TaskState.SET_ASIDE.value)
    )
    with store.database.reading() as connection:
        return set(connection.execute(wanted).scalars())


def _states_of(round_number: int) -> Select[Any]:
    # All states are named so that the index by state and round will do.
    every = [state.value for state in TaskState]
    return select(tasks.c.state).where(tasks.c.state.in_(every), tasks.c.round == round_number)
