"""The torchvision family as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import Detector
from prelabel.models.torchvision.detector import DetectorName, TorchvisionDetector
from prelabel.models.torchvision.starts import coco_classes


def known_classes(variant: str, classes: tuple[str, ...], state_folder: Path) -> tuple[str, ...]:
    """Those of `classes` that COCO has, where the name asks for the weights of COCO."""
    name = DetectorName.parse(variant)
    if name.start != "coco":
        return ()
    there = {one.casefold() for one in coco_classes(name.variant)}
    return tuple(one for one in classes if one.casefold() in there)


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
