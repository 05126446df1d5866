"""What a detector that has not seen a frame's labels says about each of them, as numbers.

A row is a label, or an object that the detector sees where no label is; columns are features that
rise or fall with the chance of each kind of error. Nothing is cut off at a fixed score: how sure a
detector must be to be believed differs from class to class and from detector to detector, and is
learned (see `prelabel.active.label_errors.model`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.geometry import boxes_iou, enclosing
from prelabel.datasets.predictions import Prediction

NEAR_IOU = 0.1  # a prediction that overlaps a label less than this is about something else
SAME_IOU = 0.5  # from here on it is about the same object
_LEAST = 1e-4  # scores are seen as log odds, which end at this distance from 0 and 1

LABEL_FEATURES = 17
OBJECT_FEATURES = 11


@dataclass(frozen=True, slots=True, eq=False)
class FrameEvidence:
    """The evidence about one frame with n labels and k objects seen beside them.

    `labels` (n, LABEL_FEATURES); `objects` (k, OBJECT_FEATURES), best score first, none of which
    lies on another; `object_row` (k,) is their row in the prediction; `suggested` (n,) the class
    that the detector sees at each label, -1 where it sees nothing there.
    """

    labels: Float64s
    objects: Float64s
    object_row: NDArray[np.intp]
    suggested: Int64s


def frame_evidence(
    labels: AnnotationSet, prediction: Prediction, class_skill: Float64s
) -> FrameEvidence:
    """The evidence of a prediction about labels of the same frame.

    `class_skill` (C,) is how well the detector knows each class, 0 to 1: see `skill_by_class`.
    """
    overlap = boxes_iou(labels.boxes, prediction.boxes)
    probs = class_matrix(prediction, len(class_skill))
    kept = _apart(prediction)
    return FrameEvidence(
        _labels(labels, prediction, overlap, probs, class_skill),
        _objects(labels, prediction, overlap, probs, class_skill, kept),
        kept,
        _suggested(prediction, overlap),
    )


def skill_by_class(
    labels: Sequence[AnnotationSet], predictions: Sequence[Prediction], class_count: int
) -> Float64s:
    """How surely the detector finds labels of each class: the mean of its best score there, (C,).

    Classes with few labels are drawn towards the mean of all.
    """
    total, count = np.zeros(class_count), np.zeros(class_count)
    for its, prediction in zip(labels, predictions, strict=True):
        overlap = boxes_iou(its.boxes, prediction.boxes)
        probs = class_matrix(prediction, class_count)
        own = probs[:, its.class_id].T
        best = own.max(axis=1, initial=0, where=overlap >= SAME_IOU)
        total += np.bincount(its.class_id, best, class_count)
        count += np.bincount(its.class_id, minlength=class_count)
    mean = total.sum() / max(count.sum(), 1)
    prior = 5.0  # labels' worth
    return np.asarray((total + prior * mean) / (count + prior), np.float64)


def class_matrix(prediction: Prediction, class_count: int) -> Float64s:
    """The probability of each class for each predicted box, (m, C)."""
    if prediction.class_probs is not None and prediction.class_probs.shape[1] == class_count:
        return prediction.class_probs.astype(np.float64)
    probs = np.zeros((len(prediction), class_count))
    probs[np.arange(len(prediction)), prediction.class_id] = prediction.score
    return probs


def _labels(
    labels: AnnotationSet,
    prediction: Prediction,
    overlap: Float64s,
    probs: Float64s,
    class_skill: Float64s,
) -> Float64s:
    count = len(labels)
    if not count:
        return np.zeros((0, LABEL_FEATURES))
    score, xyxy = prediction.score.astype(np.float64), enclosing(labels.boxes).astype(np.float64)
    same, near = overlap >= SAME_IOU, overlap >= NEAR_IOU
    seen, every = near.any(axis=1), np.arange(count)
    weighted = overlap * score
    best = weighted.argmax(axis=1) if len(prediction) else np.zeros(count, np.intp)
    best_iou = np.where(seen, overlap[every, best], 0.0) if len(prediction) else np.zeros(count)
    own = near & (overlap.argmax(axis=0) == every[:, None])
    right = _most(probs[:, labels.class_id].T, same)
    wrong = _most(_other_classes(probs, labels.class_id), same)
    sides = np.ones((count, 4))
    if seen.any():
        sides[seen] = _offsets(xyxy[seen], enclosing(prediction.boxes)[best[seen]])
    among = boxes_iou(labels.boxes, labels.boxes)
    np.fill_diagonal(among, 0)
    twin, twin_iou = among.argmax(axis=1), among.max(axis=1)
    nearer = seen & (overlap[twin, best] > best_iou) if len(prediction) else seen
    skill = _log_odds(class_skill[labels.class_id])
    scores = np.broadcast_to(score, overlap.shape)
    return np.column_stack(
        [
            right,
            wrong,
            wrong - right,
            _most(scores, near),
            _most(scores, own),
            _most(weighted, near),
            best_iou,
            overlap.max(axis=1, initial=0),
            weighted.sum(axis=1, where=near) / np.maximum(scores.sum(axis=1, where=near), _LEAST),
            sides.max(axis=1),
            sides.mean(axis=1),
            twin_iou,
            twin_iou * (labels.class_id[twin] == labels.class_id),
            nearer,
            skill,
            _log_area(xyxy),
            seen,
        ]
    )


def _objects(
    labels: AnnotationSet,
    prediction: Prediction,
    overlap: Float64s,
    probs: Float64s,
    class_skill: Float64s,
    kept: NDArray[np.intp],
) -> Float64s:
    xyxy = enclosing(prediction.boxes)[kept].astype(np.float64)
    class_id, score = prediction.class_id[kept], _log_odds(prediction.score[kept])
    iou, agree = overlap[:, kept], labels.class_id[:, None] == class_id
    # The share of the box that labels cover, one by one: parts of labelled objects have much.
    covered = _covered(xyxy, enclosing(labels.boxes).astype(np.float64))
    likeliest, second = _two_largest(probs[kept])
    skill = _log_odds(class_skill[class_id])
    support = np.ones(len(kept)) if prediction.support is None else prediction.support[kept]
    return np.column_stack(
        [
            score,
            score - skill,
            likeliest - second,
            iou.max(axis=0, initial=0),
            iou.max(axis=0, initial=0, where=agree),
            covered.max(axis=0, initial=0),
            covered.max(axis=0, initial=0, where=agree),
            iou.max(axis=0, initial=0) >= SAME_IOU,
            skill,
            _log_area(xyxy),
            np.log1p(support),
        ]
    )


def _suggested(prediction: Prediction, overlap: Float64s) -> Int64s:
    """The class of the surest box near each label, (n,); -1 where there is none."""
    near = overlap >= NEAR_IOU
    if not len(prediction):
        return np.full(len(overlap), -1, np.int64)
    best = np.where(near, overlap * prediction.score, -1.0).argmax(axis=1)
    return np.where(near.any(axis=1), prediction.class_id[best], -1)


def _apart(prediction: Prediction) -> NDArray[np.intp]:
    """Rows of boxes that lie on no better-scored one, whatever the class, best first."""
    clash = boxes_iou(prediction.boxes, prediction.boxes) >= SAME_IOU
    kept: list[int] = []
    hidden = np.zeros(len(prediction), np.bool_)
    for row in range(len(prediction)):  # scores fall
        if not hidden[row]:
            kept.append(row)
            hidden |= clash[row]
    return np.array(kept, np.intp)


def _covered(boxes: Float64s, labels: Float64s) -> Float64s:
    """The share of each box (k, 4) that each label (n, 4) covers, (n, k)."""
    ends = np.minimum(boxes[None, :, 2:], labels[:, None, 2:])
    sides = np.maximum(ends - np.maximum(boxes[None, :, :2], labels[:, None, :2]), 0)
    return np.asarray(sides.prod(axis=2) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.float64)


def _offsets(labels: Float64s, seen: NDArray[np.float32]) -> Float64s:
    """How far each side lies from where it is seen, as a share of the label's size, (n, 4)."""
    size = np.tile(np.maximum(labels[:, 2:] - labels[:, :2], 1), 2)
    return np.asarray(np.minimum(np.abs(labels - seen.astype(np.float64)) / size, 1), np.float64)


def _other_classes(probs: Float64s, class_id: Int64s) -> Float64s:
    """The largest probability (m, C) of each box that is not of a label's class, (n, m)."""
    likeliest, second = _two_largest(probs)
    return np.where(probs.argmax(axis=1) == class_id[:, None], second, likeliest)


def _two_largest(probs: Float64s) -> tuple[Float64s, Float64s]:
    """The largest and the second largest probability of each box, (m,); the second may be none."""
    ordered = np.sort(probs, axis=1)
    second = ordered[:, -2] if probs.shape[1] > 1 else np.zeros(len(probs))
    return ordered[:, -1], second


def _log_area(xyxy: Float64s) -> Float64s:
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1)
    return np.asarray(np.log(sides.prod(axis=1)) / 10, np.float64)


def _most(values: Float64s, where: NDArray[np.bool_]) -> Float64s:
    """The log odds of the largest in each row, of those asked for; of 0 where there are none."""
    return _log_odds(values.max(axis=1, initial=0, where=where))


def _log_odds(values: Float64s | Float32s) -> Float64s:
    inside = np.clip(values.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)
