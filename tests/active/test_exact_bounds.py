"""Exact binomial bounds."""

import numpy as np
import pytest
from scipy.stats import binom

from prelabel.active.exact_bounds import checks_needed, lower_bound, upper_bound
from prelabel.datasets.errors import InvalidValueError


@pytest.mark.parametrize(("share", "checks"), [(0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598)])
def test_checks_without_an_error(share: float, checks: int) -> None:
    assert checks_needed(share, 0.95) == checks
    assert upper_bound(0, checks, 0.95) <= share < upper_bound(0, checks - 1, 0.95)


@pytest.mark.parametrize("wrong", [1, 2, 7])
def test_checks_with_errors_are_the_fewest(wrong: int) -> None:
    checks = checks_needed(0.05, 0.9, wrong)
    assert upper_bound(wrong, checks, 0.9) <= 0.05 < upper_bound(wrong, checks - 1, 0.9)


def test_bounds_by_hand() -> None:
    # 0 of 10: (1 - p)^10 = 0.05; 10 of 10: nothing above 1; 9 of 10 right is 1 of 10 wrong
    assert upper_bound(0, 10, 0.95) == pytest.approx(1 - 0.05**0.1)
    assert upper_bound(10, 10, 0.95) == 1
    assert upper_bound(0, 0, 0.95) == 1
    assert lower_bound(9, 10, 0.95) == pytest.approx(1 - upper_bound(1, 10, 0.95))
    assert binom.cdf(3, 40, upper_bound(3, 40, 0.9)) == pytest.approx(0.1)


def test_the_bound_covers() -> None:
    rng = np.random.default_rng(0)
    wrong = rng.binomial(60, 0.08, 2000)
    covered = np.mean([upper_bound(int(one), 60, 0.9) >= 0.08 for one in wrong])
    assert covered >= 0.9 - 2 * np.sqrt(0.09 / 2000)


@pytest.mark.parametrize("call", [lambda: upper_bound(3, 2, 0.9), lambda: upper_bound(1, 2, 1.0)])
def test_what_cannot_be(call: object) -> None:
    assert callable(call)
    with pytest.raises(InvalidValueError):
        call()
