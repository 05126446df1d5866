"""What a simulation of several strategies says of each of them, against random picks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prelabel.active.comparison import Axis, Difference, area_gain
from prelabel.active.roles import Roles
from prelabel.active.summary import ArmResult, Summary

BASELINE = "random"
LEVELS = (0.8, 0.9, 0.95)  # shares of the mAP50 that the whole pool gives
_GRID = 400

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Seconds of a strategy over those of random picks to the same mAP50.

    `bound` is "" where both arrive, "at most" where random picks do not arrive within the run, "at
    least" where the strategy does not. `value` is None where neither does.
    """

    value: float | None
    bound: str = ""

    def __str__(self) -> str:
        return "neither" if self.value is None else f"{self.bound} {self.value:.2f}".strip()


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """A strategy beside random picks of the same seeds.

    `gain` is by axis the normalised area under the mAP50 curve less that of random picks,
    `seconds_ratio` by level of LEVELS, `boxes_ratio` boxes bought in all over those of random picks
    at the end of the run, `rare_gain` mAP50 of the rare classes at the end less that of random
    picks.
    """

    strategy: str
    gain: Mapping[Axis, Difference]
    seconds_ratio: Mapping[float, Ratio]
    boxes_ratio: float
    frames_ratio: float
    rare_gain: Difference


@dataclass(frozen=True, slots=True)
class MeanRound:
    """A round of a strategy: means over seeds, and mAP50 of each."""

    number: int
    frames: float
    boxes: float
    seconds: float
    map50_by_seed: tuple[float, ...]

    @property
    def map50(self) -> float:
        return _mean(self.map50_by_seed)


def figures_of(summary: Summary, strategy: str, rare: Sequence[str]) -> StrategyFigures:
    """The figures of one strategy; `rare` names the rare classes."""
    ours, theirs = _arms(summary, strategy), _arms(summary, BASELINE)
    full = summary.full_data_map50
    return StrategyFigures(
        strategy,
        {axis: area_gain(summary, strategy, BASELINE, axis) for axis in Axis},
        {} if full is None else {q: seconds_ratio(ours, theirs, q * full) for q in LEVELS},
        _mean(one.rounds[-1].boxes for one in ours) / _mean(o.rounds[-1].boxes for o in theirs),
        _mean(one.rounds[-1].frames for one in ours) / _mean(o.rounds[-1].frames for o in theirs),
        Difference.of([_rare(a, rare) - _rare(b, rare) for a, b in zip(ours, theirs, strict=True)]),
    )


def rounds_of(summary: Summary, strategy: str) -> list[MeanRound]:
    """The rounds of a strategy, the shared start first."""
    return [
        MeanRound(
            results[0].round,
            _mean(one.frames for one in results),
            _mean(one.boxes for one in results),
            _mean(one.seconds for one in results),
            tuple(one.map50 for one in results),
        )
        for results in zip(*(arm.rounds for arm in _arms(summary, strategy)), strict=True)
    ]


def rare_classes(roles: Roles) -> tuple[str, ...]:
    """The third of the classes with the fewest boxes in the pool, of those that it has at all."""
    ids = np.concatenate([one.class_id for one in roles.truth().values()])
    counts = np.bincount(ids, minlength=len(roles.classes))
    by_count = [row for row in np.argsort(counts, kind="stable") if counts[row]]
    return tuple(roles.classes[row] for row in by_count[: max(len(by_count) // 3, 1)])


def seconds_ratio(ours: Sequence[ArmResult], theirs: Sequence[ArmResult], map50: float) -> Ratio:
    """People's seconds to a mAP50, of the means over seeds at equal seconds."""
    mine, (last_of_theirs, random) = _arrival(ours, map50), (_end(theirs), _arrival(theirs, map50))
    if mine is not None and random is not None:
        return Ratio(mine / random)
    if mine is not None:
        return Ratio(mine / last_of_theirs, "at most")
    if random is not None:
        return Ratio(_end(ours) / random, "at least")
    return Ratio(None)


def mean_curve(arms: Sequence[ArmResult]) -> tuple[Floats, Floats]:
    """Seconds, and the mean mAP50 of the arms there; as far as the shortest arm goes."""
    first = max(one.rounds[0].seconds for one in arms)
    at = np.linspace(first, _end(arms), _GRID)
    curves = [
        np.interp(at, [r.seconds for r in one.rounds], [r.map50 for r in one.rounds])
        for one in arms
    ]
    return at, np.mean(curves, axis=0)


def _arrival(arms: Sequence[ArmResult], map50: float) -> float | None:
    at, curve = mean_curve(arms)
    if curve[0] >= map50:
        return float(at[0])
    for (left, low), (right, high) in pairwise(zip(at, curve, strict=True)):
        if high >= map50:
            return float(left + (map50 - low) / (high - low) * (right - left))
    return None


def _end(arms: Sequence[ArmResult]) -> float:
    return min(one.rounds[-1].seconds for one in arms)


def _arms(summary: Summary, strategy: str) -> list[ArmResult]:
    found = [summary.arm(strategy, seed) for seed in summary.seeds]
    return [one for one in found if one is not None]


def _rare(arm: ArmResult, rare: Sequence[str]) -> float:
    by_class = arm.rounds[-1].map50_by_class
    return _mean(value for name in rare if (value := by_class.get(name)) is not None)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
