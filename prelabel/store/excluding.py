"""Frames that take no part in the work: not chosen, not learned from, not exported."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from prelabel.store.changes import Change, Entry
from prelabel.store.frame_rows import numbers_of
from prelabel.store.records import EventKind
from prelabel.store.tables import exclusions, frames
from prelabel.store.task_rows import supersede_tasks


def exclude(change: Change, frame_ids: Sequence[str], reason: str) -> int:
    """Take frames out, and end the unfinished work on them; how many were not out yet."""
    numbers = numbers_of(change.connection, frame_ids)
    new = sorted(set(numbers.values()) - _excluded_numbers(change.connection))
    if not new:
        return 0
    rows = [
        {"frame": number, "author": change.author, "at": change.at, "reason": reason}
        for number in new
    ]
    change.connection.execute(insert(exclusions), rows)
    supersede_tasks(change.connection, new)
    change.log(EventKind.FRAME_EXCLUDED, [Entry({"reason": reason}, number) for number in new])
    return len(new)


def include(change: Change, frame_ids: Sequence[str]) -> int:
    """Let frames take part again; how many were out."""
    numbers = numbers_of(change.connection, frame_ids)
    back = sorted(set(numbers.values()) & _excluded_numbers(change.connection))
    if not back:
        return 0
    change.connection.execute(delete(exclusions).where(exclusions.c.frame.in_(back)))
    change.log(EventKind.FRAME_INCLUDED, [Entry({}, number) for number in back])
    return len(back)


def excluded_ids(connection: Connection) -> set[str]:
    """The ids of all frames that are out."""
    wanted = select(frames.c.frame_id).join(exclusions, exclusions.c.frame == frames.c.number)
    return set(connection.execute(wanted).scalars())


def _excluded_numbers(connection: Connection) -> set[int]:
    return set(connection.execute(select(exclusions.c.frame)).scalars())
