"""All that a network of the ultralytics package knows about pictures, from one pass each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import OBB, Detect, RTDETRDecoder

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import read_picture
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import PredictOptions
from prelabel.models.letterbox import Letterbox, grey_canvases, minimal_rectangle, stretched
from prelabel.models.precision import fast_dtype
from prelabel.models.ultralytics import anchor_head, query_head
from prelabel.models.ultralytics.assembly import Assembly, Placed
from prelabel.models.ultralytics.embeddings import embed_pictures
from prelabel.models.ultralytics.found import Found
from prelabel.models.ultralytics.trunk import make_fast, neck_maps, on_device

_LEAST_STRIDE = 32  # of a canvas; the framework rounds sides up to it for coarser heads too


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """Which optional fields of a Prediction the head of a network can fill."""

    gives_spread: bool
    gives_support: bool
    gives_angle: bool = False


def head_facts(network: Any) -> HeadFacts:
    """What the head gives: a spread if it has a distribution, a support if NMS follows it."""
    head = network.model[-1]
    has_anchors = isinstance(head, Detect)
    return HeadFacts(
        gives_spread=has_anchors and head.reg_max > 1,
        gives_support=has_anchors,
        gives_angle=isinstance(head, OBB),
    )


class OnePass:
    """A trained network made ready to predict, on the device it lies on.

    Takes the network over and changes it in place: batch norms are fused, the layout is channels
    last, and heads on a grid compute in the type that is fast on the device (bfloat16 on CPUs
    that multiply it) unless `reduced_precision` is False; boxes and scores are always computed in
    float32. RT-DETR stays in float32, since its choice of queries is not stable in less.

    A network with two heads (YOLO26) predicts with its one-to-many head and NMS, as the framework
    does by default.

    A picture is scaled to the smallest rectangle its proportions need, and only pictures with
    equal rectangles share a pass, so what is found on it does not depend on its neighbours. (How
    many they are can change the last digits: kernels are chosen by the size of the batch.)
    """

    def __init__(self, network: Any, *, reduced_precision: bool = True) -> None:
        self._facts = head_facts(network)
        self._head = network.model[-1]
        device = next(network.parameters()).device
        fast = fast_dtype(device) if reduced_precision and self._has_grid else None
        make_fast(network, fast or torch.float32)
        self._network: nn.Module = network

    @property
    def _has_grid(self) -> bool:
        return not isinstance(self._head, RTDETRDecoder)

    def predict(
        self, model_id: str, frames: Sequence[Frame], options: PredictOptions
    ) -> list[Prediction]:
        """One Prediction a frame, in the order given; boxes are clipped to the picture.

        Pictures are read a batch at a time. Raises BadInputError naming one that cannot be read.
        """
        by_canvas: dict[tuple[int, int], list[int]] = defaultdict(list)
        letterboxes = [
            self._letterbox(frame, options.input_px).viewed(options.view) for frame in frames
        ]
        for row, letterbox in enumerate(letterboxes):
            by_canvas[letterbox.canvas_shape].append(row)
        predictions: dict[int, Prediction] = {}
        for rows in by_canvas.values():
            for start in range(0, len(rows), options.batch_size):
                batch = rows[start : start + options.batch_size]
                placed = [(frames[row], letterboxes[row]) for row in batch]
                made = self._predict_batch(model_id, placed, options)
                predictions.update(zip(batch, made, strict=True))
        return [predictions[row] for row in range(len(frames))]

    def _letterbox(self, frame: Frame, input_px: int) -> Letterbox:
        if not self._has_grid:
            return stretched(frame.width_px, frame.height_px, input_px)
        stride = max(int(self._head.stride.max()), _LEAST_STRIDE)
        whole = -(-input_px // stride) * stride
        return minimal_rectangle(frame.width_px, frame.height_px, whole, stride)

    def _predict_batch(
        self, model_id: str, placed: Sequence[Placed], options: PredictOptions
    ) -> list[Prediction]:
        canvases = grey_canvases(len(placed), placed[0][1].canvas_shape)
        for canvas, (frame, letterbox) in zip(canvases, placed, strict=True):
            letterbox.place(read_picture(frame), canvas)
        with torch.inference_mode():
            found, picture_vectors = self._run(torch.from_numpy(canvases), options)
        return Assembly(found, picture_vectors, model_id).predictions(placed)

    def _run(self, canvases: Tensor, options: PredictOptions) -> tuple[Found, Tensor | None]:
        maps = neck_maps(self._network, on_device(canvases, self._network))
        if self._has_grid:
            found = anchor_head.find_boxes(self._head, maps, options)
        else:
            found = query_head.find_boxes(self._head, maps, canvases.shape[1], options)
        return found, embed_pictures(maps) if options.with_embeddings else None
