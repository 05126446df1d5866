"""The ultralytics family as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import Detector
from prelabel.models.ultralytics.confinement import confine


def build(variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
    """A detector before training.

    `variant` is "micro", a definition such as "yolo11n.yaml" or "rtdetr-l.yaml", weights such as
    "yolo11n.pt" (downloaded to the folder `weights` of `state_folder` where they are not there
    yet), or the path of such a file. Raises DetectorError, or MissingExtraError.
    """
    confine(state_folder)
    from prelabel.models.ultralytics.detector import UltralyticsDetector

    return UltralyticsDetector.before_training(variant, classes, state_folder)


def load(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    """A trained detector."""
    confine(state_folder)
    from prelabel.models.ultralytics.detector import UltralyticsDetector

    return UltralyticsDetector.from_checkpoint(checkpoint, card, state_folder)
