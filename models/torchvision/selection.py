"""Choosing the boxes to keep, with everything that is known about them.

torchvision's detectors keep the winning class of each box and forget the rest. The classes here
take the place of theirs at that one step: same boxes, scores and labels, and beside them for each
kept box the row of the candidate it came from, its whole class vector and how many candidates it
stands for.
"""

from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.ssd import SSD
from torchvision.ops import clip_boxes_to_image, remove_small_boxes

from prelabel.models.candidates import Candidates

Detections = list[dict[str, Tensor]]
Sizes = list[tuple[int, int]]


class RichFCOS(FCOS):  # type: ignore[misc]  # torchvision is published without types
    """FCOS whose class scores are the geometric mean of class and centre-ness, as it ranks them."""

    def postprocess_detections(
        self, head_outputs: dict[str, list[Tensor]], anchors: list[list[Tensor]], sizes: Sizes
    ) -> Detections:
        scores = [
            torch.sqrt(torch.sigmoid(logits) * torch.sigmoid(centre))
            for logits, centre in zip(
                head_outputs["cls_logits"], head_outputs["bbox_ctrness"], strict=True
            )
        ]
        return _keep_best_of_levels(
            self, scores, head_outputs["bbox_regression"], anchors, sizes, self.box_coder.decode
        )


class RichRetinaNet(RetinaNet):  # type: ignore[misc]  # as RichFCOS
    """RetinaNet."""

    def postprocess_detections(
        self, head_outputs: dict[str, list[Tensor]], anchors: list[list[Tensor]], sizes: Sizes
    ) -> Detections:
        scores = [torch.sigmoid(logits) for logits in head_outputs["cls_logits"]]
        decode = self.box_coder.decode_single
        return _keep_best_of_levels(
            self, scores, head_outputs["bbox_regression"], anchors, sizes, decode
        )


class RichSSD(SSD):  # type: ignore[misc]  # as RichFCOS
    """SSD."""

    def postprocess_detections(
        self, head_outputs: dict[str, Tensor], image_anchors: list[Tensor], image_shapes: Sizes
    ) -> Detections:
        every_score = torch.softmax(head_outputs["cls_logits"], dim=-1)
        detections = []
        for regression, scores, anchors, size in zip(
            head_outputs["bbox_regression"], every_score, image_anchors, image_shapes, strict=True
        ):
            boxes = clip_boxes_to_image(self.box_coder.decode_single(regression, anchors), size)
            chosen = [self._of_class(scores, label) for label in range(1, scores.shape[1])]
            rows = torch.cat([rows for rows, _ in chosen])
            labels = torch.cat([torch.full_like(rows, n) for n, (rows, _) in enumerate(chosen, 1)])
            found = Candidates(
                boxes[rows], torch.cat([s for _, s in chosen]), labels, rows, scores[:, 1:]
            )
            detections.append(found.keep_best(self.nms_thresh, self.detections_per_img))
        return detections

    def _of_class(self, scores: Tensor, label: int) -> tuple[Tensor, Tensor]:
        """Rows and scores of the best candidates of one class."""
        rows = (scores[:, label] > self.score_thresh).nonzero()[:, 0]
        best, order = scores[rows, label].topk(min(self.topk_candidates, len(rows)))
        return rows[order], best


class RichRoIHeads(RoIHeads):  # type: ignore[misc]  # as RichFCOS
    """The second stage of Faster R-CNN; `results` keeps what its `forward` would drop.

    Rows index proposals; a proposal has another box for each class.
    """

    results: Detections

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], sizes: Sizes
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        counts = [len(one) for one in proposals]
        boxes = torch.split(self.box_coder.decode(box_regression, proposals), counts)
        scores = torch.split(torch.softmax(class_logits, -1), counts)
        self.results = [self._keep(*one) for one in zip(boxes, scores, sizes, strict=True)]
        return (
            [one["boxes"] for one in self.results],
            [one["scores"] for one in self.results],
            [one["labels"] for one in self.results],
        )

    def _keep(self, boxes: Tensor, scores: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        class_scores = scores[:, 1:]
        boxes = clip_boxes_to_image(boxes, size)[:, 1:].reshape(-1, 4)
        flat = class_scores.reshape(-1)
        sure = (flat > self.score_thresh).nonzero()[:, 0]
        sure = sure[remove_small_boxes(boxes[sure], min_size=1e-2)]
        classes = class_scores.shape[1]
        found = Candidates(
            boxes[sure],
            flat[sure],
            sure % classes + 1,
            torch.div(sure, classes, rounding_mode="floor"),
            class_scores,
        )
        return found.keep_best(self.nms_thresh, self.detections_per_img)


def _keep_best_of_levels(
    net: Any,
    scores: list[Tensor],
    regression: list[Tensor],
    anchors: list[list[Tensor]],
    sizes: Sizes,
    decode: Any,
) -> Detections:
    """Detections of a net that looks at a pyramid: a limited number of candidates a level."""
    detections = []
    for index, size in enumerate(sizes):
        parts = []
        first_row = 0
        for level_scores, level_regression, level_anchors in zip(
            scores, regression, anchors[index], strict=True
        ):
            flat = level_scores[index].flatten()
            sure = (flat > net.score_thresh).nonzero()[:, 0]
            best, order = flat[sure].topk(min(net.topk_candidates, len(sure)))
            sure = sure[order]
            classes = level_scores.shape[-1]
            rows = torch.div(sure, classes, rounding_mode="floor")
            boxes = decode(level_regression[index][rows], level_anchors[rows])
            boxes = clip_boxes_to_image(boxes, size)
            parts.append((boxes, best, sure % classes, rows + first_row))
            first_row += len(level_anchors)
        boxes, best, labels, rows = (torch.cat(column) for column in zip(*parts, strict=True))
        class_scores = torch.cat([level[index] for level in scores])
        found = Candidates(boxes, best, labels, rows, class_scores)
        detections.append(found.keep_best(net.nms_thresh, net.detections_per_img))
    return detections
