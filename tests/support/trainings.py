"""Short trainings of the smallest detectors, which the tests of training share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shapes import SHAPES

from prelabel.datasets.progress import Advance
from prelabel.models.detector import Detector, FitOptions, PredictOptions
from prelabel.models.registry import build_detector

OPTIONS = FitOptions(steps=6, batch_size=4, input_px=64, seed=3, validate_every_steps=3)
LOOK = PredictOptions(input_px=64, score_min=0.01)


def a_detector(name: str, folder: Path, classes: Sequence[str] = SHAPES) -> Detector:
    """An untrained detector of this name; what it keeps for itself lies in `folder`."""
    return build_detector(name, classes, folder / "state")


class Noted:
    """Progress that keeps what it is told, and may stop everything at a step."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.units: list[int] = []
        self.notes: list[str] = []
        self.total: int | None = None
        self._stop_at = stop_at

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        self.total = total
        yield self._advance

    def _advance(self, units: int = 1, note: str = "") -> None:
        self.units.append(units)
        self.notes.append(note)
        if sum(self.units) == self._stop_at:
            raise KeyboardInterrupt
