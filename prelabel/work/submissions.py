"""Handing drafts in, and judging them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.settings import ReviewSettings
from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.packing import unpack_labels
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.store.work_tables import submissions, tasks
from prelabel.work.accepting import HandedIn, accept_submission
from prelabel.work.agreement import agreement
from prelabel.work.drafts import read_draft, read_review
from prelabel.work.edit_rows import Author, count_edits
from prelabel.work.errors import NotWaitingError
from prelabel.work.preparing import Prepared, Request, TimeSheet, prepare
from prelabel.work.records import Submission, Submitted, Task, TaskState, Verdict
from prelabel.work.submission_rows import (
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
    is_theirs,
    lock_task,
    read_task,
    task_of,
    task_query,
)
from prelabel.work.webhooks import HookKind, queue_delivery

WITH_CHANGES = "accepted with the reviewer's changes"
_MOST_WAITING = 1000
_MOST_REQUEST_ID = 200  # characters


class Submissions:
    """Takes drafts in, and keeps how they were judged.

    Without a reviewer stage a submission is accepted by the rule, and its boxes become labels in
    the same transaction; with one they do when a reviewer accepts it.
    """

    def __init__(
        self, store: Store, settings: ReviewSettings, clock: Clock, time_sheet: TimeSheet
    ) -> None:
        self._database = store.database
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
            seconds = self._time_sheet.active_seconds(task, person)
            with self._database.reading() as connection:
                found = read_task(connection, task)
                known = _known(connection, task, person, request_id)
                if known is not None:
                    return known
                check_theirs(found, person)
                author = Author(task, found.attempt, person)
                request = Request(author, request_id, shown_score, seconds)
                draft = read_draft(connection, found, person)
                prepared = prepare(connection, found, draft, request)
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
            seconds = self._time_sheet.active_seconds(task, reviewer)
            with self._database.reading() as connection:
                found = read_task(connection, task)
                judged = _to_judge(connection, found, submission)
                if _is_judged(judged, reviewer, Verdict.ACCEPTED):
                    return found
                _check_unjudged(found, judged)
                author = Author(task, found.attempt, reviewer, judged.number)
                request = Request(author, f"review of {judged.number}", judged.shown_score, seconds)
                draft = read_review(connection, found, reviewer)
                prepared = prepare(connection, found, draft, request)
            accepted = self._accept(judged, prepared)
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
            found = read_task(connection, task)
            judged = _to_judge(connection, found, submission)
            if _is_judged(judged, reviewer, Verdict.SENT_BACK):
                return found
            _check_unjudged(found, judged)
            insert_judgement(change, judged.number, Verdict.SENT_BACK, reviewer, reason)
            until = change.at + timedelta(hours=self._settings.hold_sent_back_hours)
            columns = {"held_until": until, "sent_back_reason": reason}
            set_state(connection, task, TaskState.SENT_BACK, **columns)
            told = {**_handed_in(connection, found, judged).told(), "judge": reviewer}
            told["reason"] = reason
            _tell(change, EventKind.TASK_SENT_BACK, HookKind.SENT_BACK, row, found, told)
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

    def agreement(self, task: int) -> float | None:
        """How far the newest submission of a task agrees with those of its frame's other copies.

        The mean F1, 0 to 1; see `prelabel.work.agreement`. None where there is nothing to compare.
        """
        other = tasks.alias("other")
        of_frame = (
            select(other.c.number, submissions.c.labels)
            .select_from(tasks)
            .join(other, (other.c.round == tasks.c.round) & (other.c.frame == tasks.c.frame))
            .join(submissions, submissions.c.number == other.c.submission)
            .where(tasks.c.number == task)
        )
        with self._database.reading() as connection:
            rows = connection.execute(of_frame).all()
        labels = {row.number: unpack_labels(row.labels) for row in rows}
        own = labels.pop(task, None)
        if own is None or not labels:
            return None
        return sum(agreement(own, one) for one in labels.values()) / len(labels)

    def history(self, task: int) -> list[Submission]:
        """All submissions of a task with their judgements, oldest first."""
        of_task = submission_query().where(submissions.c.task == task)
        with self._database.reading() as connection:
            read_task(connection, task)
            rows = connection.execute(of_task.order_by(submissions.c.number)).all()
        return [submission_of(row) for row in rows]

    def _take_in(self, prepared: Prepared) -> Submitted | None:
        """Write a submission; None where another edit has come in since it was prepared."""
        new = prepared.new
        with changing(self._database, new.person, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, new.task)
            if not is_theirs(row, new.person):
                known = _known(connection, new.task, new.person, new.request_id)
                if known is not None:
                    return known
                check_theirs(row, new.person)
            if count_edits(connection, prepared.request.author) != new.edits:
                return None
            what = prepared.handed_in(insert_submission(change, new))
            told = what.told()
            _tell(change, EventKind.TASK_SUBMITTED, HookKind.SUBMITTED, row, what.task, told)
            if self._settings.reviewer:
                set_state(connection, new.task, TaskState.SUBMITTED, submission=what.number)
                return Submitted(new.task, what.number, TaskState.SUBMITTED, new.seconds)
            accept_submission(change, row.frame, what, judge=None)
            return Submitted(new.task, what.number, TaskState.ACCEPTED, new.seconds)

    def _accept(self, judged: Row[Any], prepared: Prepared) -> Task | None:
        """Write an acceptance; None where something has changed since it was prepared."""
        new = prepared.new
        with changing(self._database, new.person, self._clock) as change:
            connection = change.connection
            row = lock_task(connection, new.task)
            unchanged = row.state == TaskState.SUBMITTED and row.submission == judged.number
            if not unchanged or count_edits(connection, prepared.request.author) != new.edits:
                return None
            what = _handed_in(connection, prepared.task, judged)
            if new.edits:
                insert_judgement(change, what.number, Verdict.ACCEPTED, new.person, WITH_CHANGES)
                own = prepared.handed_in(insert_submission(change, new))
                what = replace(own, seconds=prepared.seconds + (what.seconds or 0.0))
            accept_submission(change, row.frame, what, judge=new.person)
            return read_task(connection, new.task)


def _check_request(shown_score: float, request_id: str) -> None:
    if not 0 <= shown_score <= 1:
        raise InvalidValueError(f"shown_score must lie between 0 and 1, but is {shown_score}")
    if not 0 < len(request_id) <= _MOST_REQUEST_ID:
        raise InvalidValueError(f"request_id must have 1 to {_MOST_REQUEST_ID} characters")


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


def _to_judge(connection: Connection, task: Task, wanted: int | None) -> Row[Any]:
    """The submission that somebody judges: the `wanted` one, None: the newest."""
    number = task.submission if wanted is None else wanted
    row = None if number is None else read_submission(connection, number)
    if row is None or row.task != task.number:
        raise NotWaitingError(f"task {task.number} has no such submission: look at it again")
    return row


def _check_unjudged(task: Task, judged: Row[Any]) -> None:
    check_waiting(task)
    if judged.number != task.submission:
        raise NotWaitingError(f"task {task.number} was handed in again: look at it again")


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
    change: Change,
    event: EventKind,
    hook: HookKind,
    row: Row[Any],
    task: Task,
    told: dict[str, Any],
) -> None:
    change.log(event, [Entry(told, row.frame)])
    queue_delivery(change, hook, {**told, "frame_id": task.frame_id})
