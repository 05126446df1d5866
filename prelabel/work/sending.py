"""Sending frames to the review page because somebody wants them looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from prelabel.datasets.batches import Batch, Pick
from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.database import Database
from prelabel.store.frame_rows import numbers_of
from prelabel.store.records import EventKind, Shown
from prelabel.store.rounds import record_batch, start_round
from prelabel.store.work_tables import tasks
from prelabel.work.counting import UNFINISHED
from prelabel.work.records import TaskState

BY_HAND = "by hand"
AGAIN = 2  # the attempt of a task that was queued on purpose: it starts from the labels there are
_NUMBERS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """How many frames were queued, and how many wait or are worked on already.

    `round_number` is that of the batch that was made; None where there was nothing to queue.
    """

    queued: int
    waiting_already: int
    round_number: int | None


@dataclass(frozen=True, slots=True)
class Sending:
    """Frames to look at, each with the reason people are told, and what is proposed on them."""

    reasons: Mapping[str, str]
    shown: Mapping[str, Shown]
    cost_s: float
    copies: int = 1


def send_to_review(database: Database, wanted: Sending, author: str, clock: Clock) -> Sent:
    """Queue frames, with labels or without, as a batch of their own.

    People start from the labels that a frame has, else from what is shown on it. Frames whose tasks
    are unfinished are left alone, so sending again changes nothing; older batches stay as they are.
    """
    with changing(database, author, clock) as change:
        numbers = numbers_of(change.connection, list(wanted.reasons))
        busy = _unfinished(change.connection, list(numbers.values()))
        chosen = [frame_id for frame_id in wanted.reasons if numbers[frame_id] not in busy]
        waiting = len(wanted.reasons) - len(chosen)
        if not chosen:
            return Sent(0, waiting, None)
        picks = [Pick(one, None, wanted.reasons[one], wanted.cost_s) for one in chosen]
        record = start_round(change, {"strategy": BY_HAND, "budget": f"{len(picks)} frames"})
        shown = {one: wanted.shown[one] for one in chosen if one in wanted.shown}
        record_batch(change, record.number, Batch(BY_HAND, 0, tuple(picks)), shown)
        _queue(change, record.number, [numbers[one] for one in chosen], wanted.copies)
        return Sent(len(chosen), waiting, record.number)


def newest_tasks(
    connection: Connection, frame_ids: Sequence[str]
) -> dict[str, tuple[int, TaskState]]:
    """The newest task of each of these frames that has one: its number and state."""
    numbers = {number: frame_id for frame_id, number in numbers_of(connection, frame_ids).items()}
    newest: dict[str, tuple[int, TaskState]] = {}
    for row in _tasks_of(connection, list(numbers)):
        newest[numbers[row.frame]] = (row.number, TaskState(row.state))
    return newest


def _tasks_of(connection: Connection, frames: Sequence[int]) -> list[Row[Any]]:
    """The tasks of frames by row number, oldest first."""
    found: list[Row[Any]] = []
    for start in range(0, len(frames), _NUMBERS_AT_ONCE):
        some = frames[start : start + _NUMBERS_AT_ONCE]
        wanted = select(tasks).where(tasks.c.frame.in_(some)).order_by(tasks.c.number)
        found += connection.execute(wanted).all()
    return found


def _unfinished(connection: Connection, frames: Sequence[int]) -> set[int]:
    return {row.frame for row in _tasks_of(connection, frames) if row.state in UNFINISHED}


def _queue(change: Change, round_number: int, frames: Sequence[int], copies: int) -> None:
    """Make the tasks of a batch that was sent; set-aside ones of its frames end."""
    connection = change.connection
    for row in _tasks_of(connection, frames):
        if row.state == TaskState.SET_ASIDE:
            ended = {"state": TaskState.SUPERSEDED.value}
            connection.execute(update(tasks).where(tasks.c.number == row.number).values(ended))
    first = (connection.execute(select(func.max(tasks.c.number))).scalar() or 0) + 1
    places = [
        (position, frame, copy) for position, frame in enumerate(frames) for copy in range(copies)
    ]
    rows = [
        {
            "number": number,
            "round": round_number,
            "frame": frame,
            "position": position,
            "copy": copy,
            "state": TaskState.QUEUED.value,
            "attempt": AGAIN,
            "skips": 0,
        }
        for number, (position, frame, copy) in enumerate(places, first)
    ]
    connection.execute(insert(tasks), rows)
    change.log(EventKind.TASKS_QUEUED, [Entry({"round": round_number, "tasks": len(rows)})])
