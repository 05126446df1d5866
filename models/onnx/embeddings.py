"""Vectors that describe boxes and whole pictures, from a feature map that a net gives."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import roi_align

from prelabel.datasets.arrays import Float32s
from prelabel.models.detector import DetectorError
from prelabel.models.onnx.decoding import Decoded
from prelabel.models.onnx.spec import InputSpec

_GRID = 3  # samples along each side of a box


@dataclass(frozen=True, slots=True)
class Seen:
    """The candidates of one picture, and its feature map (channels, rows, columns) if asked for."""

    decoded: Decoded
    feature_map: Float32s | None

    def embeddings(self, rows: NDArray[np.intp], size: InputSpec) -> dict[str, Float32s]:
        """The vectors of these candidates and of the picture, as fields of a Prediction."""
        if self.feature_map is None:
            return {}
        return {
            "box_embedding": pooled_boxes(self.feature_map, self.decoded.xyxy[rows], size),
            "frame_embedding": self.feature_map.mean(axis=(1, 2)),
        }


def checked_map(feature_map: Float32s, pictures: int) -> Float32s:
    """The map as it is; DetectorError where it is none of so many pictures."""
    if feature_map.ndim != 4 or len(feature_map) != pictures:
        raise DetectorError(
            f"embedding_output has shape {feature_map.shape}, but a map of {pictures} pictures "
            "(pictures, channels, rows, columns) is read"
        )
    return feature_map


def pooled_boxes(one_map: Float32s, xyxy: Float32s, size: InputSpec) -> Float32s:
    """The mean of a map (c, h, w) over each box, (n, c), boxes in pixels of the net's input.

    RoIAlign of one bin of 3 x 3 samples, as the detectors of ultralytics are embedded.
    """
    _, height, width = one_map.shape
    cells = np.array([width / size.width_px, height / size.height_px] * 2, np.float32)
    rows = np.column_stack([np.zeros(len(xyxy), np.float32), xyxy * cells]).astype(np.float32)
    pooled = roi_align(
        torch.from_numpy(one_map)[None],
        torch.from_numpy(rows),
        output_size=1,
        sampling_ratio=_GRID,
        aligned=True,
    )
    return np.asarray(pooled.flatten(1).numpy(), np.float32)
