"""One change of the store by one author at one moment, and its entries in the event log."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.database import Database
from prelabel.store.inserting import Every, insert_columns
from prelabel.store.records import Event, EventKind
from prelabel.store.tables import events, frames

_PAGE = 1000

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be logged: about which frame (its row number), with which details and labels."""

    details: Mapping[str, Any]
    frame: int | None = None
    labels: bytes | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A transaction in which `author` changes the store at the time `at`."""

    connection: Connection
    author: str
    at: datetime
    _newest: list[int] = field(default_factory=list)  # the last event, once something was logged

    def log(self, kind: EventKind, entries: Sequence[Entry]) -> range:
        """Append events of one kind; their numbers follow the newest event's without a gap."""
        if not self._newest:
            found = self.connection.execute(select(func.max(events.c.number))).scalar()
            self._newest.append(found or 0)
        first = self._newest.pop() + 1
        numbers = range(first, first + len(entries))
        self._newest.append(numbers.stop - 1)
        columns: dict[str, Sequence[Any] | Every] = {
            "number": numbers,
            "at": Every(self.at),
            "author": Every(self.author),
            "kind": Every(kind.value),
            "frame": [entry.frame for entry in entries],
            "details": [entry.details for entry in entries],
            "labels": [entry.labels for entry in entries],
        }
        insert_columns(self.connection, events, columns)
        return numbers


@contextmanager
def changing(database: Database, author: str, clock: Clock) -> Iterator[Change]:
    """A change that is durable once the block is left, and undone where the block raises."""
    if not author:
        raise InvalidValueError("author must say who changes the store, but is empty")
    with database.writing() as connection:
        yield Change(connection, author, clock())


def read_events(database: Database, after: int) -> Iterator[Event]:
    """Events numbered above `after`, oldest first, in bounded memory."""
    wanted = (
        select(
            events.c.number,
            events.c.at,
            events.c.author,
            events.c.kind,
            frames.c.frame_id,
            events.c.details,
        )
        .select_from(events.outerjoin(frames, events.c.frame == frames.c.number))
        .order_by(events.c.number)
        .limit(_PAGE)
    )
    while True:
        with database.reading() as connection:
            page = connection.execute(wanted.where(events.c.number > after)).all()
        for number, at, author, kind, frame_id, details in page:
            yield Event(number, at, author, EventKind(kind), frame_id, details)
        if len(page) < _PAGE:
            return
        after = page[-1].number


def plain_json(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """`values` as they come back from JSON; InvalidValueError naming `what` if JSON cannot."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(values, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{what} must be plain JSON values: {error}") from error
    return plain
