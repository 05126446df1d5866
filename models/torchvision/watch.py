"""Looking on while a detector of torchvision runs, for what its result does not hold."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from torchvision.ops import roi_align

_MAPS = 2  # the finest maps of the pyramid describe a box: what it looks like, and around it
_CELLS = 3  # along each side of a box that its vector is the mean of


class Watch:
    """Hooks on a net, from `with` to its end; the net computes what it would without them."""

    def __init__(self, net: nn.Module) -> None:
        self._net: Any = net
        self._maps: list[Tensor] = []
        self._selected: list[dict[str, Tensor]] = []
        self._proposals: tuple[Tensor, ...] = ()
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> "Watch":
        self._hooks = [self._net.backbone.register_forward_hook(self._see_maps)]
        if hasattr(self._net, "roi_heads"):
            heads = self._net.roi_heads
            self._hooks.append(heads.box_head.register_forward_hook(self._see_proposals))
            self._hooks.append(heads.register_forward_hook(self._see_selection))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def completed(self, detections: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        """The detections of a batch with all that was kept of each box."""
        if not self._selected:
            return detections
        return [seen | one for seen, one in zip(self._selected, detections, strict=True)]

    def frame_embedding(self, row: int) -> Tensor:
        """The mean of each feature map of the picture in this row, one after the other."""
        return torch.cat([one[row].mean((1, 2)) for one in self._maps])

    def box_embedding(self, row: int, detection: dict[str, Tensor], canvas_px: int) -> Tensor:
        """A vector for each kept box of the picture in this row.

        A box of a two-stage detector has the vector that its class was told from; of a one-stage
        one the mean of the two finest feature maps below it (RoIAlign). `canvas_px` is the width.
        """
        if self._proposals:
            return self._proposals[row][detection["rows"]]
        boxes = [detection["boxes"]]
        pooled = [
            roi_align(one[row : row + 1], boxes, _CELLS, one.shape[-1] / canvas_px, 1, aligned=True)
            for one in self._maps[:_MAPS]
        ]
        return torch.cat(pooled, dim=1).mean((2, 3))

    def _see_maps(self, module: nn.Module, entered: object, left: dict[str, Tensor]) -> None:
        self._maps = list(left.values())

    def _see_proposals(self, module: nn.Module, entered: object, left: Tensor) -> None:
        self._proposals = (left,)

    def _see_selection(self, heads: Any, entered: tuple[Any, ...], left: object) -> None:
        self._selected = heads.results
        self._proposals = torch.split(self._proposals[0], [len(one) for one in entered[1]])
