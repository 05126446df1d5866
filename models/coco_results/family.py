"""The family of finished predictions as the registry wants it."""

from pathlib import Path

from prelabel.models.checkpoints import ModelCard
from prelabel.models.coco_results.detector import CocoResultsDetector
from prelabel.models.coco_results.records import category_names
from prelabel.models.detector import Detector

_SEPARATOR = "+"


def known_classes(variant: str, classes: tuple[str, ...], state_folder: Path) -> tuple[str, ...]:
    """Those of `classes` that the annotation file has; all of them where there is none."""
    _, annotations = _files(Path(variant))
    if annotations is None:
        return classes
    there = {name.casefold() for name in category_names(annotations).values()}
    return tuple(name for name in classes if name.casefold() in there)


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
    return CocoResultsDetector(name, classes, *_files(path))


def _files(path: Path) -> tuple[Path, Path | None]:
    """The results, and the annotation file where one is named."""
    if not path.exists():
        first, plus, second = str(path).rpartition(_SEPARATOR)
        if plus:
            return Path(first), Path(second)
    return path, None
