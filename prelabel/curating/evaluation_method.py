"""Our matcher as an evaluation method of FiftyOne: `evaluate_detections(method="prelabel")`.

FiftyOne loads this module by the name that `curating.opening` gives it; it imports FiftyOne.
"""

from typing import Any

import numpy as np
from fiftyone.utils.eval.detection import DetectionEvaluation, DetectionEvaluationConfig

from prelabel.active.matching import LOCATED_IOU, UNMATCHED, match_boxes
from prelabel.curating.opening import METHOD
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError

Label = Any
Match = tuple[Any, ...]


class MatcherConfig(DetectionEvaluationConfig):  # type: ignore[misc]  # FiftyOne has no types
    """What to compare; boxes are matched within their class, from an IoU of 0.5 on."""

    def __init__(
        self,
        pred_field: str,
        gt_field: str,
        iou: float | None = None,
        classwise: bool | None = None,
        **more: Any,
    ) -> None:
        if iou not in (None, LOCATED_IOU) or classwise is False:
            raise InvalidValueError(
                f"the method {METHOD!r} matches within classes at IoU {LOCATED_IOU}; for others "
                "use the method 'coco'"
            )
        for name in ("use_masks", "use_boxes"):
            more.pop(name, None)
        super().__init__(pred_field, gt_field, iou=LOCATED_IOU, classwise=True, **more)

    @property
    def method(self) -> str:
        return METHOD


class Matcher(DetectionEvaluation):  # type: ignore[misc]  # FiftyOne comes without types
    """Pairs proposals with labels as the rest of prelabel does."""

    def evaluate(self, doc: Any, eval_key: str | None = None) -> list[Match]:
        """Matches of one sample: class names, IoU, score and ids, None where one side lacks."""
        labels = _boxes_of(doc, self.gt_field)
        proposals = sorted(_boxes_of(doc, self.pred_field), key=lambda one: -one.confidence)
        names = sorted({one.label for one in (*labels, *proposals)})
        found = match_boxes(*_arrays(proposals, names), *_arrays(labels, names))
        right = (found.truth_of != UNMATCHED) & found.same_class
        matches: list[Match] = []
        paired = set()
        for row, proposal in enumerate(proposals):
            if right[row]:
                label, iou = labels[int(found.truth_of[row])], float(found.iou[row])
                paired.add(label.id)
                _judge(eval_key, proposal, "tp", label.id, iou)
                _judge(eval_key, label, "tp", proposal.id, iou)
                matches.append(
                    (label.label, proposal.label, iou, proposal.confidence, label.id, proposal.id)
                )
            else:
                _judge(eval_key, proposal, "fp", "", None)
                matches.append((None, proposal.label, None, proposal.confidence, None, proposal.id))
        for label in labels:
            if label.id not in paired:
                _judge(eval_key, label, "fn", "", None)
                matches.append((label.label, None, None, None, label.id, None))
        return matches


def _boxes_of(doc: Any, field: str) -> list[Label]:
    value = doc[field]
    return [] if value is None else list(value.detections)


def _arrays(boxes: list[Label], names: list[str]) -> tuple[Boxes, Any]:
    places = np.array([one.bounding_box for one in boxes], np.float64).reshape(-1, 4)
    places[:, 2:] += places[:, :2]
    return Boxes(places), np.array([names.index(one.label) for one in boxes], np.int64)


def _judge(key: str | None, box: Label, verdict: str, other: str, iou: float | None) -> None:
    if key is not None:
        box[key], box[f"{key}_id"], box[f"{key}_iou"] = verdict, other, iou
