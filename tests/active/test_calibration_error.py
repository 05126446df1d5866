"""Distances of confidences from what came of them."""

import numpy as np
import pytest

from prelabel.active.calibration_error import (
    detection_ece,
    localisation_aware_ece,
    reliability,
)
from prelabel.datasets.errors import InvalidValueError

CONFIDENCE = np.array([0.1, 0.2, 0.9, 1.0])
RIGHT = np.array([False, True, True, True])


def test_reliability_by_hand() -> None:
    low, high = reliability(CONFIDENCE, RIGHT, bins=2)
    assert (low.low, low.high, low.boxes, low.right) == (0, 0.5, 2, 0.5)
    assert low.confidence == pytest.approx(0.15)
    assert (high.low, high.high, high.boxes, high.right) == (0.5, 1.0, 2, 1.0)
    assert high.confidence == pytest.approx(0.95)


def test_detection_ece_by_hand() -> None:
    # |0.15 - 0.5| and |0.95 - 1|, two boxes each
    assert detection_ece(CONFIDENCE, RIGHT, bins=2) == pytest.approx((0.35 + 0.05) / 2)


def test_places_tell_apart_what_cancels_out() -> None:
    confidence, right = np.full(4, 0.5), np.array([True, True, False, False])
    left_and_right = np.array([[0.1], [0.1], [0.9], [0.9]])
    assert detection_ece(confidence, right) == pytest.approx(0)
    assert detection_ece(confidence, right, left_and_right) == pytest.approx(0.5)


def test_localisation_counts() -> None:
    # class 0: confidence 0.9, all right with IoU 0.8; class 1: confidence 0.6, half right, IoU 1
    confidence = np.array([0.9, 0.9, 0.6, 0.6])
    right, iou = np.array([True, True, True, False]), np.array([0.8, 0.8, 1.0, 0.0])
    class_id = np.array([0, 0, 1, 1])
    assert localisation_aware_ece(confidence, right, iou, class_id) == pytest.approx(0.1)


def test_no_boxes() -> None:
    nothing, none = np.zeros(0), np.zeros(0, np.bool_)
    assert detection_ece(nothing, none) == 0
    assert reliability(nothing, none) == []
    assert localisation_aware_ece(nothing, none, nothing, np.zeros(0, np.int64)) == 0


def test_confidences_out_of_range() -> None:
    with pytest.raises(InvalidValueError, match="between 0 and 1"):
        detection_ece(np.array([1.2]), np.array([True]))
