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
from prelabel.datasets.arrays import Float64s, Int64s
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
    about = _labels(labels, prediction, overlap, probs, class_skill)
    objects = _objects(labels, prediction, overlap, probs, class_skill, kept)
    suggested = np.full(len(labels), -1, np.int64)
    for row in range(len(labels)):
        on_it = np.flatnonzero(overlap[row] >= NEAR_IOU)
        if len(on_it):
            best = on_it[np.argmax((overlap[row, on_it]) * prediction.score[on_it])]
            suggested[row] = prediction.class_id[best]
    return FrameEvidence(about, objects, kept, suggested)


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
        for row, class_id in enumerate(its.class_id.tolist()):
            on_it = overlap[row] >= SAME_IOU
            total[class_id] += probs[on_it, class_id].max(initial=0)
            count[class_id] += 1
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
    rows = np.zeros((len(labels), LABEL_FEATURES))
    among = boxes_iou(labels.boxes, labels.boxes)
    np.fill_diagonal(among, 0)
    xyxy, seen = enclosing(labels.boxes).astype(np.float64), enclosing(prediction.boxes)
    owner = overlap.argmax(axis=0) if len(labels) else np.zeros(len(prediction), np.intp)
    for row, class_id in enumerate(labels.class_id.tolist()):
        iou = overlap[row]
        same, near = iou >= SAME_IOU, iou >= NEAR_IOU
        others = np.delete(probs, class_id, axis=1).max(axis=1, initial=0)
        own = near & (owner == row)
        best = int(np.argmax(iou * prediction.score)) if near.any() else -1
        sides = _offsets(xyxy[row], seen[best]) if best >= 0 else np.ones(4)
        right, wrong = _most(probs[same, class_id]), _most(others[same])
        twin = int(among[row].argmax()) if len(labels) > 1 else row
        rows[row] = (
            right,
            wrong,
            wrong - right,
            _most(prediction.score[near]),
            _most(prediction.score[own]),
            _most((iou * prediction.score)[near]) if near.any() else _log_odds(0.0),
            float(iou[best]) if best >= 0 else 0.0,
            float(iou.max(initial=0)),
            float(np.sum(iou[near] * prediction.score[near]) / _total(prediction.score[near])),
            float(sides.max()),
            float(sides.mean()),
            float(among[row].max(initial=0)),
            float(among[row, twin]) * float(labels.class_id[twin] == class_id),
            float(overlap[twin, best] > iou[best]) if best >= 0 and len(labels) > 1 else 0.0,
            _log_odds(float(class_skill[class_id])),
            float(np.log(np.prod(np.maximum(xyxy[row, 2:] - xyxy[row, :2], 1)))) / 10,
            float(near.any()),
        )
    return rows


def _objects(
    labels: AnnotationSet,
    prediction: Prediction,
    overlap: Float64s,
    probs: Float64s,
    class_skill: Float64s,
    kept: NDArray[np.intp],
) -> Float64s:
    rows = np.zeros((len(kept), OBJECT_FEATURES))
    xyxy, of_labels = enclosing(prediction.boxes), enclosing(labels.boxes)
    for at, row in enumerate(kept.tolist()):
        class_id = int(prediction.class_id[row])
        iou = overlap[:, row]
        agree = labels.class_id == class_id
        # The share of the box that labels cover, one by one: parts of labelled objects have much.
        covered = _covered(xyxy[row].astype(np.float64), of_labels.astype(np.float64))
        ordered = np.sort(probs[row])
        margin = float(ordered[-1] - ordered[-2]) if len(ordered) > 1 else float(ordered[-1])
        score = float(prediction.score[row])
        rows[at] = (
            _log_odds(score),
            _log_odds(score) - _log_odds(float(class_skill[class_id])),
            margin,
            float(iou.max(initial=0)),
            float(iou[agree].max(initial=0)),
            float(covered.max(initial=0)),
            float(covered[agree].max(initial=0)),
            float(iou.max(initial=0) >= SAME_IOU),
            _log_odds(float(class_skill[class_id])),
            float(np.log(np.prod(np.maximum(xyxy[row, 2:] - xyxy[row, :2], 1)))) / 10,
            float(np.log1p(1 if prediction.support is None else prediction.support[row])),
        )
    return rows


def _apart(prediction: Prediction) -> NDArray[np.intp]:
    """Rows of boxes that lie on no better-scored one, whatever the class, best first."""
    among = boxes_iou(prediction.boxes, prediction.boxes)
    kept: list[int] = []
    for row in range(len(prediction)):  # scores fall
        if not kept or among[row, kept].max() < SAME_IOU:
            kept.append(row)
    return np.array(kept, np.intp)


def _covered(box: Float64s, labels: Float64s) -> Float64s:
    """The share of a box (4,) that each label (n, 4) covers, (n,)."""
    sides = np.minimum(box[2:], labels[:, 2:]) - np.maximum(box[:2], labels[:, :2])
    area = float(np.prod(box[2:] - box[:2]))
    return np.asarray(np.prod(np.maximum(sides, 0), axis=1) / area, np.float64)


def _offsets(label: Float64s, seen: NDArray[np.float32]) -> Float64s:
    """How far each side lies from where it is seen, as a share of the label's size, (4,)."""
    size = np.tile(np.maximum(label[2:] - label[:2], 1), 2)
    return np.asarray(np.minimum(np.abs(label - seen.astype(np.float64)) / size, 1), np.float64)


def _most(scores: NDArray[np.floating]) -> float:
    return _log_odds(float(scores.max(initial=0)))


def _total(scores: NDArray[np.floating]) -> float:
    return max(float(scores.sum()), _LEAST)


def _log_odds(value: float) -> float:
    inside = min(max(value, _LEAST), 1 - _LEAST)
    return float(np.log(inside / (1 - inside)))
