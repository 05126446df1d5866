"""How right a detector was on labelled frames that it had not learned from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prelabel.active.box_table import BoxTable
from prelabel.active.matching import LOCATED_IOU, match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores, Prediction

_NO_BOXES = BoxTable(np.zeros(1, np.intp), np.zeros(0, np.float32), ClassScores.INDEPENDENT)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Predictions of k frames beside their labels.

    Only predictions made before the frame trained the detector that made them may be used: those
    that were shown when the frame was chosen, and those of validation frames. They cost no further
    training, and each label is used once ("prequential": Dawid, "Statistical theory: the
    prequential approach", JRSS A 147, 1984).

    With m predicted boxes: `iou` (m,) with the true box each belongs to, 0 without one;
    `same_class` (m,); `is_right` both, at an IoU of at least 0.5. `missed` (k,) counts the true
    boxes of each frame that no prediction belongs to, of any class; `truth_class` (t,) holds the
    classes of all true boxes.
    """

    boxes: BoxTable
    iou: Float64s
    same_class: NDArray[np.bool_]
    missed: NDArray[np.int64]
    truth_class: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def none(cls) -> "Evidence":
        """Nothing is known yet."""
        empty = np.zeros(0)
        return cls(_NO_BOXES, empty, np.zeros(0, np.bool_), np.zeros(0, np.int64))

    @classmethod
    def of(cls, predictions: Sequence[Prediction], labels: Sequence[AnnotationSet]) -> "Evidence":
        """The evidence of these frames, labels in the order of the predictions."""
        if len(predictions) != len(labels):
            raise InvalidValueError(
                f"evidence needs labels for each prediction, but there are {len(predictions)} and "
                f"{len(labels)}"
            )
        if not predictions:
            return cls.none()
        matchings = [match(one, truth) for one, truth in zip(predictions, labels, strict=True)]
        return cls(
            BoxTable.of(predictions),
            np.concatenate([one.iou for one in matchings]),
            np.concatenate([one.same_class for one in matchings]),
            np.array([len(one.missed) for one in matchings], np.int64),
            np.concatenate([one.class_id for one in labels]),
        )

    @classmethod
    def of_the_newest_kind(
        cls, predictions: Sequence[Prediction], labels: Sequence[AnnotationSet]
    ) -> "Evidence":
        """The same of predictions by several models, the newest first.

        Those that hold other fields than the first, or class vectors of another length, are left
        out: an earlier model may have been another detector, or have known fewer classes.
        """
        pairs = zip(predictions, labels, strict=True)
        alike = [(one, own) for one, own in pairs if _kind(one) == _kind(predictions[0])]
        return cls.of([one for one, _ in alike], [own for _, own in alike])

    def __len__(self) -> int:
        return self.boxes.frame_count

    @property
    def is_right(self) -> NDArray[np.bool_]:
        return self.same_class & (self.iou >= LOCATED_IOU)


def _kind(prediction: Prediction) -> tuple[object, ...]:
    vectors = prediction.class_probs
    width = None if vectors is None else vectors.shape[1]
    given = (prediction.spread_px is None, prediction.support is None)
    return prediction.class_scores, width, *given
