"""Shuffles and p-values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis
from neurodyn.analysis.comparison import null
from neurodyn.analysis.shared import resampling


def _spread(means):
    """Variance between conditions, summed."""
    return jnp.sum(jnp.var(means, axis=0))


def _first(means):
    return means[:, 0, 0]


def _trials(effect, seed=0):
    rng = np.random.default_rng(seed)
    side = rng.permutation(np.repeat([0, 1, 2], 15))
    values = rng.standard_normal((45, 4, 6)) + effect * side[:, None, None]
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords={"time": np.arange(4) * 10.0, "side": ("trial", side)},
        name="rate",
    )


def test_p_value():
    draws = np.array([0.1, 0.2, 0.3, 0.4])
    assert analysis.p_value(0.25, draws) == pytest.approx(3 / 5)
    assert analysis.p_value(0.25, draws, higher_is_better=False) == pytest.approx(3 / 5)
    assert analysis.p_value(0.4, draws) == pytest.approx(2 / 5)  # ties count
    assert analysis.p_value(9.0, draws) == pytest.approx(1 / 5)
    np.testing.assert_allclose(
        analysis.p_value([0.0, 9.0, np.nan], np.stack([draws] * 3)), [1.0, 0.2, np.nan]
    )


def test_p_values_of_labelled_scores_keep_their_labels():
    score = xr.DataArray([0.0, 9.0], coords={"metric": ["a", "b"]}, dims="metric")
    draws = xr.DataArray(np.arange(4.0), dims="draw") + xr.zeros_like(score)
    p = analysis.p_value(score, draws.sel(metric=["b", "a"]))
    assert p["metric"].values.tolist() == ["a", "b"]
    np.testing.assert_allclose(p, [1.0, 0.2])


def test_p_values_are_uniform_without_an_effect():
    p = []
    for seed in range(60):
        trials = _trials(0.0, seed)
        means = np.stack([trials.values[trials["side"] == s].mean(0) for s in range(3)])
        draws = analysis.shuffle_null(_spread, trials, "side", n=39, key=seed)
        p.append(float(analysis.p_value(float(_spread(jnp.asarray(means))), draws.values)))
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.15)


def test_effects_are_found():
    trials = _trials(1.0)
    means = np.stack([trials.values[trials["side"] == s].mean(0) for s in range(3)])
    draws = analysis.shuffle_null(_spread, trials, "side", n=99)
    assert draws.dims == ("draw",)
    assert draws.attrs["null"] == "trial labels shuffled (side)"
    assert analysis.p_value(float(_spread(jnp.asarray(means))), draws.values) == 0.01


def test_condition_means_are_permuted_whole():
    rng = np.random.default_rng(0)
    means = xr.DataArray(
        rng.standard_normal((5, 3, 2)),
        dims=("condition", "time", "unit"),
        coords={"time": [0.0, 10.0, 20.0]},
    )
    draws = analysis.shuffle_null(_first, means, n=50)
    assert draws.dims == ("draw", "axis_0")
    np.testing.assert_allclose(
        np.sort(draws, axis=1), np.sort(means[:, 0, 0])[None].repeat(50, 0), atol=1e-6
    )
    assert len(np.unique(draws.values.round(5), axis=0)) > 20
    whole = np.asarray(null.permuted(jax.random.key(0), jnp.asarray(means.values)))
    assert {w.tobytes() for w in whole} == {
        m.tobytes() for m in np.asarray(jnp.asarray(means.values))
    }


def test_shuffles_keep_the_number_of_trials_and_absent_ones():
    codes = jnp.asarray([0, 3, 1, 1, 3, 2, 0, 1], jnp.int32)
    for seed in range(10):
        shuffled = np.asarray(resampling._shuffled(jax.random.key(seed), codes, 3))
        np.testing.assert_array_equal(np.flatnonzero(shuffled == 3), [1, 4])
        np.testing.assert_array_equal(np.bincount(shuffled), np.bincount(np.asarray(codes)))


def test_bad_input():
    with pytest.raises(ValueError, match="number of shuffles"):
        analysis.shuffle_null(_spread, _trials(0.0), "side", n=0)
