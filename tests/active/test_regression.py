"""The small regressions agree with scikit-learn's, and know their corner cases."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from prelabel.active.regression import (
    Scaling,
    binary_entropy,
    linear_part,
    logistic_fit,
    poisson_fit,
    sigmoid,
)


def test_the_logistic_fit_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    features = rng.normal(size=(200, 3))
    is_true = rng.random(200) < sigmoid(features @ [2.0, -1.0, 0.0] - 0.5)
    peer = LogisticRegression(C=1 / 2.5, tol=1e-10).fit(features, is_true)
    expected = np.append(peer.intercept_, peer.coef_)
    np.testing.assert_allclose(logistic_fit(features, is_true, 2.5), expected, atol=1e-4)


def test_the_poisson_fit_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    features = rng.normal(size=(200, 2))
    counts = rng.poisson(np.exp(features @ [0.7, -0.4] - 1)).astype(np.float64)
    peer = PoissonRegressor(alpha=2.5 / 200, tol=1e-10, max_iter=1000).fit(features, counts)
    expected = np.append(peer.intercept_, peer.coef_)
    np.testing.assert_allclose(poisson_fit(features, counts, 2.5), expected, atol=1e-4)


def test_outcomes_that_never_differ_give_a_rate() -> None:
    features = np.arange(4.0)[:, None]
    assert sigmoid(logistic_fit(features, np.ones(4, np.bool_))) == pytest.approx([0.9, 0.5])
    assert sigmoid(logistic_fit(features, np.zeros(4, np.bool_)))[0] == pytest.approx(0.1)
    assert sigmoid(logistic_fit(features[:0], np.zeros(0, np.bool_)))[0] == 0.5
    assert np.exp(poisson_fit(features, np.zeros(4)))[0] == pytest.approx(0.1)


def test_outcomes_that_a_line_parts_stay_finite() -> None:
    features = np.linspace(-1, 1, 20)[:, None] * 100
    coefficients = logistic_fit(features, features[:, 0] > 0)
    assert np.isfinite(coefficients).all()
    likely = sigmoid(linear_part(coefficients, features))
    assert (likely[:10] < 0.2).all()
    assert (likely[10:] > 0.8).all()


def test_far_outliers_do_not_overflow() -> None:
    features = np.array([[0.0], [0.0], [0.0], [50.0]])
    rates = np.exp(linear_part(poisson_fit(features, np.array([0.0, 1, 0, 9])), features))
    assert np.isfinite(rates).all()
    assert rates.sum() == pytest.approx(10)  # the intercept is free


def test_scaling_takes_the_unknown_for_the_mean() -> None:
    features = np.array([[1.0, 5, np.nan], [3.0, 5, np.nan], [np.nan, 5, np.nan]])
    scaled = Scaling.of(features).applied(features)
    assert scaled.tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert Scaling.of(features[:0]).applied(features).tolist() == np.zeros((3, 3)).tolist()


def test_entropy_at_its_ends() -> None:
    values = binary_entropy(np.array([0, 0.5, 1.0]))
    assert values == pytest.approx([0, np.log(2), 0], abs=1e-9)
