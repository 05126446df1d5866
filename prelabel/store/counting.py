"""How much the store holds."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, LargeBinary, func, select

from prelabel.datasets.arrays import Int64s
from prelabel.datasets.frames import Split
from prelabel.store.packing import CLASS_ID, CLASS_IDS_OFFSET
from prelabel.store.records import SplitCounts, StoreCounts
from prelabel.store.tables import events, frames, label_versions

_ROWS_AT_ONCE = 10_000

_CURRENT = (label_versions.c.frame == frames.c.number) & (
    label_versions.c.number == frames.c.label_version
)


def count_everything(connection: Connection, class_names: Sequence[str]) -> StoreCounts:
    """Frames, labelled frames and boxes of each split, and the boxes of each class."""
    by_split = {split: SplitCounts(0, 0, 0, dict.fromkeys(class_names, 0)) for split in Split}
    by_class = _boxes_by_class(connection, len(class_names))
    totals = (
        select(
            frames.c.split,
            func.count(),
            func.count(frames.c.label_version),
            func.coalesce(func.sum(label_versions.c.box_count), 0),
        )
        .select_from(frames.outerjoin(label_versions, _CURRENT))
        .group_by(frames.c.split)
    )
    for split, frame_count, labelled, boxes in connection.execute(totals):
        counted = by_class.get(split, np.zeros(len(class_names), np.int64)).tolist()
        named = dict(zip(class_names, counted, strict=True))
        by_split[Split(split)] = SplitCounts(frame_count, labelled, int(boxes), named)
    return StoreCounts(by_split)


def _boxes_by_class(connection: Connection, class_total: int) -> dict[str, Int64s]:
    """Counted from the class ids at the head of each packed label set, so it is never off."""
    size = CLASS_ID.itemsize * label_versions.c.box_count
    class_ids = func.substr(events.c.labels, CLASS_IDS_OFFSET + 1, size, type_=LargeBinary)
    wanted = select(frames.c.split, class_ids).select_from(
        frames.join(label_versions, _CURRENT).join(
            events, events.c.number == label_versions.c.event
        )
    )
    counts: dict[str, Int64s] = {}
    streamed = connection.execution_options(stream_results=True).execute(wanted)
    for rows in streamed.partitions(_ROWS_AT_ONCE):
        for split in {row[0] for row in rows}:
            joined = b"".join(row[1] for row in rows if row[0] == split)
            counted = np.bincount(np.frombuffer(joined, CLASS_ID), minlength=class_total)
            counts[split] = counts.get(split, 0) + counted
    return counts
