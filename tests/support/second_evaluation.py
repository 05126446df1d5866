"""Average precision by pycocotools, with overlaps of turned boxes by shapely."""

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.evaluation import SIZES, Evaluation, evaluate


class TurnedOverlap(COCOeval):  # type: ignore[misc]  # published without types
    """pycocotools, whose overlaps of records with a polygon are those of the polygons."""

    def computeIoU(self, imgId: int, catId: int) -> Any:
        truth, found = self._gts[imgId, catId], self._dts[imgId, catId]
        if not truth or not found or truth[0]["polygon"] is None:
            return super().computeIoU(imgId, catId)
        order = np.argsort([-one["score"] for one in found], kind="mergesort")
        best = [found[row] for row in order[: self.params.maxDets[-1]]]
        return np.array(
            [[_overlap(one["polygon"], other["polygon"]) for other in truth] for one in best]
        )


def _overlap(one: Any, other: Any) -> float:
    shared = float(one.intersection(other).area)
    return shared / float(one.area + other.area - shared)


def polygon_of(boxes: Boxes, row: int) -> Any:
    """The corners of a turned box, by plain trigonometry; None for an upright one."""
    if boxes.angle is None:
        return None
    shapely: Any = pytest.importorskip("shapely")
    left, top, right, bottom = (float(edge) for edge in boxes.xyxy[row])
    angle = math.degrees(float(boxes.angle[row]))
    upright = shapely.box(left, top, right, bottom)
    return shapely.affinity.rotate(upright, angle, origin=((left + right) / 2, (top + bottom) / 2))


def assert_agrees(
    predictions: Sequence[Prediction], truth: Sequence[LabelledFrame], classes: Sequence[str]
) -> Evaluation:
    ours = evaluate(predictions, truth, classes)
    precision = pycocotools_precision(predictions, truth, len(classes))
    assert ours.map == pytest.approx(mean(precision[:, :, :, 0]), abs=1e-6)
    assert ours.map50 == pytest.approx(mean(precision[0, :, :, 0]), abs=1e-6)
    assert ours.map75 == pytest.approx(mean(precision[5, :, :, 0]), abs=1e-6)
    for class_id, name in enumerate(classes):
        assert_same(ours.map50_by_class[name], mean(precision[0, :, class_id, 0]))
        assert_same(ours.map_by_class[name], mean(precision[:, :, class_id, 0]))
    for number, size in enumerate(SIZES, start=1):
        assert_same(ours.map_by_size[size], mean(precision[:, :, :, number]))
    return ours


def assert_same(ours: float | None, theirs: float) -> None:
    assert (ours is None) == (theirs == -1)
    if ours is not None:
        assert ours == pytest.approx(theirs, abs=1e-6)


def mean(precision: np.ndarray) -> float:
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else -1.0


def pycocotools_precision(
    predictions: Sequence[Prediction], truth: Sequence[LabelledFrame], class_count: int
) -> np.ndarray:
    image_id = {one.frame.frame_id: number for number, one in enumerate(truth, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        boxes, scores = COCO(), COCO()
        for side in (boxes, scores):
            side.dataset = {
                "images": [{"id": number} for number in image_id.values()],
                "categories": [{"id": number} for number in range(class_count)],
                "annotations": [],
            }
        for one in truth:
            assert one.annotations is not None
            records(boxes, one.annotations, image_id[one.frame.frame_id])
        for prediction in predictions:
            records(scores, prediction, image_id[prediction.frame_id])
        boxes.createIndex()
        scores.createIndex()
        run = TurnedOverlap(boxes, scores, "bbox")
        run.evaluate()
        run.accumulate()
    return np.asarray(run.eval["precision"])[..., -1]


def records(side: COCO, one: AnnotationSet | Prediction, image_id: int) -> None:
    for row in range(len(one)):
        left, top, right, bottom = (float(value) for value in one.boxes.xyxy[row])
        record = {
            "id": len(side.dataset["annotations"]) + 1,
            "image_id": image_id,
            "category_id": int(one.class_id[row]),
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
            "polygon": polygon_of(one.boxes, row),
        }
        if isinstance(one, Prediction):
            record["score"] = float(one.score[row])
            assert one.class_scores is ClassScores.INDEPENDENT
        side.dataset["annotations"].append(record)
