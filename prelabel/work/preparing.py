"""All that takes time before a draft is handed in, done before others have to wait."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, select

from prelabel.store.tables import frames
from prelabel.work.accepting import HandedIn
from prelabel.work.edit_rows import Author
from prelabel.work.outcome import check_decided, outcome
from prelabel.work.records import Draft, Task
from prelabel.work.submission_rows import NewSubmission, seconds_before


class TimeSheet(Protocol):
    """Knows how long people have been active."""

    def active_seconds(self, task: int, person: str) -> float:
        """Seconds that a person has worked on a task so far."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """Who hands what in: the author of the edits, under which id, with proposals from a score."""

    author: Author
    request_id: str
    shown_score: float
    seconds: float  # of the author on the task so far


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission ready to be written; its seconds are those of this attempt."""

    task: Task
    request: Request
    new: NewSubmission
    seconds: float

    def handed_in(self, number: int) -> HandedIn:
        """The submission once it is written, under its number."""
        labels = self.new.outcome.labels
        return HandedIn(number, self.task, self.request.author.person, labels, self.seconds)


def prepare(connection: Connection, task: Task, draft: Draft, request: Request) -> Prepared:
    """What a draft comes to; UndecidedError where a proposal that was shown is undecided."""
    check_decided(draft.initial, draft.boxes, request.shown_score)
    size = select(frames.c.width_px, frames.c.height_px).where(frames.c.frame_id == task.frame_id)
    width_px, height_px = connection.execute(size).one()
    author = request.author
    new = NewSubmission(
        task=author.task,
        attempt=author.attempt,
        person=author.person,
        request_id=request.request_id,
        shown_score=request.shown_score,
        seconds=request.seconds,
        edits=draft.edits,
        outcome=outcome(draft.initial, draft.boxes, width_px, height_px),
    )
    earlier = seconds_before(connection, author)
    return Prepared(task, request, new, max(request.seconds - earlier, 0.0))
