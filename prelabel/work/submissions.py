"""Handing drafts in, and judging them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, Row, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.settings import ReviewSettings
from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.packing import unpack_labels
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.store.work_tables import submissions, tasks
from prelabel.work.accepting import HandedIn, accept_submission
from prelabel.work.drafts import Drafts
from prelabel.work.edit_rows import Author, count_edits
from prelabel.work.errors import NotWaitingError
from prelabel.work.outcome import check_decided, outcome
from prelabel.work.records import Draft, Submission, Submitted, Task, TaskState, Verdict
from prelabel.work.submission_rows import (
    NewSubmission,
    insert_judgement,
    insert_submission,
    read_submission,
    seconds_before,
    set_state,
    submission_of,
    submission_query,
)
from prelabel.work.task_rows import (
    check_reason,
    check_theirs,
    check_waiting,
    lock_task,
    read_task,
    task_of,
    task_query,
)
from prelabel.work.webhooks import HookKind, queue_delivery

WITH_CHANGES = "accepted with the reviewer's changes"
_MOST_WAITING = 1000


class TimeSheet(Protocol):
    """Knows how long people have been active."""

    def active_seconds(self, task: int, person: str) -> float:
        """Seconds that a person has worked on a task so far."""
        ...


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A submission ready to be written: of which task, and who made the edits in it."""

    task: Task
    new: NewSubmission
    author: Author
    seconds: float  # of this attempt

    def handed_in(self, number: int) -> HandedIn:
        """The submission once it is written, under its number."""
        labels = self.new.outcome.labels
        return HandedIn(number, self.task, self.author.person, labels, self.seconds)


class Submissions:
    """Takes drafts in, and keeps how they were judged.

    Without a reviewer stage a submission is accepted by the rule, and its boxes become labels in
    the same transaction; with one they do when a reviewer accepts it.
    """

    def __init__(
        self, store: Store, settings: ReviewSettings, clock: Clock, time_sheet: TimeSheet
    ) -> None:
        self._store = store
        self._database = store.database
        self._drafts = Drafts(store, settings, clock)
        self._settings = settings
        self._clock = clock
        self._time_sheet = time_sheet

    def submit(self, task: int, person: str, shown_score: float, request_id: str) -> Submitted:
        """Hand in the draft of a person; the same `request_id` again gives the same answer.

        Raises UndecidedError where a proposal of at least `shown_score` is undecided, and
        LeaseLostError where the task is no longer this person's.
        """
        _check_request(shown_score, request_id)
        while True:
            with self._database.reading() as connection:
                known = _known(connection, task, person, request_id)
                found = read_task(connection, task)
            if known is not None:
                return known
            check_theirs(found, person)
            draft = self._drafts.read(found, person)
            author = Author(task, found.attempt, person)
            prepared = self._prepare(found, draft, author, shown_score, request_id)
            submitted = self._take_in(prepared)
            if submitted is not None:
                return submitted

    def accept(self, task: int, reviewer: str, submission: int | None = None) -> Task:
        """Make the newest submission of a task the labels of its frame.

        Where this reviewer has changed boxes, the changed ones are submitted by the reviewer and
        accepted. `submission` is the one that was looked at. Accepting again changes nothing.

        Raises NotWaitingError where the task does not wait, or has another submission by now.
        """
        while True:
            with self._database.reading() as connection:
                found = read_task(connection, task)
                handed_in = _newest(connection, found, submission)
            if _is_judged(handed_in, reviewer, Verdict.ACCEPTED):
                return found
            check_waiting(found)
            draft = self._drafts.review(found, reviewer)
            author = Author(task, found.attempt, reviewer, handed_in.number)
            prepared = self._prepare(
                found, draft, author, handed_in.shown_score, f"review of {handed_in.number}"
            )
            accepted = self._accept(handed_in, prepared, changed=draft.edits > 0)
            if accepted is not None:
                return accepted

    def send_back(
        self, task: int, reviewer: str, reason: str, submission: int | None = None
    ) -> Task:
        """Give a task back to who submitted it, with a reason; others get it after some hours.

        `submission` is the one that was looked at. Sending back again changes nothing.

        Raises NotWaitingError where the task does not wait, or has another submission by now.
        """
        check_reason(reason)
        with changing(self._database, reviewer, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, task)
            handed_in = _newest(connection, row, submission)
            if not _is_judged(handed_in, reviewer, Verdict.SENT_BACK):
                check_waiting(row)
                insert_judgement(change, handed_in.number, Verdict.SENT_BACK, reviewer, reason)
                until = change.at + timedelta(hours=self._settings.hold_sent_back_hours)
                set_state(connection, task, TaskState.SENT_BACK, until, reason)
                what = _handed_in(connection, read_task(connection, task), handed_in)
                more = {"judge": reviewer, "reason": reason}
                _tell(change, EventKind.TASK_SENT_BACK, HookKind.SENT_BACK, row.frame, what, **more)
            return read_task(connection, task)

    def waiting(self, limit: int = _MOST_WAITING) -> list[Task]:
        """Tasks that wait for a reviewer, in the order of their batches."""
        wanted = (
            task_query()
            .where(tasks.c.state == TaskState.SUBMITTED.value)
            .order_by(tasks.c.round, tasks.c.position, tasks.c.copy)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [task_of(row) for row in connection.execute(wanted)]

    def history(self, task: int) -> list[Submission]:
        """All submissions of a task with their judgements, oldest first."""
        of_task = submission_query().where(submissions.c.task == task)
        with self._database.reading() as connection:
            read_task(connection, task)
            rows = connection.execute(of_task.order_by(submissions.c.number)).all()
        return [submission_of(row) for row in rows]

    def _prepare(
        self, task: Task, draft: Draft, author: Author, shown_score: float, request_id: str
    ) -> _Prepared:
        """All that takes time, before others have to wait."""
        initial = self._drafts.initial(task)
        check_decided(initial, draft.boxes, shown_score)
        frame = self._store.frame(task.frame_id)
        seconds = self._time_sheet.active_seconds(task.number, author.person)
        with self._database.reading() as connection:
            earlier = seconds_before(connection, author)
        new = NewSubmission(
            author.task,
            author.attempt,
            author.person,
            request_id,
            shown_score,
            seconds,
            draft.edits,
            outcome(initial, draft.boxes, frame.width_px, frame.height_px),
        )
        return _Prepared(task, new, author, max(seconds - earlier, 0.0))

    def _take_in(self, prepared: _Prepared) -> Submitted | None:
        """Write a submission; None where another edit has come in since it was prepared."""
        new = prepared.new
        with changing(self._database, new.person, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, new.task)
            known = _known(connection, new.task, new.person, new.request_id)
            if known is not None:
                return known
            check_theirs(row, new.person)
            if count_edits(connection, prepared.author) != new.edits:
                return None
            what = prepared.handed_in(insert_submission(change, new))
            set_state(connection, new.task, TaskState.SUBMITTED)
            _tell(change, EventKind.TASK_SUBMITTED, HookKind.SUBMITTED, row.frame, what)
            if not self._settings.reviewer:
                accept_submission(change, row.frame, what, judge=None)
            state = TaskState.SUBMITTED if self._settings.reviewer else TaskState.ACCEPTED
            return Submitted(new.task, what.number, state, new.seconds)

    def _accept(self, handed_in: Row[Any], prepared: _Prepared, changed: bool) -> Task | None:
        """Write an acceptance; None where something has changed since it was prepared."""
        new = prepared.new
        with changing(self._database, new.person, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, new.task)
            unchanged = row.state == TaskState.SUBMITTED and row.submission == handed_in.number
            if not unchanged or count_edits(connection, prepared.author) != new.edits:
                return None
            what = _handed_in(connection, prepared.task, handed_in)
            if changed:
                insert_judgement(change, what.number, Verdict.ACCEPTED, new.person, WITH_CHANGES)
                own = prepared.handed_in(insert_submission(change, new))
                what = replace(own, seconds=prepared.seconds + (what.seconds or 0.0))
            accept_submission(change, row.frame, what, judge=new.person)
            return read_task(connection, new.task)


def _check_request(shown_score: float, request_id: str) -> None:
    if not 0 <= shown_score <= 1:
        raise InvalidValueError(f"shown_score must lie between 0 and 1, but is {shown_score}")
    if not 0 < len(request_id) <= 200:
        raise InvalidValueError("request_id must have 1 to 200 characters")


def _known(connection: Connection, task: int, person: str, request_id: str) -> Submitted | None:
    wanted = (
        select(submissions.c.number, submissions.c.seconds, tasks.c.state)
        .join(tasks, tasks.c.number == submissions.c.task)
        .where(
            submissions.c.task == task,
            submissions.c.person == person,
            submissions.c.request_id == request_id,
        )
    )
    row = connection.execute(wanted).first()
    return None if row is None else Submitted(task, row.number, TaskState(row.state), row.seconds)


def _newest(connection: Connection, task: Task | Row[Any], wanted: int | None) -> Row[Any]:
    """The newest submission of a task, which must be the `wanted` one if that is given."""
    if task.submission is None or wanted not in (None, task.submission):
        raise NotWaitingError(f"task {task.number} has changed meanwhile: look at it again")
    return read_submission(connection, task.submission)


def _is_judged(submission: Row[Any], judge: str, verdict: Verdict) -> bool:
    return bool(submission.judge == judge and submission.verdict == verdict)


def _handed_in(connection: Connection, task: Task, row: Row[Any]) -> HandedIn:
    """What the row of a submission tells; its seconds are those of its attempt."""
    seconds: float | None = row.seconds
    if seconds is not None:
        author = Author(row.task, row.attempt, row.person)
        seconds = max(seconds - seconds_before(connection, author), 0.0)
    return HandedIn(row.number, task, row.person, unpack_labels(row.labels), seconds)


def _tell(
    change: Change, event: EventKind, hook: HookKind, frame: int, what: HandedIn, **more: str
) -> None:
    told = {**what.told(), **more}
    change.log(event, [Entry(told, frame)])
    queue_delivery(change, hook, {**told, "frame_id": what.task.frame_id})
