"""What every detector offers, whatever framework stands behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.views import View


class DetectorError(PrelabelError):
    """A detector cannot be built, trained, loaded or run as asked."""


class NotTrainableError(DetectorError):
    """This kind of detector only predicts."""


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What is known of a detector before it sees a picture.

    `name` is what a user writes to get it ("ultralytics:yolo11n.pt", "torchvision:fcos"), `classes`
    the names its class ids index. `gives_*` say which optional fields its predictions fill; one
    that gives an angle learns and finds turned boxes, the others upright ones only. One
    that learns parts can learn from frames of which only some objects are labelled.
    """

    name: str
    classes: tuple[str, ...]
    class_scores: ClassScores
    trainable: bool
    gives_class_probs: bool = True
    gives_spread: bool = False
    gives_support: bool = False
    gives_embeddings: bool = False
    gives_angle: bool = False
    learns_parts: bool = False


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A frame with labels that somebody vouched for.

    Where it is not `is_complete`, other objects may be on it: what a detector finds beside the
    labels is neither right nor wrong.
    """

    frame: Frame
    annotations: AnnotationSet
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to train.

    `steps` is the number of optimiser steps, so that runs on sets of different size cost the same;
    `input_px` the longest side a picture is scaled to; `starter` a checkpoint to start the weights
    from (None: the detector's own start). The same options, data and `seed` on the same machine
    give the same weights.
    """

    steps: int = 2000
    batch_size: int = 16
    input_px: int = 640
    learning_rate: float | None = None
    seed: int = 0
    validate_every_steps: int = 200
    starter: Path | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "input_px", "validate_every_steps"):
            if getattr(self, name) < 1:
                raise InvalidValueError(f"{name} must be at least 1, but is {getattr(self, name)}")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise InvalidValueError(f"learning_rate must be above 0, but is {self.learning_rate}")


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How to predict: scores below `score_min` are left out before NMS at `nms_iou`.

    With a `view` the detector sees a changed picture; boxes are in pixels of the picture as it is.
    """

    input_px: int = 640
    batch_size: int = 16
    score_min: float = 0.05
    nms_iou: float = 0.7
    max_boxes: int = 300
    with_embeddings: bool = True
    view: View = View.AS_IS


@dataclass(frozen=True, slots=True)
class FitResult:
    """What training left behind.

    `checkpoint` is a file that `open_detector` reads; `model_id` is made from its bytes, so equal
    weights have equal ids. `validation_map50` is None where there was no validation set.
    """

    checkpoint: Path
    model_id: str
    steps: int
    seconds: float
    validation_map50: float | None
    validation_curve: tuple[tuple[int, float], ...] = field(default=())


class Detector(Protocol):
    """A detector, trained or not.

    - `fit` trains on `train`, keeps the checkpoint that does best on `validation` (the last one if
      that is empty) and returns it; the detector then predicts with it. Everything it writes lies
      in `folder`. Called again with the same arguments after a kill, it goes on from the last saved
      step. It never sees a test set, never goes to the network, never installs anything.
    - `predict` returns one Prediction a frame in the order given; a picture that cannot be read
      raises BadInputError naming it. Boxes are in pixels of the picture as shown, clipped to it.
    - Both raise DetectorError for what they cannot do.
    """

    @property
    def spec(self) -> DetectorSpec: ...

    @property
    def model_id(self) -> str: ...

    def fit(
        self,
        train: Sequence[TrainingExample],
        validation: Sequence[TrainingExample],
        options: FitOptions,
        folder: Path,
        progress: Progress,
    ) -> FitResult: ...

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]: ...
