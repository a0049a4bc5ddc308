"""Measures do not depend on units of measurement, offsets, or on who else is in an ensemble."""

import jax
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


#: Measures of one population that do not depend on scale or offset.
ONE = {
    "autocorrelation": lambda x: analysis.autocorrelation(trials_of(x), across="trials"),
    "autocorrelation in time": lambda x: analysis.autocorrelation(trials_of(x), across="time"),
    "decode": lambda x: analysis.decode(trials_of(x), "coherence", n_folds=3).prediction,
    "n_components": lambda x: analysis.n_components(means(x)),
    "participation_ratio": lambda x: analysis.participation_ratio(means(x)),
    "pca": lambda x: analysis.pca(means(x)).explained,
    "pca, axes": lambda x: analysis.pca(means(x)).loadings,
    "split_half_reliability": lambda x: (
        analysis.split_half_reliability(trials_of(x), "coherence", n_splits=4).reliability
    ),
}
#: Measures of two populations that do not depend on scale or offset.
TWO = {
    "cka": lambda x, y: analysis.cka(means(x), means(y)),
    "debiased cka": lambda x, y: analysis.cka(means(x), means(y), debiased=True),
    "linear_cka": lambda x, y: analysis.linear_cka(flat(x), flat(y)),
    "debiased_cka": lambda x, y: analysis.debiased_cka(flat(x), flat(y)),
    "procrustes": lambda x, y: analysis.procrustes(means(x), means(y)),
    "procrustes_angle": lambda x, y: analysis.procrustes_angle(flat(x), flat(y)),
    "ridge_r": lambda x, y: analysis.ridge_r(x, y),
    "shape_angle, whitened": lambda x, y: analysis.shape_angle(flat(x), flat(y), alpha=0.0),
    "compare": lambda x, y: (
        analysis.compare(means(x), means(y, "recording"), by="side", n_null=5).score
    ),
    "compare, p": lambda x, y: (
        analysis.compare(means(x), means(y, "recording"), by="side", n_null=5).p_value
    ),
}
SCALES = [(s, 0.0) for s in (1e-9, 1e-3, 1e3, 5e3, 1e9)] + [(1.0, 1e5), (1e-3, -1e3), (1e6, 1e9)]


def changed(x, scale, offset):
    # An offset of each unit's own.
    return x * scale + offset * (1 + np.arange(x.shape[-1]) / 7)


@pytest.mark.parametrize("name", ONE)
def test_scale_and_offset_of_one_population(name):
    want = np.asarray(ONE[name](X))
    for scale, offset in SCALES:
        found = ONE[name](changed(X, scale, offset))
        np.testing.assert_allclose(found, want, rtol=2e-3, atol=2e-4, err_msg=f"{scale} {offset}")


@pytest.mark.parametrize("name", TWO)
def test_scale_and_offset_of_two_populations(name):
    want = np.asarray(TWO[name](X, Y))
    assert np.isfinite(want).all()
    for scale, offset in SCALES:
        for x, y in (
            (changed(X, scale, offset), Y),
            (X, changed(Y, scale, offset)),
            (changed(X, scale, offset), changed(Y, 1 / scale, offset / scale**2)),
        ):
            found = TWO[name](x, y)
            np.testing.assert_allclose(found, want, rtol=2e-3, atol=2e-4, err_msg=f"{scale}")


def test_scale_inside_of_a_program():
    """The same in float32, where values are not looked at beforehand."""
    x, y = jnp.asarray(flat(X), jnp.float32), jnp.asarray(flat(Y), jnp.float32)
    for measure in (analysis.linear_cka, analysis.debiased_cka, analysis.procrustes_angle):
        compiled = jax.jit(measure)
        for scale in (1e-9, 1e3, 1e9):
            assert float(compiled(scale * x, y)) == pytest.approx(float(compiled(x, y)), rel=1e-4)
    assert float(analysis.linear_cka(1e6 * flat(X), 1e6 * flat(X))) == pytest.approx(1, abs=1e-6)


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
    return compared([X, population(6, 4)])


def compared(members):
    rec = trials_of(Y).to_dataset().assign_attrs(source="recording")
    run = (
        means(np.stack(members))
        .rename(side="coherence")
        .assign_coords(coherence=("condition", COHERENCE))
    )
    return analysis.compare(run, rec, by="coherence", n_null=8, n_splits=3, min_ceiling=0.0)


@pytest.mark.parametrize("kind", BAD)
def test_a_dead_member_changes_nothing_of_the_others(healthy, kind):
    found = compared([X, BAD[kind], population(6, 4)])
    assert found.attrs["members_without_score"] == "1"
    assert healthy.attrs["members_without_score"] == ""
    for name, variable in healthy.data_vars.items():
        kept = found[name]
        if "seed" in variable.dims:
            dead = kept.sel(seed=1)
            assert dead.isnull().all(), name
            kept = kept.sel(seed=[0, 2])
        np.testing.assert_allclose(kept, variable, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_run_that_is_nothing_but_missing_is_refused():
    with pytest.raises(labels.LabelError, match="the run are NaN"):
        analysis.compare(means(BAD["NaN"]), means(Y, "recording"), by="side", n_null=0)
