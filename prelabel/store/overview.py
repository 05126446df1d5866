"""All that the store knows of a frame at a glance, for those who show the whole dataset."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from prelabel.datasets.frames import Frame
from prelabel.store.acceptance_tables import accepted_frames
from prelabel.store.database import Database
from prelabel.store.frame_rows import Places, frame_of, rows_of
from prelabel.store.half_done import sure_rules
from prelabel.store.packing import unpack_labels
from prelabel.store.records import EventKind, LabelVersion
from prelabel.store.tables import batches, events, exclusions, frames, label_versions, picks
from prelabel.store.work_tables import tasks

_PAGE = 1000
_OF_ACCEPTANCES = (EventKind.LABELS_ACCEPTED.value, EventKind.LABELS_WITHDRAWN.value)
_OF_ROUNDS = (EventKind.BATCH_RECORDED.value, EventKind.TASKS_QUEUED.value)


@dataclass(frozen=True, slots=True)
class Work:
    """Why a frame was chosen last, and how far the work on it is.

    `state` is that of its newest task in that round, None where it has none; `cost_s` is the
    predicted cost in seconds.
    """

    round_number: int
    strategy: str
    score: float | None
    reason: str
    cost_s: float
    is_control: bool
    state: str | None = None
    person: str | None = None
    sent_back_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """A frame with its current labels and the work on it; `excluded` says why it is out.

    On a frame half done `sure` are the rules in force that accepted boxes, by box id.
    """

    frame: Frame
    labels: LabelVersion | None
    work: Work | None
    excluded: str | None
    sure: Mapping[str, str]


def stream_overviews(
    database: Database, places: Places, frame_ids: Sequence[str] | None = None
) -> Iterator[Overview]:
    """These frames, in no order, or all in the order they came in; page by page."""
    for page in _pages(database, frame_ids):
        with database.reading() as connection:
            yield from _overviews(connection, places, page)


def frames_changed_since(connection: Connection, event: int) -> tuple[list[str], int]:
    """Ids of the frames that events after this number tell of, and the number of the newest one.

    Frames that were chosen, queued, accepted by a rule or withdrawn together are among them, though
    such events name no single frame; so are those that people have in hand, as lending is no event.
    """
    newest = connection.execute(select(func.max(events.c.number))).scalar() or 0
    told = select(events.c.frame).where(events.c.number > event, events.c.frame.is_not(None))
    rounds_told = select(events.c.details).where(
        events.c.number > event, events.c.kind.in_(_OF_ROUNDS)
    )
    rounds = {row.details["round"] for row in connection.execute(rounds_told)}
    numbers = set(connection.execute(told.distinct()).scalars())
    accepted_told = select(events.c.details).where(
        events.c.number > event, events.c.kind.in_(_OF_ACCEPTANCES)
    )
    accepted = {row.details.get("acceptance") for row in connection.execute(accepted_told)}
    if accepted:
        theirs = select(accepted_frames.c.frame).where(accepted_frames.c.acceptance.in_(accepted))
        numbers |= set(connection.execute(theirs).scalars())
    if rounds:
        chosen = select(picks.c.frame).where(picks.c.round.in_(rounds))
        numbers |= set(connection.execute(chosen).scalars())
        # A newer batch ends tasks of older ones.
        older = select(tasks.c.frame).where(tasks.c.state == "superseded")
        numbers |= set(connection.execute(older).scalars())
    in_hand = ("queued", "in_work", "submitted", "sent_back")
    numbers |= set(
        connection.execute(select(tasks.c.frame).where(tasks.c.state.in_(in_hand))).scalars()
    )
    return _ids_of(connection, sorted(numbers)), newest


def _ids_of(connection: Connection, numbers: Sequence[int]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(numbers), 10_000):
        some = numbers[start : start + 10_000]
        wanted = select(frames.c.frame_id).where(frames.c.number.in_(some))
        found += connection.execute(wanted).scalars()
    return found


def _pages(database: Database, frame_ids: Sequence[str] | None) -> Iterator[list[Row[Any]]]:
    if frame_ids is not None:
        for start in range(0, len(frame_ids), _PAGE):
            with database.reading() as connection:
                yield list(rows_of(connection, frame_ids[start : start + _PAGE]))
        return
    last = 0
    while True:
        wanted = select(frames).where(frames.c.number > last).order_by(frames.c.number)
        with database.reading() as connection:
            page = list(connection.execute(wanted.limit(_PAGE)).all())
        if page:
            yield page
        if len(page) < _PAGE:
            return
        last = page[-1].number


def _overviews(connection: Connection, places: Places, page: list[Row[Any]]) -> list[Overview]:
    numbers = [row.number for row in page]
    versions = {row.frame: row for row in connection.execute(_versions(numbers))}
    work = {row.frame: row for row in connection.execute(_newest_picks(numbers))}
    states = {
        (row.round, row.frame): row
        for row in connection.execute(
            select(tasks).where(tasks.c.frame.in_(numbers)).order_by(tasks.c.number)
        )
    }
    out = select(exclusions.c.frame, exclusions.c.reason).where(exclusions.c.frame.in_(numbers))
    reasons = {row.frame: row.reason for row in connection.execute(out)}
    sure = sure_rules(connection, numbers)
    found = []
    for row in page:
        pick = work.get(row.number)
        task = None if pick is None else states.get((pick.round, row.number))
        found.append(
            Overview(
                frame_of(row, places),
                _version(row.frame_id, versions.get(row.number)),
                None if pick is None else _work(pick, task),
                reasons.get(row.number),
                sure.get(row.number, {}),
            )
        )
    return found


def _versions(numbers: Sequence[int]) -> Select[Any]:
    return (
        select(label_versions, events.c.labels, events.c.details)
        .join(events, events.c.number == label_versions.c.event)
        .join(
            frames,
            (frames.c.number == label_versions.c.frame)
            & (frames.c.label_version == label_versions.c.number),
        )
        .where(label_versions.c.frame.in_(numbers))
    )


def _newest_picks(numbers: Sequence[int]) -> Select[Any]:
    # The rows of a frame come oldest round first, so the last one stands in the end.
    return (
        select(picks, batches.c.strategy)
        .join(batches, batches.c.round == picks.c.round)
        .where(picks.c.frame.in_(numbers))
        .order_by(picks.c.round)
    )


def _version(frame_id: str, row: Row[Any] | None) -> LabelVersion | None:
    if row is None:
        return None
    at: datetime = row.at
    return LabelVersion(
        frame_id,
        row.number,
        unpack_labels(row.labels),
        row.author,
        at,
        row.seconds,
        row.round,
        row.details.get("source"),
    )


def _work(pick: Row[Any], task: Row[Any] | None) -> Work:
    return Work(
        pick.round,
        pick.strategy,
        pick.score,
        pick.reason,
        pick.cost_s,
        bool(pick.is_control),
        None if task is None else task.state,
        None if task is None else task.person,
        None if task is None else task.sent_back_reason,
    )
