"""Boxes of one frame beside each other, for all frames of a table at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_source import Rows
from prelabel.active.box_table import BoxTable
from prelabel.active.matching import LOCATED_IOU
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import paired_iou

NO_PARTNER = -1

_MOST_PAIRS = 1 << 21  # looked at at a time, unless a single frame has more
_TURNED_COST = 16  # a pair of turned boxes takes so many times the memory


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """For each box of a table the box of another one that overlaps it most.

    `row` (m,) is its row there, -1 where the frame has none that touches it; `iou` (m,), of turned
    boxes that of the turned areas.
    """

    row: Rows
    iou: Float64s


def partners(left: BoxTable, right: BoxTable) -> Partners:
    """The partner of each box of `left` among the boxes of the same frame in `right`.

    Of equally good ones it is that of the better score. Partners may be shared.
    """
    row = np.full(len(left.score), NO_PARTNER, np.intp)
    iou = np.zeros(len(left.score))
    for lefts, rights, overlap in overlaps(left, right):
        begins = np.flatnonzero(np.diff(lefts, prepend=-1))
        best = np.maximum.reduceat(overlap, begins)
        of_best = np.repeat(best, np.diff(np.append(begins, len(lefts))))
        hits = np.flatnonzero((overlap == of_best) & (overlap > 0))
        boxes, first = np.unique(lefts[hits], return_index=True)
        row[boxes], iou[boxes] = rights[hits[first]], overlap[hits[first]]
    return Partners(row, iou)


def agreement(table: BoxTable) -> Float64s:
    """Sum of the scores of a frame's other boxes that overlap each box by an IoU of at least 0.5.

    (m,). What stands in for the number of candidates that NMS merged where there is no NMS.
    """
    total = np.zeros(len(table.score))
    for lefts, rights, overlap in overlaps(table, table):
        close = (overlap >= LOCATED_IOU) & (lefts != rights)
        total += np.bincount(lefts[close], table.score[rights[close]], len(total))
    return total


def overlaps(left: BoxTable, right: BoxTable) -> Iterator[tuple[Rows, Rows, Float64s]]:
    """All pairs of boxes of the same frame: row in `left`, row in `right`, IoU; never none.

    Part by part, the rows of `left` rising and then those of `right`.
    """
    if left.xyxy is None or right.xyxy is None:
        return
    counts = left.counts * right.counts
    is_turned = left.angle is not None or right.angle is not None
    # float64 lest a sum of pairs overflow where frames are many and crowded
    most = _MOST_PAIRS // (_TURNED_COST if is_turned else 1)
    part = np.floor(np.cumsum(counts, dtype=np.float64) / max(most, 1))
    for frames in np.split(np.arange(len(counts)), np.flatnonzero(np.diff(part)) + 1):
        lefts, rights = _pairs(left, right, frames)
        if len(lefts):
            yield lefts, rights, paired_iou(_boxes(left, lefts), _boxes(right, rights))


def _pairs(left: BoxTable, right: BoxTable, frames: Rows) -> tuple[Rows, Rows]:
    if not len(frames):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    begin, end = left.start[frames[0]], left.start[frames[-1] + 1]
    own_frame = np.repeat(frames, left.counts[frames])
    partners_of_each = right.counts[own_frame]
    lefts = np.repeat(np.arange(begin, end), partners_of_each)
    firsts = np.cumsum(partners_of_each) - partners_of_each
    within = np.arange(len(lefts)) - np.repeat(firsts, partners_of_each)
    return lefts, np.repeat(right.start[own_frame], partners_of_each) + within


def _boxes(table: BoxTable, rows: Rows) -> Boxes:
    if table.xyxy is None:
        return Boxes.none()
    return Boxes(table.xyxy[rows], None if table.angle is None else table.angle[rows])
