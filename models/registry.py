"""Finding a detector by the name a user writes."""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from prelabel.models.checkpoints import ModelCard, read_card
from prelabel.models.detector import Detector, DetectorError

# Each family is a package with a module `family` that offers `build` and `load`; it is imported
# when first asked for, so that no framework is loaded for nothing.
FAMILIES = {
    "coco-results": "prelabel.models.coco_results.family",
    "onnx": "prelabel.models.onnx.family",
    "torchvision": "prelabel.models.torchvision.family",
    "ultralytics": "prelabel.models.ultralytics.family",
}


class Family(Protocol):
    """Detectors that one adapter serves; `variant` is what follows the colon of a name."""

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


def open_detector(checkpoint: Path, state_folder: Path) -> Detector:
    """The trained detector in a checkpoint that `fit` left behind."""
    card = read_card(checkpoint)
    family, _ = _family_of(card.detector, state_folder)
    return family.load(checkpoint, card, state_folder)


def _family_of(name: str, state_folder: Path) -> tuple[Family, str]:
    prefix, colon, variant = name.partition(":")
    if not colon or prefix not in FAMILIES or not variant:
        known = ", ".join(f"{family}:…" for family in FAMILIES)
        raise DetectorError(f"unknown detector {name!r}; write one of {known}")
    # torch makes this folder when torchvision is loaded, in the system's folder for temporary files
    # unless it is told where; nothing is put into it.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(state_folder.resolve() / "inductor"))
    return cast(Family, importlib.import_module(FAMILIES[prefix])), variant
