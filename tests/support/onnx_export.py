"""Writing small ONNX nets and their specifications."""

import warnings
from pathlib import Path
from typing import Any

import torch
import yaml


class TinyYolo(torch.nn.Module):
    """A random net for 64 x 64 pictures with the output of YOLOv8: (b, 4 + classes, 16)."""

    def __init__(self, class_count: int = 3) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.net = torch.nn.Conv2d(3, 4 + class_count, 16, 16)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        cells = self.net(pictures).flatten(2)
        centre = 32 + 24 * torch.tanh(cells[:, :2] * 4)
        size = 4 + 24 * torch.sigmoid(cells[:, 2:4])
        return torch.cat([centre, size, torch.sigmoid(cells[:, 4:] * 4)], 1)


class WithMap(torch.nn.Module):
    """TinyYolo with a feature map of 5 channels beside what it finds: the mean colour, scaled."""

    def __init__(self) -> None:
        super().__init__()
        self.yolo = TinyYolo()
        self.factors = torch.nn.Parameter(torch.arange(1.0, 6.0)[:, None, None])

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        grey = torch.nn.functional.avg_pool2d(pictures.mean(1, keepdim=True), 8)
        return self.yolo(pictures), grey * self.factors


def export(
    net: torch.nn.Module,
    path: Path,
    pictures: int = 1,
    any_batch: bool = False,
    outputs: tuple[str, ...] = ("found",),
) -> None:
    """Write a net for 64 x 64 pictures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own coming changes
        torch.onnx.export(
            net.eval(),
            (torch.zeros(pictures, 3, 64, 64),),
            str(path),
            input_names=["pictures"],
            output_names=list(outputs),
            dynamic_axes={name: {0: "b"} for name in ("pictures", *outputs)} if any_batch else None,
            dynamo=False,
        )


def write_spec(folder: Path, **changes: Any) -> Path:
    """A specification of `tiny.onnx` in the same folder."""
    content: dict[str, Any] = {
        "file": "tiny.onnx",
        "decoding": "yolo",
        "classes": ["heron", "egret", "duck"],
        "input": {"width_px": 64, "height_px": 64},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path
