"""Frames drawn at random, with what a detector proposes on them and what people found there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.evidence import Evidence
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.pool import Rows
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """Proposals on n frames beside their labels; the detector has not learned from them.

    With m boxes: `right` (m,) have the right class and overlap their object by the IoU asked for;
    `found` (m,) lie on an object, of whatever class; `iou` (m,) with it, 0 without one. `objects`
    (n,) counts the true objects of each frame. No object has two boxes: of two, the one of the
    higher score has it.
    """

    boxes: BoxTable
    right: Bools
    found: Bools
    iou: Float64s
    objects: Int64s

    @classmethod
    def of(
        cls,
        predictions: Sequence[Prediction],
        labels: Sequence[AnnotationSet],
        iou: float = LOCATED_IOU,
    ) -> "Checks":
        """The checks of these frames, labels in the order of the predictions."""
        if not LOCATED_IOU <= iou < 1:
            raise InvalidValueError(f"iou must be from {LOCATED_IOU} to below 1, but is {iou}")
        evidence = Evidence.of(predictions, labels)
        found = evidence.iou >= LOCATED_IOU
        objects = np.array([len(one) for one in labels], np.int64)
        right = evidence.same_class & (evidence.iou >= iou)
        return cls(evidence.boxes, right, found, evidence.iou, objects)

    def __len__(self) -> int:
        return self.boxes.frame_count

    def take(self, frames: Rows) -> "Checks":
        """The checks of these frames, in that order."""
        counts = self.boxes.counts[frames]
        first = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(self.boxes.start[frames] - first, counts)
        return Checks(
            self.boxes.take(frames),
            self.right[rows],
            self.found[rows],
            self.iou[rows],
            self.objects[frames],
        )

    def in_each_frame(self, of_boxes: Bools) -> Int64s:
        """How many of the boxes of each frame are so, (n,)."""
        counts = np.bincount(self.boxes.owner, of_boxes, len(self))
        return np.asarray(counts, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Checks, with the probability (m,) of each box to be right."""

    checks: Checks
    probability: Float64s

    def __len__(self) -> int:
        return len(self.checks)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """On each of n frames `accepted` (n,) boxes or objects, of which `failed` (n,)."""

    accepted: Float64s
    failed: Float64s

    def losses(self, share: float) -> Float64s:
        """Failures less the share of what is accepted that may fail, (n,)."""
        return np.asarray(self.failed - share * self.accepted, np.float64)
