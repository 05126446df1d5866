"""Pictures to train on and to validate on, and a network trained on them."""

from pathlib import Path

import pytest
from shapes import shape_examples
from trainings import OPTIONS, a_detector

from prelabel.datasets.progress import Silent
from prelabel.models.detector import FitResult, TrainingExample


@pytest.fixture
def examples(tmp_path: Path) -> list[TrainingExample]:
    return shape_examples(tmp_path / "pictures", 8)


@pytest.fixture
def held_out(tmp_path: Path) -> list[TrainingExample]:
    return shape_examples(tmp_path / "pictures", 3, seed=1)


@pytest.fixture
def trained(tmp_path: Path, examples: list[TrainingExample]) -> FitResult:
    """A small network of ultralytics, hardly trained."""
    detector = a_detector("ultralytics:micro", tmp_path)
    return detector.fit(examples, [], OPTIONS, tmp_path / "trained", Silent())
