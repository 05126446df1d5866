"""The torchvision family against the stock detectors of torchvision with the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import a_picture
from torchvision.models import detection

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import read_picture
from prelabel.models.contract import check_predictions
from prelabel.models.detector import PredictOptions
from prelabel.models.letterbox import grey_canvases, minimal_rectangle, stretched
from prelabel.models.torchvision.detector import TorchvisionDetector
from prelabel.models.torchvision.micro import micro_fcos
from prelabel.models.torchvision.variants import VARIANTS

CLASSES = ("heron", "egret", "duck")
INPUT_PX = 160
NMS_IOU = 0.5
BOXES_MAX = 60


def stock(builder: Callable[..., Any]) -> Callable[[int], Any]:
    return lambda count: builder(weights=None, weights_backbone=None, num_classes=count)


STOCK: dict[str, Callable[[int], Any]] = {
    "micro": micro_fcos,
    "fasterrcnn": stock(detection.fasterrcnn_mobilenet_v3_large_320_fpn),
    "retinanet": stock(detection.retinanet_resnet50_fpn),
    "fcos": stock(detection.fcos_resnet50_fpn),
    "ssdlite": stock(detection.ssdlite320_mobilenet_v3_large),
}


@pytest.mark.parametrize("name", STOCK)
def test_boxes_scores_and_labels_are_those_of_the_stock_detector(name: str, tmp_path: Path) -> None:
    detector = TorchvisionDetector.before_training(name, CLASSES, tmp_path)
    net = lively(detector._net)
    frames = [
        a_picture(tmp_path / "a.jpg", 200, 150, seed=1),
        a_picture(tmp_path / "b.jpg", 90, 240, seed=2),
    ]
    options = PredictOptions(INPUT_PX, score_min=0.02, nms_iou=NMS_IOU, max_boxes=BOXES_MAX)
    predictions = detector.predict(frames, options)
    check_predictions(detector.spec, frames, predictions)

    background = int(VARIANTS[name].has_background)
    plain = STOCK[name](len(CLASSES) + background)
    plain.load_state_dict(net.state_dict())
    for frame, prediction in zip(frames, predictions, strict=True):
        expected = stock_result(plain.eval(), frame, name)
        assert len(prediction) == len(expected["scores"]) > 3
        np.testing.assert_allclose(prediction.boxes.xyxy, expected["boxes"], atol=1e-3)
        np.testing.assert_allclose(prediction.score, expected["scores"], atol=1e-5)
        np.testing.assert_array_equal(prediction.class_id, expected["labels"] - background)
        assert_rich(prediction, background)


def assert_rich(prediction: Any, background: int) -> None:
    """What no stock result holds is at least consistent with what it does."""
    probs = prediction.class_probs
    own = probs[np.arange(len(probs)), prediction.class_id]
    np.testing.assert_allclose(own, prediction.score, atol=1e-6)
    assert (prediction.class_peak >= probs.max(axis=0) - 1e-6).all()
    assert (prediction.support >= 1).all()
    if background:
        assert probs.sum(axis=1).max() <= 1 + 1e-5
    assert np.ptp(prediction.box_embedding, axis=0).max() > 0


def lively(net: Any) -> Any:
    """Larger random weights where classes are told, so that scores differ and candidates abound."""
    generator = torch.Generator().manual_seed(5)
    for name, value in net.named_parameters():
        if "cls_score" in name or "classification_head" in name:
            noise = torch.randn(value.shape, generator=generator) * 0.05
            value.data.copy_(noise.to(value.device) + (value if "bias" not in name else 0.0))
        if "bbox_reg.bias" in name:  # FCOS: sides of about a stride; without, they are near 0
            value.data.fill_(1.0)
    return net


def stock_result(net: Any, frame: Frame, name: str) -> dict[str, Any]:
    """The result of the stock detector for the same canvas, as boxes of the picture."""
    size = (frame.width_px, frame.height_px)
    squared = VARIANTS[name].stretches
    box = stretched(*size, INPUT_PX) if squared else minimal_rectangle(*size, INPUT_PX, 32)
    canvas = grey_canvases(1, box.canvas_shape)
    box.place(read_picture(frame), canvas[0])
    net.transform.min_size, net.transform.max_size = (min(box.canvas_shape),), INPUT_PX
    if squared:
        net.transform.fixed_size = (INPUT_PX, INPUT_PX)
    head = net.roi_heads if hasattr(net, "roi_heads") else net
    head.score_thresh, head.nms_thresh, head.detections_per_img = 0.02, NMS_IOU, BOXES_MAX
    with torch.inference_mode():
        found = net([torch.from_numpy(canvas[0]).permute(2, 0, 1).float() / 255])[0]
    xyxy = box.to_picture(found["boxes"].numpy())
    limit = np.array(size * 2, np.float32)
    clipped = xyxy.clip(0, limit)
    inside = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    return {
        "boxes": clipped[inside],
        "scores": found["scores"].numpy()[inside],
        "labels": found["labels"].numpy()[inside],
    }
