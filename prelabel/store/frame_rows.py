"""Frames as rows, with file names kept relative to the workspace."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame, FrameKind, Split
from prelabel.store.changes import Change, Entry, plain_json
from prelabel.store.database import Database
from prelabel.store.errors import UnknownEntryError
from prelabel.store.records import EventKind
from prelabel.store.tables import frames
from prelabel.store.task_rows import supersede_tasks

PAGE = 1000
_BY_ID = select(frames).where(frames.c.frame_id.in_(bindparam("frame_ids", expanding=True)))
_LOOKUP = 10_000  # ids a query; SQLite takes up to 32,766 parameters


@dataclass(frozen=True, slots=True)
class Places:
    """Turns absolute file names into ones relative to the folder `root`, and back.

    A file outside `root` keeps its absolute name, so that a workspace may be moved with what lies
    in it, and nothing else changes.
    """

    root: str
    _prefix: str

    @classmethod
    def under(cls, root: Path) -> "Places":
        absolute = os.path.abspath(root)
        return cls(absolute, os.path.join(absolute, ""))

    def kept(self, name: str) -> str:
        """How the store keeps this absolute file name."""
        return name[len(self._prefix) :] if name.startswith(self._prefix) else name

    def absolute(self, kept: str) -> str:
        return os.path.join(self.root, kept)


def columns_of(frame: Frame, places: Places) -> dict[str, Any]:
    """The row of a frame, less its number and label version."""
    _check_text(frame)
    calibration = frame.calibration
    return {
        "frame_id": frame.frame_id,
        "uri": places.kept(frame.uri),
        "width_px": frame.width_px,
        "height_px": frame.height_px,
        "kind": frame.kind.value,
        "split": frame.split.value,
        "group_name": frame.group,
        "sequence_name": frame.sequence,
        "sequence_index": frame.index,
        "calibration": None if calibration is None else plain_json(calibration, "calibration"),
    }


def _check_text(frame: Frame) -> None:
    try:
        frame.uri.encode()
    except UnicodeEncodeError as error:
        raise BadInputError(
            f"{frame.uri!r}: the name of this file is not UTF-8, so it cannot be kept: rename it"
        ) from error


def frame_of(row: Row[Any], places: Places) -> Frame:
    """The frame of a row that holds all of a frame's columns."""
    return Frame(
        row.frame_id,
        places.absolute(row.uri),
        row.width_px,
        row.height_px,
        FrameKind(row.kind),
        Split(row.split),
        row.group_name,
        row.sequence_name,
        row.sequence_index,
        row.calibration,
    )


def number_of(connection: Connection, frame_id: str) -> int:
    """The row number of a frame; UnknownEntryError where there is none."""
    number: int | None = connection.execute(
        select(frames.c.number).where(frames.c.frame_id == frame_id)
    ).scalar()
    if number is None:
        raise UnknownEntryError(f"frame {frame_id} is not in the store: import it first")
    return number


def numbers_of(connection: Connection, frame_ids: Sequence[str]) -> dict[str, int]:
    """The row numbers of these frames; UnknownEntryError names one that is missing."""
    return {row.frame_id: row.number for row in known_rows(connection, frame_ids)}


def known_rows(connection: Connection, frame_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of these frames, in no order; UnknownEntryError names one that is missing."""
    rows = list(rows_of(connection, frame_ids))
    found = {row.frame_id for row in rows}
    missing = [frame_id for frame_id in frame_ids if frame_id not in found]
    if missing:
        raise UnknownEntryError(
            f"{len(missing)} frames are not in the store, such as {missing[0]}: import them first"
        )
    return rows


def rows_of(connection: Connection, frame_ids: Sequence[str]) -> Iterator[Row[Any]]:
    """The rows of those of these frames that are in the store, in no order."""
    for start in range(0, len(frame_ids), _LOOKUP):
        wanted = frame_ids[start : start + _LOOKUP]
        yield from connection.execute(_BY_ID, {"frame_ids": wanted})


def page_through(database: Database, wanted: Select[Any]) -> Iterator[Row[Any]]:
    """Rows in the order of the frames' numbers, which they must hold, in bounded memory.

    Each page is read for itself: a transaction held open while the caller works on a row would
    keep the database from tidying up, and the caller from writing.
    """
    last = 0
    while True:
        with database.reading() as connection:
            query = wanted.where(frames.c.number > last).order_by(frames.c.number).limit(PAGE)
            page = connection.execute(query).all()
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].number


def change_frames(change: Change, changes: Mapping[int, Mapping[str, tuple[Any, Any]]]) -> None:
    """Give frames, by row number, new values in columns named with their old and new value."""
    entries = [Entry(columns, frame=number) for number, columns in changes.items()]
    change.log(EventKind.FRAME_CHANGED, entries)
    for number, columns in changes.items():
        new = {name: after for name, (_, after) in columns.items()}
        change.connection.execute(update(frames).where(frames.c.number == number).values(new))


def set_split(change: Change, frame_ids: Iterable[str], split: Split) -> int:
    """Move frames to a split; how many were not there yet."""
    wanted = list(frame_ids)
    numbers_of(change.connection, wanted)
    moved = {
        row.number: {"split": (row.split, split.value)}
        for row in rows_of(change.connection, wanted)
        if row.split != split.value
    }
    change_frames(change, moved)
    return len(moved)


def set_label_versions(connection: Connection, versions: Mapping[int, int]) -> None:
    """Make label versions the current ones of frames, both by number.

    Work that is under way on these frames ends: whoever wrote the labels was faster.
    """
    if not versions:
        return
    supersede_tasks(connection, list(versions))
    connection.execute(
        update(frames)
        .where(frames.c.number == bindparam("of_frame"))
        .values(label_version=bindparam("current")),
        [{"of_frame": frame, "current": version} for frame, version in versions.items()],
    )
