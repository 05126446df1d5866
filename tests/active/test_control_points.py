"""Points of the learning curve from control frames."""

from dataclasses import replace

import numpy as np
import pytest
from builders import a_frame, a_prediction, annotations

from prelabel.active.control_points import Shown, control_points, measured_point
from prelabel.active.learning_curve import CONTROL, VALIDATION
from prelabel.datasets.frames import LabelledFrame

BOX = [[10, 10, 30, 30]]


def shown(seconds: float, found: list[bool], name: str = "f") -> Shown:
    """One true box a frame; where it is not found a box stands elsewhere, with a lower score."""
    frames = [a_frame(f"{name} {number}") for number in range(len(found))]
    truth = [LabelledFrame(one, annotations(BOX, [0])) for one in frames]
    predictions = [
        a_prediction(one.frame_id, BOX if right else [[40, 20, 60, 40]], [[0.9 if right else 0.5]])
        for one, right in zip(frames, found, strict=True)
    ]
    return Shown(seconds, predictions, truth)


def test_by_hand() -> None:
    # 15 of 20 boxes come first in the ranking: precision 1 up to recall 0.75
    point = measured_point(shown(600, [True] * 15 + [False] * 5), ("card",), VALIDATION)
    assert point is not None
    assert (point.seconds, point.source) == (600, VALIDATION)
    assert point.map50 == pytest.approx(0.75, abs=0.01)
    binomial = np.sqrt(0.75 * 0.25 / 20)
    assert binomial / 2 < point.error < 2 * binomial


def test_the_error_is_about_the_spread_over_samples() -> None:
    rng = np.random.default_rng(0)
    points = [
        measured_point(shown(1, (rng.random(40) < 0.6).tolist()), ("card",), CONTROL)
        for _ in range(25)
    ]
    spread = np.std([one.map50 for one in points if one is not None])
    told = np.mean([one.error for one in points if one is not None])
    assert told == pytest.approx(spread, rel=0.4)


def test_a_few_right_frames_are_no_certainty() -> None:
    point = measured_point(shown(1, [True] * 4), ("card",), CONTROL)
    assert point is not None
    assert [point.map50, point.error] == pytest.approx([1, 1 / 6])


def test_frames_without_boxes_or_predictions() -> None:
    some = shown(1, [True] * 6)
    empty = [LabelledFrame(one.frame, annotations(np.zeros((0, 4)), [])) for one in some.truth]
    assert measured_point(replace(some, truth=empty), ("card",), CONTROL) is None
    assert (
        measured_point(replace(some, truth=[*some.truth[:1], *empty[1:]]), ("c",), CONTROL) is None
    )
    missing = measured_point(replace(some, predictions=some.predictions[:3]), ("card",), CONTROL)
    assert missing is not None
    assert missing.map50 == pytest.approx(0.5, abs=0.02)


def test_rounds_with_few_control_frames_are_put_together_from_the_newest() -> None:
    rounds = [shown(100.0 * n, [True, False], f"round {n}") for n in range(1, 13)]
    points = control_points(rounds, ("card",))
    # rounds 12 to 8, and 7 to 3; the two oldest are left out
    assert [one.seconds for one in points] == [500, 1000]
    assert all(one.source == CONTROL for one in points)
    assert [one.map50 for one in points] == pytest.approx([0.5, 0.5], abs=0.02)
    assert control_points(rounds[:4], ("card",)) == []
