"""The ultralytics family as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import Detector
from prelabel.models.ultralytics.confinement import confine


def known_classes(variant: str, classes: tuple[str, ...], state_folder: Path) -> tuple[str, ...]:
    """Those of `classes` that the weights of the name know; a definition knows none."""
    confine(state_folder)
    from prelabel.models.ultralytics.networks import read_net, same_class
    from prelabel.models.ultralytics.weights import find_source

    source = find_source(variant, state_folder)
    if source.suffix != ".pt":
        return ()
    there = list(read_net(source).names.values())
    return tuple(one for one in classes if any(same_class(one, other) for other in there))


def build(variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
    """A detector before training.

    `variant` is "micro" or, for turned boxes, "micro-obb"; a definition such as "yolo11n.yaml",
    "yolo11n-obb.yaml" or "rtdetr-l.yaml"; weights such as "yolo11n.pt" (downloaded to the folder
    `weights` of `state_folder` where they are not there yet); or the path of such a file. Raises
    DetectorError, or MissingExtraError.
    """
    confine(state_folder)
    from prelabel.models.ultralytics.detector import UltralyticsDetector

    return UltralyticsDetector.before_training(variant, classes, state_folder)


def load(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    """A trained detector."""
    confine(state_folder)
    from prelabel.models.ultralytics.detector import UltralyticsDetector

    return UltralyticsDetector.from_checkpoint(checkpoint, card, state_folder)
