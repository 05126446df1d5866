"""Who gets which frame of a batch."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from prelabel.datasets.errors import InvalidValueError
from prelabel.settings import ReviewSettings
from prelabel.store.changes import Clock, Entry, changing
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.store.tables import batches
from prelabel.store.work_tables import tasks
from prelabel.work.counting import UNFINISHED, count_tasks
from prelabel.work.edit_rows import author_of, count_edits
from prelabel.work.errors import NotAllowedError
from prelabel.work.filling import FILLER, fill_round
from prelabel.work.lending import free_tasks, is_lent_unopened, lend, own_tasks
from prelabel.work.notices import tell_if_batch_is_done
from prelabel.work.records import Task, TaskState
from prelabel.work.skipping import put_back, record_skip, set_aside
from prelabel.work.task_rows import (
    check_reason,
    check_theirs,
    is_theirs,
    lock_copies,
    lock_task,
    read_task,
    read_tasks,
)


class Queue:
    """Lends the frames of batches to people, so that no two have the same one.

    `eligible` names all who work on this project, if that is known: what all of them have skipped
    is set aside, however high `skip_limit` is.
    """

    def __init__(
        self,
        store: Store,
        settings: ReviewSettings,
        clock: Clock,
        eligible: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._store = store
        self._database = store.database
        self._settings = settings
        self._clock = clock
        self._eligible = eligible
        self._filled: set[int] = set()  # tasks are never removed, so a filled round stays one

    def fill(self, round_number: int, author: str = FILLER) -> int:
        """Make the tasks of a round's batch, unless that was done; how many were made.

        Frames that have labels meanwhile, or that somebody works on in an older round, get none.
        Tasks of older rounds that nobody has touched or has on loan are superseded.

        Raises UnknownEntryError where the round has no batch.
        """
        if round_number in self._filled:
            return 0
        copies = self._settings.copies
        made = fill_round(self._database, round_number, copies, author, self._clock)
        self._filled.add(round_number)
        return made

    def fill_newest(self, author: str = FILLER) -> int:
        """Fill from the newest batch, if there is one; cheap where that was done."""
        with self._database.reading() as connection:
            newest = connection.execute(select(func.max(batches.c.round))).scalar()
        return 0 if newest is None else self.fill(newest, author)

    def task(self, number: int) -> Task:
        """The task of this number; UnknownTaskError where there is none."""
        with self._database.reading() as connection:
            return read_task(connection, number)

    def next(self, person: str, count: int, holding: Sequence[int] = ()) -> list[Task]:
        """Up to `count` tasks for a person to work on, lent to them from now.

        First what was sent back to them, then what they have begun or have on loan, then free ones
        in the order of their batch, those that others have skipped last. Tasks in `holding` are
        lent on if they are still theirs, and not named again. Of free ones a person gets only so
        many that no more than 1 + `prefetch` lie unopened. Of several copies of a frame, and of
        frames that they have skipped, they get none.
        """
        if count < 0:
            raise InvalidValueError(f"count must be at least 0, but is {count}")
        now, until = self._clock(), self._until()
        with self._database.working(turn=person) as connection:
            own = own_tasks(connection, person)
            kept = [row.number for row in own if row.number in holding]
            chosen = [row.number for row in own if row.number not in holding][:count]
            unopened = sum(is_lent_unopened(row, now) for row in own)
            room = min(count - len(chosen), 1 + self._settings.prefetch - unopened)
            free = free_tasks(connection, person, now, room, self._settings.copies)
            lend(connection, [*kept, *chosen], until)
            anew = {"state": "queued", "held_until": None, "sent_back_reason": None}
            lend(connection, free, until, person=person, **anew)
            return read_tasks(connection, [*chosen, *free])

    def open(self, task: int, person: str) -> Task:
        """Begin to work on a task that was lent to this person, or go on with it.

        Raises LeaseLostError where somebody else has got it meanwhile, or it is done.
        """
        with self._database.working() as connection:
            row = lock_task(connection, task)
            check_theirs(row, person)
            lend(connection, [task], self._until(), state=TaskState.IN_WORK.value)
            return read_task(connection, task)

    def renew(self, held: Sequence[int], person: str) -> list[int]:
        """Lend tasks on from now; those that are still this person's come back."""
        with self._database.working() as connection:
            wanted = select(tasks).where(tasks.c.number.in_(held)).order_by(tasks.c.number)
            rows = connection.execute(wanted.with_for_update()).all()
            theirs = [row.number for row in rows if is_theirs(row, person)]
            lend(connection, theirs, self._until())
            return theirs

    def release(self, task: int, person: str) -> None:
        """Give back a task that was not begun; one with edits stays this person's.

        A task that is no longer theirs is left alone.
        """
        with self._database.working() as connection:
            row = lock_task(connection, task)
            if not is_theirs(row, person) or count_edits(connection, author_of(row, person)):
                return
            back: dict[str, Any] = {"leased_until": None}
            if row.state != TaskState.SENT_BACK:
                back |= {"person": None, "state": TaskState.QUEUED.value}
            connection.execute(update(tasks).where(tasks.c.number == task).values(back))

    def skip(self, task: int, person: str, reason: str) -> Task:
        """Leave a task to others, and say why.

        It is set aside where as many as `skip_limit` have skipped it, or where all who are eligible
        have skipped the frame or have another copy of it.
        """
        check_reason(reason)
        eligible = None if self._eligible is None else set(self._eligible())
        with changing(self._database, person, self._clock) as change:
            row, *copies = lock_copies(change.connection, task)
            check_theirs(row, person)
            skippers, gone = record_skip(change, row, copies, reason)
            nobody_left = eligible is not None and eligible <= gone
            aside = nobody_left or skippers >= self._settings.skip_limit
            put_back(change, row, skippers, aside)
            if nobody_left:
                set_aside(change, [one for one in copies if one.person is None])
            if aside:
                tell_if_batch_is_done(change, row.round)
            return read_task(change.connection, task)

    def requeue(self, task: int, author: str) -> Task:
        """Queue a task again that is accepted, set aside or superseded.

        Whoever gets it starts from the labels that the frame has, if any.

        Raises NotAllowedError where the task or another one of its frame is still unfinished.
        """
        with changing(self._database, author, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, task)
            _check_finished(connection, row)
            again = {
                "state": TaskState.QUEUED.value,
                "attempt": row.attempt + 1,
                "person": None,
                "leased_until": None,
                "held_until": None,
                "sent_back_reason": None,
                "skips": 0,
                "submission": None,
            }
            connection.execute(update(tasks).where(tasks.c.number == task).values(again))
            told = {"task": task, "round": row.round, "attempt": row.attempt + 1, "tasks": 1}
            change.log(EventKind.TASKS_QUEUED, [Entry(told, row.frame)])
            return read_task(connection, task)

    def counts(self, round_number: int | None = None) -> dict[TaskState, int]:
        """How many tasks of a round are in each state.

        None: of the newest round that has tasks, and the open ones of older rounds.
        """
        return count_tasks(self._store, round_number)

    def _until(self) -> datetime:
        return self._clock() + timedelta(minutes=self._settings.lease_minutes)


def _check_finished(connection: Connection, row: Row[Any]) -> None:
    others = (
        select(tasks.c.number)
        .where(
            tasks.c.frame == row.frame,
            tasks.c.state.in_([state.value for state in UNFINISHED]),
            or_(tasks.c.round != row.round, tasks.c.number == row.number),
        )
        .limit(1)
    )
    found = connection.execute(others).scalar()
    if found is not None:
        raise NotAllowedError(
            f"task {row.number} cannot be queued again: task {found} of its frame is not finished"
        )
