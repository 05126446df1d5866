"""The names of the classes; their ids count from 0 in the order they were added."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.store import tables
from prelabel.store.changes import Change, Entry
from prelabel.store.records import EventKind


def class_names(connection: Connection) -> tuple[str, ...]:
    """All names by class id."""
    ordered = select(tables.classes.c.name).order_by(tables.classes.c.class_id)
    return tuple(connection.execute(ordered).scalars())


def add_classes(change: Change, names: Sequence[str]) -> tuple[str, ...]:
    """Append the names that are not there yet; all names by class id."""
    if not all(name.strip() for name in names):
        raise InvalidValueError(f"class names must not be empty: {list(names)}")
    known = class_names(change.connection)
    new = [name for name in dict.fromkeys(names) if name not in known]
    rows = [{"class_id": class_id, "name": name} for class_id, name in enumerate(new, len(known))]
    if rows:
        change.connection.execute(insert(tables.classes), rows)
        change.log(EventKind.CLASS_ADDED, [Entry(row) for row in rows])
    return known + tuple(new)
