"""Learning from pictures of which only some objects are known, with the losses of ultralytics."""

from typing import Any

import torch
from torch import Tensor, nn


class KnownOnly(nn.Module):
    """Binary cross entropy of candidates and classes, (b, candidates, classes), element by element.

    On a picture that is not `complete` (b,) what is found beside the labels may be right: only
    candidates that were matched to a label count.
    """

    complete: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.complete = None

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        each = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        if self.complete is None or bool(self.complete.all()):
            return each
        matched = targets.sum(dim=-1, keepdim=True) > 0
        counts = self.complete.to(each.device)[:, None, None] | matched
        return torch.where(counts, each, torch.zeros_like(each))


def spare_unknown(criterion: Any) -> list[KnownOnly]:
    """Put the entropy above into a criterion and into those that it is made of; the ones put in."""
    parts = (criterion, *(getattr(criterion, name, None) for name in ("one2many", "one2one")))
    placed = []
    for part in parts:
        if hasattr(part, "bce"):
            part.bce = KnownOnly()
            placed.append(part.bce)
    return placed
