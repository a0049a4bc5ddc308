"""Partial least squares and non-negative regression against scikit-learn and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.cross_decomposition import PLSRegression

from neurodyn.analysis import nonnegative_r, pls_r
from neurodyn.analysis.prediction.pls import pls_path
from neurodyn.analysis.shared.folds import fold_masks
from neurodyn.analysis.shared.nonnegative import nonnegative_path


def _pair(seed, n_x, n_y, shape=(9, 6), noise=0.5):
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((*shape, 4))
    x = latent @ rng.standard_normal((4, n_x)) + noise * rng.standard_normal((*shape, n_x))
    y = latent @ rng.standard_normal((4, n_y)) + noise * rng.standard_normal((*shape, n_y))
    return x, y + 3


def _by_folds(x, y, key, n_folds, fit):
    """Correlation of each unit with predictions, one regression a fold."""
    held_out = np.asarray(fold_masks(jax.random.key(key), len(x), n_folds))
    guess = np.full_like(y, np.nan)
    for out in held_out:
        xt, yt = (v[~out].reshape(-1, v.shape[-1]) for v in (x, y))
        guess[out] = fit(xt, yt, x[out].reshape(-1, x.shape[-1])).reshape(y[out].shape)
    pairs = zip(guess.reshape(-1, y.shape[-1]).T, y.reshape(-1, y.shape[-1]).T, strict=True)
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in pairs])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_x", "n_y", "n"), [(12, 8, 5), (12, 1, 12), (70, 20, 25)])
def test_partial_least_squares_are_those_of_scikit_learn(n_x, n_y, n):
    x, y = _pair(0, n_x, n_y)
    model = PLSRegression(n, scale=False, tol=1e-15, max_iter=100_000)
    expected = _by_folds(x, y, 3, 4, lambda a, b, at: model.fit(a, b).predict(at))
    np.testing.assert_allclose(
        pls_r(x, y, n_components=n, n_folds=4, key=3), expected, rtol=0, atol=1e-6
    )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_x", "n_y"), [(12, 8), (30, 5)])
def test_nonnegative_regression_is_that_of_scipy(n_x, n_y):
    x, y = _pair(1, n_x, n_y)

    def fit(a, b, at):
        weights = [nnls(a - a.mean(0), column - column.mean())[0] for column in b.T]
        return (at - a.mean(0)) @ np.transpose(weights) + b.mean(0)

    expected = _by_folds(x, y, 2, 3, fit)
    np.testing.assert_allclose(nonnegative_r(x, y, n_folds=3, key=2), expected, atol=1e-6, rtol=0)


@pytest.mark.usefixtures("x64")
def test_nonnegative_weights_are_found_where_exchanges_of_all_cycle():
    # Of some of these units block pivoting alone never ends (more predictors than samples).
    for seed in (0, 4):
        rng = np.random.default_rng(seed)
        latent = rng.standard_normal((30, 5))
        x = latent @ rng.standard_normal((5, 50)) + 0.5 * rng.standard_normal((30, 50))
        y = latent @ rng.standard_normal((5, 20)) + 0.5 * rng.standard_normal((30, 20))
        x, y = x - x.mean(0), y - y.mean(0)
        products = (jnp.asarray(x.T @ x), jnp.asarray(x.T @ y), jnp.zeros(1))
        weights = np.asarray(nonnegative_path(*products, n_samples=30)[0])
        assert (weights >= 0).all()
        best = np.array([nnls(x, column)[1] ** 2 for column in y.T])
        np.testing.assert_allclose(((y - x @ weights) ** 2).sum(0), best, atol=1e-4)


@pytest.mark.usefixtures("x64")
def test_components_beyond_the_rank_add_nothing():
    x, y = _pair(2, 5, 3)
    flat = x.reshape(-1, 5) - x.reshape(-1, 5).mean(0)
    flat = flat @ np.random.default_rng(1).standard_normal((5, 9))  # rank 5 of 9
    goal = y.reshape(-1, 3) - y.reshape(-1, 3).mean(0)
    path = np.asarray(pls_path(jnp.asarray(flat.T @ flat), jnp.asarray(flat.T @ goal), 9))
    np.testing.assert_allclose(flat @ path[4], flat @ np.linalg.pinv(flat) @ goal, atol=1e-8)
    np.testing.assert_allclose(flat @ path[8], flat @ path[4], atol=1e-8)


def test_what_has_no_answer():
    x, y = _pair(3, 6, 3)
    y[..., 1] = 0.1
    for score in (pls_r, nonnegative_r):
        assert np.isnan(score(x, y)).tolist() == [False, True, False]
        with pytest.raises(ValueError, match="same conditions"):
            score(x, y[:-1])
        with pytest.raises(ValueError, match="NaN or infinite"):
            score(np.where(x > 2, np.nan, x), y)
    with pytest.raises(ValueError, match="1 at least"):
        pls_r(x, y, n_components=0)
