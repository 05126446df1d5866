"""How hard each class is for a detector, as far as labelled frames tell."""

import numpy as np

from prelabel.active.evidence import Evidence
from prelabel.active.presence import classes_of, labelled_boxes
from prelabel.datasets.arrays import Float64s

SCORE_SHARE = 0.6  # xi: how much of the quality of a found object is its score, the rest its IoU
SHARPNESS = 0.3  # alpha
STRENGTH = 0.2  # beta: a class of difficulty 1 weighs 1 + beta


def class_difficulties(evidence: Evidence, classes: int) -> Float64s:
    """d_c = 1 - mean of p^0.6 IoU^0.4 over the labelled objects of a class, (classes,) in 0 to 1.

    PPAL ("Plug and Play Active Learning", CVPR 2024) averages the quality over the positive anchors
    of training; here it is that of the box found for each labelled object of a frame that had
    trained nothing, and 0 for objects without a box of their class. A class without labelled
    objects has the median difficulty of the others, and 1/2 where there are none.
    """
    boxes, right = evidence.boxes, evidence.is_right
    quality = boxes.score**SCORE_SHARE * evidence.iou ** (1 - SCORE_SHARE)
    class_id = classes_of(boxes)
    known = right & (class_id < classes)
    found = np.bincount(class_id[known], quality[known], classes)
    objects = labelled_boxes(evidence, classes)
    seen = objects > 0
    usual = float(np.median(1 - found[seen] / objects[seen])) if seen.any() else 0.5
    return np.where(seen, 1 - found / np.maximum(objects, 1), usual)


def difficulty_weights(difficulty: Float64s) -> Float64s:
    """w_c = 1 + alpha beta ln((e^(1 / alpha) - 1) d_c + 1), in 1 to 1.2 (PPAL)."""
    inner = np.expm1(1 / SHARPNESS) * difficulty.clip(0, 1)
    return np.asarray(1 + SHARPNESS * STRENGTH * np.log1p(inner), np.float64)
