"""Frames without labels on which a rule in force accepted some boxes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from prelabel.store.acceptance_tables import acceptance_ends, accepted_frames
from prelabel.store.packing import unpack_labels
from prelabel.store.tables import frames

HALF_PART = "half"  # the part of an acceptance whose boxes are kept for when people do the rest


def of_half_done(*columns: Any) -> Select[Any]:
    """These columns of frames and what was accepted on them, the newest acceptance last."""
    return (
        select(*columns)
        .select_from(accepted_frames)
        .join(frames, frames.c.number == accepted_frames.c.frame)
        .outerjoin(acceptance_ends, acceptance_ends.c.acceptance == accepted_frames.c.acceptance)
        .where(frames.c.label_version.is_(None), accepted_frames.c.part == HALF_PART)
        .where(acceptance_ends.c.acceptance.is_(None))
        .order_by(accepted_frames.c.acceptance)
    )


def sure_rules(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    """By frame number, the boxes that were accepted, by box id, with the rule."""
    wanted = of_half_done(accepted_frames.c.frame, accepted_frames.c.labels)
    found = {}
    for row in connection.execute(wanted.where(accepted_frames.c.frame.in_(numbers))):
        labels = unpack_labels(row.labels)
        rules = zip(labels.box_id, (one.rule or "" for one in labels.origin), strict=True)
        found[row.frame] = dict(rules)
    return found
