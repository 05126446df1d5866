"""PAL's second look at the frames of a class: rarity, doubt about classes, and being unlike."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pool import Pool, Rows
from prelabel.active.presence import Presence, classes_of, labelled_boxes
from prelabel.active.scores import Measure, PoolBoxes
from prelabel.active.scoring import frame_by_frame
from prelabel.datasets.arrays import Float32s, Float64s, Int64s

DOUBT_WEIGHT = 0.9  # of LIUS
UNLIKE_WEIGHT = 0.02  # of RCSP
CLASS_WEIGHT = 0.04  # of CWIE and of RCDI, each


def rarities(pool: Pool, seen: Presence) -> Float64s:
    """r_c = 1 - (share of the labelled boxes + share of the pool's boxes) / 2, (C,).

    Where nothing is known of labels, the pool's share alone counts.
    """
    labelled = labelled_boxes(pool.evidence, seen.class_count)
    shares = [one / one.sum() for one in (labelled, seen.boxes) if one.sum()]
    return np.asarray(1 - np.mean(shares, axis=0) if shares else np.ones(seen.class_count))


def class_budgets(frames: int, rarity: Float64s, frames_of_class: Int64s) -> Int64s:
    """b_c = min(frames of the class, frames · r_c / Σ r), (C,), over classes that are seen.

    Whole numbers: the parts left after rounding down go to the classes with the largest of them.
    """
    is_seen = frames_of_class > 0
    weight = np.where(is_seen, rarity, 0)
    if not weight.sum():  # a single class takes all boxes, and has no rarity
        weight = is_seen.astype(np.float64)
    if not weight.sum():
        return np.zeros(len(rarity), np.int64)
    wanted = frames * weight / weight.sum()
    whole = np.floor(wanted + 1e-9).astype(np.int64)
    largest_rest = np.argsort(-(wanted - whole), kind="stable")
    whole[largest_rest[: frames - whole.sum()]] += 1
    return np.asarray(np.minimum(whole, frames_of_class), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What a second look at some frames finds: `rows` (k,) rising, a value each.

    `doubt` is CWIE, the sum over boxes of the rarity of their class times the entropy of the box;
    `variety` is RCDI, the sum of the rarities of the classes seen on a frame.
    """

    rows: Rows
    doubt: Float64s
    variety: Float64s
    embeddings: Float32s

    @classmethod
    def of(cls, pool: Pool, seen: Presence, rows: Rows, score_min: float) -> "Guide":
        """The second look at these frames."""
        rows, rarity = np.unique(rows), rarities(pool, seen)

        def doubt(table: BoxTable) -> Float64s:
            entropy = PoolBoxes.of(table).values(Measure.ENTROPY)
            weight = rarity[classes_of(table)] * (table.score >= score_min)
            sums = np.bincount(table.owner, entropy * weight, table.frame_count)
            return np.asarray(sums, np.float64)

        own = np.isin(seen.row, rows)
        place = np.searchsorted(rows, seen.row[own])
        variety = np.bincount(place, rarity[seen.class_id[own]], len(rows)).astype(np.float64)
        columns = (Column.CLASS_PROBS, Column.CLASS_ID)
        doubts = frame_by_frame(pool.take(rows), columns, doubt)
        return cls(rows, doubts, variety, pool.embeddings[rows])

    def score(self, rows: Rows, lius: Float64s) -> Float64s:
        """0.9 LIUS + 0.02 RCSP + 0.04 (CWIE + RCDI) of frames that fall by LIUS, (k,).

        RCSP is 1 less the highest cosine with a frame of higher LIUS, 1 for the first. Each term
        is scaled to 0 to 1 among these frames; without embeddings RCSP is left out.
        """
        place = np.searchsorted(self.rows, rows)
        classes = _scaled(self.doubt[place]) + _scaled(self.variety[place])
        unlike = _scaled(_unlike_earlier(self.embeddings[place]))
        return DOUBT_WEIGHT * _scaled(lius) + UNLIKE_WEIGHT * unlike + CLASS_WEIGHT * classes


def _scaled(values: Float64s) -> Float64s:
    span = np.ptp(values) if len(values) else 0.0
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def _unlike_earlier(embeddings: Float32s) -> Float64s:
    unlike = np.ones(len(embeddings))
    if not embeddings.shape[1]:
        return unlike
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    directions = embeddings / np.maximum(length, 1e-12)
    for place in range(1, len(directions)):
        unlike[place] = 1 - float((directions[:place] @ directions[place]).max())
    return unlike
