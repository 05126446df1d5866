"""A detector as it stands, without training by this program."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import Detector, DetectorError, PredictOptions
from prelabel.models.predict_only import PredictOnly


class KnowsNoClassError(DetectorError):
    """A detector knows none of the classes without training."""


class AsNamedDetector(PredictOnly):
    """A detector built for the classes that it knows, which gives class ids among `classes`.

    It never gives the classes that it does not know. `input_px` is the size that it is to see
    pictures at, which takes part in its id unless the net has its own.
    """

    def __init__(self, detector: Detector, classes: Sequence[str], input_px: int) -> None:
        size = input_px if detector.spec.trainable else None
        told = json.dumps([detector.model_id, detector.spec.classes, list(classes), size])
        super().__init__(
            replace(detector.spec, classes=tuple(classes), trainable=False),
            hashlib.blake2b(told.encode(), digest_size=8).hexdigest(),
            "a detector used as it stands",
        )
        self._detector = detector
        self._class_id_of = np.array([classes.index(one) for one in detector.spec.classes])

    @property
    def known_classes(self) -> tuple[str, ...]:
        """Those of the classes that it can give."""
        return self._detector.spec.classes

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """What the detector finds; see Detector."""
        return [self._renumbered(one) for one in self._detector.predict(frames, options)]

    def _renumbered(self, one: Prediction) -> Prediction:
        return Prediction(
            one.frame_id,
            self.model_id,
            one.boxes,
            one.score,
            self._class_id_of[one.class_id],
            one.class_scores,
            class_probs=None if one.class_probs is None else self._spread(one.class_probs),
            spread_px=one.spread_px,
            support=one.support,
            box_embedding=one.box_embedding,
            frame_embedding=one.frame_embedding,
            class_peak=None if one.class_peak is None else self._spread(one.class_peak),
        )

    def _spread(self, by_known_class: Float32s) -> Float32s:
        """Values of the known classes in the last axis put to their places, 0 for the others."""
        shape = (*by_known_class.shape[:-1], len(self.spec.classes))
        spread = np.zeros(shape, np.float32)
        spread[..., self._class_id_of] = by_known_class
        return spread
