"""Whether one strategy beat another: paired differences over seeds, with intervals.

Arms of one seed share their start set and first model, so differences are formed within a seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit  # Student's t; scipy.stats takes a second to load

from prelabel.active.summary import ArmResult, RoundResult, Summary
from prelabel.datasets.errors import InvalidValueError

CONFIDENCE = 0.95


class Axis(StrEnum):
    """What a learning curve is drawn against."""

    FRAMES = "frames"
    BOXES = "boxes"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of a paired difference over `seeds` seeds, with its 95 % interval.

    `low` and `high` come from Student's t distribution, and are None for a single seed. `wins`
    counts the seeds in which the difference is above 0.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int
    wins: int

    @classmethod
    def of(cls, differences: Sequence[float]) -> "Difference":
        """The mean of one difference a seed."""
        if not differences:
            raise InvalidValueError("a difference needs at least one seed")
        values = np.asarray(differences, np.float64)
        mean, wins = float(values.mean()), int((values > 0).sum())
        if len(values) < 2:
            return cls(mean, None, None, len(values), wins)
        error = values.std(ddof=1) / np.sqrt(len(values))
        half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * error)
        return cls(mean, mean - half, mean + half, len(values), wins)


def by_round(summary: Summary, strategy: str, baseline: str) -> dict[int, Difference]:
    """mAP50 of `strategy` less that of `baseline`, by round, at equal numbers of frames."""
    gains: dict[int, list[float]] = {}
    for ours, theirs in _pairs(summary, strategy, baseline):
        for one, other in zip(ours.rounds, theirs.rounds, strict=False):
            gains.setdefault(one.round, []).append(one.map50 - other.map50)
    return {number: Difference.of(found) for number, found in gains.items()}


def over_rounds(summary: Summary, strategy: str, baseline: str) -> Difference:
    """The same, pooled: the mean over all rounds after the shared start, one figure a seed."""
    return Difference.of(
        [
            float(np.mean([a.map50 - b.map50 for a, b in zip(ours, theirs, strict=False)]))
            for ours, theirs in (
                (one.rounds[1:], other.rounds[1:])
                for one, other in _pairs(summary, strategy, baseline)
            )
            if ours and theirs
        ]
    )


def area_gain(summary: Summary, strategy: str, baseline: str, axis: Axis) -> Difference:
    """Normalised area under the mAP50 curve of `strategy` less that of `baseline`.

    Both areas run from the shared start to the place the shorter arm of the pair reached, and are
    divided by that width: the mean mAP50 on the way there.
    """
    gains = []
    for ours, theirs in _pairs(summary, strategy, baseline):
        end = min(_place(ours.rounds[-1], axis), _place(theirs.rounds[-1], axis))
        gains.append(normalised_area(ours, axis, end) - normalised_area(theirs, axis, end))
    return Difference.of(gains)


def normalised_area(arm: ArmResult, axis: Axis, end: float | None = None) -> float:
    """Mean mAP50 of an arm between its start and `end` (None: its last round), straight lines
    between rounds. An arm without width has its mAP50 at the start."""
    places = np.array([_place(one, axis) for one in arm.rounds])
    values = np.array([one.map50 for one in arm.rounds])
    last = places[-1] if end is None else end
    if last <= places[0]:
        return float(values[0])
    inside = places < last
    x = np.append(places[inside], last)
    y = np.append(values[inside], np.interp(last, places, values))
    return float(np.trapezoid(y, x) / (last - places[0]))


def reached_at(arm: ArmResult, map50: float, axis: Axis) -> float | None:
    """Where on the axis an arm first reaches a mAP50, between rounds on a straight line."""
    before: RoundResult | None = None
    for one in arm.rounds:
        if one.map50 >= map50:
            if before is None:
                return _place(one, axis)
            share = (map50 - before.map50) / (one.map50 - before.map50)
            return _place(before, axis) + share * (_place(one, axis) - _place(before, axis))
        before = one
    return None


def _pairs(summary: Summary, strategy: str, baseline: str) -> list[tuple[ArmResult, ArmResult]]:
    pairs = []
    for seed in summary.seeds:
        ours, theirs = summary.arm(strategy, seed), summary.arm(baseline, seed)
        if ours is not None and theirs is not None:
            pairs.append((ours, theirs))
    if not pairs:
        raise InvalidValueError(
            f"{strategy} and {baseline} share no seed in {summary.name}, so they cannot be compared"
        )
    return pairs


def _place(one: RoundResult, axis: Axis) -> float:
    return float(getattr(one, axis.value))
