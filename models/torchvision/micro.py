"""A small FCOS that learns from scratch on a processor core in minutes.

FCOS: Tian et al. 2019, "FCOS: Fully Convolutional One-Stage Object Detection". Head, loss and box
decoding are torchvision's; the trunk is a plain stack of convolutions with three output levels.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead

_WIDTH = 64  # channels of each level; the head's group norm wants a multiple of 32
_STRIDES = (8, 16, 32)


class _Block(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_conv(channels, channels // 2), _conv(channels // 2, channels))

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed


class MicroTrunk(nn.Module):
    """Three feature maps of 64 channels at strides 8, 16 and 32, the coarse ones added down."""

    out_channels = _WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16, stride=2), _conv(16, 32, stride=2))
        self.stage8 = nn.Sequential(_conv(32, 64, stride=2), _Block(64))
        self.stage16 = nn.Sequential(_conv(64, 96, stride=2), _Block(96))
        self.stage32 = nn.Sequential(_conv(96, 128, stride=2), _Block(128))
        self.flat = nn.ModuleList(_conv(channels, _WIDTH, size=1) for channels in (64, 96, 128))
        self.smooth = nn.ModuleList(_conv(_WIDTH, _WIDTH) for _ in range(2))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        level8 = self.stage8(self.stem(pictures))
        level16 = self.stage16(level8)
        level32 = self.stage32(level16)
        out32 = self.flat[2](level32)
        out16 = self.smooth[1](self.flat[1](level16) + _enlarged(out32, level16))
        out8 = self.smooth[0](self.flat[0](level8) + _enlarged(out16, level8))
        return OrderedDict([("0", out8), ("1", out16), ("2", out32)])


def micro_fcos(class_count: int) -> FCOS:
    """The net with random weights; 0.66 M parameters."""
    anchors = AnchorGenerator(tuple((stride,) for stride in _STRIDES), ((1.0,),) * len(_STRIDES))
    head = FCOSHead(_WIDTH, 1, class_count, num_convs=1)
    return FCOS(MicroTrunk(), class_count, anchor_generator=anchors, head=head)


def _conv(entering: int, leaving: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(leaving),
        nn.SiLU(inplace=True),
    )


def _enlarged(coarse: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(coarse, size=like.shape[-2:], mode="nearest")
