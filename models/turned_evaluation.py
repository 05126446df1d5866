"""COCO's evaluation for turned boxes: everything is COCO's but the overlap."""

from typing import Any

import numpy as np
from faster_coco_eval import COCOeval_faster

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou

ANGLE = "angle"  # key of a record, radians; its `bbox` is the box before the turn


class TurnedEvaluation(COCOeval_faster):  # type: ignore[misc]  # published without types
    """Overlap of areas, of upright boxes where a record has no ANGLE."""

    def computeIoU(self, imgId: int, catId: int) -> Float64s | list[float]:
        """Overlap of each prediction with each true box, (n, m), best-scored ones first."""
        truth = self._records(self.gt_dataset, imgId, catId)
        found = self._records(self.dt_dataset, imgId, catId)
        if not truth or not found:
            return []
        falling = np.argsort([-one["score"] for one in found], kind="stable")
        best = [found[row] for row in falling[: self.params.maxDets[-1]]]
        return boxes_iou(_boxes(best), _boxes(truth))

    @staticmethod
    def _records(dataset: Any, image_id: int, category_id: int) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = dataset.get_instances([image_id], [category_id], True)[0][0]
        return records


def _boxes(records: list[dict[str, Any]]) -> Boxes:
    xywh = np.array([one["bbox"] for one in records], np.float64)
    return Boxes(
        np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        [one.get(ANGLE, 0.0) for one in records],
    )
