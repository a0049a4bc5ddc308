"""Ridge autoregression against scikit-learn, and on a linear system."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurodyn import analysis, labels

RNG = np.random.default_rng(0)


def test_weights_against_scikit_learn():
    train, new = RNG.normal(size=(4, 12, 2)), RNG.normal(size=(2, 9, 2))
    got = analysis.ridge_forecast(train, new, n_horizons=2, n_lags=3, penalty=0.1)
    labels.check(got)

    def lagged(x):
        first = np.repeat(x[:, :1], 2, axis=1)
        padded = np.concatenate([first, x], axis=1)
        return np.concatenate([padded[:, 2 - k : 2 - k + x.shape[1]] for k in range(3)], axis=2)

    for h in (1, 2):
        A, B = lagged(train)[:, :-h].reshape(-1, 6), train[:, h:].reshape(-1, 2)
        load = 0.1 * A.var(0).mean() * len(A)
        # The library says the penalty relative to the variance, so scikit-learn gets the product.
        fitted = Ridge(alpha=load).fit(A, B)
        expected = fitted.predict(lagged(new).reshape(-1, 6)).reshape(2, 9, 2)
        np.testing.assert_allclose(got["prediction"].sel(horizon=h), expected, atol=1e-5)


def test_a_linear_system_is_predicted_exactly():
    a = 0.4
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    x = np.empty((5, 30, 2))
    x[:, 0] = RNG.normal(size=(5, 2))
    for k in range(29):
        x[:, k + 1] = x[:, k] @ turn.T
    got = analysis.ridge_forecast(x[:4], x[4:], n_horizons=5, n_lags=2)
    assert float(analysis.forecast_error(got, x[4:]).max()) < 1e-6


def test_noise_gets_a_penalty():
    x = RNG.normal(size=(6, 20, 2))
    got = analysis.ridge_forecast(x, x, n_horizons=1, n_lags=8)
    assert float(got["penalty"][0]) > 0.1


def test_bad_arguments_are_named():
    x = RNG.normal(size=(6, 20, 2))
    with pytest.raises(ValueError, match="too short"):
        analysis.ridge_forecast(x, x, n_horizons=19)
    with pytest.raises(ValueError, match="outputs"):
        analysis.ridge_forecast(x, x[..., :1], n_horizons=1)
    with pytest.raises(ValueError, match="n_lags"):
        analysis.ridge_forecast(x, x, n_horizons=1, n_lags=0)
