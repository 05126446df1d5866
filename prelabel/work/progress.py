"""Where the work on batches stands: who is at it, and what has been set aside and why."""

from dataclasses import dataclass

from sqlalchemy import func, select

from prelabel.store.database import Database
from prelabel.store.work_tables import task_skips, tasks
from prelabel.work.records import Task, TaskState
from prelabel.work.task_rows import task_of, task_query


@dataclass(frozen=True, slots=True)
class Skip:
    """Why somebody left a task to others."""

    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A task that nobody gets any more, and why; oldest skip first."""

    task: Task
    skips: tuple[Skip, ...]


class WorkInHand:
    """Looks at unfinished work, of all rounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begun_by_person(self) -> dict[str, int]:
        """How many tasks each person has begun and not handed in."""
        wanted = (
            select(tasks.c.person, func.count().label("begun"))
            .where(tasks.c.state == TaskState.IN_WORK.value, tasks.c.person.is_not(None))
            .group_by(tasks.c.person)
        )
        with self._database.reading() as connection:
            return {row.person: row.begun for row in connection.execute(wanted)}

    def set_aside(self, limit: int) -> list[SetAside]:
        """Up to `limit` tasks that were set aside, in the order of their batches."""
        wanted = (
            task_query()
            .where(tasks.c.state == TaskState.SET_ASIDE.value)
            .order_by(tasks.c.round, tasks.c.position, tasks.c.copy)
            .limit(limit)
        )
        with self._database.reading() as connection:
            found = [task_of(row) for row in connection.execute(wanted)]
            skipped = (
                select(
                    task_skips.c.task,
                    task_skips.c.attempt,
                    task_skips.c.person,
                    task_skips.c.reason,
                )
                .where(task_skips.c.task.in_([one.number for one in found]))
                .order_by(task_skips.c.at, task_skips.c.person)
            )
            skips: dict[tuple[int, int], tuple[Skip, ...]] = {}
            for task, attempt, person, reason in connection.execute(skipped):
                key = (task, attempt)
                skips[key] = (*skips.get(key, ()), Skip(person, reason))
        return [SetAside(one, skips.get((one.number, one.attempt), ())) for one in found]
