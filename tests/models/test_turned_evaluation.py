"""Average precision of turned boxes, against hand-worked values and a second implementation."""

import math

import numpy as np
import pytest
from builders import a_frame, a_prediction, annotations
from hypothesis import given, settings
from hypothesis import strategies as st
from second_evaluation import assert_agrees

from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.models.evaluation import evaluate

CLASSES = ("ship", "plane", "truck")
SQUARE = [[40, 40, 60, 60]]


def on_square(angle: float) -> tuple[Prediction, LabelledFrame]:
    """A prediction turned by `angle` on an upright square with a score of 0.9."""
    frame = a_frame("a", 200, 200)
    found = a_prediction(frame.frame_id, SQUARE, [[0.9, 0, 0]], angle=[angle])
    return found, LabelledFrame(frame, annotations(SQUARE, [0]))


def test_a_quarter_turn_of_a_square_is_no_difference() -> None:
    prediction, truth = on_square(math.pi / 2)
    assert evaluate([prediction], [truth], CLASSES).map == 1.0


def test_an_eighth_turn_of_a_square_overlaps_by_less_than_three_quarters() -> None:
    prediction, truth = on_square(math.pi / 4)  # an octagon: IoU 0.707
    result = evaluate([prediction], [truth], CLASSES)
    assert (result.map50, result.map75) == (1.0, 0.0)
    assert result.map == pytest.approx(0.5)  # 0.50, 0.55 ... 0.70


def test_long_boxes_across_each_other_do_not_match() -> None:
    frame = a_frame("a", 200, 200)
    long = [[20, 90, 180, 110]]
    across = a_prediction(frame.frame_id, long, [[0.9, 0, 0]], angle=[math.pi / 2])
    truth = LabelledFrame(frame, annotations(long, [0]))
    assert evaluate([across], [truth], CLASSES).map50 == 0.0
    same = a_prediction(frame.frame_id, long, [[0.9, 0, 0]], angle=[math.pi])
    assert evaluate([same], [truth], CLASSES).map == 1.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frame_count=st.integers(1, 8))
def test_agrees_with_pycocotools_and_shapely(seed: int, frame_count: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [a_truth(f"{number}", int(rng.integers(1, 8)), rng) for number in range(frame_count)]
    assert_agrees([disturbed(one, rng) for one in truth], truth, CLASSES)


def a_truth(name: str, count: int, rng: np.random.Generator) -> LabelledFrame:
    corner, sides = rng.uniform(0, 300, (count, 2)), rng.uniform(8, 120, (count, 2))
    xyxy, class_id = np.concatenate([corner, corner + sides], axis=1), rng.integers(0, 3, count)
    labels = annotations(xyxy, class_id.tolist(), angle=rng.uniform(-4, 4, count))
    return LabelledFrame(a_frame(name, 768, 1024), labels)


def disturbed(on: LabelledFrame, rng: np.random.Generator) -> Prediction:
    """The true boxes moved and turned a little, some left out, some with sides exchanged."""
    assert on.annotations is not None
    boxes = on.annotations.boxes
    assert boxes.angle is not None
    kept = rng.random(len(boxes)) < 0.85
    xyxy = boxes.xyxy[kept] + rng.normal(0, 2, (int(kept.sum()), 4))
    middle, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]).clip(2) / 2
    angle = boxes.angle[kept] + rng.normal(0, 0.05, len(xyxy))
    exchanged = rng.random(len(xyxy)) < 0.5
    half[exchanged] = half[exchanged, ::-1]
    angle[exchanged] += math.pi / 2
    probs = np.zeros((len(xyxy), 3))
    falling = np.sort(rng.integers(1, 20, len(xyxy)) / 20)[::-1]
    probs[np.arange(len(xyxy)), on.annotations.class_id[kept]] = falling
    moved = np.concatenate([middle - half, middle + half], axis=1)
    return a_prediction(on.frame.frame_id, moved, probs, angle=angle)
