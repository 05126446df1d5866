"""A detector of the ultralytics family."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.checkpoints import ModelCard, model_id_of
from prelabel.models.detector import (
    DetectorError,
    DetectorSpec,
    FitOptions,
    FitResult,
    PredictOptions,
    TrainingExample,
)
from prelabel.models.precision import usable_device
from prelabel.models.training_batches import STRIDE_PX
from prelabel.models.training_job import TrainingJob
from prelabel.models.training_run import Schedule
from prelabel.models.ultralytics.networks import (
    Net,
    is_rtdetr,
    read_net,
    same_class,
    start_net,
    take_weights,
)
from prelabel.models.ultralytics.prediction import OnePass, head_facts
from prelabel.models.ultralytics.training import UltralyticsLearner
from prelabel.models.ultralytics.weights import find_source

_UNTRAINED = "untrained"
_RATE_FROM_NOTHING = 4e-3  # AdamW, random weights
_RATE_FROM_WEIGHTS = 1e-3
_RATE_RTDETR = 1e-4  # transformers bear less


class UltralyticsDetector:
    """YOLO and RT-DETR networks: trained by our loop, predicting everything in one pass.

    Those with an oriented head learn and give turned boxes.

    Built by `before_training` or `from_checkpoint`. Not for use by several threads at once.
    """

    def __init__(self, name: str, classes: Sequence[str], net: Net, state_folder: Path) -> None:
        self._spec = _spec_of(name, classes, net)
        self._is_rtdetr = is_rtdetr(net)
        self._state_folder = state_folder
        self._model_id = _UNTRAINED
        self._one_pass: OnePass | None = None

    @classmethod
    def before_training(
        cls, variant: str, classes: Sequence[str], state_folder: Path
    ) -> "UltralyticsDetector":
        """A detector that can be trained; from weights that know all `classes` it can predict."""
        if not classes:
            raise DetectorError(f"ultralytics:{variant}: needs at least one class to look for")
        net = start_net(variant, classes, state_folder)
        detector = cls(f"ultralytics:{variant}", classes, net, state_folder)
        source = find_source(variant, state_folder)
        if source.suffix == ".pt" and (model_id := _id_for(classes, source)):
            detector._take(net, model_id)
        return detector

    @classmethod
    def from_checkpoint(
        cls, checkpoint: Path, card: ModelCard, state_folder: Path
    ) -> "UltralyticsDetector":
        """A trained detector; DetectorError where checkpoint and card do not belong together."""
        net = read_net(checkpoint)
        if tuple(net.names.values()) != card.classes:
            raise DetectorError(f"{checkpoint}: has other classes than the card beside it says")
        detector = cls(card.detector, card.classes, net, state_folder)
        detector._take(net, model_id_of(checkpoint))
        return detector

    @property
    def spec(self) -> DetectorSpec:
        return self._spec

    @property
    def model_id(self) -> str:
        """The id of the weights; the word "untrained" as long as nothing was learned."""
        return self._model_id

    def fit(
        self,
        train: Sequence[TrainingExample],
        validation: Sequence[TrainingExample],
        options: FitOptions,
        folder: Path,
        progress: Progress,
    ) -> FitResult:
        """Train; see Detector. The order of the examples has no influence.

        `options.starter` may be any checkpoint of the same network; outputs for classes are
        matched by their names.
        """
        self._check_size(options.input_px)
        job = TrainingJob.checked(self._spec, train, validation, options)
        result = job.done_in(
            folder, progress, lambda: self._learner(options), stretched=self._is_rtdetr
        )
        self._take(read_net(result.checkpoint), result.model_id)
        return result

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """Everything about each frame, from one pass; see Detector."""
        if self._one_pass is None:
            raise DetectorError(f"{self._spec.name} is not trained yet; train it before predicting")
        self._check_size(options.input_px)
        return self._one_pass.predict(self._model_id, frames, options)

    def _check_size(self, input_px: int) -> None:
        if self._is_rtdetr and input_px % STRIDE_PX:
            raise DetectorError(
                f"{self._spec.name} takes an input_px that is a multiple of {STRIDE_PX}, "
                f"but it is {input_px}"
            )

    def _take(self, net: Net, model_id: str) -> None:
        self._one_pass = OnePass(net.to(usable_device()).eval().requires_grad_(False))
        self._model_id = model_id

    def _learner(self, options: FitOptions) -> UltralyticsLearner:
        variant = self._spec.name.partition(":")[2]
        net = start_net(variant, self._spec.classes, self._state_folder, options.seed)
        if options.starter is not None:
            take_weights(net, read_net(options.starter), str(options.starter))
        has_weights = options.starter is not None or variant.endswith(".pt")
        rate = options.learning_rate or _usual_rate(net, has_weights)
        schedule = Schedule(options.steps, rate)
        return UltralyticsLearner(net, schedule, options.input_px, usable_device())


def _spec_of(name: str, classes: Sequence[str], net: Net) -> DetectorSpec:
    facts = head_facts(net)
    return DetectorSpec(
        name,
        tuple(classes),
        ClassScores.INDEPENDENT,
        trainable=True,
        gives_spread=facts.gives_spread,
        gives_support=facts.gives_support,
        gives_embeddings=True,
        gives_angle=facts.gives_angle,
        learns_parts=not is_rtdetr(net),  # its loss matches labels to queries, not to places
    )


def _id_for(classes: Sequence[str], weights: Path) -> str | None:
    """The id of weights that look for `classes`; None where they do not know all of them."""
    known = list(read_net(weights).names.values())
    if not all(any(same_class(name, other) for other in known) for name in classes):
        return None
    model_id = model_id_of(weights)
    if known == list(classes):
        return model_id
    other_outputs = json.dumps([model_id, *classes]).encode()
    return hashlib.blake2b(other_outputs, digest_size=len(model_id) // 2).hexdigest()


def _usual_rate(net: Net, has_weights: bool) -> float:
    if is_rtdetr(net):
        return _RATE_RTDETR
    return _RATE_FROM_WEIGHTS if has_weights else _RATE_FROM_NOTHING
