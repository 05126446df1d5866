"""What the queue should do, said in the plainest way: a list of tasks and a clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prelabel.settings import ReviewSettings
from prelabel.work.errors import LeaseLostError, NotAllowedError, NotWaitingError, UndecidedError
from prelabel.work.records import TaskState

OPEN = (TaskState.SENT_BACK, TaskState.IN_WORK, TaskState.QUEUED)
UNFINISHED = (*OPEN, TaskState.SUBMITTED)


@dataclass
class ModelTask:
    """One task as it should be; `decided` are the people whose draft is complete."""

    number: int
    frame: int
    copy: int
    state: TaskState = TaskState.QUEUED
    person: str | None = None
    leased_until: datetime | None = None
    held_until: datetime | None = None
    attempt: int = 1
    skippers: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)

    @property
    def skips(self) -> int:
        return len(self.skippers)

    def is_theirs(self, person: str) -> bool:
        return self.person == person and self.state in OPEN

    def end(self, state: TaskState) -> None:
        self.state, self.leased_until, self.held_until = state, None, None


class QueueModel:
    """All tasks of one batch, and which frames have labels by whom."""

    def __init__(self, frames: int, settings: ReviewSettings, eligible: Sequence[str]) -> None:
        self.settings = settings
        self.eligible = set(eligible)
        places = [(frame, copy) for frame in range(frames) for copy in range(settings.copies)]
        self.tasks = {
            number: ModelTask(number, frame, copy) for number, (frame, copy) in enumerate(places, 1)
        }
        self.labels: dict[int, list[str]] = {frame: [] for frame in range(frames)}

    def next(self, person: str, count: int, holding: Sequence[int], now: datetime) -> list[int]:
        own = [task for task in self.tasks.values() if task.is_theirs(person)]
        own.sort(key=lambda task: (OPEN.index(task.state), task.frame))
        unopened = sum(task.state is TaskState.QUEUED and _later(task, now) for task in own)
        chosen = [task for task in own if task.number not in holding][:count]
        room = min(count - len(chosen), 1 + self.settings.prefetch - unopened)
        taken = self._free(person, now)[: max(room, 0)]
        for task in taken:
            task.end(TaskState.QUEUED)
            task.person = person
        for task in (*chosen, *taken, *(task for task in own if task.number in holding)):
            self._lend(task, now)
        return [task.number for task in (*chosen, *taken)]

    def open(self, number: int, person: str, now: datetime) -> None:
        task = self._theirs(number, person)
        task.state = TaskState.IN_WORK
        self._lend(task, now)

    def edit(self, number: int, person: str, now: datetime) -> None:
        """Accept all that is shown."""
        task = self.tasks[number]
        task.edited.add(person)
        task.decided.add(person)
        self._theirs(number, person)
        task.state = TaskState.IN_WORK
        self._lend(task, now)

    def submit(self, number: int, person: str) -> None:
        task = self._theirs(number, person)
        if person not in task.decided and not (task.attempt > 1 and self.labels[task.frame]):
            raise UndecidedError("", ())
        task.end(TaskState.SUBMITTED)
        if not self.settings.reviewer:
            self._accept(task)

    def accept(self, number: int) -> None:
        self._accept(self._waiting(number))

    def send_back(self, number: int, now: datetime) -> None:
        task = self._waiting(number)
        task.end(TaskState.SENT_BACK)
        task.held_until = now + timedelta(hours=self.settings.hold_sent_back_hours)

    def skip(self, number: int, person: str) -> None:
        task = self._theirs(number, person)
        task.skippers.add(person)
        copies = [one for one in self.tasks.values() if one.frame == task.frame]
        gone = {name for one in copies for name in one.skippers}
        gone |= {one.person for one in copies if one.person and one is not task}
        aside = len(task.skippers) >= self.settings.skip_limit or self.eligible <= gone
        task.end(TaskState.SET_ASIDE if aside else TaskState.QUEUED)
        task.person = None
        if self.eligible <= gone:
            for one in copies:
                if one.person is None and one.state in OPEN:
                    one.end(TaskState.SET_ASIDE)

    def release(self, number: int, person: str) -> None:
        task = self.tasks[number]
        if not task.is_theirs(person) or person in task.edited:
            return
        task.leased_until = None
        if task.state is not TaskState.SENT_BACK:
            task.state, task.person = TaskState.QUEUED, None

    def requeue(self, number: int) -> None:
        task = self.tasks[number]
        if task.state in UNFINISHED:
            raise NotAllowedError
        task.end(TaskState.QUEUED)
        task.person, task.attempt = None, task.attempt + 1
        task.skippers, task.edited, task.decided = set(), set(), set()

    def label(self, frame: int, author: str) -> None:
        """Labels come to a frame from elsewhere."""
        self.labels[frame].append(author)
        for task in self.tasks.values():
            if task.frame == frame and task.state in (*UNFINISHED, TaskState.SET_ASIDE):
                task.end(TaskState.SUPERSEDED)

    def _accept(self, task: ModelTask) -> None:
        task.end(TaskState.ACCEPTED)
        self.label(task.frame, task.person or "")

    def _free(self, person: str, now: datetime) -> list[ModelTask]:
        free = [task for task in self.tasks.values() if self._may_take(task, person, now)]
        free.sort(key=lambda task: (len(task.skippers), task.frame, task.copy))
        first: dict[int, ModelTask] = {}
        for task in free:
            first.setdefault(task.frame, task)
        return list(first.values())

    def _may_take(self, task: ModelTask, person: str, now: datetime) -> bool:
        copies = [one for one in self.tasks.values() if one.frame == task.frame]
        return (
            task.state in OPEN
            and not _later(task, now)
            and (task.held_until is None or task.held_until <= now)
            and all(one.person != person and person not in one.skippers for one in copies)
        )

    def _theirs(self, number: int, person: str) -> ModelTask:
        if not self.tasks[number].is_theirs(person):
            raise LeaseLostError
        return self.tasks[number]

    def _waiting(self, number: int) -> ModelTask:
        if self.tasks[number].state is not TaskState.SUBMITTED:
            raise NotWaitingError
        return self.tasks[number]

    def _lend(self, task: ModelTask, now: datetime) -> None:
        task.leased_until = now + timedelta(minutes=self.settings.lease_minutes)


def _later(task: ModelTask, now: datetime) -> bool:
    return task.leased_until is not None and task.leased_until > now
