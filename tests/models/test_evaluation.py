"""Average precision, against hand-worked values and a second implementation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from builders import a_frame, a_prediction, annotations
from hypothesis import given, settings
from hypothesis import strategies as st
from second_evaluation import assert_agrees

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.models.evaluation import evaluate

CLASSES = ("heron", "egret", "duck")


def labelled(name: str, xyxy: Sequence[Sequence[float]], class_id: Sequence[int]) -> LabelledFrame:
    return LabelledFrame(a_frame(name, 768, 1024), annotations(xyxy, class_id))


def one_hot(class_id: int, score: float) -> list[float]:
    return [score if number == class_id else 0.0 for number in range(len(CLASSES))]


def predicted(
    on: LabelledFrame, xyxy: Sequence[Sequence[float]], class_id: Sequence[int], score: list[float]
) -> Prediction:
    probs = [one_hot(one, value) for one, value in zip(class_id, score, strict=True)]
    return a_prediction(on.frame.frame_id, np.reshape(xyxy, (-1, 4)), np.reshape(probs, (-1, 3)))


def test_boxes_found_exactly_give_one() -> None:
    truth = labelled("a", [[10, 10, 50, 60], [100, 100, 200, 300]], [0, 1])
    exact = predicted(truth, [[10, 10, 50, 60], [100, 100, 200, 300]], [0, 1], [0.9, 0.4])
    result = evaluate([exact], [truth], CLASSES)
    assert (result.map, result.map50, result.map75) == (1.0, 1.0, 1.0)
    assert result.map50_by_class == {"heron": 1.0, "egret": 1.0, "duck": None}
    assert result.map_by_size == {"small": None, "medium": 1.0, "large": 1.0}
    assert (result.frames, result.truth_boxes, result.predicted_boxes) == (1, 2, 2)


def test_overlap_of_two_thirds_counts_at_four_of_ten_thresholds() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [0])
    shifted = predicted(truth, [[20, 0, 120, 100]], [0], [0.9])  # shared 8000 of 12000: IoU 2/3
    result = evaluate([shifted], [truth], CLASSES)
    assert result.map50 == 1.0
    assert result.map75 == 0.0
    assert result.map == pytest.approx(0.4)  # 0.50, 0.55, 0.60 and 0.65


def test_a_surer_wrong_box_halves_the_precision() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [0])
    with_wrong = predicted(truth, [[0, 0, 100, 100], [300, 300, 400, 400]], [0, 0], [0.5, 0.9])
    assert evaluate([with_wrong], [truth], CLASSES).map50 == pytest.approx(0.5)


def test_a_second_box_on_the_same_object_is_wrong() -> None:
    truth = labelled("a", [[0, 0, 100, 100], [300, 300, 400, 400]], [0, 0])
    twice = predicted(
        truth,
        [[0, 0, 100, 100], [1, 1, 100, 100], [300, 300, 400, 400]],
        [0, 0, 0],
        [0.9, 0.8, 0.7],
    )
    # Precision 1 up to recall 1/2 (51 of 101 steps), then 2/3.
    assert evaluate([twice], [truth], CLASSES).map50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_frame_without_prediction_counts_as_nothing_found() -> None:
    first = labelled("a", [[0, 0, 100, 100]], [0])
    second = labelled("b", [[0, 0, 100, 100]], [0])
    found = predicted(first, [[0, 0, 100, 100]], [0], [0.9])
    result = evaluate([found], [first, second], CLASSES)
    assert result.map50 == pytest.approx(51 / 101)  # recall stops at 1/2
    assert result.frames == 2


def test_boxes_on_a_frame_labelled_empty_cost_precision() -> None:
    first = labelled("a", [[0, 0, 100, 100]], [0])
    nothing = LabelledFrame(a_frame("b"), AnnotationSet.empty())
    found = predicted(first, [[0, 0, 100, 100]], [0], [0.5])
    wrong = predicted(nothing, [[0, 0, 20, 20]], [0], [0.9])
    assert evaluate([found, wrong], [first, nothing], CLASSES).map50 == pytest.approx(0.5)


def test_no_prediction_at_all_gives_zero() -> None:
    assert evaluate([], [labelled("a", [[0, 0, 100, 100]], [0])], CLASSES).map == 0.0


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    evaluate([], [labelled("a", [[0, 0, 100, 100]], [0])], CLASSES)
    assert capfd.readouterr() == ("", "")


def test_unlabelled_frame_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"/pictures/a.jpg\) has no labels"):
        evaluate([], [LabelledFrame(a_frame("a"), None)], CLASSES)


def test_prediction_for_a_foreign_frame_is_refused() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [0])
    foreign = predicted(labelled("b", [], []), [[0, 0, 9, 9]], [0], [0.5])
    with pytest.raises(InvalidValueError, match="not among the labelled frames"):
        evaluate([foreign], [truth], CLASSES)


def test_two_predictions_for_a_frame_are_refused() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [0])
    one = predicted(truth, [[0, 0, 9, 9]], [0], [0.5])
    with pytest.raises(InvalidValueError, match="more than one prediction"):
        evaluate([one, one], [truth], CLASSES)


def test_a_frame_labelled_twice_is_refused() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [0])
    with pytest.raises(InvalidValueError, match="comes twice"):
        evaluate([], [truth, truth], CLASSES)


def test_labels_without_any_box_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="1 frames to evaluate on hold no box"):
        evaluate([], [LabelledFrame(a_frame("a"), AnnotationSet.empty())], CLASSES)


def test_class_id_beyond_the_classes_is_refused() -> None:
    truth = labelled("a", [[0, 0, 100, 100]], [7])
    with pytest.raises(InvalidValueError, match="class id 7 is not among the 3 classes"):
        evaluate([], [truth], CLASSES)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frame_count=st.integers(1, 12))
def test_agrees_with_pycocotools_on_random_boxes(seed: int, frame_count: int) -> None:
    truth, predictions = random_case(np.random.default_rng(seed), frame_count)
    assert_agrees(predictions, truth, CLASSES)


def test_agrees_with_pycocotools_on_crowded_frames(rng: np.random.Generator) -> None:
    truth, predictions = random_case(rng, frame_count=3, boxes_max=130)
    assert max(len(one) for one in predictions) > 100
    assert_agrees(predictions, truth, CLASSES)


def test_agrees_with_pycocotools_on_real_labels(test_data: Path, rng: np.random.Generator) -> None:
    truth, classes = aquarium_frames(test_data / "aquarium", 60)
    predictions = [disturbed(one, len(classes), rng) for one in truth]
    result = assert_agrees(predictions, truth, classes)
    assert 0.2 < result.map < 0.9


def random_case(
    rng: np.random.Generator, frame_count: int, boxes_max: int = 8
) -> tuple[list[LabelledFrame], list[Prediction]]:
    truth = [
        labelled(f"{number}", random_boxes(rng, count), rng.integers(0, 3, count).tolist())
        for number in range(frame_count)
        for count in [int(rng.integers(1, boxes_max))]
    ]
    return truth, [disturbed(one, 3, rng) for one in truth]


def random_boxes(rng: np.random.Generator, count: int) -> list[list[float]]:
    corner = rng.uniform(0, 300, (count, 2))
    sides = np.exp(rng.uniform(np.log(4), np.log(170), (count, 2)))
    boxes: list[list[float]] = np.concatenate([corner, corner + sides], axis=1).tolist()
    return boxes


def disturbed(on: LabelledFrame, class_count: int, rng: np.random.Generator) -> Prediction:
    """The true boxes of a frame moved a little, some left out, some reclassed, some made up."""
    assert on.annotations is not None
    xyxy = on.annotations.boxes.xyxy
    sides = np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)
    moved = xyxy + rng.normal(0, 0.06, xyxy.shape) * sides
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    class_id = np.where(
        rng.random(len(xyxy)) < 0.1,
        rng.integers(0, class_count, len(xyxy)),
        on.annotations.class_id,
    )
    kept = rng.random(len(xyxy)) < 0.85
    made_up = np.reshape(random_boxes(rng, 2), (-1, 4))
    probs = np.zeros((int(kept.sum()) + 2, class_count))
    classes = np.concatenate([class_id[kept], rng.integers(0, class_count, 2)])
    # Few distinct scores, so that ties happen.
    probs[np.arange(len(probs)), classes] = rng.integers(1, 20, len(probs)) / 20
    return a_prediction(on.frame.frame_id, np.concatenate([moved[kept], made_up]), probs)


def aquarium_frames(folder: Path, count: int) -> tuple[list[LabelledFrame], tuple[str, ...]]:
    classes = tuple((folder / "names.txt").read_text().split())
    files = sorted((folder / "labels").rglob("*.txt"))[:count]
    width, height = 768, 1024  # the figure only scales the boxes
    truth = []
    for file in files:
        rows = np.loadtxt(file, ndmin=2).reshape(-1, 5)
        centre, half = rows[:, 1:3], rows[:, 3:] / 2
        xyxy = np.concatenate([centre - half, centre + half], axis=1)
        xyxy = xyxy * [width, height, width, height]
        with_area = (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
        class_id = rows[with_area, 0].astype(int).tolist()
        truth.append(labelled(file.stem, xyxy[with_area].tolist(), class_id))
    return truth, classes
