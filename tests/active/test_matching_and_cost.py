"""Which proposal belongs to which object, and what correcting costs."""

import numpy as np
import pytest
from builders import annotations, frame_id_of
from hypothesis import given
from hypothesis import strategies as st

from prelabel.active.cost import (
    CAREFUL_DRAWING_S,
    CostForecast,
    CostModel,
    best_display_score,
    displayed,
)
from prelabel.active.matching import match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores, Prediction

Box = tuple[float, float, float, float]

TIGHT: Box = (0, 0, 10, 9)  # IoU 0.9 with (0, 0, 10, 10)
LOOSE: Box = (0, 0, 10, 6)  # IoU 0.6
STRAY: Box = (0, 0, 10, 4)  # IoU 0.4
OBJECT: Box = (0, 0, 10, 10)


def proposals(*rows: tuple[Box, int, float]) -> Prediction:
    return Prediction(
        frame_id_of("a"),
        "model",
        Boxes([box for box, _, _ in rows]),
        [score for _, _, score in rows],
        np.array([class_id for _, class_id, _ in rows], np.int64),
        ClassScores.INDEPENDENT,
    )


def moved(box: Box, right: float) -> Box:
    return box[0] + right, box[1], box[2] + right, box[3]


def truth(*rows: tuple[Box, int]) -> AnnotationSet:
    return annotations([box for box, _ in rows], [class_id for _, class_id in rows])


def test_the_best_scored_takes_the_object_and_the_right_class_comes_first() -> None:
    shown = proposals((TIGHT, 1, 0.9), (LOOSE, 0, 0.8), (TIGHT, 0, 0.7))
    matching = match(shown, truth((OBJECT, 0)))
    assert matching.truth_of.tolist() == [-1, 0, -1]
    assert matching.iou == pytest.approx([0, 0.6, 0])
    assert matching.same_class.tolist() == [False, True, False]
    assert matching.missed.tolist() == []


def test_each_takes_the_object_it_overlaps_most() -> None:
    objects = truth((moved(OBJECT, 2), 0), (OBJECT, 0), (moved(OBJECT, 50), 0))
    matching = match(proposals((TIGHT, 0, 0.9)), objects)
    assert matching.truth_of.tolist() == [1]
    assert matching.missed.tolist() == [0, 2]


def test_nothing_to_match() -> None:
    assert match(proposals(), truth((OBJECT, 0))).missed.tolist() == [0]
    assert match(proposals((OBJECT, 0, 0.5)), truth()).truth_of.tolist() == [-1]
    assert match(proposals(), truth()).missed.tolist() == []


@pytest.mark.parametrize(
    ("shown", "objects", "seconds"),
    [
        ((), (), 3.0),
        (((TIGHT, 0, 0.9),), ((OBJECT, 0),), 3 + 1.6),
        (((LOOSE, 0, 0.9),), ((OBJECT, 0),), 3 + 7),
        (((STRAY, 0, 0.9),), ((OBJECT, 0),), 3 + 1.6 + 2 + 7),  # rejected, found and drawn
        (((STRAY, 0, 0.9),), (), 3 + 1.6),
        (((TIGHT, 1, 0.9),), ((OBJECT, 0),), 3 + 1.6 + 2),
        (((LOOSE, 1, 0.9),), ((OBJECT, 0),), 3 + 7 + 2),
        ((), ((OBJECT, 0), (moved(OBJECT, 30), 1)), 3 + 2 * (2 + 7)),
    ],
)
def test_charged_seconds_by_hand(
    shown: tuple[tuple[Box, int, float], ...],
    objects: tuple[tuple[Box, int], ...],
    seconds: float,
) -> None:
    assert CostModel().charged_seconds(proposals(*shown), truth(*objects)) == pytest.approx(seconds)


def test_careful_drawing_and_the_sensitivity_factor() -> None:
    careful = CostModel(draw_s=CAREFUL_DRAWING_S, assumption_factor=2)
    assert careful.charged_seconds(proposals(), truth((OBJECT, 0))) == 6 + 4 + 25.5
    assert careful.scratch_seconds(3) == 6 + 3 * (4 + 25.5)
    assert careful.constants()["draw_s"] == 25.5
    assert CostModel().scratch_seconds(0) == 3


def test_a_cost_below_zero_is_refused() -> None:
    with pytest.raises(
        InvalidValueError, match="verify_s must be finite and at least 0, but is -1"
    ):
        CostModel(verify_s=-1)


@given(count=st.integers(0, 6))
def test_labelling_from_scratch_is_correcting_nothing(count: int) -> None:
    objects = truth(*((moved(OBJECT, 20 * n), 0) for n in range(count)))
    model = CostModel()
    assert model.scratch_seconds(count) == model.charged_seconds(proposals(), objects)


def test_only_proposals_above_the_threshold_are_shown() -> None:
    found = proposals((TIGHT, 0, 0.9), (LOOSE, 1, 0.5), (STRAY, 0, 0.2))
    shown = displayed(found, 0.5)
    assert len(shown) == 2
    assert shown.class_id.tolist() == [0, 1]
    assert displayed(found, 0.0) is found
    assert len(displayed(found, 0.95)) == 0


def test_the_display_threshold_that_costs_least() -> None:
    # right boxes at 0.6, a false one at 0.3: showing above 0.3 saves the rejection
    found = proposals((OBJECT, 0, 0.6), (moved(OBJECT, 40), 0, 0.3))
    assert best_display_score(CostModel(), [found], [truth((OBJECT, 0))]) == 0.35
    # with an object behind the faint box, showing all is cheaper than finding it
    both = truth((OBJECT, 0), (moved(OBJECT, 40), 0))
    assert best_display_score(CostModel(), [found], [both]) == 0.05
    with pytest.raises(InvalidValueError, match="without labelled frames"):
        best_display_score(CostModel(), [], [])


def test_foretold_seconds_by_hand() -> None:
    found = proposals((OBJECT, 0, 0.8), (moved(OBJECT, 40), 0, 0.2))
    forecast = CostForecast(CostModel(), display_score=0.5, loose_share=0.25)
    right = 0.75 * 1.6 + 0.25 * 7
    expected = 3 + (0.8 * right + 0.2 * 1.6) + 0.2 * (2 + 7)
    assert forecast.seconds(found) == pytest.approx(expected)
    assert forecast.seconds(proposals()) == 3


def test_a_fitted_forecast_is_right_on_average() -> None:
    rng = np.random.default_rng(0)
    predictions, truths = [], []
    for _ in range(60):
        at = [moved(OBJECT, 20 * place) for place in range(4)]
        scores = np.sort(rng.random(4))[::-1]
        there = [(box, 0) for box, score in zip(at, scores, strict=True) if rng.random() < score]
        predictions.append(proposals(*((box, 0, s) for box, s in zip(at, scores, strict=True))))
        truths.append(truth(*there))
    model = CostModel()
    forecast = CostForecast(model, 0.5).fitted(predictions, truths)
    foretold = sum(forecast.seconds(one) for one in predictions)
    charged = sum(
        model.charged_seconds(displayed(one, 0.5), labels)
        for one, labels in zip(predictions, truths, strict=True)
    )
    assert foretold == pytest.approx(charged)
    assert forecast.loose_share == 0
    assert 0.8 < forecast.factor < 1.2  # scores were honest, so little is to be mended


def test_objects_that_nothing_points_at_are_foretold_for_every_frame() -> None:
    truths = [truth(*[(OBJECT, 0)] * count) for count in (2, 4, 6)]
    forecast = CostForecast(CostModel(), 0.5).fitted([proposals()] * 3, truths)
    assert forecast.seconds(proposals()) == pytest.approx(3 + 4 * 9)
    assert forecast.factor == 1  # of nothing that was foretold


def test_a_forecast_is_not_fitted_on_next_to_nothing() -> None:
    forecast = CostForecast(CostModel(), 0.5)
    assert forecast.fitted([proposals()], [truth((OBJECT, 0))]) == forecast
    many = truth(*((moved(OBJECT, 20 * n), 0) for n in range(12)))
    assert forecast.fitted([proposals()], [many]) == forecast  # nothing was foretold
