"""Predicting with a detector of torchvision: everything from one pass over each picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.pictures import read_picture
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import PredictOptions
from prelabel.models.letterbox import Letterbox, grey_canvases, minimal_rectangle, stretched
from prelabel.models.torchvision.canvases import Pixels, as_pictures
from prelabel.models.torchvision.variants import Variant
from prelabel.models.torchvision.watch import Watch

STRIDE_PX = 32  # sides of the canvas are multiples of it


def predict_frames(
    net: nn.Module,
    variant: Variant,
    model_id: str,
    frames: Sequence[Frame],
    options: PredictOptions,
) -> list[Prediction]:
    """One prediction a frame, in order; `net` must be in evaluation mode.

    Pictures are put into batches with others of the same canvas, so that which frames are asked
    for together changes nothing.
    """
    _set_thresholds(net, options)
    device = next(net.parameters()).device
    found: dict[int, Prediction] = {}
    for batch in _batches(frames, variant, options):
        with torch.inference_mode(), Watch(net) as watch:
            detections = watch.completed(net(as_pictures(batch.canvases, device)))
        for row, (place, letterbox) in enumerate(batch.members):
            seen = _numpy(detections[row], variant)
            if options.with_embeddings:
                seen["frame_embedding"] = watch.frame_embedding(row).cpu().numpy()
                boxes = watch.box_embedding(row, detections[row], letterbox.canvas_width_px)
                seen["box_embedding"] = boxes.cpu().numpy()
            found[place] = _prediction(frames[place], model_id, variant, letterbox, seen)
    return [found[place] for place in range(len(frames))]


def _set_thresholds(net: nn.Module, options: PredictOptions) -> None:
    head: Any = getattr(net, "roi_heads", net)
    head.score_thresh = options.score_min
    head.nms_thresh = options.nms_iou
    head.detections_per_img = options.max_boxes


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames by their place in the order asked for, drawn on canvases (b, h, w, 3) of one size."""

    members: list[tuple[int, Letterbox]]
    canvases: Pixels


def _batches(
    frames: Sequence[Frame], variant: Variant, options: PredictOptions
) -> Iterator[_Batch]:
    input_px = -(-options.input_px // STRIDE_PX) * STRIDE_PX
    by_canvas: dict[tuple[int, int], list[tuple[int, Letterbox]]] = {}
    for place, frame in enumerate(frames):
        size = (frame.width_px, frame.height_px)
        box = (
            stretched(*size, input_px)
            if variant.stretches
            else minimal_rectangle(*size, input_px, STRIDE_PX)
        )
        by_canvas.setdefault(box.canvas_shape, []).append((place, box.viewed(options.view)))
    for canvas_shape, members in by_canvas.items():
        for start in range(0, len(members), options.batch_size):
            part = members[start : start + options.batch_size]
            canvases = grey_canvases(len(part), canvas_shape)
            for canvas, (place, box) in zip(canvases, part, strict=True):
                box.place(read_picture(frames[place]), canvas)
            yield _Batch(part, canvases)


def _numpy(detection: dict[str, Tensor], variant: Variant) -> dict[str, NDArray[Any]]:
    found = {name: value.cpu().numpy() for name, value in detection.items()}
    found["labels"] = found["labels"] - int(variant.has_background)
    return found


def _prediction(
    frame: Frame,
    model_id: str,
    variant: Variant,
    letterbox: Letterbox,
    found: dict[str, NDArray[Any]],
) -> Prediction:
    """What was found on a canvas, as boxes of the picture, without those outside of it."""
    xyxy = letterbox.to_picture(found["boxes"])
    xyxy, inside = clip_to_picture(xyxy, frame.width_px, frame.height_px)
    boxes = found.get("box_embedding")
    return Prediction(
        frame.frame_id,
        model_id,
        Boxes(xyxy[inside]),
        found["scores"][inside],
        found["labels"][inside],
        variant.class_scores,
        class_probs=found["class_scores"][inside],
        support=found["support"][inside],
        box_embedding=None if boxes is None else boxes[inside],
        frame_embedding=found.get("frame_embedding"),
        class_peak=found["class_peak"],
    )
