"""Measures do not depend on units of measurement, offsets, or on who else is in an ensemble."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels

N_CONDITIONS, N_TIMES = 8, 10
COHERENCE = np.arange(N_CONDITIONS) / N_CONDITIONS
RNG = np.random.default_rng(0)
LATENTS = np.cumsum(RNG.standard_normal((N_CONDITIONS, N_TIMES, 3)), 1)


def population(n_units, seed):
    rng = np.random.default_rng(seed)
    noise = 0.3 * rng.standard_normal((N_CONDITIONS, N_TIMES, n_units))
    return LATENTS @ rng.standard_normal((3, n_units)) + noise


X, Y = population(6, 1), population(5, 2)


def means(values, source="model"):
    dims = ("seed", "condition", "time", "unit")[-np.ndim(values) :]
    coords = {"time": labels.time_axis(N_TIMES, 20.0), "side": ("condition", np.arange(8))}
    rate = {"rate": (dims, values, "Hz", "rate")}
    return labels.dataset(rate, coords, source=source, values=False)


def trials_of(values):
    """Six noisy trials of each condition, whose noise is a part of the signal's size."""
    rng = np.random.default_rng(3)
    trials = np.repeat(values, 6, axis=0)
    trials = trials + 0.5 * values.std((0, 1)) * rng.standard_normal(trials.shape)
    return xr.DataArray(
        trials,
        {
            "time": labels.time_axis(N_TIMES, 20.0),
            "coherence": ("trial", np.repeat(COHERENCE, 6)),
            "trial": np.arange(len(trials)),
        },
        ("trial", "time", "unit"),
        name="rate",
    )


def flat(x):
    return x.reshape(-1, x.shape[-1])


def changed(x, scale, offset):
    # An offset of each unit's own.
    return x * scale + offset * (1 + np.arange(x.shape[-1]) / 7)


def test_many_samples_are_summed_as_exactly_as_few():
    """In float32 a sum of a million products, one after the other, is off by 1e-3."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300_001, 2))
    y = x[:, :1] + rng.standard_normal((len(x), 2))
    x, y = x - x.mean(0), y - y.mean(0)
    xx, yy, xy = x.T @ x, y.T @ y, x.T @ y
    cka = np.sum(xy**2) / np.linalg.norm(xx) / np.linalg.norm(yy)
    angle = np.linalg.svd(xy, compute_uv=False).sum() / np.sqrt(np.trace(xx) * np.trace(yy))
    assert float(analysis.linear_cka(x, y)) == pytest.approx(cka, rel=3e-6)
    # The bias of so many samples is far below that.
    assert float(analysis.debiased_cka(x, y)) == pytest.approx(cka, rel=1e-4)
    assert float(analysis.procrustes_angle(x, y)) == pytest.approx(np.arccos(angle), rel=3e-6)


def test_a_statistic_that_float32_cannot_hold_is_named():
    with pytest.warns(UserWarning, match="6 units of activity vary little around large values"):
        analysis.shuffle_null(jnp.std, means(X + 1e6), n=2)


def test_variances_keep_their_units():
    small, large = analysis.pca(means(X)), analysis.pca(means(changed(X, 1e4, 1e6)))
    np.testing.assert_allclose(large.variance, 1e8 * small.variance, rtol=1e-4)
    np.testing.assert_allclose(large.scores, 1e4 * small.scores, rtol=1e-3, atol=1)
    np.testing.assert_allclose(large["mean"], changed(X, 1e4, 1e6).mean((0, 1)), rtol=1e-9)
    np.testing.assert_allclose(
        small.variance, np.linalg.eigvalsh(np.cov(flat(X).T))[::-1][:3], rtol=1e-4
    )


BAD = {
    "constant": np.full_like(X, 0.3),
    "zero": np.zeros_like(X),
    "NaN": np.full_like(X, np.nan),
    "infinite at one time": np.where(np.arange(10)[:, None] == 3, np.inf, X),
}


@pytest.fixture(scope="module")
def healthy():
    return compared([X, population(6, 5), population(6, 4)])


def compared(members):
    rec = trials_of(Y).to_dataset().assign_attrs(source="recording")
    run = (
        means(np.stack(members))
        .rename(side="coherence")
        .assign_coords(coherence=("condition", COHERENCE))
    )
    metrics = ["cka", "debiased_cka", "procrustes", "ridge_r", "pls_r", "nonnegative_r"]
    options = {"by": "coherence", "n_null": 8, "n_splits": 3, "min_ceiling": 0.0}
    return analysis.compare(run, rec, metrics, **options)


@pytest.mark.parametrize("kind", BAD)
def test_a_dead_member_changes_nothing_of_the_others(healthy, kind):
    found = compared([X, BAD[kind], population(6, 4)])
    assert found.attrs["members_without_score"] == "1"
    assert healthy.attrs["members_without_score"] == ""
    for name, variable in healthy.data_vars.items():
        kept = found[name]
        if "seed" in variable.dims:
            assert kept.sel(seed=1).isnull().all(), name
            kept, variable = (v.sel(seed=[0, 2]) for v in (kept, variable))
        np.testing.assert_allclose(kept, variable, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_run_that_is_nothing_but_missing_is_refused():
    with pytest.raises(labels.LabelError, match="the run are NaN"):
        analysis.compare(means(BAD["NaN"]), means(Y, "recording"), by="side", n_null=0)
