"""A step of training a detector of torchvision."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import PredictOptions
from prelabel.models.precision import fast_dtype
from prelabel.models.torchvision.canvases import as_pictures
from prelabel.models.torchvision.partial import COMPLETE
from prelabel.models.torchvision.prediction import predict_frames
from prelabel.models.torchvision.variants import Variant
from prelabel.models.trainee import Trainee
from prelabel.models.training_batches import TrainingBatch
from prelabel.models.training_run import Schedule

# The parts that hold the convolutions; matching, decoding and losses stay in full precision.
_HEAVY_PARTS = ("backbone", "head", "rpn.head", "roi_heads.box_head", "roi_heads.box_predictor")


class TorchvisionLearner(Trainee):
    """A net of torchvision in training."""

    def __init__(
        self, net: nn.Module, variant: Variant, schedule: Schedule, seed: int, device: torch.device
    ) -> None:
        super().__init__(net.to(device).to(memory_format=torch.channels_last).train(), schedule)
        self._variant = variant
        self._seed = seed
        self._device = device
        if (dtype := fast_dtype(device)) is torch.bfloat16:  # float16 loses small gradients
            for name in _HEAVY_PARTS:
                _compute_in(dtype, device, net, name)
            _spare_narrow_convolutions(device, net)

    def step(self, number: int, batch: TrainingBatch) -> float:
        """Learn from one batch; the loss is the mean over its pictures."""
        torch.manual_seed(_mixed(self._seed, number))  # of which candidates the step samples
        pictures = as_pictures(batch.pixels, self._device)
        loss: Tensor = sum(self.net(pictures, self._targets(batch)).values())
        return self.descend(number, loss)

    def checkpoint(self) -> bytes:
        return net_bytes(self.average)

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        return predict_frames(self.average, self._variant, "in training", frames, options)

    def _targets(self, batch: TrainingBatch) -> list[dict[str, Tensor]]:
        """The boxes of each picture, in pixels of the canvas, the way torchvision wants them."""
        height, width = batch.pixels.shape[1:3]
        centre, half = batch.xywh[:, :2], batch.xywh[:, 2:] / 2
        low, high = torch.from_numpy(centre - half), torch.from_numpy(centre + half)
        boxes = torch.cat([low, high], dim=1) * torch.tensor([width, height] * 2)
        labels = torch.from_numpy(batch.class_id) + int(self._variant.has_background)
        picture = torch.from_numpy(batch.picture)
        complete = [True] * len(batch.pixels) if batch.complete is None else batch.complete.tolist()
        return [
            {
                "boxes": boxes[picture == row].to(self._device),
                "labels": labels[picture == row].to(self._device),
                COMPLETE: torch.tensor(complete[row], device=self._device),
            }
            for row in range(len(batch.pixels))
        ]


def _mixed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])


def net_bytes(net: nn.Module) -> bytes:
    """The weights of a net as a file; equal weights give equal bytes."""
    buffer = io.BytesIO()
    state = {name: value.cpu().contiguous() for name, value in net.state_dict().items()}
    torch.save(state, buffer)
    return buffer.getvalue()


def _compute_in(dtype: torch.dtype, device: torch.device, net: nn.Module, name: str) -> None:
    """Let the part of `net` called `name`, where it has one, compute in a faster type."""
    part: Any = net
    for step in name.split("."):
        part = getattr(part, step, None)
        if part is None:
            return
    forward = part.forward

    def reduced(*entering: Any) -> Any:
        with torch.autocast(device.type, dtype):
            return _as_float32(forward(*entering))

    part.forward = reduced


def _spare_narrow_convolutions(device: torch.device, net: nn.Module) -> None:
    """Let convolutions that halve a map only one cell wide compute in full precision.

    In bfloat16 oneDNN leaves the gradient of their weights unwritten (seen with torch 2.15): now
    and then it holds whatever was in memory. The coarsest maps of narrow pictures come to this.
    """
    for part in net.modules():
        if isinstance(part, nn.Conv2d) and max(part.stride) > 1:
            _spare_narrow(device, part)


def _spare_narrow(device: torch.device, convolution: Any) -> None:
    forward = convolution.forward

    def careful(entering: Tensor) -> Any:
        if entering.shape[-1] > 1:
            return forward(entering)
        with torch.autocast(device.type, enabled=False):
            return forward(entering.float())

    convolution.forward = careful


def _as_float32(leaving: Any) -> Any:
    if isinstance(leaving, Tensor):
        return leaving.float()
    if isinstance(leaving, dict):
        return {name: _as_float32(value) for name, value in leaving.items()}
    return type(leaving)(_as_float32(value) for value in leaving)
