"""PPAL's first stage: doubt about boxes, more for classes that the detector finds hard."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.difficulty import class_difficulties, difficulty_weights
from prelabel.active.pool import Need, Pool
from prelabel.active.presence import FaintBoxes, class_count, classes_of
from prelabel.active.regression import binary_entropy
from prelabel.active.scoring import Scored, frame_by_frame, told
from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.wording import counted

FAINTEST = 0.05
LONGEST = 5.0  # times its breadth
SMALLEST_PX = 4.0


@dataclass(frozen=True, slots=True)
class DifficultyWeighted:
    """Sum over a frame's boxes of the binary entropy of the score times the weight of the class.

    DCUS of PPAL ("Plug and Play Active Learning", CVPR 2024); weights as in `difficulty`. Boxes
    count from a score of 0.05 and with sides less than 1 to 5, as published. PPAL leaves out boxes
    whose side (the root of the area) is 16 px or less in pictures of about 1333 x 800; here it is
    `smallest_px` of the original picture, 4 unless told, since pictures may be small. A frame
    without boxes, never chosen by PPAL, counts as one with its best candidate below the threshold.
    """

    smallest_px: float = SMALLEST_PX
    name: str = "difficulty_sum"
    needs: frozenset[Need] = frozenset({Need.EVIDENCE})

    def of(self, pool: Pool) -> Scored:
        weights = difficulty_weights(class_difficulties(pool.evidence, class_count(pool)))

        def values(table: BoxTable) -> Float64s:
            return self._values(table, weights)

        def reason(row: int, prediction: Prediction) -> str:
            return _reason(pool, prediction, weights)

        columns = (Column.CLASS_ID, Column.XYXY, Column.CLASS_PEAK)
        return Scored(frame_by_frame(pool, columns, values), told(pool, reason))

    def _values(self, table: BoxTable, weights: Float64s) -> Float64s:
        doubt = binary_entropy(table.score) * _of_class(weights, classes_of(table))
        total = np.zeros(table.frame_count)
        total += np.bincount(table.owner, doubt * self._counts(table), table.frame_count)
        faint = FaintBoxes.of(table)
        total[faint.frame] = binary_entropy(faint.score) * _of_class(weights, faint.class_id)
        return total

    def _counts(self, table: BoxTable) -> Bools:
        if table.xyxy is None:
            return np.zeros(len(table.score), np.bool_)
        sides = table.xyxy[:, 2:].astype(np.float64) - table.xyxy[:, :2]
        is_large = np.sqrt(sides.prod(axis=1)) > self.smallest_px
        is_compact = sides.max(axis=1) < LONGEST * sides.min(axis=1)
        is_enough = table.score >= np.float32(FAINTEST)
        return np.asarray(is_enough & is_large & is_compact, np.bool_)


def _of_class(weights: Float64s, class_id: Int64s) -> Float64s:
    """Weights of boxes; a class of which nothing is known weighs as the median one."""
    usual = float(np.median(weights)) if len(weights) else 1.0
    padded = np.append(weights, usual)
    return padded[np.minimum(class_id, len(weights))]


def _reason(pool: Pool, prediction: Prediction, weights: Float64s) -> str:
    if not len(prediction):
        return "no box found; judged by the strongest hint below the threshold"
    class_id = prediction.class_id
    doubt = binary_entropy(prediction.score) * _of_class(weights, class_id)
    box = int(doubt.argmax())
    return (
        f"{counted(len(prediction), 'box')}; most doubtful: {pool.class_name(int(class_id[box]))} "
        f"{prediction.score[box]:.2f}, difficulty weight {_of_class(weights, class_id)[box]:.2f}"
    )
