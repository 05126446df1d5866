"""What people do to boxes: kept edit by edit, and folded to the boxes as they stand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from prelabel.settings import ReviewSettings
from prelabel.store.acceptances import sure_boxes_on
from prelabel.store.changes import Clock
from prelabel.store.errors import UnknownEntryError
from prelabel.store.labels import class_count, current_version
from prelabel.store.packing import unpack_labels
from prelabel.store.showing import shown_on
from prelabel.store.store import Store
from prelabel.store.tables import batches
from prelabel.store.work_tables import tasks
from prelabel.work.edit_rows import Author, author_of, insert_edits, read_edits
from prelabel.work.errors import LeaseLostError, NotWaitingError
from prelabel.work.folding import (
    as_seen_by_people,
    fold,
    initial_boxes,
    submitted_boxes,
    with_sure_boxes,
)
from prelabel.work.records import Appended, Draft, Edit, Initial, Task, TaskState
from prelabel.work.submission_rows import read_submission
from prelabel.work.task_rows import check_theirs, check_waiting, lock_task, read_task

_DRAWN_BY_LOT = ("random", "audit")  # strategies all of whose frames check rules
_FRESH = 0.9  # of a lease: longer ones are not renewed, as a write for every edit is one too many


class Drafts:
    """The boxes of tasks as people leave them."""

    def __init__(self, store: Store, settings: ReviewSettings, clock: Clock) -> None:
        self._database = store.database
        self._settings = settings
        self._clock = clock
        self._classes = 0  # how many there are at least

    def initial(self, task: int | Task) -> Initial:
        """The boxes from which everybody starts who gets this task."""
        with self._database.reading() as connection:
            return _initial(connection, _found(connection, task))

    def read(self, task: int | Task, person: str) -> Draft:
        """The initial boxes with what this person did to them; of each box the last edit counts.

        What others did to them, before the task came to this person, is left out.
        """
        with self._database.reading() as connection:
            return read_draft(connection, _found(connection, task), person)

    def review(self, task: int | Task, reviewer: str) -> Draft:
        """The boxes of the newest submission with what this reviewer did to them.

        Raises NotWaitingError where the task has no submission.
        """
        with self._database.reading() as connection:
            return read_review(connection, _found(connection, task), reviewer)

    def append(
        self, task: int, person: str, edits: Sequence[Edit], reviewing: bool = False
    ) -> Appended:
        """Keep edits in their order; how many of them are new, and how long the task is lent.

        An edit that comes again is known by its id, and left out. The task is begun, and lent on.
        Edits of a person who has lost the task are kept as well, but then LeaseLostError says so,
        unless all of them came before. `reviewing`: the person judges the task, which waits for a
        reviewer.

        Raises UnknownEntryError, and keeps nothing, where a box has a class that is not there.
        """
        with self._database.working() as connection:
            row = lock_task(connection, task)
            self._check_classes(connection, edits)
            new = insert_edits(connection, author_of(row, person, reviewing), edits, self._clock)
            lost = _lost(row, person, reviewing)
            lent = lost is None and not reviewing
            leased_until = self._lent_on(connection, row) if lent else None
        if lost is not None and (new or not edits):
            raise lost
        return Appended(new, leased_until)

    def _lent_on(self, connection: Connection, row: Row[Any]) -> datetime:
        """Begin a task and lend it on; one that was lent a moment ago stays as it is."""
        lease = timedelta(minutes=self._settings.lease_minutes)
        now = self._clock()
        kept: datetime | None = row.leased_until
        if row.state == TaskState.IN_WORK and kept is not None and kept > now + _FRESH * lease:
            return kept
        begun = {"state": TaskState.IN_WORK.value, "leased_until": now + lease}
        connection.execute(update(tasks).where(tasks.c.number == row.number).values(begun))
        return now + lease

    def _check_classes(self, connection: Connection, edits: Sequence[Edit]) -> None:
        highest = max((box.class_id for edit in edits for box in edit.boxes), default=-1)
        if highest >= self._classes:  # classes are only ever added
            self._classes = class_count(connection)
        if highest >= self._classes:
            raise UnknownEntryError(f"class {highest} is not in the store: reload the page")


def read_draft(connection: Connection, task: Task, person: str) -> Draft:
    """What `Drafts.read` gives."""
    initial = _initial(connection, task)
    done = read_edits(connection, Author(task.number, task.attempt, person))
    return Draft(fold(initial.boxes, done), len(done), initial)


def read_review(connection: Connection, task: Task, reviewer: str) -> Draft:
    """What `Drafts.review` gives."""
    number = task.submission
    handed_in = None if number is None else read_submission(connection, number)
    if handed_in is None:
        raise NotWaitingError(f"task {task.number} has not been submitted")
    initial = _initial(connection, task)
    author = Author(task.number, task.attempt, reviewer, task.submission)
    done = read_edits(connection, author)
    labels = unpack_labels(handed_in.labels)
    submitted = submitted_boxes(initial, labels, handed_in.shown_score)
    return Draft(fold(submitted, done), len(done), initial)


def _found(connection: Connection, task: int | Task) -> Task:
    return task if isinstance(task, Task) else read_task(connection, task)


def _initial(connection: Connection, task: Task) -> Initial:
    shown = shown_on(connection, task.round_number, task.frame_id)
    version = current_version(connection, task.frame_id) if task.attempt > 1 else None
    initial = initial_boxes(shown, None if version is None else version.annotations)
    if version is not None:
        return as_seen_by_people(initial)
    if _checks_rules(connection, task):
        return initial
    sure = sure_boxes_on(connection, task.frame_id)
    return initial if sure is None else with_sure_boxes(initial, sure)


def _checks_rules(connection: Connection, task: Task) -> bool:
    """Whether rules are judged by this frame: then no rule may have a say in its labels."""
    strategy = select(batches.c.strategy).where(batches.c.round == task.round_number)
    return task.is_control or connection.execute(strategy).scalar() in _DRAWN_BY_LOT


def _lost(row: Row[Any], person: str, reviewing: bool) -> LeaseLostError | None:
    try:
        if reviewing:
            check_waiting(row)
        else:
            check_theirs(row, person)
    except LeaseLostError as error:
        return error
    return None
