"""Learning curves as shapes of a chart; the template makes SVG of them."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.comparison import Axis
from prelabel.report import wording
from prelabel.report.curves import Curve, place

WIDTH, HEIGHT = 420.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 14.0, 42.0
_AXIS_TITLES = {
    Axis.FRAMES: "labelled frames",
    Axis.BOXES: "labelled boxes",
    Axis.SECONDS: "human time, seconds",
}


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it stands in the chart, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A round of the mean curve, and what is said when somebody points at it."""

    x: float
    y: float
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """One strategy in a chart; points are in the notation of SVG."""

    strategy: str
    number: int
    seeds: tuple[str, ...]
    band: str | None
    mean: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """mAP50 against one axis for all strategies."""

    axis: str
    title: str
    described: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    full_data: Tick | None


def chart_of(curves: tuple[Curve, ...], axis: Axis, full_data_map50: float | None) -> Chart:
    """Thin lines for seeds, a band for the interval, dots and a strong line for the mean."""
    scale = _Scale.over(curves, axis, full_data_map50)
    return Chart(
        axis=axis.value,
        title=_AXIS_TITLES[axis],
        described=_described(curves, axis),
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        x_ticks=tuple(Tick(scale.x(v), wording.count(v)) for v in _nice(scale.x_low, scale.x_high)),
        y_ticks=tuple(Tick(scale.y(v), f"{v:g}") for v in _nice(scale.y_low, scale.y_high)),
        lines=tuple(_line(curve, number, axis, scale) for number, curve in enumerate(curves)),
        full_data=None
        if full_data_map50 is None
        else Tick(scale.y(full_data_map50), f"whole pool {wording.figure(full_data_map50)}"),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @classmethod
    def over(cls, curves: tuple[Curve, ...], axis: Axis, full_data: float | None) -> "_Scale":
        rounds = [one for curve in curves for arm in curve.arms for one in arm.rounds]
        places = [place(one, axis) for one in rounds]
        heights = [one.map50 for one in rounds]
        for spread in (one for curve in curves for one in curve.spread):
            heights += [edge for edge in (spread.low, spread.high) if edge is not None]
        heights += [] if full_data is None else [full_data]
        low, high = max(0.0, min(heights)), min(1.0, max(heights))
        room = max(0.04, 0.06 * (high - low))
        last = max(places)
        return cls(
            min(places) - 0.03 * last,
            last + max(0.03 * last, 1e-9),
            max(0.0, low - room),
            min(1.0, high + room),
        )

    def x(self, value: float) -> float:
        share = (value - self.x_low) / max(self.x_high - self.x_low, 1e-9)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 2)

    def y(self, value: float) -> float:
        share = (min(max(value, self.y_low), self.y_high) - self.y_low) / (self.y_high - self.y_low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP), 2)

    def points(self, places: list[float], heights: list[float]) -> str:
        pairs = zip(places, heights, strict=True)
        return " ".join(f"{self.x(x)},{self.y(y)}" for x, y in pairs)


def _line(curve: Curve, number: int, axis: Axis, scale: _Scale) -> Line:
    places = curve.places(axis)
    means = [one.map50 for one in curve.mean.rounds]
    lows = [one.low for one in curve.spread if one.low is not None]
    highs = [one.high for one in curve.spread if one.high is not None]
    band = None
    if len(lows) == len(places):
        band = scale.points([*places, *reversed(places)], [*highs, *reversed(lows)])
    return Line(
        strategy=curve.strategy,
        number=number,
        seeds=tuple(
            scale.points([place(r, axis) for r in arm.rounds], [r.map50 for r in arm.rounds])
            for arm in curve.arms
        ),
        band=band,
        mean=scale.points(places, means),
        dots=tuple(
            Dot(scale.x(x), scale.y(one.map50), _told(curve, step))
            for step, (x, one) in enumerate(zip(places, curve.mean.rounds, strict=True))
        ),
    )


def _told(curve: Curve, step: int) -> str:
    one, spread = curve.mean.rounds[step], curve.spread[step]
    band = ""
    if spread.low is not None and spread.high is not None:
        band = f", {wording.figure(spread.low)} to {wording.figure(spread.high)}"
    return (
        f"{curve.strategy}, round {one.round}: mAP50 {wording.figure(one.map50, 3)} "
        f"(mean of {wording.plural(spread.seeds, 'seed')}{band}), "
        f"{wording.count(one.frames)} frames, {wording.count(one.boxes)} boxes, "
        f"{wording.seconds(one.seconds)}"
    )


def _described(curves: tuple[Curve, ...], axis: Axis) -> str:
    ends = [
        f"{curve.strategy} goes from {wording.figure(curve.mean.rounds[0].map50)} to "
        f"{wording.figure(curve.last.map50)} at {wording.count(place(curve.last, axis))}"
        for curve in curves
    ]
    return f"mAP50 against {_AXIS_TITLES[axis]}: {'; '.join(ends)}."


def _nice(low: float, high: float) -> list[float]:
    """Four to seven round values between two ends."""
    span = max(high - low, 1e-9)
    power = 10.0 ** np.floor(np.log10(span / 4))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if span / (f * power) <= 6)
    first = np.ceil(low / step - 1e-9)
    values = [float((first + k) * step) for k in range(8) if (first + k) * step <= high + 1e-9]
    return [round(value, 10) for value in values]
