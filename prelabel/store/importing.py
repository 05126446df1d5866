"""Bringing many frames into the store, so that doing it twice is the same as doing it once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os.path import exists
from typing import Any

from sqlalchemy import Connection, Row, func, select

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.database import Database
from prelabel.store.frame_rows import (
    Places,
    change_frames,
    columns_of,
    rows_of,
    set_label_versions,
)
from prelabel.store.inserting import insert_columns
from prelabel.store.labels import NewVersion, check_class_ids, class_count, insert_versions
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.records import EventKind, ImportCounts
from prelabel.store.reimport import match_known
from prelabel.store.tables import events, frames, label_versions

_ADOPTED = ("group_name", "sequence_name", "sequence_index", "calibration")


@dataclass(frozen=True, slots=True)
class Importer:
    """Writes frames in chunks, each in a transaction of its own."""

    database: Database
    places: Places
    author: str
    clock: Clock
    round_of: Mapping[str, int]

    def run(self, incoming: Iterable[LabelledFrame], chunk_frames: int) -> ImportCounts:
        """Import all; what a killed run committed is found again and left as it is."""
        seen = _Seen()
        total = ImportCounts()
        for chunk in _chunks(incoming, chunk_frames):
            with changing(self.database, self.author, self.clock) as change:
                counts, numbers = _Chunk(change, self.places, chunk, seen, self.round_of).write()
            seen.add(numbers)
            total += counts
        return total


class _Seen:
    """Which frames have come in already, one byte for each frame of the store."""

    def __init__(self) -> None:
        self._flags = bytearray()

    def __contains__(self, number: int) -> bool:
        return number < len(self._flags) and bool(self._flags[number])

    def add(self, numbers: Sequence[int]) -> None:
        self._flags.extend(bytes(max(0, max(numbers, default=0) + 1 - len(self._flags))))
        for number in numbers:
            self._flags[number] = 1


@dataclass(slots=True)
class _Chunk:
    """Some frames of an import, compared with what the store has and then written in bulk."""

    change: Change
    places: Places
    incoming: Sequence[LabelledFrame]
    seen: _Seen
    round_of: Mapping[str, int]
    new_frames: list[dict[str, Any]] = field(default_factory=list)
    new_versions: list[NewVersion] = field(default_factory=list)
    frame_changes: dict[int, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    superseded: int = 0

    def write(self) -> tuple[ImportCounts, list[int]]:
        """Write the chunk; the row numbers of all its frames come back with the counts."""
        connection = self.change.connection
        by_id = {one.frame.frame_id: one for one in reversed(self.incoming)}  # the first one wins
        by_id = {frame_id: by_id[frame_id] for frame_id in dict.fromkeys(_ids(self.incoming))}
        known = {row.frame_id: row for row in rows_of(connection, list(by_id))}
        fresh = [one for frame_id, one in by_id.items() if frame_id not in known]
        again = [
            (known[frame_id], one)
            for frame_id, one in by_id.items()
            if frame_id in known and known[frame_id].number not in self.seen
        ]
        self._check_classes(by_id.values())
        self._add(fresh)
        self._compare(again)
        self._flush()
        counts = ImportCounts(
            frames_read=len(self.incoming),
            frames_added=len(fresh),
            frames_changed=len(self.frame_changes),
            frames_repeated=len(self.incoming) - len(fresh) - len(again),
            versions_added=len(self.new_versions),
            versions_superseded=self.superseded,
            boxes_added=sum(one.box_count for one in self.new_versions),
        )
        numbers = [row["number"] for row in self.new_frames] + [row.number for row, _ in again]
        return counts, numbers

    def _check_classes(self, incoming: Iterable[LabelledFrame]) -> None:
        known = class_count(self.change.connection)
        for one in incoming:
            if one.annotations is not None:
                check_class_ids(one.frame.frame_id, one.annotations, known)

    def _add(self, fresh: Sequence[LabelledFrame]) -> None:
        newest = select(frames.c.number).order_by(frames.c.number.desc()).limit(1)
        first = (self.change.connection.execute(newest).scalar() or 0) + 1
        for number, one in enumerate(fresh, first):
            row = columns_of(one.frame, self.places)
            row["number"] = number
            row["label_version"] = None if one.annotations is None else 1
            self.new_frames.append(row)
            if one.annotations is not None:
                self._add_version(number, 1, pack_labels(one.annotations), one)

    def _compare(self, again: Sequence[tuple[Row[Any], LabelledFrame]]) -> None:
        labelled = [row.number for row, _ in again if row.label_version is not None]
        current = _current_labels(self.change.connection, labelled)
        bare = [row.number for row, _ in again if row.label_version is None]
        withdrawn = _newest_versions(self.change.connection, bare)
        for row, one in again:
            changes = _changed_columns(row, columns_of(one.frame, self.places), self.places)
            if changes:
                self.frame_changes[row.number] = changes
            if one.annotations is not None:
                if row.number in current:
                    self._compare_labels(row, current[row.number], one, one.annotations)
                else:
                    number = withdrawn.get(row.number, 0) + 1
                    self._add_version(row.number, number, pack_labels(one.annotations), one)

    def _compare_labels(
        self, row: Row[Any], current: bytes, one: LabelledFrame, incoming: AnnotationSet
    ) -> None:
        as_given = pack_labels(incoming)
        if as_given == current:
            return
        matched = match_known(incoming, unpack_labels(current))
        packed = pack_labels(matched)
        if packed == current:
            return
        if not {as_given, packed}.isdisjoint(_past_labels(self.change.connection, row.number)):
            self.superseded += 1
            return
        self._add_version(row.number, row.label_version + 1, packed, one)

    def _add_version(self, frame: int, number: int, packed: bytes, one: LabelledFrame) -> None:
        boxes = 0 if one.annotations is None else len(one.annotations)
        in_round = self.round_of.get(one.frame.frame_id)
        version = NewVersion(frame, number, packed, boxes, round_number=in_round)
        self.new_versions.append(version)

    def _flush(self) -> None:
        connection = self.change.connection
        if self.new_frames:
            names = self.new_frames[0]
            columns = {name: [row[name] for row in self.new_frames] for name in names}
            insert_columns(connection, frames, columns)
        entries = [
            Entry({"uri": row["uri"], "split": row["split"]}, row["number"])
            for row in self.new_frames
        ]
        self.change.log(EventKind.FRAME_ADDED, entries)
        change_frames(self.change, self.frame_changes)
        insert_versions(self.change, self.new_versions)
        added = {row["number"] for row in self.new_frames}
        set_label_versions(
            connection,
            {one.frame: one.number for one in self.new_versions if one.frame not in added},
        )


def _chunks(incoming: Iterable[LabelledFrame], size: int) -> Iterator[list[LabelledFrame]]:
    source = iter(incoming)
    while chunk := list(islice(source, size)):
        yield chunk


def _ids(incoming: Iterable[LabelledFrame]) -> Iterator[str]:
    return (one.frame.frame_id for one in incoming)


def _changed_columns(
    row: Row[Any], incoming: Mapping[str, Any], places: Places
) -> dict[str, tuple[Any, Any]]:
    """Old and new value of what an import changes of a frame that is known already.

    A missing value says nothing, and neither does the split `train`, which is also what formats
    without splits give: an import never puts a test frame among those to train on. The file name
    changes only when the old file is gone; else the same picture under two names would take turns.
    """
    known = row._mapping
    changed = {
        name: (known[name], incoming[name])
        for name in _ADOPTED
        if incoming[name] is not None and incoming[name] != known[name]
    }
    if incoming["split"] not in (row.split, Split.TRAIN.value):
        changed["split"] = (row.split, incoming["split"])
    if incoming["uri"] != row.uri and not exists(places.absolute(row.uri)):
        changed["uri"] = (row.uri, incoming["uri"])
    return changed


def _current_labels(connection: Connection, numbers: Sequence[int]) -> dict[int, bytes]:
    wanted = (
        select(label_versions.c.frame, events.c.labels)
        .join(events, events.c.number == label_versions.c.event)
        .join(
            frames,
            (frames.c.number == label_versions.c.frame)
            & (frames.c.label_version == label_versions.c.number),
        )
        .where(frames.c.number.in_(numbers))
    )
    return {row.frame: row.labels for row in connection.execute(wanted)}


def _newest_versions(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """The newest version of frames that had labels, which may have been withdrawn since."""
    wanted = (
        select(label_versions.c.frame, func.max(label_versions.c.number).label("newest"))
        .where(label_versions.c.frame.in_(numbers))
        .group_by(label_versions.c.frame)
    )
    return {one.frame: one.newest for one in connection.execute(wanted)}


def _past_labels(connection: Connection, number: int) -> set[bytes]:
    wanted = (
        select(events.c.labels)
        .join(label_versions, events.c.number == label_versions.c.event)
        .where(label_versions.c.frame == number)
    )
    return {row.labels for row in connection.execute(wanted)}
