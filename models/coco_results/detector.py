"""Predictions that another program made, as a detector."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture, xyxy_from_xywh
from prelabel.datasets.pictures import inspect_picture
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.checkpoints import model_id_of
from prelabel.models.coco_results.records import (
    PictureBoxes,
    names_of,
    numbering_of,
    read_results,
)
from prelabel.models.detector import DetectorError, DetectorSpec, PredictOptions
from prelabel.models.predict_only import PredictOnly
from prelabel.models.views import View


class CocoResultsDetector(PredictOnly):
    """Gives back the boxes of a COCO results file; it looks at no picture and cannot be trained.

    A frame belongs to the results whose picture name is the end of its path, or its file name
    without suffix. A frame without results has no boxes, as in a results file of COCO.
    """

    def __init__(
        self, name: str, classes: tuple[str, ...], results: Path, annotations: Path | None
    ) -> None:
        spec = DetectorSpec(
            name, classes, ClassScores.INDEPENDENT, trainable=False, gives_class_probs=False
        )
        self._pictures = read_results(results, numbering_of(annotations, classes))
        super().__init__(spec, _model_id(results, annotations), "finished predictions")
        self._taken: dict[str, Frame] = {}

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """The boxes of each frame, clipped to it, as far as `options` want them.

        `nms_iou` is not applied: what overlaps in the file does so here. Raises DetectorError
        where two frames would have the same results, or a changed picture is asked for.
        """
        if options.view is not View.AS_IS:
            raise DetectorError(
                f"{self._spec.name}: holds finished predictions of the pictures as they are; take "
                "a detector that can look at changed ones"
            )
        predictions = []
        for frame in frames:
            inspect_picture(frame.uri)
            name = next((one for one in names_of(frame.uri) if one in self._pictures), None)
            if name is not None:
                self._take(name, frame)
            boxes = PictureBoxes() if name is None else self._pictures[name]
            predictions.append(self._prediction(frame, boxes, options))
        return predictions

    def _take(self, name: str, frame: Frame) -> None:
        first = self._taken.setdefault(name, frame)
        if first.frame_id != frame.frame_id:
            raise DetectorError(
                f"{self._spec.name}: {name} may be {first.uri} or {frame.uri}; name the pictures "
                "of the results by longer paths"
            )

    def _prediction(self, frame: Frame, boxes: PictureBoxes, options: PredictOptions) -> Prediction:
        corners = xyxy_from_xywh(np.array(boxes.xywh, np.float32).reshape(-1, 4))
        xyxy, inside = clip_to_picture(corners, frame.width_px, frame.height_px)
        score = np.array(boxes.score, np.float32)
        order = np.argsort(-score, kind="stable")
        rows = order[(inside & (score >= options.score_min))[order]][: options.max_boxes]
        return Prediction(
            frame.frame_id,
            self._model_id,
            Boxes(xyxy[rows]),
            score[rows],
            np.array(boxes.class_id, np.int64)[rows],
            ClassScores.INDEPENDENT,
        )


def _model_id(results: Path, annotations: Path | None) -> str:
    """Made from the bytes of the results, and of the file that says what their numbers mean."""
    if annotations is None:
        return model_id_of(results)
    both = model_id_of(results) + model_id_of(annotations)
    return hashlib.blake2b(both.encode(), digest_size=8).hexdigest()
