"""Whether another round of labelling is worth it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.learning_curve import CurvePoint, Interval, believe
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError

CONFIDENCE = 0.9  # that advice is right, before it is given
LEAST_TIMES = 3  # models measured; two points fit any curve
HOUR_S = 3600.0


class Verdict(StrEnum):
    """What is advised."""

    GO_ON = "go on"
    STOP = "stop"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"
    NO_AIM = "nobody has said what is worth it"


@dataclass(frozen=True, slots=True)
class Worth:
    """What labelling is for: at least so many mAP50 points (0 to 100) an hour of people, or a
    target mAP50 (0 to 1) that is enough, or both: it stops when either says so.

    Raises InvalidValueError where neither is given or one is out of range.
    """

    points_an_hour: float | None = None
    target_map50: float | None = None

    def __post_init__(self) -> None:
        if self.points_an_hour is None and self.target_map50 is None:
            raise InvalidValueError("say what is worth it: points an hour, or a target mAP50")
        if self.points_an_hour is not None and not self.points_an_hour > 0:
            raise InvalidValueError(f"points_an_hour must be above 0, but is {self.points_an_hour}")
        if self.target_map50 is not None and not 0 < self.target_map50 <= 1:
            raise InvalidValueError(
                f"target_map50 must lie above 0 and at most at 1, but is {self.target_map50}"
            )


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised, and why in one sentence; the figures are None without evidence.

    `now` is mAP50 (0 to 1) of the newest model, `gain_points` what another round would add in
    points (0 to 100), `points_an_hour` the same by people's time. `seconds_to_target` is what is
    still to be spent, infinite where the target is out of reach; None without a target.
    """

    verdict: Verdict
    reason: str
    now: Interval | None = None
    gain_points: Interval | None = None
    points_an_hour: Interval | None = None
    seconds_to_target: Interval | None = None


def advise(
    points: Sequence[CurvePoint],
    worth: Worth | None,
    round_seconds: float,
    rng: np.random.Generator,
) -> Advice:
    """Whether another round of `round_seconds` is worth it, after these points.

    Control frames give points that no strategy has bent: each newest model is measured on the
    control frames of the next batch before it learns from them. Validation frames may be given
    beside them. Go on or stop is said where the belief (`learning_curve.believe`) is 90 % sure of
    it, otherwise that there is not enough evidence. Without a stated worth only the figures come.
    """
    if not (np.isfinite(round_seconds) and round_seconds > 0):
        raise InvalidValueError(f"round_seconds must be above 0, but are {round_seconds}")
    times = {one.seconds for one in points}
    if len(times) < LEAST_TIMES:
        return Advice(
            Verdict.NOT_ENOUGH_EVIDENCE,
            f"{len(times)} models are measured, and a curve takes {LEAST_TIMES}: go on",
        )
    belief, spent = believe(points, rng), max(times)
    now, gained = belief.at(spent), 100 * belief.gain(spent, round_seconds)
    hourly = gained * HOUR_S / round_seconds
    if worth is None:
        verdict, reason = Verdict.NO_AIM, _foretold(hourly)
    else:
        verdict, reason = _verdict(worth, now, hourly)
    to_target = None
    if worth is not None and worth.target_map50 is not None:
        still = np.maximum(belief.seconds_to(worth.target_map50) - spent, 0)
        to_target = Interval(*_ranks(still))
    return Advice(
        verdict, reason, Interval.of(now), Interval.of(gained), Interval.of(hourly), to_target
    )


def _verdict(worth: Worth, now: Float64s, hourly: Float64s) -> tuple[Verdict, str]:
    """Stop where any aim says so, go on where every one does."""
    found: list[tuple[Verdict, str]] = []
    if worth.target_map50 is not None:
        reached = float((now >= worth.target_map50).mean())
        level = Interval.of(now)
        found.append(
            (
                _decided(reached),
                f"mAP50 is {level.middle:.3f} ({level.low:.3f} to {level.high:.3f}), the target "
                f"{worth.target_map50:.3f}",
            )
        )
    if worth.points_an_hour is not None:
        too_little = float((hourly < worth.points_an_hour).mean())
        told = f"{_foretold(hourly)}, and {worth.points_an_hour:g} are worth it"
        found.append((_decided(too_little), told))
    reasons = "; ".join(reason for _, reason in found)
    verdicts = [verdict for verdict, _ in found]
    for verdict in (Verdict.STOP, Verdict.NOT_ENOUGH_EVIDENCE):
        if verdict in verdicts:
            return verdict, reasons
    return Verdict.GO_ON, reasons


def _foretold(hourly: Float64s) -> str:
    gain = Interval.of(hourly)
    return (
        f"another round is foretold to give {gain.middle:.2f} ({gain.low:.2f} to "
        f"{gain.high:.2f}) points of mAP50 an hour"
    )


def _decided(stop: float) -> Verdict:
    if stop >= CONFIDENCE:
        return Verdict.STOP
    return Verdict.GO_ON if stop <= 1 - CONFIDENCE else Verdict.NOT_ENOUGH_EVIDENCE


def _ranks(draws: Float64s) -> tuple[float, float, float]:
    """Median and bounds of draws that may be infinite, between which nothing is interpolated."""
    ranked = np.sort(draws)
    low, middle, high = (ranked[int(part * (len(ranked) - 1))] for part in (0.05, 0.5, 0.95))
    return float(middle), float(low), float(high)
