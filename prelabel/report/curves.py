"""Learning curves of a strategy over its seeds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from prelabel.active.comparison import Axis, Difference
from prelabel.active.summary import ArmResult, RoundResult, Summary

BASELINE = "random"


@dataclass(frozen=True, slots=True)
class Curve:
    """One strategy: its arms, and the mean over seeds of every round that all of them reached.

    `mean` is an arm like any other, made of means; `spread` has the mAP50 of each of its rounds
    with the interval over seeds.
    """

    strategy: str
    arms: tuple[ArmResult, ...]
    mean: ArmResult
    spread: tuple[Difference, ...]

    @property
    def best_map50(self) -> float:
        """The highest mAP50 that the mean reaches."""
        return max(one.map50 for one in self.mean.rounds)

    @property
    def last(self) -> RoundResult:
        """The last round of the mean."""
        return self.mean.rounds[-1]

    def places(self, axis: Axis) -> list[float]:
        """Where the rounds of the mean stand on an axis."""
        return [place(one, axis) for one in self.mean.rounds]


def begun(summary: Summary) -> Summary:
    """The same without arms that have not finished their start yet."""
    return replace(summary, arms=tuple(arm for arm in summary.arms if arm.rounds))


def place(one: RoundResult, axis: Axis) -> float:
    """Where a round stands on an axis."""
    return float(getattr(one, axis.value))


def curves_of(summary: Summary) -> tuple[Curve, ...]:
    """A curve for each strategy that finished at least its start, in the summary's order."""
    found = begun(summary)
    return tuple(
        _curve(strategy, tuple(arm for arm in found.arms if arm.strategy == strategy))
        for strategy in found.strategies
    )


def baseline_of(curves: tuple[Curve, ...]) -> Curve | None:
    """What the others are compared with: random picks, or else the first of several."""
    named = next((curve for curve in curves if curve.strategy == BASELINE), None)
    return named or (curves[0] if len(curves) > 1 else None)


def _curve(strategy: str, arms: tuple[ArmResult, ...]) -> Curve:
    steps = [[arm.rounds[step] for arm in arms] for step in range(min(len(a.rounds) for a in arms))]
    mean = ArmResult(strategy, arms[0].seed, tuple(_mean_round(step) for step in steps))
    spread = tuple(Difference.of([one.map50 for one in step]) for step in steps)
    return Curve(strategy, arms, mean, spread)


def _mean_round(step: list[RoundResult]) -> RoundResult:
    def mean(of: Callable[[RoundResult], float]) -> float:
        return float(np.mean([of(one) for one in step]))

    return RoundResult(
        round=step[0].round,
        frames=round(mean(lambda one: one.frames)),
        boxes=round(mean(lambda one: one.boxes)),
        seconds=mean(lambda one: one.seconds),
        map50=mean(lambda one: one.map50),
        map=mean(lambda one: one.map),
        map50_by_class=_mean_by_class(step),
        train_seconds=mean(lambda one: one.train_seconds),
        picks=(),
    )


def _mean_by_class(step: list[RoundResult]) -> dict[str, float | None]:
    """Mean over the seeds in which a class has a figure."""
    means: dict[str, float | None] = {}
    for name in dict.fromkeys(name for one in step for name in one.map50_by_class):
        known = [v for one in step if (v := one.map50_by_class.get(name)) is not None]
        means[name] = float(np.mean(known)) if known else None
    return means
