"""Training a network of ultralytics step by step.

The network and its loss are ultralytics'; the loop is ours. The trainer of ultralytics counts
epochs, not steps; saves half-precision weights without the state of its random numbers, so that a
killed run cannot go on exactly; validates and writes once an epoch, which on small sets takes
longer than the training; and reads labels from files that it writes cache files beside. Here a
step depends on the seed and its number alone, so stopping and going on changes nothing, and the
forward pass runs in bfloat16 where the CPU has it.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.augmentation import Floats
from prelabel.models.detector import PredictOptions
from prelabel.models.precision import fast_dtype
from prelabel.models.trainee import Trainee
from prelabel.models.training_batches import TrainingBatch
from prelabel.models.training_run import Schedule
from prelabel.models.ultralytics.networks import (
    Net,
    gives_turned_boxes,
    is_rtdetr,
    loss_gains,
    net_bytes,
)
from prelabel.models.ultralytics.partial import spare_unknown
from prelabel.models.ultralytics.prediction import OnePass


class UltralyticsLearner(Trainee):
    """A network of ultralytics in training.

    `input_px` is what checkpoints say they were trained at.
    """

    def __init__(self, net: Net, schedule: Schedule, input_px: int, device: torch.device) -> None:
        net = net.to(device).to(memory_format=torch.channels_last).train().requires_grad_(True)
        net.args = loss_gains(schedule.steps)
        super().__init__(net, schedule)
        net.criterion = net.init_criterion()
        self._entropies = spare_unknown(net.criterion)
        self.net: Net = net
        self._input_px = input_px
        self._device = device
        fast = fast_dtype(device)
        self._dtype = fast if fast is torch.bfloat16 else None  # float16 loses small gradients

    def step(self, number: int, batch: TrainingBatch) -> float:
        """Learn from one batch as step `number`, the first being 0; gives back the loss a picture.

        The loss is not finite where training diverges.
        """
        return self.descend(number, self._loss(number, batch)) / len(batch.pixels)

    def checkpoint(self) -> bytes:
        """The file of the averaged weights."""
        return net_bytes(self.average, self._input_px)

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """What the averaged weights find; they are left as they are."""
        return OnePass(deepcopy(self.average)).predict("in training", frames, options)

    def _loss(self, number: int, batch: TrainingBatch) -> Tensor:
        fed = self._fed(batch)
        for entropy in self._entropies:
            entropy.complete = None if batch.complete is None else torch.from_numpy(batch.complete)
        if is_rtdetr(self.net):  # its loss runs the network itself, with the labels as a hint
            torch.manual_seed(number)  # of the noise on these hints
            total: Tensor = self.net.loss(fed)[0]
            return total * len(batch.pixels)
        if hasattr(self.net.criterion, "update"):  # weighs two heads differently as training goes
            self.net.criterion.updates = number - 1
            self.net.criterion.update()
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not None):
            outputs = self.net(fed["img"])
        parts: Tensor = self.net.loss(fed, _as_float32(outputs))[0]
        return parts.sum()

    def _fed(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """A batch the way the losses of ultralytics want it."""
        pixels = torch.from_numpy(batch.pixels).to(self._device, non_blocking=True)
        return {
            "img": pixels.permute(0, 3, 1, 2).float().div_(255),
            "batch_idx": torch.from_numpy(batch.picture).float().to(self._device),
            "cls": torch.from_numpy(batch.class_id).float().view(-1, 1).to(self._device),
            "bboxes": torch.from_numpy(self._boxes(batch)).to(self._device),
        }

    def _boxes(self, batch: TrainingBatch) -> Floats:
        return turned_rows(batch) if gives_turned_boxes(self.net) else batch.xywh


def turned_rows(batch: TrainingBatch) -> Floats:
    """Centre, size and angle of each box, (n, 5), in the one way of many that ultralytics learns.

    The longer side comes first, its angle between -pi/4 and 3 pi/4; sizes are shares of the canvas.
    """
    size = np.array(batch.pixels.shape[2:0:-1], np.float32)
    sides = batch.xywh[:, 2:] * size
    angle = np.zeros(len(sides), np.float32) if batch.angle is None else batch.angle
    stands = sides[:, 1] > sides[:, 0]
    lying = np.where(stands[:, None], sides[:, ::-1], sides)
    turned = (angle + stands * (np.pi / 2) + np.pi / 4) % np.pi - np.pi / 4
    return np.column_stack([batch.xywh[:, :2], lying / size, turned]).astype(np.float32)


def _as_float32(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return outputs.float()
    if isinstance(outputs, dict):
        return {key: _as_float32(value) for key, value in outputs.items()}
    return [_as_float32(value) for value in outputs]
