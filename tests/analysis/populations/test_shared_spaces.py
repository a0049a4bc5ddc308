"""Dimensionality without noise, factor analysis, and overlap of subspaces, against known data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import xarray as xr
from jaxtyping import TypeCheckError
from sklearn.decomposition import FactorAnalysis

from neurodyn import analysis, labels
from neurodyn.analysis.populations.reproducible import _products
from neurodyn.analysis.shared.resampling import Trials
from neurodyn.labels import LabelError

RNG = np.random.default_rng(0)


def _trials(values, side, **more):
    names = {n: ("trial", v) for n, v in more.items()}
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), values, "Hz", "rate", "rate")},
        {"time": labels.time_axis(values.shape[1], 20.0), "side": ("trial", side), **names},
        source="recording",
    )


def _toy():
    """The toy pair of populations whose participation ratios are 3.438650 and 2.145245."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 5))
    x = z @ rng.standard_normal((5, 12)) + 0.5 * rng.standard_normal((60, 12))
    y = z @ rng.standard_normal((5, 8)) + 0.5 * rng.standard_normal((60, 8))
    return x, y


def _means(x):
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), x[:, None], "Hz", "rate")},
        {"time": [20.0]},
        source="recording",
        attrs={"bin_width": 20.0},
    )


def test_ratios_of_the_toy_pair():
    for values, ratio in zip(_toy(), (3.438650, 2.145245), strict=True):
        assert float(analysis.participation_ratio(_means(values))) == pytest.approx(ratio, abs=2e-6)


def test_the_ratio_without_noise_is_unbiased():
    """400 data sets of correlated noise: the ratio of the mean products is that of the signal."""

    rng = np.random.default_rng(1)
    signal = rng.standard_normal((20, 3)) @ rng.standard_normal((3, 10))
    signal = signal - signal.mean(0)
    mixing = rng.standard_normal((2, 10)) * 2  # noise that units share
    codes = np.repeat(np.arange(20), 4)
    scatter = signal.T @ signal

    def one(key):
        data, splits = jax.random.split(key)
        shared, own = jax.random.split(data)
        noise = jax.random.normal(shared, (80, 2)) @ mixing + jax.random.normal(own, (80, 10))
        trials = Trials((signal[codes] + noise)[None, :, None], jnp.asarray(codes)[None], counts)
        top, bottom = _products(jax.random.split(splits, 5), trials)
        means = (signal[codes] + noise).reshape(20, 4, 10).mean(1)
        means = means - means.mean(0, keepdims=True)
        plain = means.T @ means
        return top.mean(), bottom.mean(), jnp.trace(plain) ** 2, jnp.sum(plain**2)

    counts = np.full((1, 20), 4)
    found = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 400)), np.float64)
    truth = np.trace(scatter) ** 2, np.sum(scatter**2)
    for values, true in zip(found, truth, strict=False):
        assert abs(values.mean() - true) < 3 * values.std() / np.sqrt(400)
    for values, true in zip(found[2:], truth, strict=True):
        assert values.mean() - true > 10 * values.std() / np.sqrt(400)


def test_the_ratio_without_noise_of_labelled_trials():
    rng = np.random.default_rng(2)
    latent = rng.standard_normal((30, 6, 3)) @ np.linalg.qr(rng.standard_normal((20, 3)))[0].T
    side = np.repeat(np.arange(30), 8)
    trials = _trials(latent[side] * 2 + rng.standard_normal((240, 6, 20)), side)
    true = float(analysis.participation_ratio(_trials(latent, np.arange(30)), by="side"))
    plain = analysis.participation_ratio(trials, by="side")
    found = analysis.participation_ratio(trials, by="side", cross_validated=True, n_splits=40)
    assert float(found) == pytest.approx(true, rel=0.05)
    assert float(plain) > 1.15 * true
    assert (found.attrs["cross_validated"], found.attrs["n_samples"]) == (1, 180)
    wide = trials.isel(time=[0], trial=np.flatnonzero(side < 9))
    assert np.isfinite(analysis.participation_ratio(wide, by="side", cross_validated=True))
    few = slice(0, 11)
    with pytest.raises(LabelError, match="4 trials of each condition"):
        analysis.participation_ratio(trials.isel(trial=few), by="side", cross_validated=True)
    with pytest.raises(LabelError, match="about the signal"):
        analysis.participation_ratio(trials, covariance="noise", by="side", cross_validated=True)
    with pytest.raises(LabelError, match="condition means"):
        analysis.participation_ratio(_means(latent[:, 0]), cross_validated=True)


@pytest.fixture(scope="module")
def counts():
    """Trials with three shared factors, and private noise that differs between units."""
    rng = np.random.default_rng(3)
    side = np.repeat([0, 1], 300)
    loadings = rng.standard_normal((12, 3)) * [3.0, 2.0, 1.5]
    private = rng.uniform(1, 8, 12)
    noise = rng.standard_normal((600, 3)) @ loadings.T
    noise = noise + rng.standard_normal((600, 12)) * np.sqrt(private)
    rate = 20 + 30 * side[:, None] * rng.standard_normal(12) + noise
    return _trials(rate[:, None], side), loadings, private


def test_factors_are_those_of_scikit_learn_and_of_the_data(counts):
    data, loadings, private = counts
    found = analysis.factor_analysis(data, by="side", max_factors=6)
    labels.check(found)
    assert found.attrs["n_factors"] == 3
    assert found.attrs["covariance"] == "noise"
    assert int(found["log_likelihood"].argmax("n_factors")) == 3
    np.testing.assert_allclose(found["private_variance"], private, rtol=0.4)
    share = (loadings**2).sum(1) / ((loadings**2).sum(1) + private)
    np.testing.assert_allclose(found["shared"], share, atol=0.1)
    assert float(found["shared_variance"]) == pytest.approx(share.mean(), abs=0.02)
    assert int(found["n_shared"]) == 3
    side = data["side"].values
    x = data["rate"].values[:, 0]
    x = x - np.stack([x[side == s].mean(0) for s in (0, 1)])[side]
    theirs = FactorAnalysis(3, svd_method="lapack", tol=1e-10, max_iter=10000).fit(x)
    ours = found["loadings"].values
    np.testing.assert_allclose(
        ours @ ours.T, theirs.components_.T @ theirs.components_, atol=0.02 * x.var(0).max()
    )
    angle = scipy.linalg.subspace_angles(ours, loadings)
    assert np.degrees(angle).max() < 6
    assert (found["scores"].std("trial") < 1.1).all()
    assert (np.diff(found["explained"]) < 0).all()
    far = analysis.factor_analysis(data.assign(rate=data["rate"] * 1e9), 3, by="side")
    np.testing.assert_allclose(far["loadings"] / 1e9, ours, rtol=1e-4, atol=1e-6)


def test_factors_that_cannot_be_found_are_refused(counts):
    data = counts[0]
    with pytest.raises(LabelError, match="do not vary"):
        analysis.factor_analysis(data.assign(rate=data["rate"] * (np.arange(12) > 0)), by="side")
    with pytest.raises(ValueError, match="at most 11"):
        analysis.factor_analysis(data, 12, by="side")
    with pytest.raises(ValueError, match="n_folds"):
        analysis.factor_analysis(data.isel(trial=[0, 1, 2, 400]), by="side", n_folds=9)
    alone = np.random.default_rng(4).standard_normal((200, 1, 6))
    none = analysis.factor_analysis(_trials(alone, np.zeros(200, int)), by="side")
    assert none.attrs["n_factors"] == 0
    assert float(none["shared_variance"]) == 0


def _epochs(overlap, noise=0.3, seed=5):
    """Two epochs with planes that share `overlap` axes, and single trials."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((30, 4)))[0]
    side = np.repeat(np.arange(12), 6)
    epochs = []
    for columns in ([0, 1], [1, 2] if overlap else [2, 3]):
        patterns = rng.standard_normal((12, 5, 2)) * [2.0, 1.5] @ axes[:, columns].T
        epochs.append(_trials(patterns[side] + noise * rng.standard_normal((72, 5, 30)), side))
    return epochs


def test_angles_are_those_of_scipy_and_have_controls():
    a, b = _epochs(overlap=True)
    found = analysis.subspace_angles(a, b, 2, by="side", n_draws=200, n_splits=10)
    labels.check(found)
    axes = []
    for epoch in (a, b):
        means = analysis.pca(epoch.groupby("side").mean().rename(side="condition")["rate"], 2)
        axes.append(means["loadings"].values)
    theirs = np.sort(np.degrees(scipy.linalg.subspace_angles(*axes)))
    np.testing.assert_allclose(found["angle"], theirs, atol=0.02)
    assert found["angle"][0] < 8 < 80 < found["angle"][1]
    assert found["halves_a"].max() < 15
    assert found["p_value"][0] < 0.05 < found["p_value"][1]
    uniform = analysis.subspace_angles(
        a, b, 2, by="side", chance="uniform", n_draws=500, n_splits=2
    )
    expected = analysis.random_angles(30, 2, 2, n_draws=500, key=1).mean(0)
    np.testing.assert_allclose(uniform["random"].mean("draw"), expected, atol=1.5)
    assert float(found["random"].mean()) < float(uniform["random"].mean())
    same = analysis.subspace_angles(a, a, 2, by="side", n_draws=20, n_splits=2)
    assert float(same["angle"].max()) < 1e-5
    swapped = analysis.subspace_angles(
        a, b.isel(unit=slice(None, None, -1)), 2, by="side", n_draws=20, n_splits=2
    )
    np.testing.assert_allclose(swapped["angle"], found["angle"])
    noise = analysis.subspace_angles(a, b, 2, covariance="noise", by="side", n_draws=20, n_splits=3)
    assert noise.attrs["covariance"] == "noise"
    assert float(noise["halves_a"].mean()) > 30  # white noise has no axes of its own


def test_alignment_index_is_that_of_its_definition():
    a, b = _epochs(overlap=True)
    found = analysis.alignment_index(a, b, 2, by="side", n_draws=200, n_splits=10)
    labels.check(found)
    means = [e["rate"].groupby("side").mean().transpose("side", "time", "unit") for e in (a, b)]
    c = [np.cov(m.values.reshape(-1, 30).T) for m in means]
    for one, other, name in ((0, 1, "index"), (1, 0, "index_of_a")):
        q = np.linalg.eigh(c[one])[1][:, -2:]
        expected = np.trace(q.T @ c[other] @ q) / np.linalg.eigvalsh(c[other])[-2:].sum()
        assert float(found[name]) == pytest.approx(expected, abs=1e-6)
    assert (found["halves_b"] > 0.95).all()
    apart = analysis.alignment_index(*_epochs(overlap=False), 2, by="side", n_draws=200)
    assert float(apart["index"]) < 0.02
    assert float(apart["p_low"]) < 0.05 < float(apart["p_high"])
    same = analysis.alignment_index(a, a, 2, by="side", n_draws=20)
    assert float(same["index"]) == pytest.approx(1.0)
    # All axes hold everything.
    x, y = _toy()
    whole = analysis.alignment_index(_means(x[:, :8]), _means(y), 8, n_draws=5)
    assert float(whole["index"]) == pytest.approx(1.0)
    few = analysis.alignment_index(_means(x[:, :8]), _means(y), 2, n_draws=5)
    q = np.linalg.eigh(np.cov(x[:, :8].T))[1][:, -2:]
    expected = np.trace(q.T @ np.cov(y.T) @ q) / np.linalg.eigvalsh(np.cov(y.T))[-2:].sum()
    assert float(few["index"]) == pytest.approx(expected, abs=1e-9)


def test_subspaces_that_cannot_be_compared_are_refused():
    a, b = _epochs(overlap=True)
    with pytest.raises(LabelError, match="unit"):
        analysis.subspace_angles(a, b.assign_coords(unit=np.arange(30) + 5), 2, by="side")
    with pytest.raises(ValueError, match="varies in"):
        analysis.alignment_index(a.isel(unit=[0, 1]), b.isel(unit=[0, 1]), 3, by="side")
    with pytest.raises((ValueError, TypeCheckError), match="chance"):
        analysis.alignment_index(a, b, 2, by="side", chance="none")
    with pytest.raises((ValueError, TypeCheckError), match="covariance"):
        analysis.subspace_angles(a, b, 2, by="side", covariance="total")
    with pytest.raises(LabelError, match="trial"):
        analysis.subspace_angles(a, xr.zeros_like(b["rate"]).isel(trial=0), 2, by="side")
