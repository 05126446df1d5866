"""The ONNX family as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import Detector
from prelabel.models.onnx.detector import OnnxDetector
from prelabel.models.onnx.spec import known_classes as classes_of
from prelabel.models.onnx.spec import read_spec


def known_classes(variant: str, classes: tuple[str, ...], state_folder: Path) -> tuple[str, ...]:
    """Those of `classes` that the net has an output for, by name or by the class map."""
    return classes_of(read_spec(Path(variant)), classes)


def build(variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
    """The detector that the specification at the path `variant` describes.

    Raises ConfigurationError, DetectorError, or MissingExtraError.
    """
    return OnnxDetector(f"onnx:{variant}", classes, read_spec(Path(variant)))


def load(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    """The same, where `checkpoint` is the specification."""
    return OnnxDetector(card.detector, card.classes, read_spec(checkpoint))
