"""Small regressions with a ridge, fitted the same way every time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float32s, Float64s

RIDGE = 1.0  # the usual strength: as much as one observation a standardised coefficient

_MOST_STEPS = 50
_HALVINGS = 20
_ENOUGH = 1e-10
_LARGEST_LOG = 30.0  # keeps exp finite while a fit is under way


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """What brings features (m, f) to mean 0 and standard deviation 1; a constant one becomes 0."""

    mean: Float64s
    deviation: Float64s

    @classmethod
    def of(cls, features: Float64s) -> "Scaling":
        """The scaling of these features, of which NaN is taken for unknown."""
        known = np.isfinite(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0).sum(axis=0) / count
        square = np.where(known, np.square(features - mean), 0).sum(axis=0) / count
        return cls(mean, np.sqrt(square))

    def applied(self, features: Float64s) -> Float64s:
        """Features on this scale; an unknown value is taken for the mean."""
        usable = self.deviation > 1e-9
        scaled = (features - self.mean) / np.where(usable, self.deviation, 1)
        return np.asarray(np.where(np.isfinite(scaled) & usable, scaled, 0), np.float64)


def logistic_fit(features: Float64s, is_true: Bools, ridge: float = RIDGE) -> Float64s:
    """Intercept and coefficients, (1 + f,), of P(true) = sigmoid(intercept + features · them).

    The likelihood less ridge / 2 times the squared coefficients is at its highest; the intercept is
    free. Where all outcomes are equal only the intercept is not 0, and gives (k + 1/2) / (n + 1).
    """
    rate = (is_true.sum() + 0.5) / (len(is_true) + 1)
    start = _only(features, np.log(rate / (1 - rate)))
    if is_true.all() or not is_true.any():
        return start

    def loss(linear: Float64s) -> float:
        return float((np.logaddexp(0, linear) - is_true * linear).sum())

    def slopes(linear: Float64s) -> tuple[Float64s, Float64s]:
        likely = sigmoid(linear)
        return likely - is_true, likely * (1 - likely)

    return _newton(features, start, ridge, loss, slopes)


def poisson_fit(features: Float64s, counts: Float64s, ridge: float = RIDGE) -> Float64s:
    """Intercept and coefficients, (1 + f,), of the rate exp(intercept + features · them).

    As `logistic_fit`; where all counts are 0 the rate is 1/2 in n + 1.
    """
    rate = (counts.sum() + 0.5) / (len(counts) + 1)
    start = _only(features, np.log(rate))
    if not counts.any():
        return start

    def loss(linear: Float64s) -> float:
        held = np.minimum(linear, _LARGEST_LOG)
        return float((np.exp(held) - counts * held).sum())

    def slopes(linear: Float64s) -> tuple[Float64s, Float64s]:
        rates = np.exp(np.minimum(linear, _LARGEST_LOG))
        return rates - counts, rates

    return _newton(features, start, ridge, loss, slopes)


def linear_part(coefficients: Float64s, features: Float64s) -> Float64s:
    """Intercept + features · coefficients, (m,)."""
    # A sum along rows, not a matrix product, whose last digit hangs on the place of a row.
    return np.asarray((features * coefficients[1:]).sum(axis=1) + coefficients[0], np.float64)


def sigmoid(linear: Float64s) -> Float64s:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * linear)), np.float64)


def binary_entropy(probability: Float64s | Float32s) -> Float64s:
    """-p ln p - (1 - p) ln(1 - p), in nats."""
    p = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log1p(-p)), np.float64)


def _only(features: Float64s, intercept: float) -> Float64s:
    start = np.zeros(1 + features.shape[1])
    start[0] = intercept
    return start


def _newton(
    features: Float64s,
    start: Float64s,
    ridge: float,
    loss: Callable[[Float64s], float],
    slopes: Callable[[Float64s], tuple[Float64s, Float64s]],
) -> Float64s:
    """Newton's method with halved steps; the loss is convex, so there is one lowest point."""
    design = np.concatenate([np.ones((len(features), 1)), features], axis=1)
    penalty = np.full(len(start), ridge)
    penalty[0] = 0

    def whole(at: Float64s) -> float:
        return loss(design @ at) + 0.5 * float((penalty * at * at).sum())

    at, here = start, whole(start)
    for _ in range(_MOST_STEPS):
        first, second = slopes(design @ at)
        hessian = (design * second[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, design.T @ first + penalty * at)
        length, there = 1.0, whole(at - step)
        for _ in range(_HALVINGS):
            if there <= here:
                break
            length /= 2
            there = whole(at - length * step)
        if there > here:
            return at
        at, gain, here = at - length * step, here - there, there
        if gain <= _ENOUGH * (1 + abs(here)):
            return at
    return at
