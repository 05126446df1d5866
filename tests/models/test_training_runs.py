"""Training runs, whatever the framework: what they leave, that they repeat, and that they go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import SHAPES, shape_examples, without_boxes
from trainings import LOOK, OPTIONS, Noted, a_detector

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Silent
from prelabel.models.checkpoints import card_path, read_card
from prelabel.models.detector import DetectorError, PredictOptions, TrainingExample
from prelabel.models.evaluation import evaluate
from prelabel.models.registry import open_detector

NAMES = ("ultralytics:micro", "torchvision:micro")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    detector_name: str = request.param
    return detector_name


def test_leaves_a_checkpoint_that_predicts_the_same_when_opened_again(
    name: str, tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    detector = a_detector(name, tmp_path)
    before = detector.model_id
    result = detector.fit(examples, held_out, OPTIONS, tmp_path / "run", Silent())
    assert result.steps == 6
    assert detector.model_id == result.model_id != before
    assert read_card(result.checkpoint).classes == SHAPES
    opened = open_detector(result.checkpoint, tmp_path / "state")
    assert (opened.model_id, opened.spec) == (result.model_id, detector.spec)
    frames = [one.frame for one in held_out]
    pairs = zip(detector.predict(frames, LOOK), opened.predict(frames, LOOK), strict=True)
    for first, second in pairs:
        assert first.boxes == second.boxes
        assert np.array_equal(first.score, second.score)


def test_tells_each_step_and_each_measurement(
    name: str, tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    noted = Noted()
    a_detector(name, tmp_path).fit(examples, held_out, OPTIONS, tmp_path / "run", noted)
    assert (noted.total, noted.units) == (6, [1] * 6)
    assert all(note.startswith("loss ") for note in noted.notes)
    assert ["mAP50" in note for note in noted.notes] == [False, False, True] * 2


def test_same_data_options_and_seed_give_the_same_weights(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    def model_id(run: str, train: Sequence[TrainingExample], seed: int = 3) -> str:
        options, folder = replace(OPTIONS, seed=seed), tmp_path / run
        return a_detector(name, tmp_path).fit(train, [], options, folder, Silent()).model_id

    state = torch.get_rng_state()
    first = model_id("first", examples)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)  # what the caller draws has no influence
    assert model_id("turned round", examples[::-1]) == first
    assert model_id("other seed", examples, seed=4) != first
    assert model_id("other data", examples[1:]) != first


def test_goes_on_after_an_interrupt_as_if_nothing_had_happened(
    name: str, tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    detector = a_detector(name, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(examples, held_out, OPTIONS, tmp_path / "cut", Noted(stop_at=4))
    noted = Noted()
    cut = a_detector(name, tmp_path).fit(examples, held_out, OPTIONS, tmp_path / "cut", noted)
    assert noted.units == [3, 1, 1, 1]
    whole = detector.fit(examples, held_out, OPTIONS, tmp_path / "whole", Silent())
    assert cut.model_id == whole.model_id
    assert cut.validation_curve == whole.validation_curve


KILLED = replace(OPTIONS, steps=40, seed=5, validate_every_steps=5)
CHILD = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from shapes import shape_examples
from test_training_runs import KILLED
from trainings import a_detector

class Printed:
    @contextmanager
    def task(self, title, total):
        self.done = 0
        yield self.advance

    def advance(self, units=1, note=""):
        print(units, flush=True)
        self.done += units
        if self.done > int(sys.argv[5]) + 8:
            time.sleep(60)  # the kill is late; it must not find a finished run

folder = Path(sys.argv[3])
train, validation = shape_examples(folder / "p", 8), shape_examples(folder / "p", 3, seed=1)
detector = a_detector(sys.argv[4], folder)
detector.fit(train, validation, KILLED, folder / "killed", Printed())
"""


def _kill_training(name: str, folder: Path, after: int) -> int:
    """Train in another process until it has said `after` steps; gives where it began from."""
    tests = Path(__file__).parent
    arguments = [tests, tests.parent / "support", folder, name, after]
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as child:
        assert child.stdout is not None
        units = [int(next(child.stdout))]
        while sum(units) < after:
            units.append(int(next(child.stdout)))
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return units[0] - 1


@pytest.mark.slow
def test_goes_on_after_a_kill_as_if_nothing_had_happened(name: str, tmp_path: Path) -> None:
    assert _kill_training(name, tmp_path, after=7) == 0
    assert _kill_training(name, tmp_path, after=23) >= 4  # the first thing it tells: what is done
    assert not (tmp_path / "killed" / "result.json").exists()
    train = shape_examples(tmp_path / "p", 8)
    validation = shape_examples(tmp_path / "p", 3, seed=1)
    noted = Noted()
    detector = a_detector(name, tmp_path)
    killed = detector.fit(train, validation, KILLED, tmp_path / "killed", noted)
    assert noted.units[0] >= 20
    assert sum(noted.units) == 40
    whole = detector.fit(train, validation, KILLED, tmp_path / "whole", Silent())
    assert killed.model_id == whole.model_id
    assert killed.validation_curve == whole.validation_curve


def test_a_finished_run_is_not_done_again(
    name: str, tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    folder = tmp_path / "run"
    options = replace(OPTIONS, steps=2)
    first = a_detector(name, tmp_path).fit(examples, held_out, options, folder, Silent())
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert sorted(before) == ["best.pt", "best.pt.json", "result.json", "run.json"]
    noted = Noted()
    detector = a_detector(name, tmp_path)
    assert detector.fit(examples, held_out, options, folder, noted) == first
    assert (noted.units, detector.model_id) == ([], first.model_id)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_never_writes_over_another_run(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    folder = tmp_path / "run"
    detector = a_detector(name, tmp_path)
    detector.fit(examples, [], OPTIONS, folder, Silent())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DetectorError, match=r"other arguments \(steps 6 there\)"):
        detector.fit(examples, [], replace(OPTIONS, steps=7), folder, Silent())
    with pytest.raises(DetectorError, match=r"other arguments \(train '.*' there\)"):
        detector.fit(examples[1:], [], OPTIONS, folder, Silent())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_checkpoint_changed_after_training_is_not_taken_for_the_result(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    options = replace(OPTIONS, steps=1)
    detector = a_detector(name, tmp_path)
    result = detector.fit(examples, [], options, tmp_path / "run", Silent())
    result.checkpoint.write_bytes(b"something else")
    with pytest.raises(DetectorError, match="was changed after training"):
        detector.fit(examples, [], options, tmp_path / "run", Silent())
    with pytest.raises(DetectorError, match=r"cannot be read as weights|is not a checkpoint"):
        open_detector(result.checkpoint, tmp_path / "state")
    card_path(result.checkpoint).unlink()
    with pytest.raises(DetectorError, match="has no card"):
        open_detector(result.checkpoint, tmp_path / "state")


def test_a_foreign_checkpoint_in_the_folder_is_left_alone(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    (tmp_path / "best.pt").write_bytes(b"somebody's weights")
    with pytest.raises(DetectorError, match="of another origin"):
        a_detector(name, tmp_path).fit(examples, [], OPTIONS, tmp_path, Silent())
    assert (tmp_path / "best.pt").read_bytes() == b"somebody's weights"


def test_keeps_the_checkpoint_that_did_best_on_validation(
    tmp_path: Path, examples: list[TrainingExample], held_out: list[TrainingExample]
) -> None:
    options = replace(OPTIONS, steps=40, batch_size=8, validate_every_steps=10)
    detector = a_detector("ultralytics:micro", tmp_path)
    result = detector.fit(examples, held_out, options, tmp_path / "run", Silent())
    assert [step for step, _ in result.validation_curve] == [10, 20, 30, 40]
    assert result.validation_map50 == max(score for _, score in result.validation_curve)
    again = open_detector(result.checkpoint, tmp_path / "state").predict(
        [one.frame for one in held_out], PredictOptions(input_px=64, score_min=0.01, batch_size=8)
    )
    truth = [LabelledFrame(one.frame, one.annotations) for one in held_out]
    assert evaluate(again, truth, SHAPES).map50 == pytest.approx(result.validation_map50, abs=1e-6)


@pytest.mark.parametrize("role", ["train", "validation"])
def test_refuses_test_frames(name: str, tmp_path: Path, role: str) -> None:
    good = shape_examples(tmp_path / "pictures", 2)
    forbidden = shape_examples(tmp_path / "pictures", 1, seed=9, split=Split.TEST)
    train, validation = (forbidden, good) if role == "train" else (good, forbidden)
    with pytest.raises(DetectorError, match="is a test frame"):
        a_detector(name, tmp_path).fit(train, validation, OPTIONS, tmp_path / "run", Silent())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("case", ["one", "background", "all empty", "unseen class", "no truth"])
def test_trains_on_whatever_there_is(
    name: str, tmp_path: Path, examples: list[TrainingExample], case: str
) -> None:
    train, validation = examples[:2], examples[2:4]
    classes: tuple[str, ...] = SHAPES
    if case == "one":
        train = examples[:1]
    elif case == "background":
        train = [examples[0], without_boxes(examples[1])]
    elif case == "all empty":
        train = [without_boxes(one) for one in train]
    elif case == "unseen class":
        classes = (*SHAPES, "nobody saw this")
    else:
        validation = [without_boxes(one) for one in validation]
    options = replace(OPTIONS, steps=3, batch_size=16)
    detector = a_detector(name, tmp_path, classes)
    result = detector.fit(train, validation, options, tmp_path / "run", Silent())
    assert (result.validation_map50 is None) == (case == "no truth")
    prediction = detector.predict([train[0].frame], LOOK)[0]
    assert prediction.class_peak is not None
    assert prediction.class_peak.shape == (len(classes),)


def test_refuses_nothing_to_train_on(name: str, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no labelled frame to train on"):
        a_detector(name, tmp_path).fit([], [], OPTIONS, tmp_path / "run", Silent())


def test_refuses_a_frame_that_comes_twice(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    with pytest.raises(DetectorError, match="comes twice"):
        a_detector(name, tmp_path).fit(examples, examples[:1], OPTIONS, tmp_path / "run", Silent())


def test_refuses_classes_it_does_not_have(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    with pytest.raises(DetectorError, match="class id 1, but the detector was built for 1"):
        a_detector(name, tmp_path, ["disc"]).fit(examples, [], OPTIONS, tmp_path / "run", Silent())


def test_refuses_a_starter_that_is_not_there(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    options = replace(OPTIONS, starter=tmp_path / "missing.pt")
    with pytest.raises(DetectorError, match=r"starter .*missing\.pt: there is no such file"):
        a_detector(name, tmp_path).fit(examples, [], options, tmp_path / "run", Silent())


def test_a_picture_that_cannot_be_read_is_named(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    Path(examples[2].frame.uri).write_bytes(b"not a picture")
    with pytest.raises(BadInputError, match=r"0-2\.png"):
        a_detector(name, tmp_path).fit(examples, [], OPTIONS, tmp_path / "run", Silent())


def test_training_that_diverges_stops_with_advice(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    options = replace(OPTIONS, steps=30, learning_rate=1e30)
    with pytest.raises(DetectorError, match=r"diverged at step \d+: .* below 1e\+30"):
        a_detector(name, tmp_path).fit(examples, [], options, tmp_path / "run", Silent())
