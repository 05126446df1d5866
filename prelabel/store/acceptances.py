"""Labels that a rule accepted: written as a set, withdrawn as a set."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError
from prelabel.store.acceptance_tables import acceptance_ends, acceptances, accepted_frames
from prelabel.store.changes import Change, Clock, Entry, changing, plain_json
from prelabel.store.errors import ConflictError, UnknownEntryError
from prelabel.store.frame_rows import numbers_of, set_label_versions
from prelabel.store.half_done import HALF_PART, of_half_done
from prelabel.store.labels import NewVersion, check_class_ids, class_count, insert_versions
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.store.tables import frames, label_versions

_AT_ONCE = 500


class Part(StrEnum):
    """What was done with a frame that a rule accepted in whole or in part."""

    WHOLE = "whole"  # its boxes became its labels
    HALF = HALF_PART  # its boxes are kept for when people do the rest
    AUDIT_WHOLE = "audit_whole"  # it would be whole, but people label it blind to check the rule
    AUDIT_HALF = "audit_half"  # the same of a frame half done


class EndKind(StrEnum):
    """Why the labels of an acceptance were withdrawn."""

    WITHDRAWN = "withdrawn"  # somebody wanted it
    BROKEN = "broken"  # the audit says that a promise does not hold


@dataclass(frozen=True, slots=True)
class AcceptedFrame:
    """The boxes of one frame that a rule accepted; `version` of the labels that they became."""

    frame_id: str
    part: Part
    labels: AnnotationSet
    version: int | None = None


@dataclass(frozen=True, slots=True)
class NewAcceptance:
    """What is to be accepted: of which model's proposals, under which rule, on which frames.

    `after` is the number of the newest acceptance that it was planned with, 0 where there was none.
    """

    model_id: str
    settings: Mapping[str, Any]
    frames: Sequence[AcceptedFrame]
    after: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One acceptance: when (UTC), by whom, of which model's proposals, and under which rule.

    `settings` are plain JSON values: promises, rule, and the checks they rest on. Of one that has
    ended, `ended_at`, `end_kind` and `end_reason` tell when and why.
    """

    number: int
    at: datetime
    author: str
    model_id: str
    settings: Mapping[str, Any]
    ended_at: datetime | None = None
    end_kind: EndKind | None = None
    end_reason: str | None = None


def record_acceptance(store: Store, new: NewAcceptance, author: str, clock: Clock) -> Acceptance:
    """Write what a rule accepted, all or nothing; labels of whole frames become current.

    A frame that has got labels meanwhile keeps them and is left out: somebody was faster. So is one
    that waits to be labelled blind for an earlier acceptance.

    Raises ConflictError, and writes nothing, where another acceptance than `new.after` is the
    newest by now, or no frame is left to accept.
    """
    with changing(store.database, author, clock) as change:
        newest = newest_acceptance(change.connection)
        if newest != new.after:
            raise ConflictError(
                f"acceptance {newest} came in between, and this one was planned without it: look "
                "at the plan again with `prelabel accept`"
            )
        number = newest + 1
        plain = plain_json(new.settings, "settings")
        row = {
            "number": number,
            "at": change.at,
            "author": author,
            "model_id": new.model_id,
            "settings": plain,
        }
        change.connection.execute(insert(acceptances), row)
        counts = _write(change, number, new.frames)
        if not sum(counts.values()):
            raise ConflictError(
                f"nothing is left to accept: all {len(new.frames):,} frames have labels by now, or "
                "wait to be audited"
            )
        told = {"acceptance": number, "model": new.model_id, **counts}
        change.log(EventKind.LABELS_ACCEPTED, [Entry(told)])
        return Acceptance(number, change.at, author, new.model_id, plain)


def newest_acceptance(connection: Connection) -> int:
    """The number of the newest acceptance, 0 where there is none."""
    return connection.execute(select(func.max(acceptances.c.number))).scalar() or 0


def end_acceptance(
    store: Store, number: int, kind: EndKind, reason: str, author: str, clock: Clock
) -> list[str]:
    """Withdraw the labels of an acceptance; the ids of the frames that have none now.

    Labels that people have made or changed since stay. The history of every frame is kept. Doing
    it again changes nothing.
    """
    if not reason:
        raise InvalidValueError("reason must say why the labels are withdrawn, but is empty")
    with changing(store.database, author, clock) as change:
        connection = change.connection
        if connection.execute(_one(number)).first() is None:
            raise UnknownEntryError(
                f"acceptance {number} is not in the store: see `prelabel audit`"
            )
        ended = select(acceptance_ends).where(acceptance_ends.c.acceptance == number)
        if connection.execute(ended).first() is not None:
            return []
        row = {"acceptance": number, "at": change.at, "author": author}
        row |= {"kind": kind.value, "reason": reason}
        connection.execute(insert(acceptance_ends), row)
        current = _still_current(connection, number)
        _take_back(connection, [one.number for one in current])
        told = {"acceptance": number, "kind": kind.value, "reason": reason}
        change.log(
            EventKind.LABELS_WITHDRAWN,
            [Entry({**told, "version": one.label_version}, one.number) for one in current]
            or [Entry(told)],
        )
        return [one.frame_id for one in current]


def all_acceptances(store: Store) -> list[Acceptance]:
    """All acceptances, oldest first."""
    wanted = (
        select(
            acceptances,
            acceptance_ends.c.at.label("ended_at"),
            acceptance_ends.c.kind,
            acceptance_ends.c.reason,
        )
        .outerjoin(acceptance_ends, acceptance_ends.c.acceptance == acceptances.c.number)
        .order_by(acceptances.c.number)
    )
    with store.database.reading() as connection:
        rows = connection.execute(wanted).all()
    return [
        Acceptance(
            one.number,
            one.at,
            one.author,
            one.model_id,
            one.settings,
            one.ended_at,
            None if one.kind is None else EndKind(one.kind),
            one.reason,
        )
        for one in rows
    ]


def frames_of(store: Store, number: int, parts: Collection[Part]) -> Iterator[AcceptedFrame]:
    """The frames of an acceptance, by the order in which they came into the store."""
    wanted = (
        select(accepted_frames, frames.c.frame_id)
        .join(frames, frames.c.number == accepted_frames.c.frame)
        .where(accepted_frames.c.acceptance == number)
        .where(accepted_frames.c.part.in_([one.value for one in parts]))
        .order_by(accepted_frames.c.frame)
    )
    with store.database.reading() as connection:
        rows = connection.execute(wanted).all()
    for one in rows:
        yield AcceptedFrame(one.frame_id, Part(one.part), unpack_labels(one.labels), one.version)


def accepted_by_rule(store: Store) -> dict[str, int]:
    """The frames whose current labels a rule accepted, and the number of the acceptance."""
    wanted = (
        select(frames.c.frame_id, accepted_frames.c.acceptance)
        .join(accepted_frames, accepted_frames.c.frame == frames.c.number)
        .where(frames.c.label_version == accepted_frames.c.version)
    )
    with store.database.reading() as connection:
        return {one.frame_id: one.acceptance for one in connection.execute(wanted)}


def awaiting_audit(store: Store) -> list[str]:
    """The frames that people are to label blind to check a rule in force, oldest first."""
    with store.database.reading() as connection:
        return list(connection.execute(_audits(frames.c.frame_id)).scalars())


def half_done(store: Store, frame_ids: Collection[str]) -> dict[str, AnnotationSet]:
    """Of these frames, those without labels on which a rule accepted some boxes, and the boxes.

    Those of the newest acceptance that has not ended.
    """
    with store.database.reading() as connection:
        found = {one: sure_boxes_on(connection, one) for one in frame_ids}
    return {frame_id: labels for frame_id, labels in found.items() if labels is not None}


def sure_counts(store: Store) -> dict[str, int]:
    """How many boxes a rule in force accepted on each frame half done that has no labels yet."""
    wanted = of_half_done(frames.c.frame_id, accepted_frames.c.labels)
    with store.database.reading() as connection:
        rows = connection.execute(wanted).all()
    return {one.frame_id: len(unpack_labels(one.labels)) for one in rows}


def boxes_by_rule(store: Store) -> int:
    """How many boxes there are on frames whose current labels a rule accepted."""
    wanted = (
        select(func.coalesce(func.sum(label_versions.c.box_count), 0))
        .select_from(accepted_frames)
        .join(frames, frames.c.number == accepted_frames.c.frame)
        .join(
            label_versions,
            (label_versions.c.frame == frames.c.number)
            & (label_versions.c.number == frames.c.label_version),
        )
        .where(frames.c.label_version == accepted_frames.c.version)
    )
    with store.database.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def sure_boxes_on(connection: Connection, frame_id: str) -> AnnotationSet | None:
    """The boxes of a frame half done; None where there are none, or the frame has labels."""
    wanted = of_half_done(accepted_frames.c.labels).where(frames.c.frame_id == frame_id)
    packed = connection.execute(wanted).scalars().all()
    return unpack_labels(packed[-1]) if packed else None


def _write(change: Change, number: int, accepted: Sequence[AcceptedFrame]) -> dict[str, int]:
    connection = change.connection
    known = class_count(connection)
    rows = numbers_of(connection, [one.frame_id for one in accepted])
    taken = _labelled(connection) | _to_be_audited(connection)
    newest = _newest_versions(connection)
    kept, versions = [], []
    counts = {part.value: 0 for part in Part}
    for one in accepted:
        check_class_ids(one.frame_id, one.labels, known)
        frame, packed = rows[one.frame_id], pack_labels(one.labels)
        if frame in taken:
            continue
        version = None
        if one.part is Part.WHOLE:
            version = newest.get(frame, 0) + 1
            versions.append(NewVersion(frame, version, packed, len(one.labels)))
        kept.append(
            {
                "acceptance": number,
                "frame": frame,
                "part": one.part.value,
                "version": version,
                "labels": packed,
            }
        )
        counts[one.part.value] += 1
    if kept:
        connection.execute(insert(accepted_frames), kept)
    insert_versions(change, versions)
    set_label_versions(connection, {one.frame: one.number for one in versions})
    return counts


def _labelled(connection: Connection) -> set[int]:
    wanted = select(frames.c.number).where(frames.c.label_version.is_not(None))
    return set(connection.execute(wanted).scalars())


def _to_be_audited(connection: Connection) -> set[int]:
    return set(connection.execute(_audits(frames.c.number)).scalars())


def _audits(column: Any) -> Any:
    """A column of the frames that wait to be labelled blind, oldest first."""
    return (
        select(column)
        .join(accepted_frames, accepted_frames.c.frame == frames.c.number)
        .outerjoin(acceptance_ends, acceptance_ends.c.acceptance == accepted_frames.c.acceptance)
        .where(accepted_frames.c.part.in_([Part.AUDIT_WHOLE.value, Part.AUDIT_HALF.value]))
        .where(frames.c.label_version.is_(None), acceptance_ends.c.acceptance.is_(None))
        .order_by(accepted_frames.c.acceptance, accepted_frames.c.frame)
    )


def _newest_versions(connection: Connection) -> dict[int, int]:
    """The highest version of frames that have no labels now though they had some."""
    wanted = (
        select(label_versions.c.frame, func.max(label_versions.c.number).label("newest"))
        .join(frames, frames.c.number == label_versions.c.frame)
        .where(frames.c.label_version.is_(None))
        .group_by(label_versions.c.frame)
    )
    return {one.frame: one.newest for one in connection.execute(wanted)}


def _still_current(connection: Connection, number: int) -> Sequence[Any]:
    wanted = (
        select(frames.c.number, frames.c.frame_id, frames.c.label_version)
        .join(accepted_frames, accepted_frames.c.frame == frames.c.number)
        .where(accepted_frames.c.acceptance == number)
        .where(frames.c.label_version == accepted_frames.c.version)
        .order_by(frames.c.number)
    )
    return connection.execute(wanted).all()


def _take_back(connection: Connection, numbers: Sequence[int]) -> None:
    statement = (
        update(frames).where(frames.c.number == bindparam("of_frame")).values(label_version=None)
    )
    for start in range(0, len(numbers), _AT_ONCE):
        some = [{"of_frame": one} for one in numbers[start : start + _AT_ONCE]]
        connection.execute(statement, some)


def _one(number: int) -> Any:
    return select(acceptances.c.number).where(acceptances.c.number == number)
