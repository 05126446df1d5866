"""What is believed of a learning curve after a few noisy points of it.

A curve is a - b · g(x) with x in human seconds and x0 those of the first point: a power law,
g = (x / x0)^-c, or a stretched exponential, g = exp(-((x - x0) / t)^s), which for s above 1 is
S-shaped as the curves of detectors that begin with next to nothing are. All saturate at a, which
mAP50 keeps at most at 1. For each of a grid of shapes and of training noises, a and b have a
Gaussian posterior; the belief is the mixture of all, weighted by how well they foretold the points
(Bayesian model averaging), so that what is not known about the shape widens the intervals too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError

CONTROL, VALIDATION = "control", "validation"

POWERS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5)
DECAYS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0)  # t in parts of the seconds looked at
STRETCHES = (1.0, 2.0)
TRAINING_NOISES = (0.005, 0.01, 0.02, 0.04)  # of mAP50 between trainings on the same labels

# Standard deviations of what is believed before any point: of a around 0.7, of b, of a source.
_LEVEL, _LEVEL_SPREAD, _HEIGHT_SPREAD, _SOURCE_SPREAD = 0.7, 0.4, 0.6, 0.1
_DRAWS, _TRIES = 4000, 12


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """mAP50 (0 to 1) of a model that `seconds` of people's time led to, and its standard error.

    `error` is what the choice of frames measured on explains; `source` tells what they are.
    Raises InvalidValueError where seconds are not above 0 or a figure is out of range.
    """

    seconds: float
    map50: float
    error: float
    source: str = VALIDATION

    def __post_init__(self) -> None:
        if not (np.isfinite(self.seconds) and self.seconds > 0):
            raise InvalidValueError(f"seconds of a curve must be above 0, but are {self.seconds}")
        if not 0 <= self.map50 <= 1:
            raise InvalidValueError(f"map50 must lie between 0 and 1, but is {self.map50}")
        if not (np.isfinite(self.error) and self.error >= 0):
            raise InvalidValueError(f"error must be at least 0, but is {self.error}")


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle of a belief, and the bounds that 90 % of it lies within."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Float64s) -> "Interval":
        """The median and the 5 % and 95 % quantiles of draws."""
        low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95))
        return cls(float(middle), float(low), float(high))


@dataclass(frozen=True, slots=True, eq=False)
class CurveBelief:
    """Draws of curves: k of them. Levels are those of the control frames where there are any."""

    level: Float64s
    height: Float64s
    rate: Float64s  # c of a power law, 1 / t of an exponential
    stretch: Float64s  # s of an exponential, 0 for a power law
    start_s: float

    def at(self, seconds: float) -> Float64s:
        """mAP50 at so many seconds, (k,)."""
        return self.level - self.height * self._missing(seconds)

    def gain(self, seconds: float, more: float) -> Float64s:
        """mAP50 that `more` seconds add, (k,), at least 0."""
        return self.height * (self._missing(seconds) - self._missing(seconds + more))

    def seconds_to(self, map50: float) -> Float64s:
        """Seconds in all until a mAP50 is reached, (k,); infinite for curves that never do.

        A mAP50 below that of the first point is reached there.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            missing = np.minimum((self.level - map50) / self.height, 1.0)
            power = self.start_s * missing ** (-1 / self.rate)
            learned = (-np.log(missing)) ** (1 / np.maximum(self.stretch, 1e-9))
            found = np.where(self.stretch > 0, self.start_s + learned / self.rate, power)
        return np.where(map50 < self.level, found, np.inf)

    def _missing(self, seconds: float) -> Float64s:
        """The part of the height that is not learned yet, (k,)."""
        return _missing(seconds, self.start_s, self.rate, self.stretch)


def _missing(seconds: ArrayLike, start_s: float, rate: ArrayLike, stretch: ArrayLike) -> Float64s:
    at, rates, stretches = (np.asarray(one, np.float64) for one in (seconds, rate, stretch))
    learned = (np.maximum(at - start_s, 0) * rates) ** stretches
    return np.where(stretches > 0, np.exp(-learned), (at / start_s) ** -rates)


def believe(points: Sequence[CurvePoint], rng: np.random.Generator) -> CurveBelief:
    """The belief after these points, at least two with different seconds.

    Points of several sources share the curve's shape; each source but the first may lie higher or
    lower by an amount that is estimated along. Raises InvalidValueError for fewer points.
    """
    seconds = np.array([one.seconds for one in points])
    if len(np.unique(seconds)) < 2:
        raise InvalidValueError("a learning curve needs points at two different times at least")
    order = sorted({one.source for one in points}, key=lambda name: (name != CONTROL, name))
    beside = [[float(one.source == name) for name in order[1:]] for one in points]
    cells = [
        _Cell.of(points, np.array(beside).reshape(len(points), -1), rate, stretch, noise)
        for rate, stretch in _shapes(float(np.ptp(seconds)))
        for noise in TRAINING_NOISES
    ]
    return _drawn(cells, float(seconds.min()), rng)


def _shapes(width_s: float) -> Iterator[tuple[float, float]]:
    """The rates and stretches looked at, for points that lie so far apart; all equally likely."""
    for power in POWERS:
        yield power, 0.0
    for stretch in STRETCHES:
        for part in DECAYS:
            yield 1 / (part * width_s), stretch


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One shape and noise: the posterior of (level, height), and how well it told the points."""

    rate: float
    stretch: float
    mean: Float64s
    root: Float64s
    log_evidence: float

    @classmethod
    def of(
        cls,
        points: Sequence[CurvePoint],
        beside: Float64s,
        rate: float,
        stretch: float,
        noise: float,
    ) -> "_Cell":
        seconds = np.array([one.seconds for one in points])
        missing = _missing(seconds, float(seconds.min()), rate, stretch)
        design = np.column_stack([np.ones(len(points)), -missing, beside])
        spreads = [_LEVEL_SPREAD, _HEIGHT_SPREAD, *[_SOURCE_SPREAD] * beside.shape[1]]
        prior = np.diag(np.square(spreads))
        expected = np.array([_LEVEL, *[0.0] * (1 + beside.shape[1])])
        errors = np.array([one.error for one in points])
        spread = design @ prior @ design.T + np.diag(errors**2 + noise**2)
        off = np.array([one.map50 for one in points]) - design @ expected
        gain = np.linalg.solve(spread, design @ prior).T
        covariance = prior - gain @ design @ prior
        log_evidence = -0.5 * (off @ np.linalg.solve(spread, off) + np.linalg.slogdet(spread)[1])
        return cls(
            rate,
            stretch,
            (expected + gain @ off)[:2],
            _root(covariance[:2, :2]),
            float(log_evidence),
        )


def _root(covariance: Float64s) -> Float64s:
    """A matrix whose product with its transpose is the covariance, which rounding may spoil."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), np.float64)


def _drawn(cells: Sequence[_Cell], start_s: float, rng: np.random.Generator) -> CurveBelief:
    """Curves that rise, and saturate between 0 and 1; others are thrown away."""
    evidence = np.array([one.log_evidence for one in cells])
    weights = np.exp(evidence - evidence.max())
    means, roots = np.stack([one.mean for one in cells]), np.stack([one.root for one in cells])
    kept_cells, kept_curves = [], []
    for _ in range(_TRIES):
        drawn = rng.choice(len(cells), _DRAWS, p=weights / weights.sum())
        noise = rng.standard_normal((_DRAWS, 2))
        curves = means[drawn] + np.einsum("nij,nj->ni", roots[drawn], noise)
        fits = (curves[:, 0] >= 0) & (curves[:, 0] <= 1) & (curves[:, 1] >= 0)
        kept_cells.append(drawn[fits])
        kept_curves.append(curves[fits])
        if sum(map(len, kept_cells)) >= _DRAWS:
            break
    cell, curve = np.concatenate(kept_cells), np.concatenate(kept_curves)
    if not len(cell):  # points that fall all the way: a flat curve is the nearest that rises
        cell, curve = drawn, np.column_stack([means[drawn, 0].clip(0, 1), np.zeros(_DRAWS)])
    rates, stretches = np.array([(one.rate, one.stretch) for one in cells]).T
    return CurveBelief(curve[:, 0], curve[:, 1], rates[cell], stretches[cell], start_s)
