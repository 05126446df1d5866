"""Training a network of ultralytics step by step.

The network and its loss are ultralytics'; the loop is ours. The trainer of ultralytics counts
epochs, not steps; saves half-precision weights without the state of its random numbers, so that a
killed run cannot go on exactly; validates and writes once an epoch, which on small sets takes
longer than the training; and reads labels from files that it writes cache files beside. Here a
step depends on the seed and its number alone, so stopping and going on changes nothing, and the
forward pass runs in bfloat16 where the CPU has it.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import PredictOptions
from prelabel.models.precision import fast_dtype
from prelabel.models.training_batches import TrainingBatch
from prelabel.models.training_run import Schedule
from prelabel.models.ultralytics.networks import Net, is_rtdetr, loss_gains, net_bytes
from prelabel.models.ultralytics.prediction import OnePass

_WEIGHT_DECAY = 5e-4
_LARGEST_GRADIENT = 10.0


class UltralyticsLearner:
    """A network in training, its averaged twin, and the optimiser.

    `net` is changed in place. `average` holds the weights to predict with: those of `net` averaged
    over the last steps. `input_px` is what checkpoints say they were trained at.
    """

    def __init__(self, net: Net, schedule: Schedule, input_px: int, device: torch.device) -> None:
        self._schedule = schedule
        self._input_px = input_px
        self._device = device
        fast = fast_dtype(device)
        self._dtype = fast if fast is torch.bfloat16 else None  # float16 loses small gradients
        self.net = net.to(device).to(memory_format=torch.channels_last).train()
        self.net.requires_grad_(True)
        self.net.args = loss_gains(schedule.steps)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self._averaged = [
            (averaged, value)
            for averaged, value in zip(_tensors(self.average), _tensors(self.net), strict=True)
            if value.is_floating_point()  # the others count batches, which nobody reads
        ]
        self.net.criterion = self.net.init_criterion()
        self._optimiser = _optimiser(self.net, schedule.learning_rate)

    @property
    def learning_rate(self) -> float:
        """The largest of the run."""
        return self._schedule.learning_rate

    def step(self, number: int, batch: TrainingBatch) -> float:
        """Learn from one batch as step `number`, the first being 0; gives back the loss a picture.

        The loss is not finite where training diverges.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(number)
        loss = self._loss(number, batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._average(self._schedule.averaging(number))
        return float(loss.detach()) / len(batch.pixels)

    def state(self) -> dict[str, Any]:
        """All that changes from step to step."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state` gave."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])

    def checkpoint(self) -> bytes:
        """The file of the averaged weights."""
        return net_bytes(self.average, self._input_px)

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """What the averaged weights find; they are left as they are."""
        return OnePass(deepcopy(self.average)).predict("in training", frames, options)

    def _loss(self, number: int, batch: TrainingBatch) -> Tensor:
        fed = self._fed(batch)
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
            "bboxes": torch.from_numpy(batch.xywh).to(self._device),
        }

    @torch.no_grad()
    def _average(self, kept: float) -> None:
        for averaged, value in self._averaged:
            averaged.lerp_(value, 1 - kept)


def _tensors(net: Net) -> list[Tensor]:
    """Weights, and the statistics of normalisations; they stay the same objects in training."""
    return [*net.parameters(), *net.buffers()]


def _optimiser(net: Net, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW; biases and scales of normalisations are not decayed."""
    weights = [one for one in net.parameters() if one.ndim > 1]
    others = [one for one in net.parameters() if one.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": _WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _as_float32(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return outputs.float()
    if isinstance(outputs, dict):
        return {key: _as_float32(value) for key, value in outputs.items()}
    return [_as_float32(value) for value in outputs]
