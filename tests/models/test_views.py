"""Boxes that a detector finds on a changed picture are those of the picture as it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_picture
from bulk_work import finished_predictions
from lively_nets import coloured_picture, lively_net, one_pass
from onnx_export import TinyYolo, export, write_spec

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import inspect_picture, read_picture
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.models.bulk import predict_to_files
from prelabel.models.detector import DetectorError, PredictOptions
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError
from prelabel.models.registry import build_detector
from prelabel.models.views import View

CLASSES = ("heron", "egret")
OPTIONS = PredictOptions(input_px=64, score_min=0.02, max_boxes=30)
Predict = Callable[[list[Frame], PredictOptions], list[Prediction]]


def an_onnx_detector(folder: Path, frames: list[Frame]) -> Predict:
    export(TinyYolo(len(CLASSES)), folder / "tiny.onnx", any_batch=True)
    spec = write_spec(folder, classes=list(CLASSES))
    return build_detector(f"onnx:{spec}", CLASSES, folder / "state").predict


def a_torchvision_detector(folder: Path, frames: list[Frame]) -> Predict:
    return build_detector("torchvision:micro", CLASSES, folder / "state").predict


def an_ultralytics_detector(folder: Path, frames: list[Frame]) -> Predict:
    net = one_pass(lively_net("micro", frames, OPTIONS.input_px))

    def predict(frames: list[Frame], options: PredictOptions) -> list[Prediction]:
        found: list[Prediction] = net.predict("model", frames, options)
        return found

    return predict


DETECTORS = [an_onnx_detector, a_torchvision_detector, an_ultralytics_detector]


def mirrored(frame: Frame, path: Path) -> Frame:
    """The frame with its picture written mirrored."""
    assert cv2.imwrite(str(path), cv2.flip(read_picture(frame), 1))
    return replace(frame, uri=str(path), frame_id=inspect_picture(path).frame_id)


@pytest.mark.parametrize("make", DETECTORS)
def test_a_mirrored_view_is_what_a_mirrored_file_gives(
    make: Callable[[Path, list[Frame]], Predict], tmp_path: Path
) -> None:
    frame = coloured_picture(tmp_path / "a.png", 128, 128, seed=3)
    predict = make(tmp_path, [frame])
    (viewed,) = predict([frame], replace(OPTIONS, view=View.MIRRORED))
    (of_file,) = predict([mirrored(frame, tmp_path / "b.png")], OPTIONS)
    assert viewed.frame_id == frame.frame_id
    assert len(viewed) == len(of_file) > 0
    np.testing.assert_allclose(viewed.score, of_file.score, atol=1e-5)
    left, top, right, bottom = of_file.boxes.xyxy.T
    back = np.stack([128 - right, top, 128 - left, bottom], axis=1)
    np.testing.assert_allclose(viewed.boxes.xyxy, back, atol=1e-2)
    if of_file.spread_px is not None and viewed.spread_px is not None:
        swapped = of_file.spread_px[:, [2, 1, 0, 3]]
        np.testing.assert_allclose(viewed.spread_px, swapped, rtol=1e-3)


@pytest.mark.parametrize("make", DETECTORS)
def test_a_smaller_view_stays_in_the_picture(
    make: Callable[[Path, list[Frame]], Predict], tmp_path: Path
) -> None:
    frame = coloured_picture(tmp_path / "a.png", 200, 120, seed=4)
    predict = make(tmp_path, [frame])
    (as_is,), (viewed,) = (
        predict([frame], replace(OPTIONS, view=view)) for view in (View.AS_IS, View.SMALLER)
    )
    assert len(viewed)
    assert (viewed.boxes.xyxy >= 0).all()
    assert (viewed.boxes.xyxy <= [200, 120, 200, 120]).all()
    assert as_is.boxes != viewed.boxes


def test_finished_predictions_know_no_changed_pictures(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "0.png")
    results = tmp_path / "results.json"
    results.write_text(
        '[{"image_id": "0.png", "category_id": 1, "bbox": [1, 0, 5, 9], "score": 1}]'
    )
    detector = build_detector(f"coco-results:{results}", CLASSES, tmp_path)
    with pytest.raises(DetectorError, match="finished predictions of the pictures as they are"):
        detector.predict([frame], replace(OPTIONS, view=View.MIRRORED))


def test_views_are_not_kept_among_others(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "0.jpg")
    checkpoint = finished_predictions(tmp_path, tmp_path / "results.json")
    files, state = PredictionFiles(tmp_path / "run"), tmp_path / "state"
    predict_to_files(checkpoint, [frame], OPTIONS, files, 0, state, Silent())
    mirrored_too = replace(OPTIONS, view=View.MIRRORED)
    with pytest.raises(PredictionFilesError, match="made with view None, not mirrored"):
        predict_to_files(checkpoint, [frame], mirrored_too, files, 0, state, Silent())
