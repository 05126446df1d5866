"""Learning from pictures of which only some objects are known.

On such a picture what a net finds beside the known objects may be right, so it is no mistake: its
candidates that match no label have no part in the loss. The heads here take the place of
torchvision's at that one step. Faster R-CNN cannot do it: it draws candidates by lot before it
looks at them, and would be left with none.
"""

import torch
from torch import Tensor
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.retinanet import RetinaNetHead

from prelabel.models.torchvision.selection import RichSSD

COMPLETE = "complete"  # of the targets of a picture: whether all of its objects are labelled

Targets = list[dict[str, Tensor]]

_SURE_LOGIT = 50.0  # no loss and no gradient in float32


class _Sparing:
    """At the one step where losses are made: candidates that nobody can judge have no part."""

    has_background = False  # whether the first class is that of nothing

    def compute_loss(
        self,
        targets: Targets,
        head_outputs: dict[str, Tensor],
        anchors: list[Tensor],
        matched_idxs: list[Tensor],
    ) -> dict[str, Tensor]:
        spared = _spared(head_outputs, targets, matched_idxs, has_background=self.has_background)
        losses: dict[str, Tensor] = super().compute_loss(  # type: ignore[misc]  # of a sibling
            targets, spared, anchors, matched_idxs
        )
        return losses


class PartialFCOSHead(_Sparing, FCOSHead):  # type: ignore[misc]  # torchvision has no types
    """The head of FCOS."""


class PartialRetinaNetHead(_Sparing, RetinaNetHead):  # type: ignore[misc]  # as PartialFCOSHead
    """The head of RetinaNet."""


class PartialSSD(_Sparing, RichSSD):
    """SSD, whose loss is its own and not its head's."""

    has_background = True


def _spared(
    head_outputs: dict[str, Tensor],
    targets: Targets,
    matched_idxs: list[Tensor],
    *,
    has_background: bool,
) -> dict[str, Tensor]:
    """Head outputs in which candidates nobody can judge are as sure of nothing as can be."""
    if all(bool(one[COMPLETE]) for one in targets):
        return head_outputs
    logits = head_outputs["cls_logits"]
    unknown = torch.stack(
        [
            (matched < 0) & ~target[COMPLETE]
            for matched, target in zip(matched_idxs, targets, strict=True)
        ]
    )
    nothing = logits.new_full((logits.shape[-1],), -_SURE_LOGIT)
    if has_background:
        nothing[0] = _SURE_LOGIT
    return {**head_outputs, "cls_logits": torch.where(unknown[..., None], nothing, logits)}
