"""What torchvision adds to training: starters, its networks, and that they learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import SHAPES, shape_examples, without_boxes
from trainings import LOOK, OPTIONS, Noted, a_detector

from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Silent
from prelabel.models.contract import check_predictions
from prelabel.models.detector import DetectorError, TrainingExample
from prelabel.models.evaluation import evaluate

MICRO = "torchvision:micro"


def test_starts_from_a_checkpoint_with_other_classes(
    tmp_path: Path, examples: list[TrainingExample]
) -> None:
    first = a_detector(MICRO, tmp_path).fit(examples, [], OPTIONS, tmp_path / "first", Silent())
    turned = a_detector(MICRO, tmp_path, ["square", "ring", "disc"])
    options = replace(OPTIONS, steps=1, learning_rate=1e-12, starter=first.checkpoint)
    result = turned.fit(examples, [], options, tmp_path / "second", Silent())
    layer = "head.classification_head.cls_logits.weight"
    old, new = (torch.load(one.checkpoint, weights_only=True)[layer] for one in (first, result))
    torch.testing.assert_close(new[[2, 0]], old, atol=1e-6, rtol=0)
    with pytest.raises(DetectorError, match="of another detector"):
        a_detector("torchvision:ssdlite", tmp_path).fit(
            examples, [], options, tmp_path / "third", Silent()
        )


@pytest.mark.parametrize("name", ["fasterrcnn", "retinanet", "fcos", "ssdlite"])
def test_every_detector_trains_on_frames_with_and_without_boxes(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    train = [examples[0], without_boxes(examples[1])]
    detector = a_detector(f"torchvision:{name}", tmp_path)
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
        detector = a_detector("torchvision:ssdlite", tmp_path)
        ids.add(detector.fit(examples, [], options, tmp_path / name, Silent()).model_id)
    assert len(ids) == 1


@pytest.mark.slow
def test_learns_shapes(tmp_path: Path) -> None:
    train = shape_examples(tmp_path / "pictures", 40)
    held_out = shape_examples(tmp_path / "pictures", 20, seed=1)
    detector = a_detector(MICRO, tmp_path)
    options = replace(OPTIONS, steps=150, batch_size=8, input_px=96)
    result = detector.fit(train, [], options, tmp_path / "run", Silent())
    assert (result.validation_map50, result.validation_curve) == (None, ())
    look = replace(LOOK, input_px=96)
    predictions = detector.predict([one.frame for one in held_out], look)
    truth = [LabelledFrame(one.frame, one.annotations) for one in held_out]
    assert evaluate(predictions, truth, SHAPES).map50 > 0.5
