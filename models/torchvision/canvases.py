"""Canvases as they enter the networks of torchvision."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform

Pixels = NDArray[np.uint8]
Targets = list[dict[str, Tensor]]


class Canvases(GeneralizedRCNNTransform):  # type: ignore[misc]  # torchvision has no types
    """Takes canvases as they are; torchvision would scale each, to the size that it has already."""

    def forward(
        self, pictures: Tensor, targets: Targets | None = None
    ) -> tuple[ImageList, Targets | None]:
        """Normalise pictures (b, 3, h, w) of 0 to 1; `targets` are in their pixels."""
        mean, deviation = (
            pictures.new_tensor(one).view(-1, 1, 1) for one in (self.image_mean, self.image_std)
        )
        height, width = pictures.shape[-2:]
        normal = (pictures - mean).div_(deviation)
        return ImageList(normal, [(height, width)] * len(pictures)), targets


def as_pictures(canvases: Pixels, device: torch.device) -> Tensor:
    """Canvases (b, h, w, 3) of 0 to 255 as pictures (b, 3, h, w) of 0 to 1."""
    pixels = torch.from_numpy(canvases).to(device).permute(0, 3, 1, 2)
    return pixels.float().div_(255)
