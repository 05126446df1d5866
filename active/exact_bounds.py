"""Exact binomial bounds, and how many checks they take."""

import math

from scipy.stats import beta

from prelabel.datasets.errors import InvalidValueError


def upper_bound(wrong: int, checks: int, confidence: float) -> float:
    """The largest share of wrong ones that this many wrong in independent checks leave possible.

    One-sided, with at least this confidence (Clopper and Pearson, "The use of confidence or
    fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934); 1 without a
    check.
    """
    _check_counts(wrong, checks)
    _check_share("confidence", confidence)
    return 1.0 if wrong == checks else float(beta.ppf(confidence, wrong + 1, checks - wrong))


def lower_bound(right: int, checks: int, confidence: float) -> float:
    """The smallest share of right ones that so many right in independent checks leave possible."""
    _check_counts(right, checks)
    return 1 - upper_bound(checks - right, checks, confidence)


def checks_needed(share: float, confidence: float, wrong: int = 0) -> int:
    """The fewest independent checks, `wrong` of them wrong, that show at most `share` to be wrong.

    Without an error 59 for 5 %, 149 for 2 %, 299 for 1 % and 598 for 0.5 % at a confidence of 95 %.
    """
    _check_share("share", share)
    _check_share("confidence", confidence)
    if wrong == 0:
        return math.ceil(math.log1p(-confidence) / math.log1p(-share) - 1e-9)
    low, high = wrong, 2 * wrong
    while upper_bound(wrong, high, confidence) > share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(wrong, middle, confidence) > share:
            low = middle
        else:
            high = middle
    return high


def _check_counts(part: int, checks: int) -> None:
    if not 0 <= part <= checks:
        raise InvalidValueError(f"of {checks} checks between 0 and {checks} fail, not {part}")


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InvalidValueError(f"{name} must lie between 0 and 1, both left out, but is {value}")
