"""Finding a detector by the name a user writes."""

import importlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from prelabel.datasets.files import write_whole
from prelabel.models.as_named import AsNamedDetector, KnowsNoClassError
from prelabel.models.checkpoints import ModelCard, read_card, write_card
from prelabel.models.detector import Detector, DetectorError
from prelabel.models.detector_names import located

# Each family is a package with a module `family` that offers what Family says; it is imported when
# first asked for, so that no framework is loaded for nothing.
FAMILIES = {
    "coco-results": "prelabel.models.coco_results.family",
    "onnx": "prelabel.models.onnx.family",
    "torchvision": "prelabel.models.torchvision.family",
    "ultralytics": "prelabel.models.ultralytics.family",
}


# Families whose detectors only predict.
_PREDICT_ONLY = frozenset({"coco-results", "onnx"})


class Family(Protocol):
    """Detectors that one adapter serves; `variant` is what follows the colon of a name."""

    def known_classes(
        self, variant: str, classes: tuple[str, ...], state_folder: Path
    ) -> tuple[str, ...]:
        """Those of `classes` that it can find without training by this program."""
        ...

    def build(self, variant: str, classes: tuple[str, ...], state_folder: Path) -> Detector:
        """A detector before training; what it must write to run goes to `state_folder`."""
        ...

    def load(self, checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
        """A trained detector."""
        ...


def build_detector(name: str, classes: Sequence[str], state_folder: Path) -> Detector:
    """The detector called `name`, such as "torchvision:ssdlite" or "ultralytics:yolo11n.pt"."""
    family, variant = _family_of(name, state_folder)
    return family.build(variant, tuple(classes), state_folder)


def build_as_named(
    name: str, classes: Sequence[str], input_px: int, state_folder: Path
) -> AsNamedDetector:
    """The detector called `name` as it stands, for those of `classes` that it knows by name.

    Raises KnowsNoClassError where it knows none of them, as one with random weights does.
    """
    family, variant = _family_of(name, state_folder)
    known = family.known_classes(variant, tuple(classes), state_folder)
    if not known:
        raise KnowsNoClassError(f"{name}: knows none of the classes {', '.join(classes)}")
    return AsNamedDetector(family.build(variant, known, state_folder), classes, input_px)


def keep_as_named(checkpoint: Path, detector: AsNamedDetector, card: ModelCard) -> None:
    """Make a checkpoint without weights, from which `open_detector` builds the detector again."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    write_whole(checkpoint, detector.model_id.encode())
    write_card(checkpoint, replace(card, trained=False))


def open_detector(checkpoint: Path, state_folder: Path) -> Detector:
    """The detector in a checkpoint that `fit` or `keep_as_named` left behind."""
    card = read_card(checkpoint)
    if not card.trained:
        return _opened_as_named(checkpoint, card, state_folder)
    family, _ = _family_of(card.detector, state_folder)
    return family.load(checkpoint, card, state_folder)


def can_train(name: str) -> bool:
    """Whether the detector called `name` can be trained; DetectorError for an unknown family."""
    return _parts_of(name)[0] not in _PREDICT_ONLY


def _opened_as_named(checkpoint: Path, card: ModelCard, state_folder: Path) -> Detector:
    name = located(card.detector, checkpoint.parent)
    detector = build_as_named(name, card.classes, card.input_px, state_folder)
    if detector.model_id != checkpoint.read_text(encoding="utf-8"):
        raise DetectorError(
            f"{name}: its files are no longer those that {checkpoint} was made for: put them back, "
            "or take the detector into use anew"
        )
    return detector


def _parts_of(name: str) -> tuple[str, str]:
    """The family and the variant in a name."""
    prefix, colon, variant = name.partition(":")
    if not colon or prefix not in FAMILIES or not variant:
        known = ", ".join(f"{family}:…" for family in FAMILIES)
        raise DetectorError(f"unknown detector {name!r}; write one of {known}")
    return prefix, variant


def _family_of(name: str, state_folder: Path) -> tuple[Family, str]:
    prefix, variant = _parts_of(name)
    # torch makes this folder when torchvision is loaded, in the system's folder for temporary files
    # unless it is told where; nothing is put into it.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(state_folder.resolve() / "inductor"))
    return cast(Family, importlib.import_module(FAMILIES[prefix])), variant
