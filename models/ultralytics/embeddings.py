"""Vectors that describe boxes and whole pictures, pooled from the neck maps."""

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from prelabel.models.ultralytics.found import Found

_GRID = 3  # samples along each side of a box


def embed_pictures(maps: list[Tensor]) -> Tensor:
    """The mean of each neck map over the canvas, one after the other; (B, sum of C) float32."""
    return torch.cat([one.mean((2, 3), dtype=torch.float32) for one in maps], 1)


def embed_boxes(maps: list[Tensor], strides: list[float], found: Found) -> Tensor:
    """The mean of each neck map over each box, one after the other; (n, sum of C) float32.

    What RoIAlign gives for one bin of 3 x 3 samples (He et al., Mask R-CNN, 2017), the samples
    turned with the box; those outside the canvas take the value at its border. Each sample is a
    weighted sum of four cells, so a box is one weighted sum of 36 rows of the map.
    """
    points = _sample_points(found.xyxy, found.angle)
    return torch.cat(
        [
            _weighted_rows(one, points / stride - 0.5, found.picture)
            for one, stride in zip(maps, strides, strict=True)
        ],
        1,
    )


def _sample_points(xyxy: Tensor, angle: Tensor | None) -> Tensor:
    """Where each box is sampled, (n, 9, 2) x and y in canvas pixels."""
    middle, size = (xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]
    steps = (torch.arange(_GRID, device=xyxy.device) + 0.5) / _GRID - 0.5
    offset = torch.cartesian_prod(steps, steps) * size[:, None]
    if angle is not None:
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]
        x, y = offset.unbind(2)
        offset = torch.stack([x * cos - y * sin, x * sin + y * cos], 2)
    return middle[:, None] + offset


def _weighted_rows(one_map: Tensor, cells: Tensor, picture: Tensor) -> Tensor:
    """The mean over the points of each box of a map's value there, interpolated; (n, C)."""
    _, channels, height, width = one_map.shape
    x, y = cells[..., 0].clamp(0, width - 1), cells[..., 1].clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    to_right, to_bottom = x - left, y - top
    first_row = (picture * height * width)[:, None]
    corners = (
        (left, top, (1 - to_right) * (1 - to_bottom)),
        (right, top, to_right * (1 - to_bottom)),
        (left, bottom, (1 - to_right) * to_bottom),
        (right, bottom, to_right * to_bottom),
    )
    rows = torch.cat([first_row + row * width + column for column, row, _ in corners], 1)
    weights = torch.cat([weight for _, _, weight in corners], 1) / cells.shape[1]
    values = one_map.permute(0, 2, 3, 1).reshape(-1, channels).float()
    return embedding_bag(rows, values, mode="sum", per_sample_weights=weights)
