"""Boxes from a head that makes candidates on a grid: YOLO v8, 11, 12 and 26, upright or turned.

Only candidates that can be kept are decoded, in float32 whatever the network computes in: in
bfloat16 a corner at pixel 600 would be off by up to 2 pixels.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import box_iou, nms
from ultralytics.nn.modules import OBB, OBB26, Detect
from ultralytics.utils.metrics import batch_probiou
from ultralytics.utils.nms import TorchNMS

from prelabel.models.detector import PredictOptions
from prelabel.models.ultralytics.embeddings import embed_boxes
from prelabel.models.ultralytics.found import Found

# Boxes of different classes are moved this far apart, so that one run of NMS treats each class
# alone. The framework's own figure: the same rounding, hence the same boxes at the threshold.
_CLASS_OFFSET_PX = 7680


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Anchors whose best class scores more than `score_min`, in the order of pictures."""

    picture: Tensor
    anchor: Tensor
    class_probs: Tensor
    score: Tensor
    class_id: Tensor


def find_boxes(head: Any, maps: list[Tensor], options: PredictOptions) -> Found:
    """What the head finds on the neck maps of a batch."""
    raw = Detect.forward_head(head, maps, head.cv2, head.cv3)
    logits: Tensor = raw["scores"]
    candidates = _candidates(logits, options.score_min)
    xyxy, angle, spread = _decode(head, raw, maps, candidates)
    kept, support = _suppress(candidates, xyxy, angle, len(logits), options)
    found = Found(
        picture=candidates.picture[kept],
        xyxy=xyxy[kept],
        score=candidates.score[kept],
        class_id=candidates.class_id[kept],
        class_probs=candidates.class_probs[kept],
        class_peak=logits.amax(2).float().sigmoid(),
        angle=None if angle is None else angle[kept],
        spread=None if spread is None else spread[kept],
        support=support,
    )
    if not options.with_embeddings:
        return found
    strides = [float(stride) for stride in head.stride]
    return replace(found, embedding=embed_boxes(maps, strides, found))


def _candidates(logits: Tensor, score_min: float) -> _Candidates:
    """Candidates among (B, C, A) logits; a sigmoid is taken of few of them only."""
    is_candidate = logits.amax(1).float().sigmoid() > score_min
    picture, anchor = is_candidate.nonzero(as_tuple=True)
    class_probs = logits[picture, :, anchor].float().sigmoid()
    score, class_id = class_probs.max(1)
    return _Candidates(picture, anchor, class_probs, score, class_id)


def _decode(
    head: Any, raw: dict[str, Tensor], maps: list[Tensor], candidates: _Candidates
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Corners (n, 4), angle (n,) and spread (n, 4) of candidates, in canvas pixels."""
    centres, strides = _grid(maps, head.stride)
    centre, stride = centres[candidates.anchor], strides[candidates.anchor]
    bins = raw["boxes"][candidates.picture, :, candidates.anchor].float()
    distance, deviation = _distances(bins, head.reg_max)
    spread = None if deviation is None else deviation * stride
    if not isinstance(head, OBB):
        corners = torch.cat([centre - distance[:, :2], centre + distance[:, 2:]], 1)
        return corners * stride, None, spread
    angle = _angles(head, maps)[candidates.picture, candidates.anchor]
    return _turned_corners(distance, centre, angle) * stride, angle, spread


def _angles(head: OBB, maps: list[Tensor]) -> Tensor:
    """The angle at each anchor, (B, A) radians; computed from the outputs in float32."""
    outputs = [part(one).flatten(1) for part, one in zip(head.cv4, maps, strict=True)]
    angle = torch.cat(outputs, 1).float()
    return angle if isinstance(head, OBB26) else (angle.sigmoid() - 0.25) * torch.pi


def _grid(maps: list[Tensor], strides: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (A, 2) of each anchor, in strides, and its stride (A, 1), map after map."""
    centres, stride_of = [], []
    for one, stride in zip(maps, strides, strict=True):
        rows, columns = (torch.arange(side, device=one.device) + 0.5 for side in one.shape[2:])
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()], 1))
        stride_of.append(stride.float().expand(len(centres[-1]), 1))
    return torch.cat(centres), torch.cat(stride_of).to(maps[0].device)


def _distances(bins: Tensor, bin_count: int) -> tuple[Tensor, Tensor | None]:
    """Left, top, right, bottom from the anchor in strides, and their standard deviation.

    A head that gives the distance outright (`bin_count` 1) has no deviation. Else it gives a
    distribution over whole distances (Li et al., Generalized Focal Loss, 2020).
    """
    if bin_count == 1:
        return bins, None
    share = bins.view(-1, 4, bin_count).softmax(2)
    values = torch.arange(bin_count, dtype=share.dtype, device=share.device)
    mean = (share * values).sum(2)
    variance = (share * (values - mean[..., None]).square()).sum(2)
    return mean, variance.sqrt()


def _turned_corners(distance: Tensor, centre: Tensor, angle: Tensor) -> Tensor:
    """Corners before the turn about their middle; distances are along the turned sides."""
    shift = (distance[:, 2:] - distance[:, :2]) / 2
    cos, sin = angle.cos(), angle.sin()
    moved = torch.stack(
        [shift[:, 0] * cos - shift[:, 1] * sin, shift[:, 0] * sin + shift[:, 1] * cos], 1
    )
    half = (distance[:, :2] + distance[:, 2:]) / 2
    return torch.cat([centre + moved - half, centre + moved + half], 1)


def _suppress(
    candidates: _Candidates,
    xyxy: Tensor,
    angle: Tensor | None,
    picture_count: int,
    options: PredictOptions,
) -> tuple[Tensor, Tensor]:
    """Row numbers of the candidates kept, and the support of each; no time limit drops any.

    The support of a kept box is the number of candidates of its class, itself included, that
    overlap it by at least `nms_iou`; a candidate between two kept boxes supports both.
    """
    apart = xyxy + _CLASS_OFFSET_PX * candidates.class_id[:, None]
    counts = torch.bincount(candidates.picture, minlength=picture_count).tolist()
    kept, support, start = [], [], 0
    for count in counts:
        rows = slice(start, start + count)
        boxes, score = apart[rows], candidates.score[rows]
        if angle is None:
            keep, overlap = _upright_nms(boxes, score, options)
        else:
            keep, overlap = _turned_nms(boxes, angle[rows], score, options)
        kept.append(keep + start)
        support.append((overlap >= options.nms_iou).sum(1).clamp(min=1))
        start += count
    return torch.cat(kept), torch.cat(support)


def _upright_nms(boxes: Tensor, score: Tensor, options: PredictOptions) -> tuple[Tensor, Tensor]:
    """Rows kept, by falling score, and their overlap with every row."""
    keep = nms(boxes, score, options.nms_iou)[: options.max_boxes]
    return keep, box_iou(boxes[keep], boxes)


def _turned_nms(
    boxes: Tensor, angle: Tensor, score: Tensor, options: PredictOptions
) -> tuple[Tensor, Tensor]:
    """The same for turned boxes, whose overlap is the framework's: of Gaussians, not of areas."""
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    turned = torch.cat([middle, size, angle[:, None]], 1)
    keep = TorchNMS.fast_nms(turned, score, options.nms_iou, iou_func=batch_probiou)
    keep = keep[: options.max_boxes]
    return keep, batch_probiou(turned[keep], turned)
