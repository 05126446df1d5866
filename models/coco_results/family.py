"""The family of finished predictions as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.coco_results.detector import CocoResultsDetector
from prelabel.models.detector import Detector

_SEPARATOR = "+"


def build(variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
    """The predictions in a COCO results file.

    `variant` is the path of the results, or, where these name pictures and classes by number, that
    path, a "+" and the path of the annotation file that the numbers are from. Raises
    BadInputError, or DetectorError where classes do not match.
    """
    return _open(f"coco-results:{variant}", Path(variant), classes)


def load(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    """The same, where `checkpoint` is the results file."""
    return _open(card.detector, checkpoint, card.classes)


def _open(name: str, path: Path, classes: tuple[str, ...]) -> Detector:
    results, annotations = path, None
    if not path.exists():
        first, plus, second = str(path).rpartition(_SEPARATOR)
        if plus:
            results, annotations = Path(first), Path(second)
    return CocoResultsDetector(name, classes, results, annotations)
