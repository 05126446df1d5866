"""How unsure boxes and frames are: by hand, against modAL, and in the corner cases."""

from dataclasses import dataclass, replace
from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty
from numpy.typing import NDArray
from pools import prediction_of, random_predictions

from prelabel.active.box_table import BoxTable
from prelabel.active.scores import (
    NOTHING_KNOWN,
    Aggregation,
    Measure,
    PoolBoxes,
    binary_values,
    box_uncertainty,
    box_values,
    frame_values,
)
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores, Prediction


def boxes_of(predictions: list[Prediction]) -> PoolBoxes:
    return PoolBoxes.of(BoxTable.of(predictions))


def values_of(
    predictions: list[Prediction], measure: Measure, aggregation: Aggregation
) -> Float64s:
    boxes = boxes_of(predictions)
    return frame_values(boxes, boxes.values(measure), aggregation)


def test_independent_scores_get_a_background_and_are_made_to_sum_to_one() -> None:
    boxes = boxes_of([prediction_of("a", [[0.6, 0.2]])])
    # background 1 - 0.6 = 0.4; 0.4 + 0.6 + 0.2 = 1.2
    np.testing.assert_allclose(boxes.distribution, [[0.4 / 1.2, 0.6 / 1.2, 0.2 / 1.2]], rtol=1e-6)


def test_exclusive_scores_get_what_is_missing_to_one() -> None:
    softmax = prediction_of("a", [[0.6, 0.3]], class_scores=ClassScores.EXCLUSIVE)
    distribution = boxes_of([softmax]).distribution
    np.testing.assert_allclose(distribution, [[0.1, 0.6, 0.3]], atol=1e-7)


def test_measures_by_hand() -> None:
    distribution = np.array([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])
    entropy = 0.5 * log(2) + 2 * 0.25 * log(4)
    np.testing.assert_allclose(box_values(distribution, Measure.ENTROPY), [entropy, 0])
    np.testing.assert_allclose(box_values(distribution, Measure.MARGIN), [0.75, 0])
    np.testing.assert_allclose(box_values(distribution, Measure.LEAST_CONFIDENT), [0.5, 0])


def test_a_single_class_gives_the_binary_entropy_of_its_score() -> None:
    one_class = prediction_of("a", [[0.3]], class_count=1)
    expected = -(0.3 * log(0.3) + 0.7 * log(0.7))
    assert values_of([one_class], Measure.ENTROPY, Aggregation.SUM) == pytest.approx([expected])


def test_uncertainty_of_boxes_is_a_share_of_the_largest_possible() -> None:
    even = prediction_of("a", [[1 / 3, 1 / 3]], class_scores=ClassScores.EXCLUSIVE)
    np.testing.assert_allclose(box_uncertainty(even), [1.0], rtol=1e-6)
    sure = prediction_of("a", [[1.0, 0.0], [0.6, 0.3]], class_scores=ClassScores.EXCLUSIVE)
    entropy = -(0.1 * log(0.1) + 0.6 * log(0.6) + 0.3 * log(0.3))
    np.testing.assert_allclose(box_uncertainty(sure), [0.0, entropy / log(3)], rtol=1e-5)
    assert len(box_uncertainty(prediction_of("a", []))) == 0


def test_aggregations_by_hand() -> None:
    frames = [
        prediction_of("two", [[0.9], [0.6]], class_count=1),  # least confident: 0.1 and 0.4
        prediction_of("none", [], class_count=1),
        prediction_of("one", [[0.8]], class_count=1),
    ]
    expected = {
        Aggregation.SUM: 0.5,
        Aggregation.MEAN: 0.25,
        Aggregation.MAX: 0.4,
        Aggregation.TOP: 0.25,
    }
    for aggregation, two in expected.items():
        values = values_of(frames, Measure.LEAST_CONFIDENT, aggregation)
        assert values == pytest.approx([two, NOTHING_KNOWN, 0.2], abs=1e-6)


@pytest.mark.parametrize("aggregation", Aggregation)
def test_a_frame_without_boxes_counts_as_one_faint_box(aggregation: Aggregation) -> None:
    frames = [
        prediction_of("box", [[0.5, 0.1]]),
        prediction_of("hint", [], class_peak=[0.01, 0.04]),
        prediction_of("no hint", []),
    ]
    box, hint, nothing = values_of(frames, Measure.LEAST_CONFIDENT, aggregation)
    assert hint == pytest.approx(0.04)
    assert box > hint > nothing == NOTHING_KNOWN


def test_a_hint_of_many_classes_is_not_taken_for_much() -> None:
    peak = np.full(80, 0.04)
    hint = prediction_of("hint", [], class_peak=peak, class_count=80)
    sure = prediction_of("box", [[0.5] + [0.0] * 79], class_count=80)
    box, faint = values_of([sure, hint], Measure.ENTROPY, Aggregation.MEAN)
    assert box > faint


def test_a_detector_that_gives_only_its_best_class() -> None:
    bare = Prediction("0" * 32, "m", Boxes([[0, 0, 4, 4]]), [0.8], [3], ClassScores.INDEPENDENT)
    values = values_of([bare], Measure.MARGIN, Aggregation.MAX)
    assert values == pytest.approx([1 - (0.8 - 0.2)])


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize("aggregation", Aggregation)
def test_zero_boxes_everywhere(measure: Measure, aggregation: Aggregation) -> None:
    frames = [prediction_of(name, []) for name in "abc"]
    assert values_of(frames, measure, aggregation).tolist() == [NOTHING_KNOWN] * 3
    assert values_of([], measure, aggregation).tolist() == []


def test_predictions_of_two_detectors_are_refused() -> None:
    mixed = [
        prediction_of("a", [[0.5, 0.1]]),
        prediction_of("b", [[0.5, 0.1]], class_scores=ClassScores.EXCLUSIVE),
    ]
    with pytest.raises(InvalidValueError, match="must be of one detector"):
        boxes_of(mixed)
    with pytest.raises(InvalidValueError, match="class_probs of a pool must be of one detector"):
        boxes_of([mixed[0], prediction_of("c", [[0.5]], class_count=1)])


def test_independent_classes_by_hand() -> None:
    probs = np.array([[0.9, 0.3], [0.5, 0.5], [1.0, 0.0]], np.float32)
    entropy = -(0.9 * log(0.9) + 0.1 * log(0.1)) - (0.3 * log(0.3) + 0.7 * log(0.7))
    # the likeliest outcome is 0.9 · 0.7 = 0.63, the next 0.9 · 0.3 = 0.27
    expected = {
        Measure.ENTROPY: [entropy, 2 * log(2), 0],
        Measure.LEAST_CONFIDENT: [0.37, 0.75, 0],
        Measure.MARGIN: [0.64, 1, 0],
    }
    for measure, values in expected.items():
        np.testing.assert_allclose(binary_values(probs, measure), values, atol=1e-6)


def test_doubt_about_a_second_class_adds_to_that_about_the_first() -> None:
    both = prediction_of("both", [[0.5, 0.5]])
    one = prediction_of("one", [[0.5, 0.0]])
    for measure in (Measure.ENTROPY, Measure.LEAST_CONFIDENT):
        values = values_of([both, one], measure, Aggregation.SUM)
        assert values[0] > values[1]


@dataclass(frozen=True)
class Outcomes:
    """What modAL asks a classifier, for rows that are distributions already."""

    rows: Float64s

    def predict_proba(self, rows: NDArray[np.intp]) -> Float64s:
        return self.rows[rows]


def all_outcomes(boxes: PoolBoxes) -> Float64s:
    """The outcomes of each box one by one: of independent classes, all combinations."""
    if boxes.class_scores is ClassScores.EXCLUSIVE:
        return boxes.distribution
    yes = boxes.probs.astype(np.float64)
    answers = np.array(list(product((0, 1), repeat=yes.shape[1])))
    chances = np.where(answers, yes[:, None, :], 1 - yes[:, None, :])
    return np.asarray(chances.prod(axis=2), np.float64)


@pytest.mark.parametrize("kind", ClassScores)
@pytest.mark.parametrize(
    ("measure", "of_modal"),
    [
        (Measure.ENTROPY, classifier_entropy),
        (Measure.MARGIN, lambda outcomes, rows: 1 - classifier_margin(outcomes, rows)),
        (Measure.LEAST_CONFIDENT, classifier_uncertainty),
    ],
)
def test_the_numbers_are_those_of_modal(  # type: ignore[no-untyped-def]  # modAL has no types
    measure: Measure, of_modal, kind: ClassScores
) -> None:
    found = boxes_of(random_predictions(200, seed=1, class_count=5))
    probs = found.probs / np.float32(5 if kind is ClassScores.EXCLUSIVE else 1)
    boxes = replace(found, probs=probs, class_scores=kind)
    rows = np.arange(len(boxes.owner))
    assert len(rows) > 100
    theirs = of_modal(Outcomes(all_outcomes(boxes)), rows)
    np.testing.assert_allclose(boxes.values(measure), theirs, rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_the_table_of_all_boxes_gives_what_single_frames_give(seed: int) -> None:
    predictions = random_predictions(12, seed)
    for measure in Measure:
        for aggregation in Aggregation:
            together = values_of(list(predictions), measure, aggregation)
            alone = [values_of([one], measure, aggregation)[0] for one in predictions]
            np.testing.assert_allclose(together, alone, rtol=1e-12)


@given(
    probs=st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=1),
    kind=st.sampled_from(ClassScores),
)
def test_every_row_is_a_distribution(probs: list[list[float]], kind: ClassScores) -> None:
    rows = np.asarray(probs, np.float32)
    if kind is ClassScores.EXCLUSIVE:
        rows = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    boxes = boxes_of([prediction_of("a", rows, class_scores=kind, class_count=3)])
    np.testing.assert_allclose(boxes.distribution.sum(axis=1), 1)
    assert (boxes.distribution >= 0).all()
    for measure in Measure:
        values = boxes.values(measure)
        assert np.isfinite(values).all()
        assert (values >= -1e-12).all()


def test_of_many_boxes_the_three_least_sure_count() -> None:
    crowd = prediction_of("crowd", [[p] for p in (0.9, 0.8, 0.7, 0.6, 0.95)], class_count=1)
    values = values_of([crowd], Measure.LEAST_CONFIDENT, Aggregation.TOP)
    assert values == pytest.approx([(0.4 + 0.3 + 0.2) / 3], abs=1e-6)
