"""Boxes as FiftyOne keeps them: plain dictionaries, made without its classes.

An object of FiftyOne's `Detection` takes a fifth of a millisecond to make and as long to write;
a million of them are minutes. The tests compare these dictionaries with what the classes give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.active.label_errors.disagreement import disagreements
from prelabel.active.matching import UNMATCHED, Matching, match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import enclosing
from prelabel.datasets.predictions import Prediction
from prelabel.store.records import LabelVersion, Shown

Document = dict[str, Any]

TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = "tp", "fp", "fn"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What an evaluation says of each box of one side: a word, the other box's id, their IoU.

    `disagreements` say how the two sides differ about the object, None where they agree.
    """

    words: list[str]
    others: list[str | None]
    iou: list[float | None]
    disagreements: list[str | None]


def object_ids(box_ids: Sequence[str]) -> list[Any]:
    """The ids under which FiftyOne knows boxes: the first 12 bytes of each box's own."""
    from bson import ObjectId

    return [ObjectId(bytes.fromhex(one.replace("-", "")[:24])) for one in box_ids]


def labels_document(
    version: LabelVersion, frame: Frame, classes: Sequence[str], verdicts: Verdicts | None
) -> Document:
    """The accepted labels of a frame; each box says from which label version it was filled."""
    labels = version.annotations
    turned = labels.boxes.angle is not None
    more = [
        {
            "origin": origin.kind.value,
            "model": origin.model_id,
            "confidence": origin.score,
            "version": version.number,
            "rule": origin.rule,
            "turned": turned,
        }
        for origin in labels.origin
    ]
    return _detections(labels, frame, classes, more, verdicts)


def proposals_document(
    shown: Shown,
    frame: Frame,
    classes: Sequence[str],
    verdicts: Verdicts | None,
    sure: Mapping[str, str],
) -> Document:
    """The proposals of a model on a frame; `sure` are the rules that accepted some, by box id."""
    more: list[Document] = [
        {"confidence": origin.score, "uncertainty": uncertainty}
        for origin, uncertainty in zip(
            shown.proposals.origin, shown.uncertainty.tolist(), strict=True
        )
    ]
    if sure:
        for box_id, its in zip(shown.proposals.box_id, more, strict=True):
            its["rule"] = sure.get(box_id)
    return _detections(shown.proposals, frame, classes, more, verdicts)


def evaluated(
    prediction: Prediction, labels: AnnotationSet, proposals: AnnotationSet
) -> tuple[Verdicts, Verdicts]:
    """Verdicts on the labels and on the proposals of one frame, at IoU 0.5 and of the same class.

    A proposal on an object of another class is no match: the pair is one missed and one false box.
    `proposals` are the boxes of `prediction`, which the second verdicts are about, in its order.
    """
    found: Matching = match(prediction, labels)
    right = (found.truth_of != UNMATCHED) & found.same_class
    differ = _differences(prediction.frame_id, labels, proposals)
    of_labels = _unmatched(FALSE_NEGATIVE, labels, differ)
    of_proposals = _unmatched(FALSE_POSITIVE, proposals, differ)
    label_ids, proposal_ids = object_ids(labels.box_id), object_ids(proposals.box_id)
    for row in np.flatnonzero(right).tolist():
        other, iou = int(found.truth_of[row]), float(found.iou[row])
        of_labels.words[other] = of_proposals.words[row] = TRUE_POSITIVE
        of_labels.others[other] = str(proposal_ids[row])
        of_proposals.others[row] = str(label_ids[other])
        of_labels.iou[other] = of_proposals.iou[row] = iou
    return of_labels, of_proposals


def _unmatched(word: str, boxes: AnnotationSet, differ: Mapping[str, str]) -> Verdicts:
    count = len(boxes)
    kinds = [differ.get(box_id) for box_id in boxes.box_id]
    return Verdicts([word] * count, [None] * count, [None] * count, kinds)


def _differences(frame_id: str, labels: AnnotationSet, proposals: AnnotationSet) -> dict[str, str]:
    """How each disputed box of either side is disputed, by box id."""
    kinds: dict[str, str] = {}
    for one in disagreements({frame_id: labels}, {frame_id: proposals}):
        for box_id in (one.first_id, one.second_id):
            if box_id is not None:
                kinds[box_id] = one.kind.value
    return kinds


def box_document(box_id: str, label: str, xyxy: Float32s, frame: Frame, more: Document) -> Document:
    """One box, its corners (4,) in pixels."""
    place = relative_boxes(xyxy[None], frame.width_px, frame.height_px)[0]
    (object_id,) = object_ids([box_id])
    return _box(object_id, box_id, label, place, more)


def together(boxes: Sequence[Document]) -> Document:
    """Boxes as the value of one field."""
    return {"_cls": "Detections", "detections": list(boxes)}


def _detections(
    labels: AnnotationSet,
    frame: Frame,
    classes: Sequence[str],
    more: Sequence[Document],
    verdicts: Verdicts | None,
) -> Document:
    places = relative_boxes(enclosing(labels.boxes), frame.width_px, frame.height_px)
    names = [classes[class_id] for class_id in labels.class_id.tolist()]
    columns = (object_ids(labels.box_id), labels.box_id, names, places, more)
    boxes = [_box(*column) for column in zip(*columns, strict=True)]
    if verdicts is not None:
        judged = (verdicts.words, verdicts.others, verdicts.iou, verdicts.disagreements)
        for box, (word, other, iou, kind) in zip(boxes, zip(*judged, strict=True), strict=True):
            box |= {"eval": word, "eval_id": other or "", "eval_iou": iou, "disagreement": kind}
    return together(boxes)


def _box(object_id: Any, box_id: str, label: str, place: list[float], more: Document) -> Document:
    return {
        "_id": object_id,
        "_cls": "Detection",
        "attributes": {},
        "tags": [],
        "label": label,
        "bounding_box": place,
        "box_id": box_id,
        **more,
    }


def relative_boxes(xyxy: Float32s, width_px: int, height_px: int) -> list[list[float]]:
    """Left, top, width and height as shares of the picture, (n, 4)."""
    size = np.array([width_px, height_px] * 2, np.float64)
    shares = xyxy.astype(np.float64) / size
    shares[:, 2:] -= shares[:, :2]
    rows: list[list[float]] = shares.tolist()
    return rows
