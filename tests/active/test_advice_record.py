"""Advice after the rounds of an arm, and whether it was right: by hand."""

import numpy as np
import pytest
from builders import a_frame, annotations

from prelabel.active.advice_record import (
    AdviceRecord,
    MeasuredModel,
    RoundAdvice,
    advice_in_arm,
    curve_points,
    mean_gains,
    measured_models,
)
from prelabel.active.learning_curve import CONTROL, VALIDATION
from prelabel.active.rounds import START, LabelledBatch, Measured, RoundRecord
from prelabel.active.stopping import Advice, Verdict, Worth
from prelabel.active.summary import BoxMark
from prelabel.datasets.batches import Batch, Pick

BOX = (10.0, 10.0, 30.0, 30.0)
FRAMES = {one.frame_id: one for one in (a_frame(f"frame {n}") for n in range(200))}
CLASSES = ("card",)


def record(number: int, map50: float, found: int, frames: int = 12) -> RoundRecord:
    """A round whose frames are all control; the model before it found the box on some of them."""
    ids = list(FRAMES)[number * frames : (number + 1) * frames]
    picks = [Pick(one, None, "drawn at random", 10.0, is_control=number > 0) for one in ids]
    marks = {one: (BoxMark(BOX, 0, 0.9),) for one in ids[:found]}
    labels = {one: annotations([BOX], [0]) for one in ids}
    seconds = dict.fromkeys(ids, 100.0)
    batch = LabelledBatch(Batch("random", number, tuple(picks)), 0.3, marks, labels, seconds)
    learned = (number + 1) * (frames - 2)
    measured = Measured("m", f"{number}", 1.0, map50, map50, {}, learned, 10, map50)
    return RoundRecord(START if number == 0 else "random", 0, number, batch, measured)


def arm(map50s: list[float]) -> list[RoundRecord]:
    before = [0.0, *map50s[:-1]]
    return [
        record(number, now, round(12 * last))
        for number, (now, last) in enumerate(zip(map50s, before, strict=True))
    ]


RISING = [0.25, 0.40, 0.5, 0.58, 0.66, 0.74, 0.82]
LEVEL = [0.25, 0.70, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75]


def test_a_model_is_known_by_its_validation_frames_and_the_next_control_frames() -> None:
    first, second, third = measured_models(arm(RISING[:3]), FRAMES)
    assert [one.seconds for one in (first, second, third)] == [1200, 2400, 3600]
    assert [one.validation_frames for one in (first, second, third)] == [2, 4, 6]
    assert third.control is None
    assert first.control is not None
    assert len(first.control.truth) == 12
    assert sum(len(one) for one in first.control.predictions) == 3  # a quarter of them is found
    points = curve_points([first, second, third], CLASSES)
    assert [(one.source, one.seconds) for one in points] == [
        (CONTROL, 1200),
        (CONTROL, 2400),
        (VALIDATION, 1200),
        (VALIDATION, 2400),
        (VALIDATION, 3600),
    ]
    assert [one.map50 for one in points] == pytest.approx([0.25, 0.4, 0.25, 0.4, 0.5], abs=0.03)
    assert points[3].error == pytest.approx(np.sqrt(0.4 * 0.6 / 4))


def test_certain_figures_and_missing_ones() -> None:
    def points(seconds: float, map50: float | None, frames: int) -> list[float]:
        model = MeasuredModel(seconds, map50, frames)
        return [one.error for one in curve_points([model], CLASSES)]

    assert points(10, 1.0, 8) == [0.1]
    assert points(10, None, 8) == points(10, 0.5, 0) == points(0, 0.5, 8) == []


def test_advice_follows_the_curve_and_never_looks_ahead() -> None:
    worth = Worth(target_map50=0.95)
    rising = advice_in_arm(arm(RISING), FRAMES, CLASSES, worth)
    assert [one.round for one in rising] == [0, 1, 2, 3, 4, 5]
    assert [one.advice.verdict for one in rising[:2]] == [Verdict.NOT_ENOUGH_EVIDENCE] * 2
    assert rising[0].gained == pytest.approx(0.15)
    assert {one.seconds for one in rising} == {1200.0}
    cut_off = advice_in_arm(arm(RISING[:5]), FRAMES, CLASSES, worth)
    assert cut_off == rising[:4]
    known = AdviceRecord.of(rising, worth)
    assert known.go_on == known.go_on_right > 0
    assert known.stop == 0
    assert known.go_on + known.unsure == 6


def test_a_level_curve_is_told_to_stop() -> None:
    worth = Worth(target_map50=0.4)
    told = advice_in_arm(arm(LEVEL), FRAMES, CLASSES, worth)
    assert told[-1].advice.verdict is Verdict.STOP
    found = AdviceRecord.of(told, worth)
    assert found.precision == 1.0
    assert found.stop_right == found.stop > 0


def given(verdict: Verdict, gained: float, seed: int = 0, round_: int = 1) -> RoundAdvice:
    return RoundAdvice("random", seed, round_, Advice(verdict, ""), 0.5, gained, 1800.0)


def test_the_record_by_hand() -> None:
    # In half an hour, 0.01 are 2 points an hour.
    told = [
        given(Verdict.GO_ON, 0.02),
        given(Verdict.GO_ON, 0.009),
        given(Verdict.STOP, 0.0),
        given(Verdict.STOP, 0.03),
        given(Verdict.STOP, -0.01),
        given(Verdict.NOT_ENOUGH_EVIDENCE, 0.5),
    ]
    found = AdviceRecord.of(told, Worth(points_an_hour=2))
    assert found == AdviceRecord(go_on=2, go_on_right=1, stop=3, stop_right=2, unsure=1)
    assert found.precision == pytest.approx(3 / 5)
    assert AdviceRecord.of(told, Worth(target_map50=0.5)).stop_right == 3  # the target is met
    assert AdviceRecord.of([], Worth(target_map50=0.5)).precision is None


def test_gains_are_averaged_over_seeds_round_by_round() -> None:
    told = [
        given(Verdict.STOP, 0.02, seed=0),
        given(Verdict.STOP, -0.01, seed=1),
        given(Verdict.STOP, 0.3, seed=1, round_=2),
    ]
    averaged = mean_gains(told)
    assert [one.gained for one in averaged] == pytest.approx([0.005, 0.005, 0.3])
    assert averaged[2] == told[2]
