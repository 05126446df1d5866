"""The torchvision family as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import Detector
from prelabel.models.torchvision.detector import TorchvisionDetector


def build(variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
    """A detector before training.

    `variant` is "micro", "fasterrcnn", "retinanet", "fcos" or "ssdlite", with random weights; or,
    with "@coco" or "@imagenet" after it, with torchvision's own, downloaded to the folder
    `torchvision` of `state_folder` where they are not there yet. Raises DetectorError.
    """
    return TorchvisionDetector.before_training(variant, classes, state_folder)


def load(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    """A trained detector."""
    return TorchvisionDetector.from_checkpoint(checkpoint, card, state_folder)
