"""How unlike frames are by their boxes, compared class by class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pool import Pool, Rows
from prelabel.active.presence import classes_of
from prelabel.active.scoring import StrategyError
from prelabel.datasets.arrays import Float32s, Float64s, Int64s

MOST_BOXES = 30  # of a frame, those of the highest scores
FEWEST_CLASSES = 4  # with fewer, boxes are compared whatever their class
FURTHEST = 2.0  # of the distance 1 - cosine

_BLOCK = 1 << 22  # cosines held at a time


@dataclass(frozen=True, slots=True, eq=False)
class FrameObjects:
    """The boxes of n frames that are compared: k in all, frame after frame.

    `owner` (k,) rising, `class_id` (k,), `weight` (k,) their scores, `direction` (k, d) embeddings
    of length 1.
    """

    frames: int
    owner: Rows
    class_id: Int64s
    weight: Float64s
    direction: Float32s

    @classmethod
    def of(cls, pool: Pool, name: str, most_boxes: int = MOST_BOXES) -> "FrameObjects":
        """The best boxes of each frame of a pool, in its order.

        StrategyError, with the `name` of the strategy, where boxes have no embeddings.
        """
        columns = (Column.CLASS_ID, Column.BOX_EMBEDDING)
        parts = [_best(rows, table, name, most_boxes) for rows, table in pool.boxes.chunks(columns)]
        filled = [one for one in parts if len(one.owner)]
        if not filled:
            return cls.none(len(pool))
        owner = np.concatenate([one.owner for one in filled])
        order = np.argsort(owner, kind="stable")
        return cls(
            len(pool),
            owner[order],
            np.concatenate([one.class_id for one in filled])[order],
            np.concatenate([one.weight for one in filled])[order],
            np.concatenate([one.direction for one in filled])[order],
        )

    @classmethod
    def none(cls, frames: int) -> "FrameObjects":
        """Frames without boxes."""
        vectors = np.zeros((0, 1), np.float32)
        return cls(frames, np.zeros(0, np.intp), np.zeros(0, np.int64), np.zeros(0), vectors)

    def at_least(self, score_min: float) -> "FrameObjects":
        """The boxes of at least this score."""
        kept = self.weight >= score_min
        return FrameObjects(
            self.frames,
            self.owner[kept],
            self.class_id[kept],
            self.weight[kept],
            self.direction[kept],
        )

    def with_one_class(self) -> "FrameObjects":
        """The same with all boxes of one class."""
        return FrameObjects(
            self.frames, self.owner, np.zeros_like(self.class_id), self.weight, self.direction
        )


def class_distances(objects: FrameObjects) -> Float64s:
    """Distance of each pair of frames, (n, n) in 0 to 2, symmetric, 0 on the diagonal.

    d(i, b) is the least 1 - cosine of box i with a box of its class in frame b, 2 where there is
    none; D(a, b) is the mean of d(i, b) over the boxes of a weighted by their scores, and the
    distance the mean of D(a, b) and D(b, a) (CCMS of PPAL, CVPR 2024). Two frames without boxes
    have distance 0, one with and one without 2. Blocked: beside the result, memory does not grow
    with the square of the boxes.

    The released code sets the distance of the k-th boxes of all pairs of frames to 0, not only
    those of a frame with itself, and that of any frame to an empty one.
    """
    weight = np.bincount(objects.owner, objects.weight, objects.frames)
    is_empty = np.bincount(objects.owner, minlength=objects.frames) == 0
    share = objects.weight / np.maximum(weight, 1e-12)[objects.owner]
    directed = np.full((objects.frames, objects.frames), FURTHEST)
    for class_id in np.unique(objects.class_id).tolist():
        own = np.flatnonzero(objects.class_id == class_id)
        frames, begins = np.unique(objects.owner[own], return_index=True)
        for rows in _blocks(own):
            cosine = objects.direction[rows] @ objects.direction[own].T
            nearest = np.maximum.reduceat(cosine, begins, axis=1).clip(-1, 1)
            gain = share[rows, None] * (nearest.astype(np.float64) + (FURTHEST - 1))
            of_frames, firsts = np.unique(objects.owner[rows], return_index=True)
            directed[np.ix_(of_frames, frames)] -= np.add.reduceat(gain, firsts, axis=0)
    directed[np.ix_(is_empty, is_empty)] = 0
    distances = ((directed + directed.T) / 2).clip(0, FURTHEST)
    np.fill_diagonal(distances, 0)
    return np.asarray(distances, np.float64)


def _blocks(own: Rows) -> Iterator[Rows]:
    size = max(1, _BLOCK // len(own))
    return (own[begin : begin + size] for begin in range(0, len(own), size))


def _best(rows: Rows, table: BoxTable, name: str, most_boxes: int) -> FrameObjects:
    vectors = table.box_embedding
    if len(table.score) and (vectors is None or not vectors.shape[1]):
        raise StrategyError(
            f"strategy {name} compares embeddings of boxes, but the predictions hold none; predict "
            "with a detector that gives them, or choose another strategy"
        )
    place = np.arange(len(table.score)) - np.repeat(table.start[:-1], table.counts)
    kept = np.flatnonzero(place < most_boxes)
    found = np.zeros((0, 1), np.float32) if vectors is None else vectors[kept]
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return FrameObjects(
        table.frame_count,
        rows[table.owner[kept]],
        classes_of(table)[kept],
        table.score[kept].astype(np.float64),
        np.asarray(found / np.maximum(length, 1e-12), np.float32),
    )
