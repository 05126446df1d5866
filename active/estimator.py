"""A detector dressed as a scikit-learn estimator whose samples are frame ids."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from prelabel.active.box_source import BoxesInMemory
from prelabel.active.cost import CostForecast
from prelabel.active.evidence import Evidence
from prelabel.active.holdout import validation_ids
from prelabel.active.pool import Need, Pool, frame_embeddings
from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress, Silent
from prelabel.models.detector import Detector, FitOptions, PredictOptions, TrainingExample
from prelabel.models.views import View

FrameIds = NDArray[np.object_]  # (n,) of str
Labels = NDArray[np.object_]  # (n,) of AnnotationSet

CHANGED = tuple(view for view in View if view is not View.AS_IS)


@dataclass(frozen=True, slots=True)
class Training:
    """How an estimator trains its detector.

    `new_detector` makes an untrained detector, so that every `fit` starts from the same weights;
    with `warm` it starts from those of the last fit instead. `validation_share` of the labelled
    frames choose the checkpoint and train nothing. Everything is written below `folder`.
    """

    new_detector: Callable[[], Detector]
    folder: Path
    options: FitOptions
    validation_share: float = 0.0
    warm: bool = False
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What strategies look at beside the proposals of the newest detector, as far as they `need`
    it: how right proposals were (`Evidence`), changed pictures, and the detectors of a committee.
    """

    needs: frozenset[Need] = frozenset()
    evidence: Evidence = field(default_factory=Evidence.none)
    committee: tuple[Detector, ...] = ()
    labelled_boxes: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))


class DetectorEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no stubs
    """`X` is a 1-D object array of frame ids, `y` one of annotation sets.

    `frames` finds the frame of an id; `forecast` foretells what labelling one costs. Predictions
    are kept until the next `fit`. `background` is what only some strategies need.
    """

    def __init__(
        self,
        training: Training,
        frames: Mapping[str, Frame],
        predict_options: PredictOptions,
        forecast: CostForecast,
        background: Background | None = None,
    ) -> None:
        self.training = training
        self.frames = frames
        self.predict_options = predict_options
        self.forecast = forecast
        self.background = background

    def fit(
        self,
        X: FrameIds,
        y: Labels,
        *,
        folder: Path | None = None,
        options: FitOptions | None = None,
    ) -> "DetectorEstimator":
        """Train on these frames; `folder` and `options` stand in for those of `training`."""
        chosen = options or self.training.options
        if self.training.warm and self.__sklearn_is_fitted__():
            chosen = replace(chosen, starter=self.checkpoint_)
        kept_out = validation_ids(X.tolist(), self.training.validation_share)
        train: list[TrainingExample] = []
        validation: list[TrainingExample] = []
        for frame_id, labels in zip(X, y, strict=True):
            part = validation if frame_id in kept_out else train
            part.append(TrainingExample(self.frames[frame_id], labels))
        detector = self.training.new_detector()
        self.fit_result_ = detector.fit(
            train, validation, chosen, folder or self.training.folder, self.training.progress
        )
        return self.adopt(detector, self.fit_result_.checkpoint)

    def adopt(self, detector: Detector, checkpoint: Path) -> "DetectorEstimator":
        """Go on with a detector that was trained elsewhere, as if `fit` had made it."""
        self.detector_ = detector
        self.checkpoint_ = checkpoint
        self.classes_ = np.arange(len(detector.spec.classes) + 1)
        self._predicted: dict[str, Prediction] = {}
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "detector_")

    def predict(self, X: FrameIds) -> NDArray[np.object_]:
        """One Prediction a frame, (n,); NotFittedError before the first fit."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("the detector is not trained yet; fit it, or adopt a trained one")
        missing = [frame_id for frame_id in dict.fromkeys(X) if frame_id not in self._predicted]
        if missing:
            frames = [self.frames[frame_id] for frame_id in missing]
            made = self.detector_.predict(frames, self.predict_options)
            self._predicted.update(zip(missing, made, strict=True))
        return object_array([self._predicted[frame_id] for frame_id in X])

    def predict_proba(self, X: FrameIds) -> Float64s:
        """A summary a frame, (n, C + 1): "nothing" and the best score of each class, sum 1.

        It lets image-level strategies of modAL run; it is no calibrated distribution.
        """
        predictions = self.predict(X)
        rows = np.zeros((len(X), len(self.classes_)))
        for row, prediction in zip(rows, predictions, strict=True):
            if prediction.class_probs is not None and len(prediction):
                row[1:] = prediction.class_probs.max(axis=0)
            else:
                np.maximum.at(row, prediction.class_id + 1, prediction.score)
            row[0] = 1 - row.max()
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float64)

    def embed(self, X: FrameIds) -> Float32s:
        """Frame embeddings, (n, d); d is 0 where the detector gives none."""
        return frame_embeddings(self.predict(X).tolist())

    def pool(self, X: FrameIds, labelled: FrameIds | None) -> Pool:
        """What a strategy looks at when it chooses among the frames `X`."""
        predictions: list[Prediction] = self.predict(X).tolist()
        background = self.background or Background()
        pool = Pool.of(
            [self.frames[frame_id] for frame_id in X],
            predictions,
            frame_embeddings(predictions),
            [self.forecast.seconds(one) for one in predictions],
            self.embed(object_array([]) if labelled is None else labelled),
            self.detector_.spec.classes,
            background.evidence,
        )
        views = CHANGED if Need.VIEWS in background.needs else ()
        return replace(
            pool,
            views=tuple(self._boxes(self.detector_, X, view) for view in views),
            committee=tuple(self._boxes(one, X, View.AS_IS) for one in background.committee),
            labelled_boxes=background.labelled_boxes,
        )

    def _boxes(self, detector: Detector, X: FrameIds, view: View) -> BoxesInMemory:
        options = replace(self.predict_options, view=view, with_embeddings=False)
        frames = [self.frames[frame_id] for frame_id in X]
        return BoxesInMemory(tuple(detector.predict(frames, options)))


def object_array(values: Sequence[Any] | NDArray[np.object_]) -> NDArray[np.object_]:
    """A 1-D array of objects, into which numpy does not look."""
    array = np.empty(len(values), np.object_)
    for place, value in enumerate(values):
        array[place] = value
    return array
