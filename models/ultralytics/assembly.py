"""From what was found on a batch of canvases to one Prediction a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prelabel.datasets.arrays import Bools, Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.letterbox import Letterbox
from prelabel.models.ultralytics.found import Found

Placed = tuple[Frame, Letterbox]


class Assembly:
    """The arrays of a batch, from which each picture takes its rows."""

    def __init__(self, found: Found, picture_vectors: Tensor | None, model_id: str) -> None:
        self._found = {name: _array(getattr(found, name)) for name in Found.__slots__}
        self._picture_vectors = _array(picture_vectors)
        self._model_id = model_id

    def predictions(self, placed: Sequence[Placed]) -> list[Prediction]:
        """One a picture of the batch, its boxes mapped to its own pixels and clipped to it."""
        ends = np.searchsorted(self._found["picture"], np.arange(len(placed) + 1))
        return [
            self._prediction(index, np.arange(ends[index], ends[index + 1]), *one)
            for index, one in enumerate(placed)
        ]

    def _prediction(
        self, index: int, rows: NDArray[np.intp], frame: Frame, letterbox: Letterbox
    ) -> Prediction:
        boxes, inside = self._boxes(rows, letterbox)
        kept = rows[inside]
        return Prediction(
            frame.frame_id,
            self._model_id,
            boxes,
            self._found["score"][kept],
            self._found["class_id"][kept],
            ClassScores.INDEPENDENT,
            class_probs=self._found["class_probs"][kept],
            spread_px=self._spread_px(kept, boxes, letterbox),
            support=self._of("support", kept),
            box_embedding=self._of("embedding", kept),
            frame_embedding=None if self._picture_vectors is None else self._picture_vectors[index],
            class_peak=self._found["class_peak"][index],
        )

    def _boxes(self, rows: NDArray[np.intp], letterbox: Letterbox) -> tuple[Boxes, Bools]:
        """The boxes that have an area in the picture, and which these are.

        Turned boxes are not clipped, since cut off they would be no rectangles; those with their
        middle outside are left out.
        """
        angle = self._of("angle", rows)
        if angle is not None:
            xyxy, angle = letterbox.turned_to_picture(self._found["xyxy"][rows], angle)
            has_area = (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
            middle = (xyxy[:, :2] + xyxy[:, 2:]) / 2
            size = (letterbox.width_px, letterbox.height_px)
            inside = np.asarray(has_area & ((middle >= 0) & (middle <= size)).all(axis=1))
            return Boxes(xyxy[inside], angle[inside]), inside
        xyxy = letterbox.to_picture(self._found["xyxy"][rows])
        clipped, inside = clip_to_picture(xyxy, letterbox.width_px, letterbox.height_px)
        return Boxes(clipped[inside]), inside

    def _spread_px(
        self, rows: NDArray[np.intp], boxes: Boxes, letterbox: Letterbox
    ) -> Float32s | None:
        spread = self._of("spread", rows)
        if spread is None:
            return None
        spread = letterbox.sides_from_canvas(spread, turned=boxes.angle is not None)
        if boxes.angle is None:
            return spread / letterbox.scale_of_sides()
        canvas = self._found["xyxy"][rows]  # each side has its own scale, by the way it lies
        sides, before = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2], canvas[:, 2:] - canvas[:, :2]
        return np.asarray(spread * np.tile(sides / before, 2), np.float32)

    def _of(self, name: str, rows: NDArray[np.intp]) -> Float32s | None:
        values = self._found[name]
        return None if values is None else values[rows]


def _array(values: Tensor | None) -> Any:
    return None if values is None else values.cpu().numpy()
