"""Reliability plots: how many boxes of a confidence are right, as shapes of a chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from prelabel.active.calibration_error import Bin
from prelabel.report import wording

SIDE = 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 12.0, 12.0, 40.0
_THINNEST = 1.5  # a bar of no height is still seen


@dataclass(frozen=True, slots=True)
class Bar:
    """The boxes of one range of confidence, in the chart's units: a bar as high as their share of
    right ones, and `told_y`, the height of their mean confidence."""

    x: float
    y: float
    width: float
    height: float
    told_y: float
    told: str


@dataclass(frozen=True, slots=True)
class ReliabilityPlot:
    """Share of right boxes over confidence, each 0 to 1: confidences are true where both are equal.

    `ticks` are pairs of a place along both axes, from the origin, and what it says.
    """

    title: str
    described: str
    bars: tuple[Bar, ...]
    side: float = SIDE
    left: float = _LEFT
    right: float = SIDE - _RIGHT
    top: float = _TOP
    bottom: float = SIDE - _BOTTOM

    @property
    def ticks(self) -> tuple[tuple[float, float, str], ...]:
        """Places of 0, 0.5 and 1 on both axes, and their names."""
        return tuple((_x(one), _y(one), f"{one:g}") for one in (0.0, 0.5, 1.0))


def reliability_plot(
    title: str, bins: Sequence[Bin], d_ece: float, laece: float
) -> ReliabilityPlot:
    """The plot of some confidences, with their detection calibration errors in its title."""
    errors = f"D-ECE {wording.figure(d_ece, 3)}, LaECE {wording.figure(laece, 3)}"
    boxes = wording.plural(sum(one.boxes for one in bins), "box", "boxes")
    return ReliabilityPlot(
        f"{title}: {errors}",
        f"Reliability of {title.lower()} on {boxes}: {errors}",
        tuple(map(_bar, bins)),
    )


def _bar(one: Bin) -> Bar:
    height = max(_y(0) - _y(one.right), _THINNEST)
    told = (
        f"{wording.plural(one.boxes, 'box', 'boxes')} of confidence {one.low:g} to {one.high:g}: "
        f"{wording.figure(one.confidence)} on average, {wording.figure(one.right)} right"
    )
    width = _x(one.high) - _x(one.low) - 2
    return Bar(_x(one.low) + 1, _y(0) - height, width, height, _y(one.confidence), told)


def _x(share: float) -> float:
    return round(_LEFT + share * (SIDE - _LEFT - _RIGHT), 2)


def _y(share: float) -> float:
    return round(SIDE - _BOTTOM - share * (SIDE - _TOP - _BOTTOM), 2)
