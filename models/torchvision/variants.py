"""The detectors of this family by name, and how each is built with random weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FCOS_ResNet50_FPN_Weights,
    RetinaNet_ResNet50_FPN_Weights,
    SSDLite320_MobileNet_V3_Large_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fcos_resnet50_fpn,
    retinanet_resnet50_fpn,
    ssdlite320_mobilenet_v3_large,
)

from prelabel.datasets.predictions import ClassScores
from prelabel.models.detector import DetectorError
from prelabel.models.torchvision.canvases import Canvases
from prelabel.models.torchvision.micro import micro_fcos
from prelabel.models.torchvision.partial import (
    PartialFCOSHead,
    PartialRetinaNetHead,
    PartialSSD,
)
from prelabel.models.torchvision.selection import RichFCOS, RichRetinaNet, RichRoIHeads


@dataclass(frozen=True, slots=True)
class Variant:
    """One detector of torchvision.

    `has_background`: its class vectors are a softmax whose column 0 is the background, so labels
    count from 1. `stretches`: it sees pictures as squares, whatever their proportions.
    `rate_from_nothing` is the learning rate for random weights. `coco` and `imagenet` are the
    weights that a name may ask for, where there are any.
    """

    name: str
    construct: Callable[[int], nn.Module]
    has_background: bool
    stretches: bool = False
    learns_parts: bool = True
    rate_from_nothing: float = 5e-4
    coco: Any = None
    imagenet: Any = None

    @property
    def class_scores(self) -> ClassScores:
        """How its class vectors are to be read."""
        return ClassScores.EXCLUSIVE if self.has_background else ClassScores.INDEPENDENT

    def learning_rate(self, has_weights: bool) -> float:
        """Of AdamW, where the user asks for none; `has_weights` says that it starts from some."""
        return self.rate_from_nothing if not has_weights else self.rate_from_nothing / 2

    def build(self, class_count: int, seed: int) -> nn.Module:
        """The net with random weights drawn from `seed`, ready to give all it knows."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = self.construct(class_count + self.has_background)
        return enrich(net)


def enrich(net: nn.Module) -> nn.Module:
    """Let a detector of torchvision keep class vectors and take canvases as they are.

    Its weights and boxes stay the same.
    """
    for stock, rich in _RICH.items():
        for part in net.modules():
            if type(part).__name__ == stock:
                part.__class__ = rich
    return net


# By the name of the stock class, since the subclasses are the stock classes too.
_RICH: dict[str, type] = {
    "FCOS": RichFCOS,
    "RetinaNet": RichRetinaNet,
    "SSD": PartialSSD,
    "RoIHeads": RichRoIHeads,
    "FCOSHead": PartialFCOSHead,
    "RetinaNetHead": PartialRetinaNetHead,
    "GeneralizedRCNNTransform": Canvases,
}


def _stock(builder: Callable[..., nn.Module]) -> Callable[[int], nn.Module]:
    def construct(output_count: int) -> nn.Module:
        # Without the second None torchvision downloads a backbone.
        return builder(weights=None, weights_backbone=None, num_classes=output_count)

    return construct


VARIANTS = {
    one.name: one
    for one in (
        Variant("micro", micro_fcos, has_background=False, rate_from_nothing=4e-3),
        Variant(
            "fasterrcnn",
            _stock(fasterrcnn_mobilenet_v3_large_320_fpn),
            has_background=True,
            learns_parts=False,
            coco=FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1,
            imagenet=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
        ),
        Variant(
            "retinanet",
            _stock(retinanet_resnet50_fpn),
            has_background=False,
            coco=RetinaNet_ResNet50_FPN_Weights.COCO_V1,
            imagenet=ResNet50_Weights.IMAGENET1K_V1,
        ),
        Variant(
            "fcos",
            _stock(fcos_resnet50_fpn),
            has_background=False,
            coco=FCOS_ResNet50_FPN_Weights.COCO_V1,
            imagenet=ResNet50_Weights.IMAGENET1K_V1,
        ),
        Variant(
            "ssdlite",
            _stock(ssdlite320_mobilenet_v3_large),
            has_background=True,
            stretches=True,
            # No ImageNet start: torchvision's SSDLite without COCO weights has a narrower tail.
            coco=SSDLite320_MobileNet_V3_Large_Weights.COCO_V1,
        ),
    )
}


def variant_called(name: str) -> Variant:
    """The variant of this name; DetectorError where there is none."""
    if name not in VARIANTS:
        known = ", ".join(f"torchvision:{one}" for one in VARIANTS)
        raise DetectorError(f"unknown detector torchvision:{name}; write one of {known}")
    return VARIANTS[name]
