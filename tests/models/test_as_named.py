"""Detectors used as they stand: for the classes they know, kept and opened again by name."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from lively_nets import coloured_picture, enliven

from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.models.as_named import AsNamedDetector, KnowsNoClassError
from prelabel.models.checkpoints import ModelCard
from prelabel.models.contract import check_predictions
from prelabel.models.detector import DetectorError, FitOptions, NotTrainableError, PredictOptions
from prelabel.models.detector_names import located, missing_files, seen_from
from prelabel.models.registry import (
    build_as_named,
    build_detector,
    can_train,
    keep_as_named,
    open_detector,
)
from prelabel.models.torchvision import family as torchvision_family

INPUT_PX = 64
CLASSES = ("ibis", "heron", "duck")


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """The name of a detector whose weights know herons, egrets and ibises."""
    pytest.importorskip("ultralytics", reason="the extra ultralytics is not installed")
    from lively_nets import CLASSES as KNOWN

    from prelabel.models.ultralytics.networks import net_bytes, start_net

    net = start_net("micro", KNOWN, tmp_path)
    pictures = [coloured_picture(tmp_path / f"{one}.png", 80, 60, one) for one in range(3)]
    enliven(net, pictures, INPUT_PX)
    (tmp_path / "birds.pt").write_bytes(net_bytes(net, INPUT_PX))
    return f"ultralytics:{tmp_path / 'birds.pt'}"


def predicted(detector: AsNamedDetector, folder: Path) -> list[Prediction]:
    frames = [coloured_picture(folder / f"p{one}.png", 80, 60, one) for one in range(3)]
    predictions = detector.predict(frames, PredictOptions(input_px=INPUT_PX, score_min=0.3))
    check_predictions(detector.spec, frames, predictions)
    assert {one.model_id for one in predictions} == {detector.model_id}
    assert any(len(one) for one in predictions)
    return predictions


def test_only_known_classes_are_given_at_their_places(weights: str, tmp_path: Path) -> None:
    detector = build_as_named(weights, CLASSES, INPUT_PX, tmp_path)
    assert detector.spec.classes == CLASSES
    assert detector.known_classes == ("ibis", "heron")
    alone = build_detector(weights, ["ibis", "heron"], tmp_path)
    options = PredictOptions(input_px=INPUT_PX, score_min=0.3)
    frames = [coloured_picture(tmp_path / f"p{one}.png", 80, 60, one) for one in range(3)]
    for one, other in zip(
        predicted(detector, tmp_path), alone.predict(frames, options), strict=True
    ):
        assert one.boxes == other.boxes
        assert one.class_id.tolist() == other.class_id.tolist()
        assert one.class_probs is not None
        assert other.class_probs is not None
        np.testing.assert_array_equal(one.class_probs[:, :2], other.class_probs)
        assert not one.class_probs[:, 2].any()


def test_the_id_tells_classes_and_the_size_of_the_pictures(weights: str, tmp_path: Path) -> None:
    def model_id(classes: tuple[str, ...], input_px: int) -> str:
        return build_as_named(weights, classes, input_px, tmp_path).model_id

    ids = {
        model_id(classes, size)
        for classes in (CLASSES, CLASSES[:2], CLASSES[1::-1])
        for size in (64, 96)
    }
    assert len(ids) == 6
    assert model_id(CLASSES, 64) in ids


def test_it_is_opened_again_by_its_name_until_its_files_change(
    weights: str, tmp_path: Path
) -> None:
    home = tmp_path / "home project"
    home.mkdir()
    shutil.move(tmp_path / "birds.pt", home / "birds.pt")
    name = f"ultralytics:{home / 'birds.pt'}"
    kept = home / "models" / "as-named" / "detector"
    detector = build_as_named(name, CLASSES, INPUT_PX, tmp_path)
    card = ModelCard(seen_from(name, kept.parent, home), CLASSES, INPUT_PX)
    keep_as_named(kept, detector, card)
    moved = home.rename(tmp_path / "moved")
    again = open_detector(moved / kept.relative_to(home), tmp_path)
    assert isinstance(again, AsNamedDetector)
    assert again.model_id == detector.model_id
    assert again.known_classes == detector.known_classes
    predicted(again, tmp_path)
    with pytest.raises(NotTrainableError, match="used as it stands cannot be trained"):
        again.fit([], [], FitOptions(), tmp_path / "run", Silent())

    content = bytearray((moved / "birds.pt").read_bytes())
    content += b"\0"  # a zip file may be followed by anything
    (moved / "birds.pt").write_bytes(content)
    with pytest.raises(DetectorError, match="no longer those"):
        open_detector(moved / kept.relative_to(home), tmp_path)


def test_what_knows_none_of_the_classes_says_so(weights: str, tmp_path: Path) -> None:
    for name in (weights, "torchvision:micro", "ultralytics:micro"):
        with pytest.raises(KnowsNoClassError, match="knows none of the classes tern, gull"):
            build_as_named(name, ("tern", "gull"), INPUT_PX, tmp_path)


def test_weights_of_coco_know_its_classes_by_name(tmp_path: Path) -> None:
    classes = ("heron", "Person", "N/A", "__background__", "fire hydrant")
    for variant in ("fcos@coco", "ssdlite@coco"):
        known = torchvision_family.known_classes(variant, classes, tmp_path)
        assert known == ("Person", "fire hydrant")
    for variant in ("fcos", "fcos@imagenet"):
        assert torchvision_family.known_classes(variant, classes, tmp_path) == ()


def test_which_detectors_can_be_trained_is_in_their_names() -> None:
    assert can_train("torchvision:fcos@coco")
    assert can_train("ultralytics:yolo11n.pt")
    assert not can_train("onnx:spec.yaml")
    assert not can_train("coco-results:a.json+b.json")
    with pytest.raises(DetectorError, match="unknown detector 'fcos'"):
        can_train("fcos")


def test_paths_in_names(tmp_path: Path) -> None:
    for name in ("a.json", "b+c.json", "micro"):
        (tmp_path / name).touch()
    assert located("coco-results:a.json", tmp_path) == f"coco-results:{tmp_path}/a.json"
    both = located("coco-results:a.json+gone.json", tmp_path)
    assert both == f"coco-results:{tmp_path}/a.json+gone.json"
    assert missing_files(both) == ["gone.json"]
    plus = located("coco-results:b+c.json", tmp_path)
    assert plus == f"coco-results:{tmp_path}/b+c.json"
    assert missing_files(plus) == []
    assert located("torchvision:micro", tmp_path) == "torchvision:micro"
    assert located("ultralytics:yolo11n.pt", tmp_path) == "ultralytics:yolo11n.pt"
    below = tmp_path / "models" / "x"
    assert seen_from(plus, below, tmp_path) == "coco-results:../../b+c.json"
    assert seen_from(plus, below, tmp_path / "other") == plus
