"""Training detectors of torchvision: what it leaves, that it repeats, and that it goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import SHAPES, shape_examples, without_boxes

from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Advance, Silent
from prelabel.models.contract import check_predictions
from prelabel.models.detector import (
    Detector,
    DetectorError,
    FitOptions,
    PredictOptions,
    TrainingExample,
)
from prelabel.models.evaluation import evaluate
from prelabel.models.registry import build_detector, open_detector

OPTIONS = FitOptions(steps=6, batch_size=4, input_px=64, seed=3, validate_every_steps=3)
LOOK = PredictOptions(input_px=64, score_min=0.01)


@pytest.fixture
def examples(tmp_path: Path) -> list[TrainingExample]:
    return shape_examples(tmp_path / "pictures", 8)


@pytest.fixture
def held_out(tmp_path: Path) -> list[TrainingExample]:
    return shape_examples(tmp_path / "pictures", 3, seed=1)


def micro(folder: Path, classes: Sequence[str] = SHAPES) -> Detector:
    return build_detector("torchvision:micro", classes, folder / "state")


class Noted:
    """Progress that keeps what it is told, and may end its own process at a step."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.units: list[int] = []
        self.notes: list[str] = []
        self._kill_at = kill_at

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        yield self._advance

    def _advance(self, units: int = 1, note: str = "") -> None:
        self.units.append(units)
        self.notes.append(note)
        if self._kill_at is not None and sum(self.units) >= self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_checkpoint_opened_again_predicts_the_same(
    tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    detector = micro(tmp_path)
    before = detector.model_id
    noted = Noted()
    result = detector.fit(examples, held_out, OPTIONS, tmp_path / "run", noted)
    assert noted.units == [1] * 6
    assert ["mAP50" in note for note in noted.notes] == [False, False, True] * 2
    assert detector.model_id == result.model_id != before
    frames = [one.frame for one in held_out]
    opened = open_detector(result.checkpoint, tmp_path / "state")
    assert (opened.model_id, opened.spec) == (result.model_id, detector.spec)
    pairs = zip(detector.predict(frames, LOOK), opened.predict(frames, LOOK), strict=True)
    for first, second in pairs:
        assert first.boxes == second.boxes
        assert np.array_equal(first.score, second.score)


def test_same_data_options_and_seed_give_the_same_weights(
    tmp_path: Path, examples: list[TrainingExample]
) -> None:
    def model_id(name: str, train: Sequence[TrainingExample], options: FitOptions) -> str:
        return micro(tmp_path).fit(train, [], options, tmp_path / name, Silent()).model_id

    state = torch.get_rng_state()
    first = model_id("first", examples, OPTIONS)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)  # what the caller draws has no influence
    assert model_id("again", examples[::-1], OPTIONS) == first
    assert model_id("other seed", examples, replace(OPTIONS, seed=4)) != first


KILLED = replace(OPTIONS, steps=9, validate_every_steps=2)
CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from shapes import shape_examples
from test_torchvision_training import KILLED, Noted, micro

folder = Path(sys.argv[3])
train, validation = shape_examples(folder / "p", 8), shape_examples(folder / "p", 3, seed=1)
micro(folder).fit(train, validation, KILLED, folder / "killed", Noted(kill_at=int(sys.argv[4])))
"""


@pytest.mark.slow
def test_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path: Path) -> None:
    tests = Path(__file__).parent
    for kill_at in (3, 7):
        arguments = [tests, tests.parent / "support", tmp_path, kill_at]
        command = [sys.executable, "-c", CHILD, *map(str, arguments)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    train = shape_examples(tmp_path / "p", 8)
    validation = shape_examples(tmp_path / "p", 3, seed=1)
    noted = Noted()
    killed = micro(tmp_path).fit(train, validation, KILLED, tmp_path / "killed", noted)
    assert noted.units == [6, 1, 1, 1]
    whole = micro(tmp_path).fit(train, validation, KILLED, tmp_path / "whole", Silent())
    assert killed.model_id == whole.model_id
    assert killed.validation_curve == whole.validation_curve


def test_a_finished_run_is_not_done_again(tmp_path: Path, examples: list[TrainingExample]) -> None:
    options = replace(OPTIONS, steps=2)
    first = micro(tmp_path).fit(examples, [], options, tmp_path / "run", Silent())
    noted = Noted()
    again = micro(tmp_path)
    assert again.fit(examples, [], options, tmp_path / "run", noted) == first
    assert (noted.units, again.model_id) == ([], first.model_id)
    with pytest.raises(DetectorError, match="other arguments"):
        micro(tmp_path).fit(examples[1:], [], options, tmp_path / "run", Silent())


@pytest.mark.parametrize("role", ["train", "validation"])
def test_refuses_test_frames(tmp_path: Path, examples: list[TrainingExample], role: str) -> None:
    forbidden = shape_examples(tmp_path / "pictures", 1, seed=9, split=Split.TEST)
    train, validation = (forbidden, []) if role == "train" else (examples, forbidden)
    with pytest.raises(DetectorError, match="is a test frame"):
        micro(tmp_path).fit(train, validation, OPTIONS, tmp_path / "run", Silent())


def test_refuses_a_frame_that_comes_twice(tmp_path: Path, examples: list[TrainingExample]) -> None:
    with pytest.raises(DetectorError, match="comes twice"):
        micro(tmp_path).fit(examples, examples[:1], OPTIONS, tmp_path / "run", Silent())


def test_refuses_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no labelled frame"):
        micro(tmp_path).fit([], [], OPTIONS, tmp_path / "run", Silent())


def test_refuses_classes_it_does_not_have(tmp_path: Path, examples: list[TrainingExample]) -> None:
    with pytest.raises(DetectorError, match="class id 1, but the detector was built for 1"):
        micro(tmp_path, ["disc"]).fit(examples, [], OPTIONS, tmp_path / "run", Silent())


def test_says_where_training_diverges(tmp_path: Path, examples: list[TrainingExample]) -> None:
    options = replace(OPTIONS, steps=30, learning_rate=1e30)
    with pytest.raises(DetectorError, match=r"diverged at step \d+: set a learning_rate below"):
        micro(tmp_path).fit(examples, [], options, tmp_path / "run", Silent())


def test_starts_from_a_checkpoint_with_other_classes(
    tmp_path: Path, examples: list[TrainingExample]
) -> None:
    first = micro(tmp_path).fit(examples, [], OPTIONS, tmp_path / "first", Silent())
    turned = micro(tmp_path, ["square", "ring", "disc"])
    options = replace(OPTIONS, steps=1, learning_rate=1e-12, starter=first.checkpoint)
    result = turned.fit(examples, [], options, tmp_path / "second", Silent())
    layer = "head.classification_head.cls_logits.weight"
    old, new = (torch.load(one.checkpoint, weights_only=True)[layer] for one in (first, result))
    torch.testing.assert_close(new[[2, 0]], old, atol=1e-6, rtol=0)
    with pytest.raises(DetectorError, match="of another detector"):
        build_detector("torchvision:ssdlite", SHAPES, tmp_path).fit(
            examples, [], options, tmp_path / "third", Silent()
        )


@pytest.mark.parametrize("name", ["fasterrcnn", "retinanet", "fcos", "ssdlite"])
def test_every_detector_trains_on_frames_with_and_without_boxes(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    train = [examples[0], without_boxes(examples[1])]
    detector = build_detector(f"torchvision:{name}", SHAPES, tmp_path)
    before = detector.model_id
    options = replace(OPTIONS, steps=2, batch_size=2)
    noted = Noted()
    detector.fit(train, [], options, tmp_path / "run", noted)
    assert detector.model_id != before
    assert all(np.isfinite(float(note.split()[1])) for note in noted.notes)
    frames = [one.frame for one in train]
    check_predictions(detector.spec, frames, detector.predict(frames, LOOK))


def test_maps_one_cell_wide_do_not_spoil_the_weights(
    tmp_path: Path, examples: list[TrainingExample]
) -> None:
    options = replace(OPTIONS, steps=2, batch_size=2)  # at 64 px SSDLite's last maps are 1 x 1
    ids = set()
    for name in ("one", "two", "three"):
        detector = build_detector("torchvision:ssdlite", SHAPES, tmp_path)
        ids.add(detector.fit(examples, [], options, tmp_path / name, Silent()).model_id)
    assert len(ids) == 1


@pytest.mark.slow
def test_learns_shapes(tmp_path: Path) -> None:
    train = shape_examples(tmp_path / "pictures", 40)
    held_out = shape_examples(tmp_path / "pictures", 20, seed=1)
    detector = micro(tmp_path)
    options = replace(OPTIONS, steps=150, batch_size=8, input_px=96)
    result = detector.fit(train, [], options, tmp_path / "run", Silent())
    assert (result.validation_map50, result.validation_curve) == (None, ())
    look = replace(LOOK, input_px=96)
    predictions = detector.predict([one.frame for one in held_out], look)
    truth = [LabelledFrame(one.frame, one.annotations) for one in held_out]
    assert evaluate(predictions, truth, SHAPES).map50 > 0.5
