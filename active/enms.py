"""Entropy of a frame with near-duplicate boxes counted once."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.reasons import uncertainty_reason
from prelabel.active.scores import Measure, PoolBoxes
from prelabel.active.scoring import NO_NEEDS, Scored, frame_by_frame, told
from prelabel.datasets.arrays import Bools, Float32s, Float64s
from prelabel.datasets.predictions import Prediction

ALIKE_COSINE = 0.5


@dataclass(frozen=True, slots=True)
class EntropyWithoutDuplicates:
    """Sum of the entropies of a frame's boxes that are unlike each other (ENMS).

    The box of highest entropy counts, boxes of its class whose embeddings have a cosine above 0.5
    with it do not, and so on with what is left. Wu, Chen, Huang, "Entropy-based active learning
    for object detection with progressive diversity constraint", CVPR 2022. A sum likes crowds;
    this one likes them only as far as they are varied. Where a detector gives no embeddings of
    boxes, none is known to be like another, and it is the plain sum.
    """

    name: str = "entropy_enms"
    needs: frozenset[Need] = NO_NEEDS

    def of(self, pool: Pool) -> Scored:
        columns = (Column.CLASS_PROBS, Column.CLASS_PEAK, Column.CLASS_ID, Column.BOX_EMBEDDING)

        def reason(row: int, prediction: Prediction) -> str:
            return uncertainty_reason(pool, prediction, Measure.ENTROPY)

        return Scored(frame_by_frame(pool, columns, _values), told(pool, reason))


def _values(table: BoxTable) -> Float64s:
    boxes = PoolBoxes.of(table)
    entropy = boxes.values(Measure.ENTROPY)
    total = np.bincount(boxes.owner[~boxes.real], entropy[~boxes.real], table.frame_count)
    return total + _sum_of_unlike(table, entropy[boxes.real])


def _sum_of_unlike(table: BoxTable, entropy: Float64s) -> Float64s:
    """All frames at once: in each turn the highest box left in every frame counts."""
    total = np.zeros(table.frame_count)
    owner, directions = table.owner, _directions(table.box_embedding)
    left = np.ones(len(entropy), np.bool_)
    while left.any():
        rows = np.flatnonzero(left)
        falling = rows[np.lexsort((-entropy[rows], owner[rows]))]
        frames, firsts = np.unique(owner[falling], return_index=True)
        heads = falling[firsts]
        total[frames] += entropy[heads]
        head_of = np.full(table.frame_count, -1, np.intp)
        head_of[frames] = heads
        left[heads] = False
        rows = np.flatnonzero(left)
        left[rows[_alike(table, directions, rows, head_of[owner[rows]])]] = False
    return total


def _alike(table: BoxTable, directions: Float32s | None, rows: Rows, heads: Rows) -> Bools:
    if table.class_id is None or directions is None:
        return np.zeros(len(rows), np.bool_)
    cosine = np.einsum("ij,ij->i", directions[rows], directions[heads])
    alike = (table.class_id[rows] == table.class_id[heads]) & (cosine > ALIKE_COSINE)
    return np.asarray(alike, np.bool_)


def _directions(embedding: Float32s | None) -> Float32s | None:
    if embedding is None or not embedding.shape[1]:
        return None
    length = np.linalg.norm(embedding, axis=1, keepdims=True)
    return np.asarray(embedding / np.maximum(length, 1e-12), np.float32)
