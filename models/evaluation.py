"""How well predictions agree with labels: average precision as COCO defines it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.models.turned_evaluation import ANGLE, TurnedEvaluation

SIZES = ("small", "medium", "large")  # of a true box: below 32x32 px, below 96x96 px, above
MAX_BOXES = 100  # COCO looks at the best hundred boxes of a class in a picture

_IOU_50, _IOU_75 = 0, 5  # places of these thresholds among 0.50, 0.55 ... 0.95
_ANY_SIZE = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Average precision of one model on one labelled set, each figure in 0 to 1.

    `map` is the mean over IoU thresholds 0.50, 0.55 ... 0.95 and over the classes that have a true
    box; `map50` and `map75` are at one threshold. A class, or a size (keys of `SIZES`), without any
    true box has None. `frames`, `truth_boxes` and `predicted_boxes` say on how much it rests.
    """

    map: float
    map50: float
    map75: float
    map_by_class: Mapping[str, float | None]
    map50_by_class: Mapping[str, float | None]
    map_by_size: Mapping[str, float | None]
    frames: int
    truth_boxes: int
    predicted_boxes: int


def evaluate(
    predictions: Sequence[Prediction], truth: Sequence[LabelledFrame], classes: Sequence[str]
) -> Evaluation:
    """Measure predictions against the labels of the same frames.

    A frame of `truth` without a prediction counts as one on which nothing was found. Computed in
    memory by faster-coco-eval, which gives the figures of pycocotools; where any box is turned,
    overlaps and sizes are those of the turned areas.

    Raises InvalidValueError where a frame of `truth` has no labels, a prediction is for a frame
    that `truth` does not hold, a frame comes twice, a class id is not in `classes`, or `truth`
    holds no box at all, so that there is nothing to measure.
    """
    labels = _labels_by_frame(truth)
    _check_predictions(predictions, labels)
    image_id = {frame_id: number for number, frame_id in enumerate(labels, start=1)}
    truth_records = [
        record
        for frame_id, annotations in labels.items()
        for record in _truth_records(annotations, image_id[frame_id], len(classes), frame_id)
    ]
    if not truth_records:
        raise InvalidValueError(
            f"the {len(truth)} frames to evaluate on hold no box, so no precision can be measured; "
            "evaluate on frames with labelled boxes"
        )
    predicted_records = [
        record for one in predictions for record in _predicted_records(one, image_id, len(classes))
    ]
    precision = _coco_precision(truth_records, predicted_records, len(image_id), len(classes))
    return Evaluation(
        map=_measured_mean(precision[:, :, :, _ANY_SIZE]),
        map50=_measured_mean(precision[_IOU_50, :, :, _ANY_SIZE]),
        map75=_measured_mean(precision[_IOU_75, :, :, _ANY_SIZE]),
        map_by_class={
            name: _mean(precision[:, :, class_id, _ANY_SIZE])
            for class_id, name in enumerate(classes)
        },
        map50_by_class={
            name: _mean(precision[_IOU_50, :, class_id, _ANY_SIZE])
            for class_id, name in enumerate(classes)
        },
        map_by_size={
            name: _mean(precision[:, :, :, size]) for size, name in enumerate(SIZES, start=1)
        },
        frames=len(truth),
        truth_boxes=len(truth_records),
        predicted_boxes=len(predicted_records),
    )


def _labels_by_frame(truth: Sequence[LabelledFrame]) -> dict[str, AnnotationSet]:
    labels: dict[str, AnnotationSet] = {}
    for one in truth:
        if one.annotations is None:
            raise InvalidValueError(
                f"frame {one.frame.frame_id} ({one.frame.uri}) has no labels, so nothing can be "
                "measured on it; leave it out or label it"
            )
        if one.frame.frame_id in labels:
            raise InvalidValueError(f"frame {one.frame.frame_id} comes twice among the labels")
        labels[one.frame.frame_id] = one.annotations
    return labels


def _check_predictions(
    predictions: Sequence[Prediction], labels: Mapping[str, AnnotationSet]
) -> None:
    seen: set[str] = set()
    for one in predictions:
        if one.frame_id not in labels:
            raise InvalidValueError(
                f"frame {one.frame_id} has a prediction but is not among the labelled frames"
            )
        if one.frame_id in seen:
            raise InvalidValueError(f"frame {one.frame_id} has more than one prediction")
        seen.add(one.frame_id)


def _truth_records(
    annotations: AnnotationSet, image_id: int, class_count: int, frame_id: str
) -> list[dict[str, Any]]:
    _check_measurable(annotations, class_count, f"labels of frame {frame_id}")
    return _coco_records(annotations, image_id)


def _predicted_records(
    prediction: Prediction, image_id: Mapping[str, int], class_count: int
) -> list[dict[str, Any]]:
    _check_measurable(prediction, class_count, f"prediction of frame {prediction.frame_id}")
    records = _coco_records(prediction, image_id[prediction.frame_id])
    for record, score in zip(records, prediction.score.tolist(), strict=True):
        record["score"] = score
    return records


def _check_measurable(one: AnnotationSet | Prediction, class_count: int, what: str) -> None:
    if len(one) and one.class_id.max() >= class_count:
        raise InvalidValueError(
            f"{what}: class id {one.class_id.max()} is not among the {class_count} classes"
        )


def _coco_records(one: AnnotationSet | Prediction, image_id: int) -> list[dict[str, Any]]:
    corners = one.boxes.xyxy.astype(np.float64)
    sides = corners[:, 2:] - corners[:, :2]
    boxes = np.concatenate([corners[:, :2], sides], axis=1).tolist()
    records: list[dict[str, Any]] = [
        {"image_id": image_id, "category_id": class_id, "bbox": box, "area": area, "iscrowd": 0}
        for class_id, box, area in zip(
            one.class_id.tolist(), boxes, sides.prod(axis=1).tolist(), strict=True
        )
    ]
    if one.boxes.angle is not None:
        for record, angle in zip(records, one.boxes.angle.tolist(), strict=True):
            record[ANGLE] = angle
    return records


def _coco_precision(
    truth: list[dict[str, Any]],
    predicted: list[dict[str, Any]],
    frame_count: int,
    class_count: int,
) -> NDArray[np.float64]:
    """Precision by IoU threshold, recall step, class and size; -1 where there is no true box."""
    images = [{"id": number} for number in range(1, frame_count + 1)]
    categories = [{"id": class_id, "name": str(class_id)} for class_id in range(class_count)]
    sides = [
        COCO({"images": images, "categories": categories, "annotations": _numbered(records)})
        for records in (truth, predicted)
    ]
    is_turned = any(ANGLE in record for record in (*truth, *predicted))
    kind = TurnedEvaluation if is_turned else COCOeval_faster
    run = kind(*sides, iouType="bbox")
    run.params.maxDets = [MAX_BOXES]
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"], np.float64)[..., 0]


def _numbered(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for number, record in enumerate(records, start=1):  # COCO keeps id 0 for "not matched"
        record["id"] = number
    return records


def _mean(precision: NDArray[np.float64]) -> float | None:
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else None


def _measured_mean(precision: NDArray[np.float64]) -> float:
    return float(precision[precision > -1].mean())
