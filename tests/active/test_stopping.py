"""When to stop: by hand, and how often the advice is right on made-up curves."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.active.learning_curve import (
    CONTROL,
    VALIDATION,
    CurveBelief,
    CurvePoint,
    Interval,
    believe,
)
from prelabel.active.stopping import HOUR_S, Advice, Verdict, Worth, advise
from prelabel.datasets.errors import InvalidValueError

ROUND_S = 1000.0
CURVES = 150

Curve = Callable[[float], float]


def points_of(
    curve: Curve, rounds: int, error: float = 0.005, source: str = VALIDATION
) -> list[CurvePoint]:
    times = [ROUND_S * number for number in range(1, rounds + 1)]
    return [CurvePoint(one, curve(one), error, source) for one in times]


def advice_on(curve: Curve, rounds: int, worth: Worth) -> Advice:
    return advise(points_of(curve, rounds), worth, ROUND_S, np.random.default_rng(0))


def test_a_power_law_by_hand() -> None:
    one = np.ones(1)
    belief = CurveBelief(0.8 * one, 0.4 * one, 0.5 * one, 0 * one, 1000.0)
    assert belief.at(1000).tolist() == pytest.approx([0.4])
    assert belief.at(4000).tolist() == pytest.approx([0.6])  # half is missing after four times
    assert belief.gain(1000, 3000).tolist() == pytest.approx([0.2])
    assert belief.seconds_to(0.6).tolist() == pytest.approx([4000])
    assert belief.seconds_to(0.8).tolist() == [np.inf]
    assert belief.seconds_to(0.1).tolist() == [1000]  # below the first point


def test_a_stretched_exponential_by_hand() -> None:
    one = np.ones(2)
    belief = CurveBelief(0.9 * one, 0.8 * one, one / 2000, np.array([1.0, 2.0]), 1000.0)
    after = 0.9 - 0.8 * np.exp([-0.5, -0.25])  # 1000 s later, t = 2000 s
    assert belief.at(2000) == pytest.approx(after)
    assert belief.seconds_to(0.9 - 0.8 * np.exp(-0.5))[0] == pytest.approx(2000)
    assert belief.seconds_to(0.9 - 0.8 * np.exp(-0.25))[1] == pytest.approx(2000)


@pytest.mark.parametrize(
    "curve",
    [
        lambda x: 0.8 - 0.5 * (x / ROUND_S) ** -0.5,
        lambda x: 0.75 - 0.6 * np.exp(-(x - ROUND_S) / 3000),
    ],
)
def test_exact_points_give_their_curve_back(curve: Curve) -> None:
    belief = believe(points_of(curve, 8, error=0.001), np.random.default_rng(1))
    now, gain = Interval.of(belief.at(8000)), Interval.of(belief.gain(8000, ROUND_S))
    assert now.low < curve(8000) < now.high
    assert now.middle == pytest.approx(curve(8000), abs=0.01)
    assert gain.low < curve(9000) - curve(8000) < gain.high


def test_a_flat_curve_stops_and_a_steep_one_goes_on() -> None:
    worth = Worth(points_an_hour=2)
    flat = advice_on(lambda x: 0.8 - 0.5 * np.exp(-(x - ROUND_S) / 800), 8, worth)
    assert flat.verdict is Verdict.STOP
    assert "points of mAP50 an hour, and 2 are worth it" in flat.reason
    assert flat.points_an_hour is not None
    assert flat.points_an_hour.high < 2
    steep = advice_on(lambda x: 0.1 + 0.05 * x / ROUND_S, 8, worth)
    assert steep.verdict is Verdict.GO_ON
    assert steep.gain_points is not None
    assert steep.points_an_hour is not None
    hourly = steep.gain_points.middle * HOUR_S / ROUND_S
    assert steep.points_an_hour.middle == pytest.approx(hourly)


def test_a_target() -> None:
    def curve(seconds: float) -> float:
        return 0.8 - 0.5 * float((seconds / ROUND_S) ** -0.8)

    reached = advice_on(curve, 8, Worth(target_map50=0.6))
    assert reached.verdict is Verdict.STOP
    assert reached.seconds_to_target == Interval(0, 0, 0)
    ahead = advice_on(curve, 8, Worth(target_map50=0.75))
    assert ahead.verdict is Verdict.GO_ON
    assert ahead.seconds_to_target is not None
    assert ahead.seconds_to_target.low < 1000 * 10**1.25 - 8000 < ahead.seconds_to_target.high
    beyond = advice_on(curve, 8, Worth(target_map50=0.99))
    assert beyond.seconds_to_target is not None
    assert beyond.seconds_to_target.high == np.inf
    # Far from the target, and yet no longer worth it.
    both = advice_on(curve, 8, Worth(points_an_hour=50, target_map50=0.99))
    assert both.verdict is Verdict.STOP


def test_two_models_are_not_enough() -> None:
    advice = advice_on(lambda x: 0.5, 2, Worth(points_an_hour=1))
    assert advice.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert advice.reason == "2 models are measured, and a curve takes 3: go on"
    assert advice.now is None


def test_noise_is_not_enough_either() -> None:
    rng = np.random.default_rng(0)
    points = [CurvePoint(ROUND_S * n, float(rng.uniform(0.3, 0.6)), 0.15) for n in range(1, 5)]
    advice = advise(points, Worth(points_an_hour=3), ROUND_S, rng)
    assert advice.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert advice.points_an_hour is not None
    assert advice.points_an_hour.low < 3 < advice.points_an_hour.high


def test_sources_share_a_shape_and_control_tells_the_level() -> None:
    def curve(seconds: float) -> float:
        return 0.7 - 0.4 * float((seconds / ROUND_S) ** -0.6)

    control = points_of(curve, 6, 0.01, CONTROL)
    harder = points_of(lambda x: curve(x) - 0.1, 6, 0.01)
    belief = believe([*harder, *control], np.random.default_rng(0))
    assert Interval.of(belief.at(6000)).middle == pytest.approx(curve(6000), abs=0.02)


def test_points_that_fall_count_as_flat() -> None:
    falling = advice_on(lambda x: 0.9 - 0.1 * x / ROUND_S, 6, Worth(points_an_hour=20))
    assert falling.verdict is Verdict.STOP


@given(seed=st.integers(0, 10_000), rounds=st.integers(3, 8))
@settings(max_examples=25)
def test_any_points_give_sane_figures(seed: int, rounds: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(1, 5000, rounds))
    points = [CurvePoint(float(t), float(rng.random()), float(rng.random() / 5)) for t in times]
    advice = advise(points, Worth(1.0, 0.9), float(rng.uniform(10, 5000)), rng)
    for one in (advice.now, advice.gain_points, advice.points_an_hour, advice.seconds_to_target):
        assert one is not None
        assert not np.isnan([one.low, one.middle, one.high]).any()
        assert 0 <= one.low <= one.middle <= one.high
    assert advice.now is not None
    assert advice.now.high <= 1


def made_up_curve(rng: np.random.Generator, kind: int, span: float) -> Curve:
    top = rng.uniform(0.4, 0.95)
    height = top - rng.uniform(0.02, 0.3)
    power, decay = rng.uniform(0.2, 1.5), rng.uniform(0.2, 2) * span
    middle, width = rng.uniform(0.1, 0.6) * span, rng.uniform(0.1, 0.4) * span
    kinds: tuple[Curve, ...] = (
        lambda x: top - height * (x / 600) ** -power,
        lambda x: top - height * np.exp(-(x - 600) / decay),
        lambda x: top - height / (1 + np.exp((x - middle) / width)),  # of no family that is fitted
    )
    return kinds[kind]


def test_precision_of_the_advice_on_made_up_curves() -> None:
    rng = np.random.default_rng(5)
    told: Counter[tuple[Verdict, bool]] = Counter()
    within = 0
    for number in range(CURVES):
        rounds, round_s = int(rng.integers(3, 11)), rng.uniform(600, 3600)
        curve = made_up_curve(rng, number % 3, rounds * round_s)
        error, noise = rng.uniform(0.01, 0.04), rng.choice([0.005, 0.01, 0.02])
        times = 600 + round_s * np.arange(rounds)
        seen = [curve(at) + rng.normal(0, np.hypot(error, noise)) for at in times]
        points = [
            CurvePoint(t, float(np.clip(y, 0, 1)), error) for t, y in zip(times, seen, strict=True)
        ]
        gain = 100 * (curve(times[-1] + round_s) - curve(times[-1])) * HOUR_S / round_s
        least = float(rng.choice([1, 2, 5]))
        advice = advise(points, Worth(points_an_hour=least), round_s, rng)
        told[advice.verdict, bool(gain >= least)] += 1
        assert advice.points_an_hour is not None
        within += advice.points_an_hour.low <= gain <= advice.points_an_hour.high
    stop_right, stop_wrong = told[Verdict.STOP, False], told[Verdict.STOP, True]
    go_right, go_wrong = told[Verdict.GO_ON, True], told[Verdict.GO_ON, False]
    assert stop_right / (stop_right + stop_wrong) > 0.9
    assert go_right / (go_right + go_wrong) > 0.9
    assert stop_right + stop_wrong + go_right + go_wrong > 0.35 * CURVES  # it does advise
    assert within / CURVES > 0.8  # of a 90 % interval, a third of the curves of no fitted family


def test_what_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="say what is worth it"):
        Worth()
    with pytest.raises(InvalidValueError, match="points_an_hour must be above 0"):
        Worth(points_an_hour=0)
    with pytest.raises(InvalidValueError, match="target_map50"):
        Worth(target_map50=1.2)
    with pytest.raises(InvalidValueError, match="round_seconds"):
        advise([], Worth(1), 0, np.random.default_rng(0))
    with pytest.raises(InvalidValueError, match="two different times"):
        believe([CurvePoint(1, 0.5, 0)] * 2, np.random.default_rng(0))
    for wrong in ((0, 0.5, 0.1), (1, 1.5, 0.1), (1, 0.5, -1)):
        with pytest.raises(InvalidValueError):
            CurvePoint(*wrong)
