"""Which classes a detector sees on which frames of a pool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.evidence import Evidence
from prelabel.active.pool import Pool, Rows
from prelabel.datasets.arrays import Float32s, Float64s, Int64s

SEEN_FROM = 0.3  # of the score; what PAL and DivProto take for a detection


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Pairs of a frame and a class that is seen on it, k in all, by frame and class.

    `row` (k,), `class_id` (k,), and `value` (k,), the highest of the frame's boxes of that class.
    `boxes` (C,) counts the boxes of each class.
    """

    row: Rows
    class_id: Int64s
    value: Float64s
    boxes: Int64s

    @property
    def class_count(self) -> int:
        return len(self.boxes)

    @property
    def frames(self) -> Int64s:
        """How many frames each class is seen on, (C,)."""
        return np.bincount(self.class_id, minlength=self.class_count)

    def without(self, rows: Rows) -> "Presence":
        """What is left when these frames are gone; `boxes` stays."""
        kept = ~np.isin(self.row, rows)
        return Presence(self.row[kept], self.class_id[kept], self.value[kept], self.boxes)


def classes_seen(
    pool: Pool,
    score_min: float = SEEN_FROM,
    columns: Sequence[Column] = (),
    value: Callable[[BoxTable], Float64s] | None = None,
) -> Presence:
    """What a pool's boxes of at least `score_min` show; `value` of a box is its score unless told.

    `value` may ask for further `columns`.
    """
    parts = []
    for rows, table in pool.boxes.chunks((Column.CLASS_ID, *columns)):
        values = table.score.astype(np.float64) if value is None else value(table)
        seen = table.score >= score_min
        parts.append((rows[table.owner[seen]], classes_of(table)[seen], values[seen]))
    row = np.concatenate([np.zeros(0, np.intp), *(one[0] for one in parts)])
    class_id = np.concatenate([np.zeros(0, np.int64), *(one[1] for one in parts)])
    values = np.concatenate([np.zeros(0), *(one[2] for one in parts)])
    order = np.lexsort((class_id, row))
    row, class_id, values = row[order], class_id[order], values[order]
    is_new = (np.diff(row, prepend=-1) != 0) | (np.diff(class_id, prepend=-1) != 0)
    first = np.flatnonzero(is_new)
    highest = np.maximum.reduceat(values, first) if len(first) else values
    boxes = np.bincount(class_id, minlength=class_count(pool))
    return Presence(row[first], class_id[first], highest, boxes)


def class_count(pool: Pool) -> int:
    """How many classes there are, as far as names and labels tell."""
    return max(len(pool.classes), int(pool.evidence.truth_class.max(initial=-1)) + 1)


def labelled_boxes(evidence: Evidence, classes: int) -> Int64s:
    """How many labelled boxes of each class the evidence holds, (classes,)."""
    return np.bincount(evidence.truth_class, minlength=classes)[:classes]


def classes_of(table: BoxTable) -> Int64s:
    """The class of each box, (m,); a table without boxes has no column."""
    return np.zeros(len(table.score), np.int64) if table.class_id is None else table.class_id


@dataclass(frozen=True, slots=True, eq=False)
class FaintBoxes:
    """What stands in for boxes on frames without any: the best candidate that was not kept.

    `frame` (k,) are the frames of a table that have no box and of which a candidate is known,
    `class_id` and `score` (k,) tell of it.
    """

    frame: Rows
    class_id: Int64s
    score: Float32s

    @classmethod
    def of(cls, table: BoxTable) -> "FaintBoxes":
        """Those of a table; needs the column CLASS_PEAK, none without it."""
        peak = table.class_peak
        if peak is None or not peak.shape[1]:
            return cls(np.zeros(0, np.intp), np.zeros(0, np.int64), np.zeros(0, np.float32))
        frame = np.flatnonzero((table.counts == 0) & np.isfinite(peak).all(axis=1))
        return cls(frame, peak[frame].argmax(axis=1), peak[frame].max(axis=1, initial=0))
