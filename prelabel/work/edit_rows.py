"""Edits as rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from prelabel.store.changes import Clock
from prelabel.store.work_tables import edits
from prelabel.work.folding import boxes_of, kept_boxes
from prelabel.work.records import BoxState, Edit


@dataclass(frozen=True, slots=True)
class Author:
    """Whose edits of which attempt: those of an annotator, or of who judges a submission."""

    task: int
    attempt: int
    person: str
    reviews: int | None = None

    def values(self) -> dict[str, Any]:
        """What the statements below ask for."""
        return asdict(self)


# Made once: building these statements takes longer than running them.
_THEIRS = (
    (edits.c.task == bindparam("task"))
    & (edits.c.person == bindparam("person"))
    & (edits.c.attempt == bindparam("attempt"))
    & edits.c.reviews.is_not_distinct_from(bindparam("reviews"))
)
_BOXES = select(edits.c.boxes).where(_THEIRS).order_by(edits.c.number)
_COUNT = select(func.count()).select_from(edits).where(_THEIRS)
_KEPT = select(edits.c.edit_id).where(
    edits.c.task == bindparam("task"),
    edits.c.person == bindparam("person"),
    edits.c.edit_id.in_(bindparam("edit_ids", expanding=True)),
)
_NEWEST = select(func.max(edits.c.number)).where(edits.c.task == bindparam("task"))


def read_edits(connection: Connection, author: Author) -> list[list[BoxState]]:
    """The boxes of all edits of an author, oldest first."""
    kept = connection.execute(_BOXES, author.values()).scalars()
    return [boxes_of(boxes) for boxes in kept]


def count_edits(connection: Connection, author: Author) -> int:
    """How many edits of an author there are."""
    return connection.execute(_COUNT, author.values()).scalar_one()


def insert_edits(connection: Connection, author: Author, new: Sequence[Edit], clock: Clock) -> int:
    """Append those edits that are not kept yet, by their ids; how many those are.

    The row of their task must be locked.
    """
    by_id: dict[str, Edit] = {}
    for one in new:
        by_id.setdefault(one.edit_id, one)
    asked = {"task": author.task, "person": author.person, "edit_ids": list(by_id)}
    kept = set(connection.execute(_KEPT, asked).scalars())
    fresh = [one for edit_id, one in by_id.items() if edit_id not in kept]
    if not fresh:
        return 0
    newest = connection.execute(_NEWEST, {"task": author.task}).scalar() or 0
    received_at = clock()
    rows: list[dict[str, Any]] = [
        {
            "task": author.task,
            "number": number,
            "person": author.person,
            "attempt": author.attempt,
            "reviews": author.reviews,
            "edit_id": one.edit_id,
            "at": one.at,
            "received_at": received_at,
            "action": one.action,
            "boxes": kept_boxes(one.boxes),
        }
        for number, one in enumerate(fresh, newest + 1)
    ]
    connection.execute(insert(edits), rows)
    return len(rows)


def author_of(row: Row[Any], person: str, reviewing: bool = False) -> Author:
    """An author of edits on the task of a row."""
    return Author(row.number, row.attempt, person, row.submission if reviewing else None)
