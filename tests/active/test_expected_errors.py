"""Errors expected on a frame, missed objects included."""

from math import exp, factorial, log

import numpy as np
import pytest
from builders import annotations
from pools import pool_of, prediction_of

from prelabel.active.box_table import BoxTable
from prelabel.active.budgets import Budget
from prelabel.active.error_models import MissedModel, error_models
from prelabel.active.evidence import Evidence
from prelabel.active.expected_errors import ExpectedErrors, Wanted, poisson_entropy
from prelabel.active.pool import Pool
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.predictions import Prediction


def entropy(p: float) -> float:
    return -(p * log(p) + (1 - p) * log(1 - p))


def plain_poisson_entropy(rate: float) -> float:
    likely = [exp(-rate) * rate**k / factorial(k) for k in range(100)]
    return -sum(p * log(p) for p in likely if p > 0)


def values_of(pool: Pool, wanted: Wanted) -> list[float]:
    values: list[float] = ExpectedErrors(wanted).of(pool).values.tolist()
    return values


def test_with_nothing_known_by_hand() -> None:
    # On an object with the score as probability; all else a tenth, (0 + 1/2) / (0 + 5).
    frames = {"two": prediction_of("two", [[0.8, 0], [0.3, 0]]), "none": prediction_of("none", [])}
    pool = pool_of(frames)
    number = (0.2 + 0.8 * 0.2) + (0.3 + 0.3 * 0.2) + 0.1
    assert values_of(pool, Wanted.NUMBER) == pytest.approx([number, 0.1], rel=1e-5)
    doubt = entropy(0.8) + entropy(0.3) + 1.1 * 2 * entropy(0.1) + plain_poisson_entropy(0.1)
    expected = [doubt, plain_poisson_entropy(0.1)]
    assert values_of(pool, Wanted.DOUBT) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("rate", [1e-4, 0.02, 0.5, 1, 3, 20])
def test_the_entropy_of_a_poisson_variable(rate: float) -> None:
    found = float(poisson_entropy(np.array([rate]))[0])
    assert found == pytest.approx(plain_poisson_entropy(rate), abs=1e-3)


def scene(name: str, hint: float) -> Prediction:
    return prediction_of(name, [[0.97, 0.01]], class_peak=[0.97, hint], support=[3])


def scenes_with_misses(hint_of_missed: float, hint_otherwise: float) -> Evidence:
    """Frames with one sure and right box; on half of them two trucks were missed."""
    predictions, labels = [], []
    for number in range(60):
        is_missed = number % 2 == 1
        hint = hint_of_missed if is_missed else hint_otherwise
        one = scene(f"known {number}", hint + 0.001 * (number % 7))
        missed = [(100, 0, 120, 20), (200, 0, 220, 20)] * is_missed
        corners = [*one.boxes.xyxy.tolist(), *missed]
        predictions.append(one)
        labels.append(annotations(corners, [0, *[1] * len(missed)]))
    return Evidence.of(predictions, labels)


@pytest.mark.parametrize(("missed", "otherwise"), [(0.01, 0.3), (0.3, 0.01)])
def test_missed_objects_are_seen_where_no_box_tells_of_them(
    missed: float, otherwise: float
) -> None:
    frames = {f"full {n}": scene(f"full {n}", otherwise) for n in range(10)}
    frames |= {f"lacking {n}": scene(f"lacking {n}", missed) for n in range(3)}
    pool = pool_of(frames, evidence=scenes_with_misses(missed, otherwise))
    for wanted in Wanted:
        chosen = STRATEGIES[wanted].choose(pool, Budget(3), np.random.default_rng(0)).indices
        assert sorted(chosen.tolist()) == [10, 11, 12]
    assert len(set(ExpectedErrors().of(pool).values[:10])) == 1
    lacking = ExpectedErrors().of(pool).values[10]
    assert 1.2 < lacking < 3  # two were missed each time
    # Scores made of boxes see no difference: the doubtful are alike.
    for name in ("entropy_sum", "lius_max", "difficulty_sum"):
        values = STRATEGIES[name].choose(pool, Budget(1), np.random.default_rng(0)).values
        np.testing.assert_allclose(values, values[0], rtol=1e-6)


def test_frames_on_which_nothing_is_found_have_a_rate_of_their_own() -> None:
    # Empty frames held one object in half of the cases, frames with a box none besides.
    predictions, labels = [], []
    for number in range(40):
        is_empty = number % 2 == 0
        one = prediction_of(f"known {number}", [] if is_empty else [[0.9, 0]])
        missed = [(50, 0, 60, 10)] if is_empty and number % 4 == 0 else []
        predictions.append(one)
        labels.append(
            annotations([*one.boxes.xyxy.tolist(), *missed], [0] * (len(one) or len(missed)))
        )
    evidence = Evidence.of(predictions, labels)
    frames = {"empty": prediction_of("empty", []), "box": prediction_of("box", [[0.9, 0]])}
    missed_of = MissedModel.fit(evidence, uses_peaks=False).of(BoxTable.of(list(frames.values())))
    assert 0.35 < missed_of[0] < 0.6
    assert missed_of[1] < 0.15
    # What never happened has a small rate, not 0.
    calm = Evidence.of(predictions[1::2], labels[1::2])
    assert MissedModel.fit(calm, uses_peaks=False).of(BoxTable.of([frames["empty"]]))[0] == (
        pytest.approx(0.5 / 25)
    )


def test_the_rate_is_held_within_twice_what_was_seen() -> None:
    evidence = scenes_with_misses(0.01, 0.3)
    crowd = prediction_of("crowd", [[0.9, 0.1]] * 300, class_peak=[1, 0], support=[1] * 300)
    assert MissedModel.fit(evidence, uses_peaks=True).of(BoxTable.of([crowd]))[0] <= 4


def boxes_with_errors(rng: np.random.Generator) -> Evidence:
    """False where faint; a truck of small margin is a van; what is little supported is loose."""
    predictions, labels = [], []
    for number in range(150):
        truck = rng.uniform(0.3, 0.9)
        van = truck * rng.choice([0.1, 0.95])
        support = int(rng.choice([1, 9]))
        one = prediction_of(f"known {number}", [[van, truck]], support=[support])
        left, top, right, bottom = one.boxes.xyxy[0].tolist()
        if support == 1:
            bottom += 9  # IoU 0.64
        is_false = truck < 0.5
        truth = [] if is_false else [(left, top, right, bottom)]
        predictions.append(one)
        labels.append(annotations(truth, [0 if van > truck / 2 else 1] * len(truth)))
    return Evidence.of(predictions, labels)


def test_each_kind_of_error_is_learned_from_its_own_signs(rng: np.random.Generator) -> None:
    expected = error_models(boxes_with_errors(rng))

    def of(truck: float, van: float, support: int) -> tuple[float, float, float]:
        one = prediction_of("a", [[van, truck]], support=[support])
        boxes, _ = expected(BoxTable.of([one]))
        return float(boxes.is_object[0]), float(boxes.wrong_class[0]), float(boxes.loose[0])

    good = of(0.85, 0.085, 9)
    assert good[0] > 0.9
    assert good[1] < 0.2
    assert good[2] < 0.2
    assert of(0.35, 0.035, 9)[0] < 0.2
    assert of(0.85, 0.8, 9)[1] > 0.8
    assert of(0.85, 0.085, 1)[2] > 0.8


def test_columns_that_only_one_side_has_are_left_out(rng: np.random.Generator) -> None:
    evidence = boxes_with_errors(rng)
    bare = Prediction(
        "a" * 32,
        "m",
        prediction_of("a", [[0.1, 0.8]]).boxes,
        [0.8],
        [1],
        prediction_of("a", [[0.1, 0.8]]).class_scores,
    )
    boxes, missed = error_models(evidence)(BoxTable.of([bare]))
    assert np.isfinite([*boxes.is_object, *boxes.wrong_class, *boxes.loose, *missed]).all()
    unknown_class = prediction_of("b", [[0, 0, 0.8]], class_count=3, support=[2])
    boxes, _ = error_models(evidence)(BoxTable.of([unknown_class]))
    assert 0 < boxes.is_object[0] < 1


def test_a_reason_tells_what_to_expect() -> None:
    pool = pool_of({"two": prediction_of("two", [[0.8, 0], [0.3, 0]])})
    (reason,) = ExpectedErrors().of(pool).reasons(np.array([0]))
    assert reason == (
        "expected: 0.2 false boxes, 0.1 of a wrong class, 0.1 loose, 0.4 objects missed"
    )
