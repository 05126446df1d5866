"""The events from which active time is counted: kept, summed, exported."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from sqlalchemy import Connection, Row, bindparam, insert, select, tuple_

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.changes import Clock
from prelabel.store.database import Database
from prelabel.store.people_tables import activity
from prelabel.work.activity import Activity, ActivityKind, active_seconds
from prelabel.work.judged import PersonRecord, records_of
from prelabel.work.total_time import total_seconds

MAX_AHEAD = timedelta(hours=24)  # further ahead than a wrong time zone can put a clock
_PAGE = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# Made once, as pages send their events with every few edits.
_KNOWN = select(activity.c.event_id).where(
    activity.c.person == bindparam("person"),
    activity.c.event_id.in_(bindparam("event_ids", expanding=True)),
)


class FutureActivityError(InvalidValueError):
    """An event is said to have happened long after it arrived."""


@dataclass(frozen=True, slots=True)
class KeptActivity:
    """An event as it is kept, to the millisecond.

    `told_at` is the time by the client's clock, `at` the time it counts with, `received_at` when
    it arrived; all UTC.
    """

    person: str
    task: int
    event_id: str
    kind: ActivityKind
    told_at: datetime
    at: datetime
    received_at: datetime


class TimeSheet:
    """Who worked when; time counts until `idle_s` seconds after the last sign of life."""

    def __init__(self, database: Database, clock: Clock, idle_s: float) -> None:
        self._database = database
        self._clock = clock
        self._idle_s = idle_s

    def append(self, person: str, task: int, events: Sequence[Activity]) -> int:
        """Keep what a page noticed; how many of the events are new, by their ids.

        Where the client's clock is ahead, all events of the call count that much earlier, so that
        none counts after it arrived. Raises FutureActivityError where it is a day ahead.
        """
        if not events:
            return 0
        rows = _rows(person, task, events, self._clock())
        # A page that gets no answer sends the same events again while they are being written.
        with self._database.working(turn=f"activity of {person}") as connection:
            known = _known_ids(connection, person, list(rows))
            new = [row for event_id, row in rows.items() if event_id not in known]
            if new:
                connection.execute(insert(activity), new)
        return len(new)

    def active_seconds(self, task: int, person: str) -> float:
        """How long somebody has worked on a task, in seconds."""
        with self._database.reading() as connection:
            return seconds_on_task(connection, task, person, self._idle_s)

    def total_seconds(self, person: str, since: datetime | None = None) -> float:
        """How long somebody has worked on all tasks, in seconds; what overlaps counts once."""
        since_ms = None if since is None else _milliseconds(since)
        with self._database.reading() as connection:
            return total_seconds(connection, self._idle_s, person, since_ms).get(person, 0.0)

    def record(self, person: str) -> PersonRecord:
        """What somebody has done, and how it was judged."""
        with self._database.reading() as connection:
            seconds = total_seconds(connection, self._idle_s, person)
            found = records_of(connection, seconds, person)
        return found.get(person) or PersonRecord(person, 0, seconds.get(person, 0.0), 0, 0, ())

    def records(self) -> list[PersonRecord]:
        """What everybody has done who worked or handed something in, by name."""
        with self._database.reading() as connection:
            found = records_of(connection, total_seconds(connection, self._idle_s))
        return [found[name] for name in sorted(found)]

    def events(self) -> Iterator[KeptActivity]:
        """All events by person and time, in bounded memory."""
        key = (activity.c.person, activity.c.at_ms, activity.c.event_id)
        wanted = select(activity).order_by(*key).limit(_PAGE)
        page = wanted
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(page).all()
            yield from map(_kept, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1]
            page = wanted.where(tuple_(*key) > tuple_(last.person, last.at_ms, last.event_id))

    def export_csv(self, file: TextIO) -> int:
        """Write all events as CSV with a heading; how many they are."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("person", "task", "event_id", "kind", "told_at", "at", "received_at"))
        count = 0
        for one in self.events():
            count += 1
            times = (one.told_at, one.at, one.received_at)
            told = (moment.isoformat(timespec="milliseconds") for moment in times)
            writer.writerow((one.person, one.task, one.event_id, one.kind.value, *told))
        return count


def seconds_on_task(connection: Connection, task: int, person: str, idle_s: float) -> float:
    """How long somebody has worked on a task, in seconds, as a transaction sees it."""
    wanted = select(activity).where(activity.c.task == task, activity.c.person == person)
    return active_seconds(map(_activity, connection.execute(wanted)), idle_s)


def _rows(
    person: str, task: int, events: Sequence[Activity], now: datetime
) -> dict[str, dict[str, object]]:
    """A row for each event, by its id."""
    ahead = max(one.at for one in events) - now
    if ahead > MAX_AHEAD:
        raise FutureActivityError(
            f"an event is said to be {ahead / timedelta(hours=1):,.0f} h in the future: "
            "set the clock of the computer right"
        )
    received_ms = _milliseconds(now)
    shift_ms = max(0, *(_milliseconds(one.at) - received_ms for one in events))
    return {
        one.event_id: {
            "person": person,
            "event_id": one.event_id,
            "task": task,
            "kind": one.kind.value,
            "told_ms": _milliseconds(one.at),
            "at_ms": _milliseconds(one.at) - shift_ms,
            "received_ms": received_ms,
        }
        for one in events
    }


def _known_ids(connection: Connection, person: str, event_ids: list[str]) -> set[str]:
    asked = {"person": person, "event_ids": event_ids}
    return set(connection.execute(_KNOWN, asked).scalars())


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND


def _activity(row: Row[Any]) -> Activity:
    return Activity(row.event_id, _moment(row.at_ms), ActivityKind(row.kind))


def _kept(row: Row[Any]) -> KeptActivity:
    return KeptActivity(
        row.person,
        row.task,
        row.event_id,
        ActivityKind(row.kind),
        _moment(row.told_ms),
        _moment(row.at_ms),
        _moment(row.received_ms),
    )
