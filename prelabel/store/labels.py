"""Label versions: writing them, reading them, and replaying them from the event log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.store.changes import Change, Entry
from prelabel.store.database import Database
from prelabel.store.errors import StoreError, UnknownEntryError
from prelabel.store.frame_rows import (
    Places,
    frame_of,
    number_of,
    page_through,
    set_label_versions,
)
from prelabel.store.inserting import Every, insert_columns
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.records import EventKind, LabelVersion
from prelabel.store.tables import classes, events, frames, label_versions, rounds


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Labels to be written as version `number` of the frame with row number `frame`."""

    frame: int
    number: int
    packed: bytes
    box_count: int
    seconds: float | None = None
    round_number: int | None = None
    source: str | None = None


def insert_versions(change: Change, new: Sequence[NewVersion]) -> None:
    """Append label versions, each with its event; the frames' current version is not touched."""
    if not new:
        return
    entries = [
        Entry(
            {
                "version": one.number,
                "boxes": one.box_count,
                "seconds": one.seconds,
                "round": one.round_number,
                **({} if one.source is None else {"source": one.source}),
            },
            one.frame,
            one.packed,
        )
        for one in new
    ]
    numbers = change.log(EventKind.LABELS_WRITTEN, entries)
    columns: dict[str, Sequence[Any] | Every] = {
        "frame": [one.frame for one in new],
        "number": [one.number for one in new],
        "event": numbers,
        "author": Every(change.author),
        "at": Every(change.at),
        "seconds": [one.seconds for one in new],
        "round": [one.round_number for one in new],
        "box_count": [one.box_count for one in new],
    }
    insert_columns(change.connection, label_versions, columns)


def write_labels(
    change: Change,
    frame_id: str,
    labels: AnnotationSet,
    seconds: float | None,
    round_number: int | None,
    source: str | None = None,
) -> LabelVersion:
    """Append one version and make it the frame's current one."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise InvalidValueError(f"seconds must be finite and at least 0, but is {seconds}")
    connection = change.connection
    frame = number_of(connection, frame_id)
    check_class_ids(frame_id, labels, class_count(connection))
    if round_number is not None:
        check_round(connection, round_number)
    number = append_version(change, frame, labels, seconds, round_number, source)
    at = change.at
    return LabelVersion(frame_id, number, labels, change.author, at, seconds, round_number, source)


def write_expected(
    change: Change, frame_id: str, labels: AnnotationSet, expected: int, source: str
) -> LabelVersion | None:
    """Append a version made from the version `expected` (0: from none), and make it current.

    None, and nothing written, where the frame's current version is another one by now.
    """
    found = current_version(change.connection, frame_id)
    if (found.number if found else 0) != expected:
        return None
    return write_labels(change, frame_id, labels, None, None, source)


def keep_beside(change: Change, frame_id: str, labels: AnnotationSet, source: str) -> LabelVersion:
    """Keep labels in the frame's history, and leave its current ones the current ones.

    They become a version, which is followed by one equal to the current version. Gives back the
    first of the two. Where the frame has no current labels, as those it had were withdrawn, it has
    none afterwards either.
    """
    current = current_version(change.connection, frame_id)
    kept = write_labels(change, frame_id, labels, None, None, source)
    if current is None:
        number = number_of(change.connection, frame_id)
        none = update(frames).where(frames.c.number == number).values(label_version=None)
        change.connection.execute(none)
        told = {"kind": "beside", "reason": source, "version": kept.number}
        change.log(EventKind.LABELS_WITHDRAWN, [Entry(told, number)])
        return kept
    stays = f"stays as version {current.number}"
    write_labels(
        change, frame_id, current.annotations, current.seconds, current.round_number, stays
    )
    return kept


def append_version(
    change: Change,
    frame: int,
    labels: AnnotationSet,
    seconds: float | None,
    round_number: int | None,
    source: str | None = None,
) -> int:
    """Append a version to the frame with this row number, and make it current; its number.

    What it refers to has been checked.
    """
    of_frame = select(func.max(label_versions.c.number)).where(label_versions.c.frame == frame)
    number = (change.connection.execute(of_frame).scalar() or 0) + 1
    packed = pack_labels(labels)
    new = NewVersion(frame, number, packed, len(labels), seconds, round_number, source)
    insert_versions(change, [new])
    set_label_versions(change.connection, {frame: number})
    return number


def class_count(connection: Connection) -> int:
    """How many classes the store knows; class ids lie below it."""
    return connection.execute(select(func.count()).select_from(classes)).scalar_one()


def check_class_ids(frame_id: str, labels: AnnotationSet, known: int) -> None:
    """UnknownEntryError where a box has a class that the store does not know."""
    highest = int(labels.class_id.max(initial=-1))
    if highest >= known:
        raise UnknownEntryError(
            f"frame {frame_id} has a box of class {highest}, but the store knows {known} classes: "
            "add the classes first"
        )


def check_round(connection: Connection, number: int) -> None:
    """UnknownEntryError where there is no such round."""
    found = connection.execute(select(rounds.c.number).where(rounds.c.number == number))
    if found.first() is None:
        raise UnknownEntryError(f"round {number} is not in the store: start it first")


def current_version(connection: Connection, frame_id: str) -> LabelVersion | None:
    """The labels that a frame has now."""
    frame = number_of(connection, frame_id)
    # Labels that were withdrawn are no version that counts, though they are the newest one.
    current = (
        _versions_of(frame)
        .join(frames, frames.c.number == label_versions.c.frame)
        .where(label_versions.c.number == frames.c.label_version)
    )
    return next((_version(frame_id, row) for row in connection.execute(current)), None)


def history(connection: Connection, frame_id: str) -> list[LabelVersion]:
    """All labels that a frame has had, oldest first."""
    frame = number_of(connection, frame_id)
    oldest_first = _versions_of(frame).order_by(label_versions.c.number)
    return [_version(frame_id, row) for row in connection.execute(oldest_first)]


def replay(connection: Connection, frame_id: str) -> list[LabelVersion]:
    """The history of a frame, made from the event log alone."""
    written = (
        select(events.c.author, events.c.at, events.c.details, events.c.labels)
        .where(events.c.frame == number_of(connection, frame_id))
        .where(events.c.kind == EventKind.LABELS_WRITTEN.value)
        .order_by(events.c.number)
    )
    versions: list[LabelVersion] = []
    for author, at, details, packed in connection.execute(written):
        labels, number = unpack_labels(packed), len(versions) + 1
        if (details["version"], details["boxes"]) != (number, len(labels)):
            raise StoreError(
                f"frame {frame_id}: the event log is damaged at version {number}: "
                "restore the store from a copy"
            )
        seconds, round_number = details["seconds"], details["round"]
        source = details.get("source")
        versions.append(
            LabelVersion(frame_id, number, labels, author, at, seconds, round_number, source)
        )
    return versions


def stream_labelled(
    database: Database, places: Places, split: Split | None
) -> Iterator[LabelledFrame]:
    """Frames that have labels, with their current ones, in the order they came in."""
    wanted = select(frames, events.c.labels).select_from(
        frames.join(
            label_versions,
            (label_versions.c.frame == frames.c.number)
            & (label_versions.c.number == frames.c.label_version),
        ).join(events, events.c.number == label_versions.c.event)
    )
    if split is not None:
        wanted = wanted.where(frames.c.split == split.value)
    for row in page_through(database, wanted):
        yield LabelledFrame(frame_of(row, places), unpack_labels(row.labels))


def _versions_of(frame: int) -> Select[Any]:
    return (
        select(label_versions, events.c.labels, events.c.details)
        .join(events, events.c.number == label_versions.c.event)
        .where(label_versions.c.frame == frame)
    )


def _version(frame_id: str, row: Any) -> LabelVersion:
    return LabelVersion(
        frame_id,
        row.number,
        unpack_labels(row.labels),
        row.author,
        row.at,
        row.seconds,
        row.round,
        row.details.get("source"),
    )
