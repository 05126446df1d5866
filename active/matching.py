"""Which proposal belongs to which true box."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.predictions import Prediction

LOCATED_IOU = 0.5  # from here on a proposal is about an object

UNMATCHED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """`truth_of` (n,) holds for each proposal the row of its true box, or -1; `iou` (n,) their
    overlap, 0 without one; `same_class` (n,) whether the classes agree; `missed` the rows of true
    boxes that no proposal belongs to, rising. No true box has two proposals.
    """

    truth_of: NDArray[np.intp]
    iou: Float64s
    same_class: NDArray[np.bool_]
    missed: NDArray[np.intp]


def match(proposals: Prediction, truth: AnnotationSet) -> Matching:
    """Pair proposals with true boxes they overlap by an IoU of at least 0.5, turned or not.

    The best-scored proposal chooses first and takes the true box it overlaps most; proposals of
    the right class choose before those of a wrong one, as a person would keep the right box.
    """
    return match_boxes(proposals.boxes, proposals.class_id, truth.boxes, truth.class_id)


def match_boxes(
    proposals: Boxes, proposed_class: Int64s, truth: Boxes, true_class: Int64s
) -> Matching:
    """The same for bare boxes and their classes, (n,) and (m,); the best-scored proposal first."""
    overlap = boxes_iou(proposals, truth)
    agree = proposed_class[:, None] == true_class[None, :]
    truth_of = np.full(len(proposals), UNMATCHED, np.intp)
    free = np.ones(len(truth), np.bool_)
    for allowed in (agree, ~agree):
        _take_best(np.where(allowed, overlap, 0), truth_of, free)
    matched = np.flatnonzero(truth_of != UNMATCHED)
    iou, same_class = np.zeros(len(proposals)), np.zeros(len(proposals), np.bool_)
    iou[matched] = overlap[matched, truth_of[matched]]
    same_class[matched] = agree[matched, truth_of[matched]]
    return Matching(truth_of, iou, same_class, np.flatnonzero(free))


def _take_best(overlap: Float64s, truth_of: NDArray[np.intp], free: NDArray[np.bool_]) -> None:
    """Let each unmatched proposal, in order, take its best free true box; changes both in place."""
    if not overlap.shape[1]:
        return
    for row in np.flatnonzero(truth_of == UNMATCHED):
        candidates = np.where(free, overlap[row], 0)
        best = int(candidates.argmax())
        if candidates[best] >= LOCATED_IOU:
            truth_of[row] = best
            free[best] = False
