"""The tables of a report on a simulation."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.comparison import Difference, by_round
from prelabel.active.summary import ArmResult, Summary
from prelabel.report import wording
from prelabel.report.curves import Curve, baseline_of
from prelabel.report.verdict import Outcome, outcome_of


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with, where there is a baseline, how it differs; `mood` is better, worse or ""."""

    text: str
    change: str = ""
    mood: str = ""


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round of one strategy, means over its seeds."""

    strategy: str
    number: int  # of the strategy's colour
    round: int
    frames: str
    boxes: str
    seconds: str
    map50: str
    map: str
    difference: Cell


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class and its mAP50 at the end, one cell a strategy."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class BoughtRow:
    """What a strategy bought after the start, by frame and by box."""

    strategy: str
    number: int
    frames: str
    boxes_a_frame: str
    seconds_a_frame: str
    seconds_a_box: str
    controls: str
    train_seconds: str


def round_rows(summary: Summary, curves: tuple[Curve, ...]) -> tuple[RoundRow, ...]:
    """Rounds in order, strategies side by side within a round."""
    baseline = baseline_of(curves)
    gains = {
        curve.strategy: _gains(summary, curve, baseline)
        for curve in curves
        if baseline is not None and curve is not baseline
    }
    rows = [
        RoundRow(
            strategy=curve.strategy,
            number=number,
            round=one.round,
            frames=wording.count(one.frames),
            boxes=wording.count(one.boxes),
            seconds=wording.count(one.seconds),
            map50=wording.figure(one.map50, 3),
            map=wording.figure(one.map, 3),
            difference=_difference_cell(gains.get(curve.strategy, {}).get(one.round)),
        )
        for number, curve in enumerate(curves)
        for one in curve.mean.rounds
    ]
    return tuple(sorted(rows, key=lambda row: (row.round, row.number)))


def _gains(summary: Summary, curve: Curve, baseline: Curve) -> dict[int, Difference]:
    shared = {arm.seed for arm in curve.arms} & {arm.seed for arm in baseline.arms}
    if not shared:
        return {}
    gains = by_round(summary, curve.strategy, baseline.strategy)
    return {number: gain for number, gain in gains.items() if number > 0}  # 0 is shared


def _difference_cell(difference: Difference | None) -> Cell:
    if difference is None:
        return Cell("")
    outcome = outcome_of(difference)
    mood = outcome.value if outcome in (Outcome.BETTER, Outcome.WORSE) else ""
    told = "" if difference.low is None else wording.interval(difference, 3)
    return Cell(wording.signed(difference.mean, 3), told, mood)


def class_rows(summary: Summary, curves: tuple[Curve, ...]) -> tuple[ClassRow, ...]:
    """Every class of the data set in its order, at the last round of each strategy."""
    baseline = baseline_of(curves)
    rows = []
    for name in summary.classes:
        against = None if baseline is None else baseline.last.map50_by_class.get(name)
        cells = tuple(
            _class_cell(curve.last.map50_by_class.get(name), None if curve is baseline else against)
            for curve in curves
        )
        rows.append(ClassRow(name, cells))
    return tuple(rows)


def _class_cell(map50: float | None, against: float | None) -> Cell:
    if map50 is None:
        return Cell(wording.UNKNOWN)
    if against is None:
        return Cell(wording.figure(map50))
    return Cell(wording.figure(map50), wording.signed(map50 - against))


def bought_rows(curves: tuple[Curve, ...]) -> tuple[BoughtRow, ...]:
    """What each strategy bought after the start that all share."""
    return tuple(_bought(curve, number) for number, curve in enumerate(curves))


def _bought(curve: Curve, number: int) -> BoughtRow:
    spent = np.array([_spent(arm) for arm in curve.arms])
    frames, boxes, seconds = spent.mean(axis=0)
    later = [one for arm in curve.arms for one in arm.rounds[1:]]
    picks = [pick for one in later for pick in one.picks]
    controls = sum(pick.is_control for pick in picks)
    train = [one.train_seconds for arm in curve.arms for one in arm.rounds]
    return BoughtRow(
        strategy=curve.strategy,
        number=number,
        frames=wording.count(frames),
        boxes_a_frame=_ratio(boxes, frames),
        seconds_a_frame=_ratio(seconds, frames),
        seconds_a_box=_ratio(seconds, boxes),
        controls=f"{controls:,} of {len(picks):,}",
        train_seconds=wording.figure(float(np.mean(train)), 1),
    )


def _spent(arm: ArmResult) -> tuple[float, float, float]:
    """Frames, boxes and human seconds after round 0."""
    first, last = arm.rounds[0], arm.rounds[-1]
    return last.frames - first.frames, last.boxes - first.boxes, last.seconds - first.seconds


def _ratio(part: float, whole: float) -> str:
    return wording.figure(part / whole, 1) if whole > 0 else wording.UNKNOWN
