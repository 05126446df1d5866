"""A softmax regression: the probability of each of several outcomes, linear in features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from prelabel.datasets.arrays import Float64s

RIDGE = 1.0  # strength of the pull of the weights to zero, in examples
MOST_LIKELY = 0.1  # more than one label in ten with errors of one kind is left for people to say
_BARS = (0.1, 0.75)  # quantiles; too few rows of a small mixture pass higher ones to tell


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """Weights (d + 1, k) on features that are centred at `middle` (d,) and divided by `scale`."""

    weights: Float64s
    middle: Float64s
    scale: Float64s

    def probabilities(self, features: Float64s) -> Float64s:
        """Of each outcome, (n, k), rows summing to 1."""
        return _softmax(_with_one((features - self.middle) / self.scale) @ self.weights)


def fit_softmax(
    features: Float64s, outcome: NDArray[np.intp], outcomes: int, weight: Float64s
) -> Softmax:
    """The regression that explains the `outcome` (n,) of each row best, rows counting `weight`."""
    middle, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    rows = _with_one((features - middle) / scale)
    target = np.eye(outcomes)[outcome]
    pull = np.full((rows.shape[1], outcomes), RIDGE)
    pull[-1] = 0  # how often each outcome is, is not held back

    def loss(flat: Float64s) -> tuple[float, Float64s]:
        weights = flat.reshape(rows.shape[1], outcomes)
        shares = _softmax(rows @ weights)
        likely = np.log(np.maximum((shares * target).sum(axis=1), 1e-300))
        gradient = rows.T @ ((shares - target) * weight[:, None]) + pull * weights
        value = -(weight * likely).sum() + 0.5 * (pull * weights**2).sum()
        return float(value), np.asarray(gradient.ravel(), np.float64)

    start = np.zeros(rows.shape[1] * outcomes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Softmax(found.x.reshape(rows.shape[1], outcomes), middle, scale)


def density_ratios(probabilities: Float64s, shares: Float64s) -> Float64s:
    """How much likelier features are for each outcome but the first than for the first, (n, k - 1).

    `probabilities` (n, k) were learned where the outcomes had these `shares` (k,).
    """
    first = np.maximum(probabilities[:, :1], 1e-300)
    return np.asarray(probabilities[:, 1:] / first * (shares[0] / shares[1:]), np.float64)


def largest_share(mixed: Float64s, pure: Float64s) -> float:
    """The largest share of a mixture that may be of one outcome, 0 to 1.

    `mixed` and `pure` are values of rows of the mixture and of the outcome alone, which rise with
    its likelihood. However high the bar, no fewer rows of the mixture pass it than the share times
    those of the outcome: the share is the least such quotient (Blanchard, Lee, Scott, Journal of
    Machine Learning Research 11, 2010), over bars that enough rows pass to tell.
    """
    if not len(pure) or not len(mixed):
        return 0.0
    bars = np.quantile(pure, np.linspace(*_BARS, 40))
    count = len(mixed) - np.searchsorted(np.sort(mixed), bars, side="left")
    # The least of many counts is one that chance made small: each is taken a standard deviation
    # higher, and half a row more, so that what nobody was seen of is rare, not impossible.
    passing = (count + np.sqrt(count) + 0.5) / len(mixed)
    of_pure = 1 - np.searchsorted(np.sort(pure), bars, side="left") / len(pure)
    return float(np.clip(np.min(passing / of_pure), 0, 1))


def likely_share(mixed: Float64s, pure: Float64s) -> float:
    """The share that is believed as long as nobody has looked, 0 to `MOST_LIKELY`.

    Where the outcome is easily told, `largest_share` is close to the share itself. Where it is not,
    it says little: right labels look the same. So it is believed the less the larger it is.
    """
    return float(MOST_LIKELY * -np.expm1(-largest_share(mixed, pure) / MOST_LIKELY))


def _with_one(rows: Float64s) -> Float64s:
    return np.column_stack([rows, np.ones(len(rows))])


def _softmax(values: Float64s) -> Float64s:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)
