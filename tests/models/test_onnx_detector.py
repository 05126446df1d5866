"""ONNX files as detectors: a real COCO net on real pictures, and exports of a small net."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from builders import a_picture
from onnx_export import TinyYolo, WithMap, export, write_spec

from prelabel.datasets.configuration import ConfigurationError
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.pictures import inspect_picture, read_picture
from prelabel.datasets.progress import Silent
from prelabel.models.contract import check_predictions
from prelabel.models.detector import (
    DetectorError,
    FitOptions,
    NotTrainableError,
    PredictOptions,
)
from prelabel.models.onnx.embeddings import pooled_boxes
from prelabel.models.onnx.spec import InputSpec
from prelabel.models.registry import build_detector
from prelabel.models.ultralytics.confinement import confine

SHIPPED = Path(__file__).parents[2] / "configs" / "fastestdet.yaml"


@pytest.fixture
def fastestdet(tmp_path: Path, test_data: Path) -> Path:
    """The shipped specification beside the files it names."""
    for name in ("FastestDet.onnx", "coco.names"):
        shutil.copy(test_data / "weights" / "fastestdet" / name, tmp_path)
    return Path(shutil.copy(SHIPPED, tmp_path))


SIZE = InputSpec(width_px=64, height_px=64)


def frames_in(folder: Path, pattern: str) -> list[Frame]:
    frames = []
    for path in sorted(folder.glob(pattern)):
        facts = inspect_picture(path)
        frames.append(Frame(facts.frame_id, str(path), facts.width_px, facts.height_px))
    return frames


def test_finds_the_car_of_a_real_film(fastestdet: Path, test_data: Path) -> None:
    film = test_data / "davis_car_shadow"
    frames = frames_in(film / "images", "*.jpg")
    detector = build_detector(f"onnx:{fastestdet}", ["person", "car"], fastestdet.parent)
    predictions = detector.predict(frames, PredictOptions())
    check_predictions(detector.spec, frames, predictions)
    truth = np.loadtxt(film / "gt.txt", delimiter=",")
    overlaps = []
    for prediction, row in zip(predictions, truth, strict=True):
        left, top, width, height = row[2:6]
        car = np.array([[left, top, left + width, top + height]], np.float32)
        boxes = prediction.boxes.xyxy[prediction.class_id == 1]
        overlaps.append(pairwise_iou(boxes, car).max(initial=0))
    assert np.mean(np.array(overlaps) >= 0.5) > 0.8


def test_finds_cars_of_a_real_street(fastestdet: Path, test_data: Path) -> None:
    folder = test_data / "kitti_lidar_mini" / "training"
    frames = frames_in(folder / "image_2", "*.png")
    detector = build_detector(f"onnx:{fastestdet}", ["car"], fastestdet.parent)
    found = total = 0
    for frame, prediction in zip(frames, detector.predict(frames, PredictOptions()), strict=True):
        lines = (folder / "label_2" / f"{Path(frame.uri).stem}.txt").read_text().splitlines()
        fields = [line.split() for line in lines]
        # Cars that a person sees well: whole in view, unhidden, at least 40 pixels high.
        cars = [
            [float(value) for value in one[4:8]]
            for one in fields
            if one[0] == "Car"
            and one[1] == "0.00"
            and one[2] == "0"
            and float(one[7]) - float(one[5]) > 40
        ]
        total += len(cars)
        truth = np.array(cars, np.float32).reshape(-1, 4)
        overlap = pairwise_iou(prediction.boxes.xyxy, truth)
        found += int((overlap.max(axis=0, initial=0) >= 0.5).sum())
    assert total >= 8
    assert found / total > 0.6


def test_agrees_with_a_plain_reading_of_the_net(fastestdet: Path, test_data: Path) -> None:
    frames = frames_in(test_data / "davis_car_shadow" / "images", "*.jpg")[::8]
    names = (fastestdet.parent / "coco.names").read_text().split("\n")
    classes = ["car", "person", "truck"]
    detector = build_detector(f"onnx:{fastestdet}", classes, fastestdet.parent)
    options = PredictOptions(score_min=0.3)
    for frame, prediction in zip(frames, detector.predict(frames, options), strict=True):
        expected = plainly_read(frame, fastestdet.parent, names, classes, 0.3)
        assert len(prediction) == len(expected) > 0
        for row, (box, score, class_id) in enumerate(expected):
            np.testing.assert_allclose(prediction.boxes.xyxy[row], box, atol=1e-2)
            assert prediction.score[row] == pytest.approx(score, abs=1e-5)
            assert prediction.class_id[row] == class_id


def plainly_read(
    frame: Frame, folder: Path, names: list[str], classes: list[str], score_min: float
) -> list[tuple[list[float], float, int]]:
    """FastestDet's output read cell by cell, with NMS written out; best first."""
    session = onnxruntime.InferenceSession(str(folder / "FastestDet.onnx"))
    resized = cv2.resize(read_picture(frame), (352, 352))
    entering = (resized.transpose(2, 0, 1)[None] / 255).astype(np.float32)
    output = session.run(None, {session.get_inputs()[0].name: entering})[0][0]
    found = []
    for row in range(22):
        for column in range(22):
            cell = output[:, row, column]
            winner = int(cell[5:].argmax())
            score = float(cell[0] ** 0.6 * cell[5 + winner] ** 0.4)
            if score < score_min or names[winner] not in classes:
                continue
            x, y = (np.tanh(cell[1]) + column) / 22, (np.tanh(cell[2]) + row) / 22
            w, h = 1 / (1 + np.exp(-cell[3])), 1 / (1 + np.exp(-cell[4]))
            box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
            box = box.clip(0, 1) * ([frame.width_px, frame.height_px] * 2)
            found.append((box.tolist(), score, classes.index(names[winner])))
    found.sort(key=lambda one: -one[1])
    kept: list[tuple[list[float], float, int]] = []
    for one in found:
        rivals = [np.array([other[0]], np.float32) for other in kept if other[2] == one[2]]
        box = np.array([one[0]], np.float32)
        if all(pairwise_iou(box, rival)[0, 0] <= 0.45 for rival in rivals):
            kept.append(one)
    return kept


@pytest.mark.parametrize("any_batch", [False, True])
def test_a_yolo_export_gives_what_the_net_gives(tmp_path: Path, any_batch: bool) -> None:
    assert_gives_what_the_net_gives(TinyYolo(), tmp_path, any_batch)


class FirstOutput(torch.nn.Module):
    """A net of Ultralytics without the raw maps that it gives beside its result."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.net(pictures)[0]
        return result


@pytest.mark.parametrize("name", ["micro", "yolo11n.yaml"])
def test_a_net_of_ultralytics_gives_what_it_gives_in_torch(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ultralytics", reason="the extra ultralytics is not installed")
    confine(tmp_path)
    from prelabel.models.ultralytics.networks import start_net

    net = start_net(name, ["heron", "egret", "duck"], tmp_path)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer, value in net.named_parameters():
            if (
                ".cv3." in layer and value.ndim == 1
            ):  # the class scores of random nets are all alike
                value.add_(torch.randn(value.shape, generator=generator) * 3)
    assert_gives_what_the_net_gives(FirstOutput(net.eval()), tmp_path, any_batch=True)


def assert_gives_what_the_net_gives(net: torch.nn.Module, folder: Path, any_batch: bool) -> None:
    export(net, folder / "tiny.onnx", any_batch=any_batch)
    path = write_spec(folder, class_map={"stork": None})
    detector = build_detector(f"onnx:{path}", ["duck", "stork", "heron"], folder)
    frames = [a_picture(folder / f"{n}.png", 128, 96, seed=n) for n in range(3)]
    predictions = detector.predict(frames, PredictOptions(score_min=0.01, nms_iou=1.0))
    check_predictions(detector.spec, frames, predictions)
    for frame, prediction in zip(frames, predictions, strict=True):
        corners, vectors = plain_candidates(net, frame)
        assert len(prediction) == len(corners) > 0
        np.testing.assert_allclose(prediction.score, vectors.max(axis=1), atol=1e-4)
        assert prediction.class_probs is not None
        found = prediction.class_probs[:, [2, 0]]
        boxes = np.abs(prediction.boxes.xyxy[:, None] - corners[None]).max(axis=2)
        apart = np.abs(found[:, None] - vectors[None][..., [0, 2]]).max(axis=2)
        assert ((boxes < 1e-2) & (apart < 1e-3)).any(axis=1).all()  # order is open where scores tie
        assert not prediction.class_probs[:, 1].any()


def plain_candidates(net: torch.nn.Module, frame: Frame) -> tuple[Any, Any]:
    """Boxes (n, 4) in pixels of a 128 x 96 picture and class vectors, best first, from torch.

    Only those whose best class is not the second, which the project does not have.
    """
    canvas = np.full((64, 64, 3), 114, np.uint8)
    canvas[8:56] = cv2.resize(read_picture(frame)[..., ::-1], (64, 48))
    with torch.inference_mode():
        entering = torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255
        output = net(entering)[0].numpy().T
    output = output[(output[:, 4:].argmax(axis=1) != 1) & (output[:, 4:].max(axis=1) >= 0.01)]
    output = output[np.argsort(-output[:, 4:].max(axis=1), kind="stable")]
    centre, size = output[:, :2], output[:, 2:4]
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1) - [0, 8, 0, 8]
    corners = (corners * 2).clip(0, [128, 96, 128, 96])
    inside = (corners[:, 2:] > corners[:, :2]).all(axis=1)
    return corners[inside], output[inside, 4:]


@pytest.mark.parametrize("any_batch", [False, True])
def test_embeddings_are_pooled_from_a_map_that_the_net_gives(
    tmp_path: Path, any_batch: bool
) -> None:
    export(WithMap(), tmp_path / "tiny.onnx", any_batch=any_batch, outputs=("found", "map"))
    path = write_spec(tmp_path, embedding_output="map")
    detector = build_detector(f"onnx:{path}", ["duck", "egret", "heron"], tmp_path)
    frames = [a_picture(tmp_path / f"{n}.png", 64, 64, seed=n) for n in range(3)]
    predictions = detector.predict(frames, PredictOptions(score_min=0.01))
    check_predictions(detector.spec, frames, predictions)
    factors = np.arange(1, 6)
    for frame, one in zip(frames, predictions, strict=True):
        grey = read_picture(frame).mean(axis=2).reshape(8, 8, 8, 8).mean(axis=(1, 3)) / 255
        assert one.frame_embedding is not None
        assert np.allclose(one.frame_embedding, grey.mean() * factors, atol=1e-4)
        assert one.box_embedding is not None
        assert len(one.box_embedding) == len(one) > 0
        assert np.allclose(one.box_embedding, one.box_embedding[:, :1] * factors, rtol=1e-4)
        whole = pooled_boxes(
            np.asarray(grey, np.float32)[None], np.array([[0, 0, 64, 64]], np.float32), SIZE
        )
        assert whole[0, 0] == pytest.approx(grey.mean(), abs=0.05)
    without = detector.predict(frames[:1], PredictOptions(with_embeddings=False))[0]
    assert without.box_embedding is None
    plain = build_detector(f"onnx:{write_spec(tmp_path)}", ["duck", "egret", "heron"], tmp_path)
    assert not plain.spec.gives_embeddings
    assert plain.model_id != detector.model_id


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    export(WithMap(), tmp_path / "tiny.onnx", outputs=("found", "map"))
    path = write_spec(tmp_path, embedding_output="neck")
    with pytest.raises(DetectorError, match="has no output neck, but has found, map"):
        build_detector(f"onnx:{path}", ["duck"], tmp_path)
    path = write_spec(tmp_path, embedding_output="found")
    detector = build_detector(f"onnx:{path}", ["duck"], tmp_path)
    with pytest.raises(DetectorError, match="has shape"):
        detector.predict([a_picture(tmp_path / "a.png", 64, 64)], PredictOptions())


def test_cannot_be_trained(tmp_path: Path) -> None:
    export(TinyYolo(), tmp_path / "tiny.onnx")
    detector = build_detector(f"onnx:{write_spec(tmp_path)}", ["heron"], tmp_path)
    assert not detector.spec.trainable
    with pytest.raises(NotTrainableError, match="cannot be trained"):
        detector.fit([], [], FitOptions(), tmp_path / "run", Silent())


def test_the_model_id_tells_how_the_net_is_read(tmp_path: Path) -> None:
    export(TinyYolo(), tmp_path / "tiny.onnx")

    def model_id(**changes: Any) -> str:
        path = write_spec(tmp_path, **changes)
        return build_detector(f"onnx:{path}", ["heron"], tmp_path).model_id

    assert model_id() == model_id()
    assert model_id() != model_id(nms_iou=0.5)


@pytest.mark.parametrize(
    ("changes", "classes", "told"),
    [
        ({}, ["crow"], r"tiny.onnx does not know crow; .* it knows heron, egret, duck"),
        (
            {"input": {"width_px": 32, "height_px": 64}},
            ["duck"],
            r"specification says \[3, 64, 32\]",
        ),
        ({"file": "other.onnx"}, ["duck"], r"other.onnx: there is no such file"),
        ({"file": "tiny.yaml"}, ["duck"], r"tiny.yaml: is not an ONNX net"),
        ({"classes": ["a", "b"], "class_map": {"duck": "a"}}, ["duck"], r"reads .* 4 \+ 2 classes"),
    ],
)
def test_a_wrong_specification_says_what_is_wrong(
    tmp_path: Path, changes: dict[str, Any], classes: list[str], told: str
) -> None:
    export(TinyYolo(), tmp_path / "tiny.onnx")
    frame = a_picture(tmp_path / "a.png")
    with pytest.raises(DetectorError, match=told):
        build_detector(f"onnx:{write_spec(tmp_path, **changes)}", classes, tmp_path).predict(
            [frame], PredictOptions()
        )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"colour": "rgb"}, "colour: unknown key"),
        ({"decoding": "ssd"}, "decoding: Input should be"),
        ({"classes_file": "names.txt"}, "give either classes or classes_file"),
        ({"classes": []}, "give either classes or classes_file"),
        ({"nms_iou": 2}, "nms_iou: .*less than or equal to 1"),
    ],
)
def test_a_specification_that_breaks_rules_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        build_detector(f"onnx:{write_spec(tmp_path, **changes)}", ["duck"], tmp_path)


def test_a_net_for_another_number_of_pictures_is_refused(tmp_path: Path) -> None:
    class Two(TinyYolo):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return super().forward(pictures.reshape(2, 3, 64, 64))

    export(Two(), tmp_path / "tiny.onnx", pictures=2)
    with pytest.raises(DetectorError, match="wants exactly 2 pictures at a time"):
        build_detector(f"onnx:{write_spec(tmp_path)}", ["duck"], tmp_path)
