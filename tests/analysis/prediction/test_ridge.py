"""Ridge predictivity against explicit loops over scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from neurodyn.analysis.prediction import ridge
from neurodyn.analysis.prediction.ridge import PENALTIES, predicted, ridge_r
from neurodyn.analysis.shared.correlation import pearson
from neurodyn.analysis.shared.folds import fold_masks

SHAPE = (9, 4)  # conditions, times


def _population(seed, n_x, n_y, noise=0.5):
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((*SHAPE, 3))
    x = latent @ rng.standard_normal((3, n_x)) + noise * rng.standard_normal((*SHAPE, n_x))
    y = latent @ rng.standard_normal((3, n_y)) + noise * rng.standard_normal((*SHAPE, n_y)) + 7
    return x, y


def _by_loops(x, y, held_out, penalties):
    """Nested cross-validation, one fit for each fold and penalty."""
    conditions, times, n_units = y.shape
    groups = np.repeat(np.arange(conditions), times)
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, n_units)
    prediction = np.full_like(y, np.nan)
    for fold in np.asarray(held_out):
        train = np.repeat(~fold, times)
        xt, yt = x[train], y[train]
        scale = ((xt - xt.mean(0)) ** 2).sum()
        # A penalty keeps its value, that of the whole training set, where a condition is left out.
        left_out = {"groups": groups[train], "cv": LeaveOneGroupOut()}
        errors = [
            ((cross_val_predict(Ridge(alpha=a), xt, yt, **left_out) - yt) ** 2).sum(0)
            for a in penalties * scale
        ]
        best = Ridge(alpha=penalties[np.argmin(errors, 0)] * scale).fit(xt, yt)
        prediction[~train] = best.predict(x[~train])
    return prediction


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("n_x", "n_folds"), [(6, 3), (6, 9), (70, 4)])
def test_nested_cross_validation(n_x, n_folds):
    x, y = _population(0, n_x, 4)
    held_out = fold_masks(jax.random.key(3), 9, n_folds)
    penalties = np.logspace(-4, 1, 6)
    ours = jax.jit(lambda x, y: predicted(ridge.ridge_side(x, held_out, penalties), y))(x, y)
    theirs = _by_loops(x, y, held_out, penalties).reshape(y.shape)
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    flat = [[np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(theirs.T, y.T, strict=True)]]
    r = ridge_r(x, y, n_folds=n_folds, penalties=penalties, key=3)
    np.testing.assert_allclose(r, flat[0], atol=1e-8)


def test_float32_agrees():
    x, y = _population(1, 70, 10)
    with jax.enable_x64(True):
        fine = np.asarray(ridge_r(100 * x, y, key=0))
    np.testing.assert_allclose(ridge_r(100 * x, y, key=0), fine, atol=5e-3)


def test_folds_hold_out_each_condition_once():
    masks = np.asarray(fold_masks(jax.random.key(0), 11, 4))
    assert (masks.sum(0) == 1).all()
    assert sorted(masks.sum(1)) == [2, 3, 3, 3]
    assert not np.array_equal(masks, fold_masks(jax.random.key(1), 11, 4))


@pytest.mark.usefixtures("x64")
def test_invariances():
    x, y = _population(2, 6, 5)
    r = np.asarray(ridge_r(x, y))
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    padded = np.concatenate([x, np.zeros((*SHAPE, 50))], axis=-1)
    for other in (x @ turn, 1e3 * x, x - 4, padded):
        np.testing.assert_allclose(ridge_r(other, y), r, atol=1e-9)
    np.testing.assert_allclose(ridge_r(x, -3 * y + 1), r, atol=1e-9)


def test_finds_and_misses():
    x, y = _population(3, 6, 5, noise=0.01)
    assert (np.asarray(ridge_r(x, y)) > 0.99).all()
    rng = np.random.default_rng(4)
    unrelated = np.stack([ridge_r(rng.standard_normal(x.shape), y, key=i) for i in range(20)])
    assert unrelated.mean() < 0.1


def test_times_of_a_condition_are_not_split():
    # A ramp of its own in each condition: from other times of it, folds would predict its level.
    rng = np.random.default_rng(5)
    ramps = np.linspace(0, 1, 40)[None, :, None] * rng.standard_normal((8, 1, 10))
    levels = np.broadcast_to(rng.standard_normal((8, 1, 3)), (8, 40, 3))
    assert np.nanmean(ridge_r(ramps, levels)) < 0


def test_constant_units_and_gradient():
    x, y = _population(6, 5, 3)
    y[..., 1] = 0.1
    r = np.asarray(ridge_r(x, y))
    assert np.isnan(r).tolist() == [False, True, False]
    gradient = jax.grad(lambda x: jnp.nansum(ridge_r(x, y)))(jnp.asarray(x, jnp.float32))
    assert np.isfinite(gradient).all()


def test_pearson():
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((2, 5, 6, 3))
    expected = [np.corrcoef(a[..., i].ravel(), b[..., i].ravel())[0, 1] for i in range(3)]
    np.testing.assert_allclose(pearson(jnp.asarray(a), jnp.asarray(b)), expected, atol=1e-6)


def test_no_second_compilation():
    x, y = _population(8, 6, 5)
    ridge_r(x, y)
    before = ridge._ridge_r._cache_size()
    for seed in range(3):
        ridge_r(x + seed, y, penalties=np.asarray(PENALTIES) * 2, key=seed)
    assert ridge._ridge_r._cache_size() == before


def test_bad_input():
    x, y = _population(9, 6, 5)
    with pytest.raises(ValueError, match="same conditions"):
        ridge_r(x, y[:-1])
    with pytest.raises(ValueError, match="at least"):
        ridge_r(x[:2], y[:2])
    with pytest.raises(ValueError, match="between 2 and 9"):
        ridge_r(x, y, n_folds=10)
    with pytest.raises(ValueError, match="positive"):
        ridge_r(x, y, penalties=[0.0, 1.0])
    with pytest.raises(ValueError, match="condition, time, unit"):
        ridge_r(x[0], y[0])
    x[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        ridge_r(x, y)
