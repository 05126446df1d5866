"""Predictions of other programs, read from COCO results files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_picture

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.progress import Silent
from prelabel.models.contract import check_predictions
from prelabel.models.detector import (
    Detector,
    DetectorError,
    FitOptions,
    NotTrainableError,
    PredictOptions,
)
from prelabel.models.registry import build_detector

CLASSES = ["heron", "egret"]
ANNOTATIONS = {
    "images": [{"id": 7, "file_name": "birds/a.png"}, {"id": 9, "file_name": "b.png"}],
    "categories": [
        {"id": 3, "name": "Egret"},
        {"id": 5, "name": "duck"},
        {"id": 8, "name": "heron"},
    ],
    "annotations": [],
}


def record(**changes: Any) -> dict[str, Any]:
    return {"image_id": 7, "category_id": 8, "bbox": [1, 2, 10, 20], "score": 0.5} | changes


def opened(folder: Path, records: Any, annotations: Any = ANNOTATIONS) -> Detector:
    results = folder / "results.json"
    results.write_text(json.dumps(records))
    name = f"coco-results:{results}"
    if annotations is not None:
        (folder / "instances.json").write_text(json.dumps(annotations))
        name += f"+{folder / 'instances.json'}"
    return build_detector(name, CLASSES, folder)


def test_numbers_are_read_through_the_annotation_file(tmp_path: Path) -> None:
    (tmp_path / "birds").mkdir()
    frames = [
        a_picture(tmp_path / "birds" / "a.png", seed=1),
        a_picture(tmp_path / "b.png", seed=2),
        a_picture(tmp_path / "c.png", seed=3),
    ]
    records = [
        record(score=0.4),
        record(category_id=3, bbox=[50, 40, 100, 100], score=0.9),  # reaches out of 64 x 48
        record(category_id=5),  # the project has no ducks
        record(image_id=9, score=0.02),
        record(bbox=[70, 0, 5, 5]),  # beside the picture
    ]
    detector = opened(tmp_path, records)
    predictions = detector.predict(frames, PredictOptions(score_min=0.05))
    check_predictions(detector.spec, frames, predictions)
    first, second, third = predictions
    assert first.boxes.xyxy.tolist() == [[50, 40, 64, 48], [1, 2, 11, 22]]
    np.testing.assert_allclose(first.score, [0.9, 0.4])
    assert first.class_id.tolist() == [1, 0]
    assert first.class_probs is None
    assert (len(second), len(third)) == (0, 0)
    assert len(detector.predict(frames, PredictOptions(score_min=0.05, max_boxes=1))[0]) == 1


@pytest.mark.parametrize("told", ["a.png", "a", "birds/a.png", "birds\\a.png"])
def test_pictures_may_be_named_by_file(told: str, tmp_path: Path) -> None:
    (tmp_path / "birds").mkdir()
    frame = a_picture(tmp_path / "birds" / "a.png")
    records = [record(image_id=told, category_id=2)]
    detector = opened(tmp_path, records, annotations=None)
    assert detector.predict([frame], PredictOptions())[0].class_id.tolist() == [1]


def test_one_name_for_two_frames_is_refused(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    frames = [a_picture(tmp_path / name / "a.png", seed=len(name)) for name in ("x", "y")]
    frames[1] = a_picture(tmp_path / "y" / "a.png", seed=5)
    detector = opened(tmp_path, [record(image_id="a.png", category_id=1)], annotations=None)
    with pytest.raises(DetectorError, match=r"a.png may be .*/x/a.png or .*/y/a.png"):
        detector.predict(frames, PredictOptions())


def test_cannot_be_trained(tmp_path: Path) -> None:
    detector = opened(tmp_path, [])
    assert not detector.spec.trainable
    with pytest.raises(NotTrainableError, match="finished predictions cannot be trained"):
        detector.fit([], [], FitOptions(), tmp_path, Silent())


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (record(image_id=8), "image_id 8 is not in the annotation file"),
        (record(category_id=4), "category_id 4 is unknown; known are 3, 5, 8"),
        (record(bbox=[1, 2, 3]), r"bbox must be 4 finite numbers, but is \[1, 2, 3\]"),
        (record(bbox=[1, 2, float("nan"), 4]), "bbox must be 4 finite numbers"),
        (record(bbox=[1, 2, 0, 4]), "width and height above 0"),
        (record(score=1.5), "score must lie between 0 and 1, but is 1.5"),
        ({"bbox": [1, 2, 3, 4]}, "has no image_id"),
        ([1], r"must hold keys and values, but is \[1\]"),
    ],
)
def test_a_bad_record_is_named(bad: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"results.json: record 1: .*{told}"):
        opened(tmp_path, [record(), bad])


def test_numbers_without_annotation_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"image_id 7 is a number; add \+ and the path"):
        opened(tmp_path, [record(category_id=1)], annotations=None)


def test_a_class_the_annotation_file_lacks_is_named(tmp_path: Path) -> None:
    annotations = ANNOTATIONS | {"categories": [{"id": 1, "name": "heron"}]}
    with pytest.raises(DetectorError, match="has no category for egret; it has heron"):
        opened(tmp_path, [], annotations)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "is not JSON"), ("{}", "must hold a list of results"), (None, "cannot be read")],
)
def test_an_unusable_file_is_named(content: str | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInputError, match=f"r.json: {told}"):
        build_detector(f"coco-results:{path}", CLASSES, tmp_path)


def test_an_annotation_file_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"instances.json: is not a COCO annotation file"):
        opened(tmp_path, [], {"images": [{"id": 1}], "categories": []})
