"""What came out of a comparison, in plain words."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.comparison import Axis, Difference, area_gain, by_round, reached_at
from prelabel.active.summary import RoundResult, Summary
from prelabel.report import wording
from prelabel.report.curves import Curve, baseline_of, begun, curves_of, place

_ABOUT_THE_SAME = 0.02  # of the time
_NO_CROSSING_BELOW = 0.005  # mAP50; closer curves count as equal when crossings are looked for
_GRID_POINTS = 200


class Outcome(StrEnum):
    """What may be said of a strategy against the baseline."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "not distinguishable"
    ONE_SEED = "one seed"
    ALONE = "no comparison"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One strategy against the baseline: `headline` is a sentence, `details` are more of them."""

    strategy: str
    outcome: Outcome
    headline: str
    details: tuple[str, ...]


def verdicts_of(summary: Summary) -> tuple[Verdict, ...]:
    """A verdict on each strategy but the baseline, or one that says there is no comparison."""
    summary = begun(summary)
    curves = curves_of(summary)
    baseline = baseline_of(curves)
    if baseline is None:
        return tuple(_alone(curve) for curve in curves)
    seeds = {arm.seed for arm in baseline.arms}
    return tuple(
        _compared(summary, curve, baseline)
        for curve in curves
        if curve is not baseline and seeds & {arm.seed for arm in curve.arms}
    )


def _alone(curve: Curve) -> Verdict:
    first, last = curve.mean.rounds[0], curve.last
    headline = (
        f"{curve.strategy} went from mAP50 {wording.figure(first.map50)} to "
        f"{wording.figure(last.map50)} with {wording.seconds(last.seconds)} of human time."
    )
    nothing = "There is no second strategy to compare it with: run random beside it."
    return Verdict(curve.strategy, Outcome.ALONE, headline, (nothing,))


def _compared(summary: Summary, curve: Curve, baseline: Curve) -> Verdict:
    area = area_gain(summary, curve.strategy, baseline.strategy, Axis.SECONDS)
    details = [_along_the_way(area), _at_the_end(summary, curve, baseline)]
    crossing = _crossing(curve, baseline)
    if crossing:
        details.append(crossing)
    if summary.full_data_map50 is not None:
        details.append(_share_of_full(curve, baseline, summary.full_data_map50))
    headline = f"{_time_to_level(curve, baseline)} {_certainty(area)}"
    return Verdict(curve.strategy, outcome_of(area), headline, tuple(details))


def outcome_of(difference: Difference) -> Outcome:
    """Whether an interval lies clear of 0, and on which side."""
    if difference.low is None or difference.high is None:
        return Outcome.ONE_SEED
    if difference.low > 0:
        return Outcome.BETTER
    return Outcome.WORSE if difference.high < 0 else Outcome.UNCLEAR


def _certainty(area: Difference) -> str:
    """How far a headline may be trusted."""
    seeds = wording.plural(area.seeds, "seed")
    return {
        Outcome.BETTER: (
            f"Over {seeds}, its mAP50 along the way is higher at equal time, by more than chance."
        ),
        Outcome.WORSE: (
            f"Over {seeds}, its mAP50 along the way is lower at equal time, by more than chance."
        ),
        Outcome.ONE_SEED: "One seed cannot tell this from chance.",
    }.get(outcome_of(area), f"Over {seeds} this cannot be told from chance.")


def common_level(curve: Curve, baseline: Curve) -> float:
    """The highest mAP50, in hundredths, that the means of both reach."""
    return float(np.floor(min(curve.best_map50, baseline.best_map50) * 100) / 100)


def _time_to_level(curve: Curve, baseline: Curve) -> str:
    level = common_level(curve, baseline)
    ours, theirs = (reached_at(one.mean, level, Axis.SECONDS) for one in (curve, baseline))
    start = place(curve.mean.rounds[0], Axis.SECONDS)
    if ours is None or theirs is None or min(ours, theirs) <= start:
        return (
            f"{curve.strategy} and {baseline.strategy} have no common mAP50 above their start to "
            f"be timed at: their best are {wording.figure(curve.best_map50)} and "
            f"{wording.figure(baseline.best_map50)}."
        )
    return (
        f"{curve.strategy} reached mAP50 {wording.figure(level)} with {wording.seconds(ours)} of "
        f"human time, {baseline.strategy} needed {wording.seconds(theirs)}: "
        f"{_less_or_more(ours / theirs - 1)}."
    )


def _less_or_more(change: float) -> str:
    if abs(change) < _ABOUT_THE_SAME:
        return "about the same"
    return f"{wording.percent(abs(change))} {'less' if change < 0 else 'more'}"


def _along_the_way(area: Difference) -> str:
    return (
        "At equal human time, averaged over the run, the difference in mAP50 is "
        f"{wording.signed(area.mean, 3)} ({wording.interval(area, 3)}; above 0 in {area.wins} of "
        f"{wording.plural(area.seeds, 'seed')}): {_spoken(outcome_of(area))}."
    )


def _at_the_end(summary: Summary, curve: Curve, baseline: Curve) -> str:
    by_number = by_round(summary, curve.strategy, baseline.strategy)
    number = max(by_number)
    end = by_number[number]
    ours, theirs = (_round_of(one, number) for one in (curve, baseline))
    frames = f" with {wording.count(ours.frames)} frames each" if ours and theirs else ""
    return (
        f"At the end, after round {number}{frames}, it is {wording.signed(end.mean)} "
        f"({wording.interval(end)}): {_spoken(outcome_of(end))}."
    )


def _round_of(curve: Curve, number: int) -> RoundResult | None:
    return next((one for one in curve.mean.rounds if one.round == number), None)


def _spoken(outcome: Outcome) -> str:
    return {
        Outcome.BETTER: "better",
        Outcome.WORSE: "worse",
        Outcome.UNCLEAR: "not distinguishable from chance",
        Outcome.ONE_SEED: "a single seed cannot tell this from chance",
        Outcome.ALONE: "no comparison",
    }[outcome]


def _crossing(curve: Curve, baseline: Curve) -> str | None:
    """Whether the lead changes along human seconds, and where it does last."""
    places = [one.places(Axis.SECONDS) for one in (curve, baseline)]
    grid = np.linspace(max(p[0] for p in places), min(p[-1] for p in places), _GRID_POINTS)
    ours, theirs = (
        np.interp(grid, where, [r.map50 for r in one.mean.rounds])
        for where, one in zip(places, (curve, baseline), strict=True)
    )
    gain = ours - theirs
    told = np.flatnonzero(np.abs(gain) >= _NO_CROSSING_BELOW)
    signs = np.sign(gain[told])
    changes = np.flatnonzero(np.diff(signs))
    if not len(changes):
        return None
    last = int(changes[-1])
    leader = curve.strategy if signs[last + 1] > 0 else baseline.strategy
    times = "once" if len(changes) == 1 else f"{len(changes)} times"
    return (
        f"The mean curves cross {times}; {leader} leads from "
        f"{wording.seconds(float(grid[told[last + 1]]))} on."
    )


def _share_of_full(curve: Curve, baseline: Curve, full: float) -> str:
    ours, theirs = (
        wording.percent(one.best_map50 / full if full else 0.0) for one in (curve, baseline)
    )
    return (
        f"A model trained on the whole pool has mAP50 {wording.figure(full)}; {curve.strategy} "
        f"came to {ours} of it, {baseline.strategy} to {theirs}."
    )
