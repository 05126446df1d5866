"""The files and names that ultralytics networks come from, and go to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from shapes import SHAPES
from trainings import LOOK, OPTIONS, a_detector

from prelabel.datasets.progress import Silent
from prelabel.models.checkpoints import card_path, read_card
from prelabel.models.detector import DetectorError, FitResult, TrainingExample
from prelabel.models.registry import open_detector

MICRO = "ultralytics:micro"


def test_predicts_only_once_trained(tmp_path: Path, examples: list[TrainingExample]) -> None:
    with pytest.raises(DetectorError, match="is not trained yet"):
        a_detector(MICRO, tmp_path).predict([examples[0].frame], LOOK)


def test_weights_start_a_detector_and_predict_if_they_know_the_classes(
    tmp_path: Path, examples: list[TrainingExample], trained: FitResult
) -> None:
    ready = a_detector(f"ultralytics:{trained.checkpoint}", tmp_path, ("square", "Disc"))
    assert len(ready.predict([examples[0].frame], LOOK)) == 1
    assert ready.model_id not in ("untrained", trained.model_id)  # its outputs are in another order
    blank = a_detector(f"ultralytics:{trained.checkpoint}", tmp_path, ("square", "ring"))
    assert blank.model_id == "untrained"
    result = blank.fit(examples, [], replace(OPTIONS, steps=2), tmp_path / "run", Silent())
    assert read_card(result.checkpoint).detector == f"ultralytics:{trained.checkpoint}"


def test_weights_in_the_state_folder_are_found_by_name(tmp_path: Path, trained: FitResult) -> None:
    (tmp_path / "state" / "weights").mkdir(parents=True)
    (tmp_path / "state" / "weights" / "ours.pt").write_bytes(trained.checkpoint.read_bytes())
    detector = a_detector("ultralytics:ours.pt", tmp_path)
    assert detector.model_id == trained.model_id


def test_checkpoints_can_be_read_by_ultralytics_itself(trained: FitResult) -> None:
    from ultralytics.models import YOLO

    model = YOLO(trained.checkpoint)
    assert model.names == dict(enumerate(SHAPES))
    assert model.task == "detect"


def test_a_card_must_fit_its_checkpoint(tmp_path: Path, trained: FitResult) -> None:
    card = card_path(trained.checkpoint)
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"classes": ["disc", "ring"]}))
    with pytest.raises(DetectorError, match="has other classes than the card"):
        open_detector(trained.checkpoint, tmp_path / "state")


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("resnet", "unknown ultralytics detector 'resnet'"),
        ("https://example.org/a.pt", "unknown ultralytics detector"),
        ("yolo99n.yaml", "neither a file nor a definition"),
        ("nobody.pt", "nor the name of weights that ultralytics offers"),
        ("/no/such/file.pt", "there is no such file"),
        ("yolo11n-seg.yaml", "is not a network that detects boxes"),
    ],
)
def test_unusable_variants_are_told_apart(tmp_path: Path, variant: str, told: str) -> None:
    with pytest.raises(DetectorError, match=told):
        a_detector(f"ultralytics:{variant}", tmp_path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("nc: 2\nbackbone: 7\nhead: []\n")
    with pytest.raises(DetectorError, match="is not the definition of a network"):
        a_detector(f"ultralytics:{tmp_path / 'net.yaml'}", tmp_path)
    (tmp_path / "net.pt").write_bytes(b"\x80\x02c__builtin__\neval\n.")
    with pytest.raises(DetectorError, match="cannot be read as weights"):
        a_detector(f"ultralytics:{tmp_path / 'net.pt'}", tmp_path)
