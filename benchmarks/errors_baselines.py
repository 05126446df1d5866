"""The methods that are compared at finding label errors: ours, and what others offer.

Each gives, for each kind of error, an array a frame: of its labels, or for missing objects of its
predicted boxes; higher is more suspect. A method that has no score of its own for a kind is given
the nearest that it has, as said beside it.
"""

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
from errors_data import Case

from prelabel.active.label_errors.evidence import NEAR_IOU, SAME_IOU, class_matrix
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.model import LABEL_KINDS, errors_of, learn_errors
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.geometry import boxes_iou, xywh_from_xyxy
from prelabel.datasets.predictions import Prediction

Scores = dict[ErrorKind, list[Float64s]]
_LEAST = 1e-6
_FIFTYONE_SCORE = 0.05  # of predictions given to FiftyOne, whose matching takes minutes for all
_LOW_GATES = (0.3, 0.1)  # ObjectLab's two thresholds, set to what small detectors reach


def _pairs(case: Case) -> list[tuple[AnnotationSet, Prediction]]:
    return [
        (one.annotations or AnnotationSet.empty(), prediction)
        for one, prediction in zip(case.planted.frames, case.predictions, strict=True)
    ]


def ours(case: Case) -> Scores:
    """`prelabel errors`, without any answers of people."""
    by_id = {one.frame_id: one for one in case.predictions}
    model = learn_errors(case.planted.frames, by_id, len(case.classes), np.random.default_rng(1234))
    found = errors_of(model, case.planted.frames, by_id)
    scores: Scores = {
        kind: [one.labels[:, column] for one in found] for column, kind in enumerate(LABEL_KINDS)
    }
    scores[ErrorKind.MISSING] = []
    for one, prediction in zip(found, case.predictions, strict=True):
        values = np.zeros(len(prediction))
        values[one.evidence.object_row] = one.objects
        scores[ErrorKind.MISSING].append(values)
    return scores


def confidence(case: Case) -> Scores:
    """How sure the detector is of a label, or of a box that lies on no label."""
    scores: Scores = {kind: [] for kind in ErrorKind}
    for labels, prediction in _pairs(case):
        overlap = boxes_iou(labels.boxes, prediction.boxes)
        agree = labels.class_id[:, None] == prediction.class_id[None]
        sure = (prediction.score * agree * (overlap >= SAME_IOU)).max(axis=1, initial=0)
        for kind in LABEL_KINDS:
            scores[kind].append(1 - sure)
        free = overlap.max(axis=0, initial=0) < SAME_IOU
        scores[ErrorKind.MISSING].append(np.where(free, prediction.score, 0.0))
    return scores


def loss(case: Case) -> Scores:
    """What a detector's loss would be: of class and place at each label, of nothing elsewhere."""
    scores: Scores = {kind: [] for kind in ErrorKind}
    for labels, prediction in _pairs(case):
        overlap = boxes_iou(labels.boxes, prediction.boxes)
        probs = class_matrix(prediction, len(case.classes))
        of_class, of_place = np.zeros(len(labels)), np.zeros(len(labels))
        for row, class_id in enumerate(labels.class_id.tolist()):
            likely, iou = 0.0, 0.0
            if (overlap[row] >= NEAR_IOU).any():
                best = int(np.argmax(overlap[row] * prediction.score))
                likely, iou = float(probs[best, class_id]), float(overlap[row, best])
            of_class[row], of_place[row] = -np.log(max(likely, _LEAST)), 1 - iou
        scores[ErrorKind.SPURIOUS].append(of_class + of_place)
        scores[ErrorKind.WRONG_CLASS].append(of_class)
        scores[ErrorKind.BADLY_LOCATED].append(of_place)
        scores[ErrorKind.DUPLICATE].append(of_class + of_place)
        nothing = -np.log(np.maximum(1 - prediction.score.astype(np.float64), _LEAST))
        scores[ErrorKind.MISSING].append(nothing * (1 - overlap.max(axis=0, initial=0)))
    return scores


def objectlab(case: Case, gates: tuple[float, float] | None = None) -> Scores:
    """cleanlab's ObjectLab; it has no score for spurious boxes, which its two others look at.

    `gates` are its high and low probability threshold, None: those it comes with.
    """
    from cleanlab.object_detection import rank

    labels, predictions = [], []
    for its, prediction in _pairs(case):
        labels.append({"bboxes": its.boxes.xyxy.copy(), "labels": its.class_id.copy()})
        rows = np.column_stack([prediction.boxes.xyxy, prediction.score])
        predictions.append(
            [rows[prediction.class_id == class_id] for class_id in range(len(case.classes))]
        )
    as_arrays = [_ragged(one) for one in predictions]
    high = {} if gates is None else {"high_probability_threshold": gates[0]}
    low = {} if gates is None else {"low_probability_threshold": gates[1]}
    given: dict[str, Any] = {"labels": labels, "predictions": as_arrays}
    overlooked = rank.compute_overlooked_box_scores(**given, **high)
    badloc = [1 - one for one in rank.compute_badloc_box_scores(**given, **low)]
    swap = [1 - one for one in rank.compute_swap_box_scores(**given, **high)]
    missing = []
    for prediction, its in zip(case.predictions, overlooked, strict=True):
        values = np.zeros(len(prediction))
        # It goes through the boxes class by class.
        order = np.argsort(prediction.class_id, kind="stable")
        values[order] = np.where(np.isnan(its), 0.0, 2 - np.nan_to_num(its))
        missing.append(values)
    return {
        ErrorKind.MISSING: missing,
        ErrorKind.BADLY_LOCATED: badloc,
        ErrorKind.WRONG_CLASS: swap,
        ErrorKind.SPURIOUS: [np.maximum(*both) for both in zip(badloc, swap, strict=True)],
    }


def _ragged(rows: list[Any]) -> Any:
    array = np.empty(len(rows), dtype=object)
    for at, row in enumerate(rows):
        array[at] = row
    return array


def mistakenness(case: Case) -> Scores:
    """FiftyOne's: of a missing box it only tells that it is one, so these rank by confidence."""
    import fiftyone as fo
    import fiftyone.brain as brain

    dataset = fo.Dataset(f"errors-{uuid.uuid4().hex}")
    try:
        for (its, prediction), one in zip(_pairs(case), case.planted.frames, strict=True):
            size = np.array([one.frame.width_px, one.frame.height_px] * 2)
            kept = np.flatnonzero(prediction.score >= _FIFTYONE_SCORE)
            dataset.add_sample(
                fo.Sample(
                    filepath=one.frame.uri,
                    frame_id=one.frame.frame_id,
                    labels=_detections(its.boxes.xyxy, its.class_id, case, size, None),
                    seen=_detections(
                        prediction.boxes.xyxy[kept],
                        prediction.class_id[kept],
                        case,
                        size,
                        prediction.score[kept],
                    ),
                )
            )
        brain.compute_mistakenness(dataset, "seen", label_field="labels")
        return _read_mistakenness(dataset, case)
    finally:
        fo.delete_dataset(dataset.name)


def _detections(xyxy: Any, class_id: Any, case: Case, size: Any, score: Any) -> Any:
    import fiftyone as fo

    return fo.Detections(
        detections=[
            fo.Detection(
                label=case.classes[int(class_id[row])],
                bounding_box=(place / size).tolist(),
                confidence=None if score is None else float(score[row]),
            )
            for row, place in enumerate(xywh_from_xyxy(np.asarray(xyxy)))
        ]
    )


def _read_mistakenness(dataset: Any, case: Case) -> Scores:
    paths = ["labels.detections." + name for name in ("mistakenness", "mistakenness_loc")]
    spurious = "labels.detections.possible_spurious"
    missing = "seen.detections.possible_missing"
    columns = dataset.values(["frame_id", *paths, spurious, missing, "seen.detections.confidence"])
    rows = dict(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
    scores: Scores = {kind: [] for kind in ErrorKind}
    for one, prediction in zip(case.planted.frames, case.predictions, strict=True):
        wrong, place, extra, unlabelled, sure = rows[one.frame.frame_id]
        scores[ErrorKind.WRONG_CLASS].append(_numbers(wrong))
        scores[ErrorKind.BADLY_LOCATED].append(_numbers(place))
        scores[ErrorKind.SPURIOUS].append(2 * _numbers(extra) + _numbers(wrong))
        values = np.zeros(len(prediction))
        values[: len(sure or ())] = _numbers(unlabelled) * _numbers(sure)
        scores[ErrorKind.MISSING].append(values)
    return scores


def _numbers(values: Any) -> Float64s:
    return np.array([0.0 if value is None else float(value) for value in values or ()])


METHODS: dict[str, Callable[[Case], Scores]] = {
    "ours": ours,
    "objectlab": objectlab,
    "objectlab_low_gates": lambda case: objectlab(case, _LOW_GATES),
    "fiftyone_mistakenness": mistakenness,
    "loss": loss,
    "confidence": confidence,
}
