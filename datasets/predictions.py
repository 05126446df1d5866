"""What a detector says about one frame."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.arrays import (
    Float32s,
    Int64s,
    check_range,
    frozen_floats,
    frozen_ids,
)
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError


class ClassScores(StrEnum):
    """How the entries of a class vector hang together."""

    INDEPENDENT = "independent"  # one sigmoid a class; they need not sum to 1
    EXCLUSIVE = "exclusive"  # a softmax with its background entry left out; sum at most 1


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """One model's boxes on one frame, with all that one forward pass gives about them.

    With n boxes, C classes: `score` (n,) in 0 to 1, falling; `class_id` (n,);
    `class_probs` (n, C) in 0 to 1, read as `class_scores` says, or None where a model gives only
    its best class; `spread_px` (n, 4), the standard deviation of left, top, right and bottom in
    pixels of the original picture, or None; `support` (n,), how many candidates NMS merged into
    the box, itself included, or None; `box_embedding` (n, d) and `frame_embedding` (e,), or None;
    `class_peak` (C,), the best score of each class over all candidates, kept or not, or None.

    Raises InvalidValueError where a rule is broken.
    """

    frame_id: str
    model_id: str
    boxes: Boxes
    score: Float32s
    class_id: Int64s
    class_scores: ClassScores
    class_probs: Float32s | None = None
    spread_px: Float32s | None = None
    support: Int64s | None = None
    box_embedding: Float32s | None = None
    frame_embedding: Float32s | None = None
    class_peak: Float32s | None = None

    def __init__(
        self,
        frame_id: str,
        model_id: str,
        boxes: Boxes,
        score: ArrayLike,
        class_id: ArrayLike,
        class_scores: ClassScores,
        *,
        class_probs: ArrayLike | None = None,
        spread_px: ArrayLike | None = None,
        support: ArrayLike | None = None,
        box_embedding: ArrayLike | None = None,
        frame_embedding: ArrayLike | None = None,
        class_peak: ArrayLike | None = None,
    ) -> None:
        count = len(boxes)
        checked: dict[str, object] = {
            "frame_id": frame_id,
            "model_id": model_id,
            "boxes": boxes,
            "score": frozen_floats("score", score, (count,)),
            "class_id": frozen_ids("class_id", class_id, (count,)),
            "class_scores": class_scores,
            "support": None if support is None else frozen_ids("support", support, (count,)),
        }
        for name, value, shape in (
            ("class_probs", class_probs, (count, None)),
            ("spread_px", spread_px, (count, 4)),
            ("box_embedding", box_embedding, (count, None)),
            ("frame_embedding", frame_embedding, (None,)),
            ("class_peak", class_peak, (None,)),
        ):
            checked[name] = None if value is None else frozen_floats(name, value, shape)
        for name, checked_value in checked.items():
            object.__setattr__(self, name, checked_value)
        self._check_ranges()

    def _check_ranges(self) -> None:
        check_range("score", self.score, 0, 1)
        if self.class_probs is not None:
            check_range("class_probs", self.class_probs, 0, 1)
            if len(self):
                check_range("class_id", self.class_id, 0, self.class_probs.shape[1] - 1)
        if self.class_peak is not None:
            check_range("class_peak", self.class_peak, 0, 1)
        if self.spread_px is not None:
            check_range("spread_px", self.spread_px, 0, np.inf)
        rises = np.flatnonzero(np.diff(self.score) > 0)
        if len(rises):
            row = int(rises[0])
            raise InvalidValueError(
                f"score must fall, but row {row + 1} is {self.score[row + 1]:g} after "
                f"{self.score[row]:g}"
            )

    def __len__(self) -> int:
        return len(self.boxes)
