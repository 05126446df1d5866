"""How far confidences of boxes are from what came of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError

RELIABILITY_BINS = 10
LAECE_BINS = 25


@dataclass(frozen=True, slots=True)
class Bin:
    """Boxes whose confidence lies in `low` to `high`: their mean confidence, and the share of
    right ones among them, each in 0 to 1."""

    low: float
    high: float
    boxes: int
    confidence: float
    right: float


def reliability(confidence: Float64s, right: Bools, bins: int = RELIABILITY_BINS) -> list[Bin]:
    """The bins that hold a box, rising, of equal width; 1 belongs to the last one."""
    number = _binned(confidence, bins)
    return [
        Bin(
            one / bins,
            (one + 1) / bins,
            int((number == one).sum()),
            float(confidence[number == one].mean()),
            float(right[number == one].mean()),
        )
        for one in np.unique(number).tolist()
    ]


def detection_ece(
    confidence: Float64s, right: Bools, places: Float64s | None = None, bins: int = RELIABILITY_BINS
) -> float:
    """The mean distance of confidence and share of right boxes over bins, weighted by boxes.

    With `places` (m, k), each in 0 to 1, the bins are those of confidence and place together
    (D-ECE: Küppers et al., "Multivariate confidence calibration for object detection", CVPRW 2020).
    0 without boxes.
    """
    if not len(confidence):
        return 0.0
    columns = [confidence] if places is None else [confidence, *places.T]
    cell = np.zeros(len(confidence), np.intp)
    for column in columns:
        cell = cell * bins + _binned(column, bins)
    return _weighted_gap(cell, confidence, right.astype(np.float64))


def localisation_aware_ece(
    confidence: Float64s, right: Bools, iou: Float64s, class_id: Int64s, bins: int = LAECE_BINS
) -> float:
    """The same against precision times mean IoU of right boxes, averaged over classes.

    LaECE: Oksuz et al., "Towards building self-aware object detectors via reliable uncertainty
    quantification and calibration", CVPR 2023. 0 without boxes.
    """
    gaps = []
    for one in np.unique(class_id):
        own = class_id == one
        value = np.where(right[own], iou[own], 0)  # its mean is precision times mean IoU
        gaps.append(_weighted_gap(_binned(confidence[own], bins), confidence[own], value))
    return float(np.mean(gaps)) if gaps else 0.0


def _binned(values: Float64s, bins: int) -> NDArray[np.intp]:
    if bins < 1:
        raise InvalidValueError(f"bins must be at least 1, but is {bins}")
    if len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise InvalidValueError("what is binned must lie between 0 and 1")
    return np.minimum((values * bins).astype(np.intp), bins - 1)


def _weighted_gap(cell: NDArray[np.intp], confidence: Float64s, value: Float64s) -> float:
    _, number = np.unique(cell, return_inverse=True)
    gap = np.bincount(number, confidence) - np.bincount(number, value)
    return float(np.abs(gap).sum() / len(confidence))
