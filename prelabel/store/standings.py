"""How far the pool was whenever `prelabel finish` had done its part."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from prelabel.store.changes import Clock, Entry, changing, plain_json
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.store.tables import events


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """What was recorded at `at` (UTC) in the name of `author`; `figures` are plain JSON values."""

    at: datetime
    author: str
    figures: Mapping[str, Any]


def record_standing(store: Store, figures: Mapping[str, Any], author: str, clock: Clock) -> None:
    """Append a standing to the event log."""
    plain = plain_json(figures, "figures")
    with changing(store.database, author, clock) as change:
        change.log(EventKind.POOL_STANDS, [Entry(plain)])


def all_standings(store: Store) -> list[StandingRecord]:
    """All standings, oldest first."""
    wanted = (
        select(events.c.at, events.c.author, events.c.details)
        # Such events are about no single frame: an index leads to the few that are not.
        .where(events.c.frame.is_(None), events.c.kind == EventKind.POOL_STANDS.value)
        .order_by(events.c.number)
    )
    with store.database.reading() as connection:
        return [StandingRecord(*row) for row in connection.execute(wanted)]
