"""Making a network fast to run, and running it up to its head."""

from typing import Any

import torch
from torch import Tensor, nn


def make_fast(network: Any, dtype: torch.dtype) -> None:
    """Change a network in place for prediction only: fused, channels last, weights in `dtype`.

    Batch norms go into the convolutions, and of a head with two branches the one-to-many branch
    stays: it is the one that NMS, class vectors and support counts are made for.
    """
    network.eval().float()
    if hasattr(network, "end2end"):
        network.end2end = False  # before `fuse`, which drops the branch not used
    network.fuse(verbose=False)
    network.requires_grad_(False)
    network.to(dtype=dtype, memory_format=torch.channels_last)


def neck_maps(network: Any, pictures: Tensor) -> list[Tensor]:
    """The feature maps that the network hands to its head, finest first, (B, C, h, w) each."""
    *layers, head = network.model
    x: Any = pictures
    kept: list[Any] = []
    for layer in layers:
        if isinstance(layer.f, int):
            x = layer(x if layer.f == -1 else kept[layer.f])
        else:
            x = layer([x if source == -1 else kept[source] for source in layer.f])
        kept.append(x if layer.i in network.save else None)
    return [kept[source] for source in head.f]


def on_device(canvases: Tensor, network: nn.Module) -> Tensor:
    """Canvases (B, rows, columns, 3) of bytes as the network wants them: (B, 3, rows, columns).

    Values run from 0 to 1; the layout in memory stays channels last, so nothing is moved.
    """
    weights = next(network.parameters())
    pictures = canvases.to(weights.device).permute(0, 3, 1, 2)
    return pictures.to(weights.dtype).div_(255)
