"""What every family of detectors must do alike, and that the caller notices where one does not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builders import a_frame, a_picture, frame_id_of
from onnx_export import TinyYolo, export, write_spec

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.contract import check_predictions
from prelabel.models.detector import Detector, DetectorError, DetectorSpec, PredictOptions
from prelabel.models.registry import build_detector

CLASSES = ("heron", "egret")
OPTIONS = PredictOptions(input_px=64, batch_size=2, score_min=0.005, max_boxes=20)
RANDOM_NETS = [
    "torchvision:micro",
    "torchvision:fasterrcnn",
    "torchvision:retinanet",
    "torchvision:fcos",
    "torchvision:ssdlite",
    "onnx",
    "coco-results",
]
UNTRAINED = ["ultralytics:micro", "ultralytics:yolo11n.yaml"]  # say that they must be trained first


def build(name: str, folder: Path) -> Detector:
    """A detector of random weights, or of made-up files where a family needs some."""
    makers: dict[str, Callable[[Path], str]] = {
        "onnx": an_onnx_file,
        "coco-results": a_results_file,
    }
    full_name = makers[name](folder) if name in makers else name
    return build_detector(full_name, CLASSES, folder / "state")


def an_onnx_file(folder: Path) -> str:
    export(TinyYolo(len(CLASSES)), folder / "tiny.onnx", any_batch=True)
    return f"onnx:{write_spec(folder, classes=list(CLASSES))}"


def a_results_file(folder: Path) -> str:
    path = folder / "results.json"
    records = [
        f'{{"image_id": "{n}.png", "category_id": {1 + n % 2}, "bbox": [1, 0, {5 + n}, 9], '
        f'"score": 0.{n + 1}}}'
        for n in range(4)
    ]
    path.write_text(f"[{', '.join(records)}]")
    return f"coco-results:{path}"


@pytest.fixture
def frames(tmp_path: Path) -> list[Frame]:
    """Pictures of different sizes; one black, one a single pixel high."""
    noisy = [
        a_picture(tmp_path / "0.png", 100, 60, seed=1),
        a_picture(tmp_path / "1.png", 40, 90, seed=2),
        a_picture(tmp_path / "2.png", 130, 1, seed=3),
    ]
    path = tmp_path / "3.png"
    assert cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    return [*noisy, Frame(frame_id_of("black"), str(path), 64, 48)]


@pytest.mark.parametrize("name", RANDOM_NETS)
def test_every_detector_keeps_the_contract(name: str, tmp_path: Path, frames: list[Frame]) -> None:
    detector = build(name, tmp_path)
    together = detector.predict(frames, OPTIONS)
    check_predictions(detector.spec, frames, together)
    assert {one.model_id for one in together} == {detector.model_id}
    assert any(len(one) for one in together)
    assert detector.predict([], OPTIONS) == []
    for frame, one in zip(frames, together, strict=True):
        (alone,) = detector.predict([frame], OPTIONS)
        assert_same(alone, one)
    assert_unreadable_pictures_are_named(detector, frames, tmp_path)


def assert_same(left: Prediction, right: Prediction) -> None:
    """Random nets give scores that all but tie, so the order and the last box are left open."""
    np.testing.assert_allclose(left.score, right.score, atol=1e-4)
    apart = np.abs(left.boxes.xyxy[:, None] - right.boxes.xyxy[None]).max(axis=2, initial=0)
    found = (apart < 1e-2) & (left.class_id[:, None] == right.class_id[None])
    assert found.any(axis=1).sum() >= len(left) - 1


def assert_unreadable_pictures_are_named(
    detector: Detector, frames: list[Frame], folder: Path
) -> None:
    path = folder / "broken.jpg"
    path.write_bytes(b"no picture")
    for uri in (path, folder / "gone.jpg"):
        bad = Frame(frame_id_of(str(uri)), str(uri), 64, 48)
        with pytest.raises(BadInputError, match=uri.name):
            detector.predict([frames[0], bad], OPTIONS)


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_cannot_predict_before_training_says_so(
    name: str, tmp_path: Path, frames: list[Frame]
) -> None:
    pytest.importorskip("ultralytics", reason="the extra ultralytics is not installed")
    with pytest.raises(DetectorError, match="is not trained yet; train it before predicting"):
        build(name, tmp_path).predict(frames, OPTIONS)


SPEC = DetectorSpec(
    "made-up",
    CLASSES,
    ClassScores.EXCLUSIVE,
    trainable=False,
    gives_spread=True,
    gives_support=True,
    gives_embeddings=True,
)
FRAMES = [a_frame("a", 64, 48), a_frame("b", 64, 48)]


def prediction(frame: Frame, **changes: Any) -> Prediction:
    """A prediction of one box that keeps every rule, but for the changes."""
    fields: dict[str, Any] = {
        "frame_id": frame.frame_id,
        "model_id": "m",
        "boxes": Boxes([[1, 2, 30, 40]]),
        "score": [0.7],
        "class_id": [1],
        "class_scores": ClassScores.EXCLUSIVE,
        "class_probs": [[0.2, 0.7]],
        "spread_px": [[1, 1, 1, 1]],
        "support": [3],
        "box_embedding": [[1.0, 2.0]],
        "frame_embedding": [1.0, 2.0, 3.0],
        "class_peak": [0.3, 0.7],
    }
    return Prediction(**(fields | changes))


def test_good_predictions_pass() -> None:
    check_predictions(SPEC, FRAMES, [prediction(one) for one in FRAMES])
    without = [prediction(one, box_embedding=None, frame_embedding=None) for one in FRAMES]
    check_predictions(SPEC, FRAMES, without, with_embeddings=False)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"frame_id": frame_id_of("c")}, "must come in the order of the frames, but here is"),
        ({"model_id": ""}, "model_id must not be empty"),
        ({"model_id": "n"}, "model_id must be one for all frames, but is n, not m"),
        ({"class_scores": ClassScores.INDEPENDENT}, "class_scores must be exclusive, but are"),
        (
            {"boxes": Boxes([[1, 2, 65, 40]])},
            r"must lie in the picture of 64x48 px: \[1.0, 2.0, 65",
        ),
        ({"boxes": Boxes([[-1, 2, 30, 40]])}, "must lie in the picture of 64x48 px"),
        ({"boxes": Boxes([[10, 2, 30, 40]], [0.1])}, "boxes must be upright"),
        ({"class_probs": None, "class_id": [2]}, "class_id must be below 2, but is 2"),
        ({"class_probs": None}, "class_probs are promised but missing"),
        ({"class_probs": [[0.1, 0.7, 0.1]]}, "class_probs must have 2 columns, but have 3"),
        ({"class_probs": [[0.5, 0.7]]}, "exclusive class_probs must sum to at most 1"),
        (
            {"class_probs": [[0.2, 0.6]]},
            "score must be class_probs of its class, but is 0.7, not 0.6",
        ),
        ({"class_peak": [0.7]}, "class_peak must have 2 entries, but has 1"),
        ({"spread_px": None}, "spread_px is promised but missing"),
        ({"support": None}, "support is promised but missing"),
        ({"support": [0]}, "support counts the box itself, so at least 1, but is 0"),
        ({"box_embedding": None}, "box_embedding is promised but missing"),
        ({"frame_embedding": None}, "frame_embedding is promised but missing"),
        ({"box_embedding": [[1.0]]}, "box_embedding must have one width .* has 1, not 2"),
        ({"frame_embedding": [1.0]}, "frame_embedding must have one width .* has 1, not 3"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], told: str) -> None:
    given = [prediction(FRAMES[0]), prediction(FRAMES[1], **changes)]
    with pytest.raises(DetectorError, match=rf"detector made-up: frame .*b\.jpg\): .*{told}"):
        check_predictions(SPEC, FRAMES, given)


def test_turned_boxes_may_reach_out_of_the_picture_but_not_lie_outside() -> None:
    spec = replace(SPEC, gives_angle=True)
    reaching = [prediction(one, boxes=Boxes([[40, 2, 80, 40]], [0.1])) for one in FRAMES]
    check_predictions(spec, FRAMES, reaching)
    outside = [prediction(one, boxes=Boxes([[60, 2, 80, 40]], [0.1])) for one in FRAMES]
    with pytest.raises(DetectorError, match="must lie in the picture of 64x48 px"):
        check_predictions(spec, FRAMES, outside)
    with pytest.raises(DetectorError, match="boxes must be turned"):
        check_predictions(spec, FRAMES, [prediction(one) for one in FRAMES])


def test_a_missing_prediction_is_named() -> None:
    with pytest.raises(DetectorError, match="gave 1 for 2 frames"):
        check_predictions(SPEC, FRAMES, [prediction(FRAMES[0])])
