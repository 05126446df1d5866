"""Choosing among the boxes that a net proposes, keeping all that is known about those that stay."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import batched_nms, box_iou

from prelabel.datasets.arrays import Float32s, Int64s


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes of one picture before NMS, each for one class.

    `boxes` (k, 4) pixels of the net's input, `scores` (k,), `labels` (k,) as torchvision counts
    them, `rows` (k,) into `class_scores` (a, C), the score of each class for each anchor or
    proposal, without a background column.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    rows: Tensor
    class_scores: Tensor

    def keep_best(self, nms_iou: float, count_max: int) -> dict[str, Tensor]:
        """What remains after NMS within each class, best first."""
        kept, support = _after_nms(self.boxes, self.scores, self.labels, nms_iou, count_max)
        return {
            "boxes": self.boxes[kept],
            "scores": self.scores[kept],
            "labels": self.labels[kept],
            "rows": self.rows[kept],
            "class_scores": self.class_scores[self.rows[kept]],
            "support": support,
            "class_peak": self.class_scores.amax(dim=0),
        }


def after_nms(
    xyxy: Float32s, score: Float32s, class_id: Int64s, nms_iou: float, count_max: int
) -> tuple[NDArray[np.intp], Int64s]:
    """Rows of the boxes that remain after NMS within each class, best first, and their support.

    `xyxy` (n, 4), `score` and `class_id` (n,); both results (k,) with k at most `count_max`.
    """
    boxes, scores, labels = (torch.from_numpy(one) for one in (xyxy, score, class_id))
    kept, support = _after_nms(boxes, scores, labels, nms_iou, count_max)
    return kept.numpy(), support.numpy()


def _after_nms(
    boxes: Tensor, scores: Tensor, labels: Tensor, nms_iou: float, count_max: int
) -> tuple[Tensor, Tensor]:
    kept = batched_nms(boxes, scores, labels, nms_iou)[:count_max]
    return kept, _support(boxes, labels, kept, nms_iou)


def _support(boxes: Tensor, labels: Tensor, kept: Tensor, nms_iou: float) -> Tensor:
    """How many candidates of its class each kept box stands for, itself included.

    A candidate goes to the surest kept box that overlaps it by more than `nms_iou`.
    """
    count = torch.zeros(len(kept), dtype=torch.int64, device=kept.device)
    for label in torch.unique(labels[kept]):
        places = (labels[kept] == label).nonzero()[:, 0]
        overlap = box_iou(boxes[labels == label], boxes[kept[places]])
        taken, first = (overlap > nms_iou).max(dim=1)
        count.index_add_(0, places[first[taken]], torch.ones_like(first[taken]))
    # A box so thin that its overlap with itself is not a number still stands for itself.
    return count.clamp(min=1)
