"""What a step of training changes, whatever the framework: net, averaged twin and optimiser."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from prelabel.models.training_run import Schedule

_WEIGHT_DECAY = 5e-4
_LARGEST_GRADIENT = 10.0


class Trainee:
    """A net in training, the average of its weights over the last steps, and its optimiser.

    `net` is changed in place; `average` is what to predict with and to keep. A learner of a
    framework is one of these that knows its loss.
    """

    def __init__(self, net: nn.Module, schedule: Schedule) -> None:
        self.net = net
        self.average = deepcopy(net).eval().requires_grad_(False)
        self._schedule = schedule
        pairs = zip(_tensors(self.average), _tensors(net), strict=True)
        # The others count batches, which nobody reads.
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._optimiser = _optimiser(net, schedule.learning_rate)

    @property
    def learning_rate(self) -> float:
        """The largest of the run."""
        return self._schedule.learning_rate

    def descend(self, number: int, loss: Tensor) -> float:
        """Take step `number` (the first is 0) down a loss of `net`, and give back its value."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(number)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._update_average(self._schedule.averaging(number))
        return float(loss.detach())

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

    @torch.no_grad()
    def _update_average(self, kept: float) -> None:
        for averaged, value in self._averaged:
            averaged.lerp_(value, 1 - kept)


def _tensors(net: nn.Module) -> list[Tensor]:
    """Weights, and the statistics of normalisations; they stay the same objects in training."""
    return [*net.parameters(), *net.buffers()]


def _optimiser(net: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW; biases and scales of normalisations are not decayed."""
    learned = [one for one in net.parameters() if one.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [one for one in learned if one.ndim > 1], "weight_decay": _WEIGHT_DECAY},
        {"params": [one for one in learned if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)
