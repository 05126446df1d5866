"""Boxes from a head with a fixed number of queries and no NMS: RT-DETR."""

from typing import Any

from torch import Tensor
from torchvision.ops import box_convert

from prelabel.models.detector import PredictOptions
from prelabel.models.ultralytics.found import Found


def find_boxes(head: Any, maps: list[Tensor], canvas_px: int, options: PredictOptions) -> Found:
    """What the head finds on the neck maps of a batch of square canvases.

    One query gives a row for each of its classes among the best, as in the framework, so a place
    can carry boxes of two classes. The embedding of a box is what the last decoder layer knows of
    its query.
    """
    (boxes, logits), queries = _run(head, maps)
    class_probs = logits.sigmoid()
    query_count, class_count = class_probs.shape[1:]
    score, index = class_probs.flatten(1).topk(query_count, dim=1)
    kept = score > options.score_min
    kept[:, options.max_boxes :] = False  # rows fall by score
    picture = kept.nonzero(as_tuple=True)[0]
    query, class_id = index[kept] // class_count, index[kept] % class_count
    return Found(
        picture=picture,
        xyxy=box_convert(boxes[picture, query], "cxcywh", "xyxy") * canvas_px,
        score=score[kept],
        class_id=class_id,
        class_probs=class_probs[picture, query],
        class_peak=class_probs.amax(1),
        embedding=queries[picture, query] if options.with_embeddings else None,
    )


def _run(head: Any, maps: list[Tensor]) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Normalised boxes (B, Q, 4), class logits (B, Q, C) and query vectors (B, Q, d)."""
    seen: list[Tensor] = []
    last_scores = head.dec_score_head[head.decoder.eval_idx]
    hook = last_scores.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        _, (boxes, logits, *_) = head(maps)
    finally:
        hook.remove()
    return (boxes[0].float(), logits[0].float()), seen[0].float()
