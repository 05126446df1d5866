"""A detector of the torchvision family."""

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.checkpoints import ModelCard, model_id_of, read_card
from prelabel.models.detector import (
    DetectorError,
    DetectorSpec,
    FitOptions,
    FitResult,
    PredictOptions,
    TrainingExample,
)
from prelabel.models.precision import usable_device
from prelabel.models.torchvision.prediction import predict_frames
from prelabel.models.torchvision.starts import load_named_start, load_starter
from prelabel.models.torchvision.training import TorchvisionLearner, net_bytes
from prelabel.models.torchvision.variants import Variant, variant_called
from prelabel.models.training_job import TrainingJob
from prelabel.models.training_run import Schedule

_FIRST_SEED = 0  # of the random weights of a detector that was never trained


@dataclass(frozen=True, slots=True)
class DetectorName:
    """What follows "torchvision:": the variant and, after an @, the weights to start from."""

    variant: Variant
    start: str | None

    @classmethod
    def parse(cls, text: str) -> "DetectorName":
        name, at, start = text.partition("@")
        return cls(variant_called(name), start if at else None)

    def __str__(self) -> str:
        return f"torchvision:{self.variant.name}" + (f"@{self.start}" if self.start else "")


class TorchvisionDetector:
    """Faster R-CNN, RetinaNet, FCOS, SSDLite, and a small FCOS for learning from scratch.

    Built by `before_training` or `from_checkpoint`. Not for use by several threads at once.
    """

    def __init__(
        self, name: DetectorName, classes: Sequence[str], state_folder: Path, net: nn.Module
    ) -> None:
        self._name = name
        self._state_folder = state_folder
        self._spec = DetectorSpec(
            str(name),
            tuple(classes),
            name.variant.class_scores,
            trainable=True,
            gives_support=True,
            gives_embeddings=True,
            learns_parts=name.variant.learns_parts,
        )
        self._take(net, hashlib.blake2b(net_bytes(net), digest_size=8).hexdigest())

    @classmethod
    def before_training(
        cls, variant: str, classes: Sequence[str], state_folder: Path
    ) -> "TorchvisionDetector":
        """A detector with random or downloaded weights, which predicts accordingly."""
        name = DetectorName.parse(variant)
        if not classes:
            raise DetectorError(f"{name}: needs at least one class to look for")
        return cls(name, classes, state_folder, _start(name, classes, state_folder, _FIRST_SEED))

    @classmethod
    def from_checkpoint(
        cls, checkpoint: Path, card: ModelCard, state_folder: Path
    ) -> "TorchvisionDetector":
        """A trained detector; DetectorError where checkpoint and card do not belong together."""
        name = DetectorName.parse(card.detector.partition(":")[2])
        net = name.variant.build(len(card.classes), _FIRST_SEED)
        state = _read_state(checkpoint)
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise DetectorError(
                f"{checkpoint}: does not fit the card beside it, which says {card.detector} with "
                f"{len(card.classes)} classes"
            ) from error
        detector = cls(name, card.classes, state_folder, net)
        detector._model_id = model_id_of(checkpoint)
        return detector

    @property
    def spec(self) -> DetectorSpec:
        return self._spec

    @property
    def model_id(self) -> str:
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

        Weights start from `options.starter`, a checkpoint of the same variant whose classes are
        matched by their names, else from what the detector's name says.
        """
        job = TrainingJob.checked(self._spec, train, validation, options)
        result = job.done_in(
            folder,
            progress,
            lambda: self._learner(options),
            stretched=self._name.variant.stretches,
        )
        net = self._name.variant.build(len(self._spec.classes), _FIRST_SEED)
        net.load_state_dict(_read_state(result.checkpoint))
        self._take(net, result.model_id)
        return result

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """Everything about each frame, from one pass; see Detector."""
        return predict_frames(self._net, self._name.variant, self._model_id, frames, options)

    def _take(self, net: nn.Module, model_id: str) -> None:
        self._net = net.to(usable_device()).eval().requires_grad_(False)
        self._net.to(memory_format=torch.channels_last)
        self._model_id = model_id

    def _learner(self, options: FitOptions) -> TorchvisionLearner:
        variant, classes = self._name.variant, self._spec.classes
        net = _start(self._name, classes, self._state_folder, options.seed)
        if options.starter is not None:
            card = read_card(options.starter)
            load_starter(net, variant, _read_state(options.starter), card.classes, classes)
        has_weights = options.starter is not None or self._name.start is not None
        rate = options.learning_rate or variant.learning_rate(has_weights)
        schedule = Schedule(options.steps, rate)
        return TorchvisionLearner(net, variant, schedule, options.seed, usable_device())


def _start(name: DetectorName, classes: Sequence[str], state_folder: Path, seed: int) -> nn.Module:
    net = name.variant.build(len(classes), seed)
    if name.start is not None:
        load_named_start(net, name.variant, name.start, classes, state_folder)
    return net


def _read_state(checkpoint: Path) -> dict[str, Tensor]:
    if checkpoint.is_file() and not zipfile.is_zipfile(checkpoint):  # what every torch writes
        raise DetectorError(f"{checkpoint}: is not a checkpoint of this program")
    try:
        state: dict[str, Tensor] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DetectorError(f"{checkpoint}: cannot be read: {error.strerror}") from error
    except (RuntimeError, UnpicklingError, EOFError) as error:
        raise DetectorError(f"{checkpoint}: is not a checkpoint of this program") from error
    return state
