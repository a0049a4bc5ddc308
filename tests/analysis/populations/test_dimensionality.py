"""Dimensionality against published numbers, scikit-learn and known spectra."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import TypeCheckError
from sklearn.decomposition import PCA

from neurodyn import analysis, datasets, labels
from neurodyn.analysis.populations.dimensionality import (
    cross_validated_participation,
    participation,
)
from neurodyn.analysis.populations.pca import principal_axes
from neurodyn.labels import LabelError


@pytest.fixture
def toy():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 5))
    x = z @ rng.standard_normal((5, 12)) + 0.5 * rng.standard_normal((60, 12))
    y = z @ rng.standard_normal((5, 8)) + 0.5 * rng.standard_normal((60, 8))
    return x, y


def _means(values, name="rate"):
    c, t, _ = values.shape
    return xr.DataArray(
        values,
        dims=("condition", "time", "unit"),
        coords={
            "time": ("time", np.arange(t) * 10.0, {"units": "ms"}),
            "side": ("condition", np.arange(c)),
        },
        name=name,
        attrs={"units": "Hz", "long_name": "firing rate"},
    )


@pytest.mark.usefixtures("x64")
def test_reference_values(toy):
    x, y = toy
    assert float(participation(x)) == pytest.approx(3.438650, abs=1e-6)
    assert float(participation(y)) == pytest.approx(2.145245, abs=1e-6)
    assert float(participation(x.T)) == pytest.approx(_by_eigenvalues(x.T), abs=1e-9)


def _by_eigenvalues(x):
    values = np.linalg.eigvalsh(np.cov(x.T))
    return values.sum() ** 2 / (values**2).sum()


@pytest.mark.skipif("NEURODYN_DATA" not in os.environ, reason="NEURODYN_DATA is not set")
@pytest.mark.usefixtures("x64")
def test_motor_cortex():
    rate = datasets.load("hatsopoulos2007")["rate"]
    assert float(analysis.participation_ratio(rate)) == pytest.approx(3.295077, abs=1e-6)
    assert int(analysis.n_components(rate, 0.9)) == 9
    reference = PCA().fit(rate.values.reshape(-1, 141).astype(np.float64))
    np.testing.assert_allclose(
        analysis.pca(rate, 9)["explained"], reference.explained_variance_ratio_[:9], rtol=1e-9
    )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("shape", [(6, 10, 12), (3, 5, 40)])
def test_pca_agrees_with_scikit_learn(shape):
    rng = np.random.default_rng(1)
    data = _means(rng.standard_normal(shape) * np.linspace(1, 3, shape[2]) + 5)
    ours, theirs = analysis.pca(data, 4), PCA(4).fit(data.values.reshape(-1, shape[2]))
    np.testing.assert_allclose(ours["variance"], theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours["explained"], theirs.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(np.abs(ours["loadings"]), np.abs(theirs.components_.T), atol=1e-9)
    flat = data.values.reshape(-1, shape[2])
    signs = np.sign(theirs.components_[range(4), np.abs(theirs.components_).argmax(1)])
    np.testing.assert_allclose(
        ours["scores"].values.reshape(-1, 4), theirs.transform(flat) * signs, atol=1e-8
    )
    assert ours["scores"].dims == ("condition", "time", "component")
    assert ours["side"].dims == ("condition",)
    labels.check(ours)


@pytest.mark.usefixtures("x64")
def test_axes_of_wide_and_tall_data_agree():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((20, 6))
    x = jnp.asarray(x - x.mean(0))
    tall, _ = principal_axes(x)
    wide, axes = principal_axes(jnp.hstack([x, jnp.zeros((20, 30))]))
    np.testing.assert_allclose(wide[:6], tall, rtol=1e-10)
    np.testing.assert_allclose(axes[:, :6].T @ axes[:, :6], np.eye(6), atol=1e-10)


def test_white_noise_note():
    rng = np.random.default_rng(3)
    data = _means(rng.standard_normal((10, 5, 100)))
    ratio = analysis.participation_ratio(data)
    assert ratio.attrs["white_noise"] == pytest.approx(100 * 50 / 150)
    assert float(ratio) == pytest.approx(ratio.attrs["white_noise"], rel=0.1)


def test_cross_validation_sees_through_noise():
    rng = np.random.default_rng(4)
    signal = rng.standard_normal((400, 3)) @ np.linalg.qr(rng.standard_normal((60, 3)))[0].T * 4
    noise = rng.standard_normal((2, 400, 60)) * np.sqrt(2) * 0.8
    halves = signal + noise
    true = float(participation(signal))
    plain = float(participation(halves.mean(0)))
    shared = float(cross_validated_participation(*halves))
    assert plain > 1.5 * true
    assert shared == pytest.approx(true, rel=0.1)
    both = xr.concat([_means(h.reshape(20, 20, 60)) for h in halves], "repetition")
    ratio = analysis.participation_ratio(both)
    assert float(ratio) == pytest.approx(shared, rel=1e-5)
    assert ratio.attrs["cross_validated"] == 1
    tall = cross_validated_participation(halves[0, :30], halves[1, :30])
    a, b = (h[:30] - h[:30].mean(0) for h in halves)
    c = a.T @ b
    assert float(tall) == pytest.approx(np.trace(c) ** 2 / np.trace(c @ c), rel=1e-4)


def test_signal_and_noise_covariance():
    rng = np.random.default_rng(5)
    side = np.repeat([0, 1, 2], 20)
    means = rng.standard_normal((3, 8, 10)) * 5
    noise = rng.standard_normal((60, 8, 2)) @ rng.standard_normal((2, 10))
    trials = xr.DataArray(
        means[side] + noise,
        dims=("trial", "time", "unit"),
        coords={"time": np.arange(8) * 10.0, "side": ("trial", side)},
        name="rate",
    )
    averaged = np.stack([trials.values[side == s].mean(0) for s in range(3)])
    ratio = {
        kind: float(analysis.participation_ratio(trials, covariance=kind, by="side"))
        for kind in ("signal", "noise", "total")
    }
    assert ratio["signal"] == pytest.approx(_by_eigenvalues(averaged.reshape(-1, 10)), rel=1e-4)
    residual = (trials.values - averaged[side]).reshape(-1, 10)
    assert ratio["noise"] == pytest.approx(_by_eigenvalues(residual), rel=1e-4)
    assert ratio["noise"] < 2.001
    assert ratio["total"] == pytest.approx(_by_eigenvalues(trials.values.reshape(-1, 10)), rel=1e-4)
    with pytest.raises(LabelError, match="by="):
        analysis.participation_ratio(trials)
    with pytest.raises(LabelError, match="condition means only"):
        analysis.participation_ratio(_means(means), covariance="noise")
    apart = trials.assign_attrs(simultaneous=0)
    for call in (analysis.participation_ratio, analysis.n_components, analysis.factor_analysis):
        with pytest.raises(LabelError, match="not recorded at the same time"):
            call(apart, covariance="noise", by="side")
    with pytest.raises(LabelError, match="take covariance='signal'"):
        analysis.participation_ratio(apart, covariance="total")
    with_means = analysis.participation_ratio(
        _means(means).assign_attrs(simultaneous=0), covariance="total"
    )
    assert float(with_means) == pytest.approx(_by_eigenvalues(means.reshape(-1, 10)), rel=1e-4)
    with pytest.raises((ValueError, TypeCheckError), match="'signal', 'noise'"):
        analysis.participation_ratio(trials, covariance="both", by="side")


def test_gradient_of_participation():
    x = jnp.asarray(np.random.default_rng(6).standard_normal((12, 5)), jnp.float32)
    gradient = jax.grad(participation)(x)
    assert np.isfinite(gradient).all()
    assert float(jnp.sum(gradient * x)) == pytest.approx(0, abs=1e-4)  # no scale


def test_bad_input():
    data = _means(np.random.default_rng(7).standard_normal((3, 4, 5)))
    with pytest.raises(ValueError, match="between 1 and 5"):
        analysis.pca(data, 6)
    with pytest.raises(ValueError, match="fraction"):
        analysis.n_components(data, 1.2)
    with pytest.raises(LabelError, match="seed"):
        analysis.pca(xr.concat([data, data], "seed"))
    with pytest.raises(LabelError, match="choose one"):
        analysis.pca(xr.Dataset({"a": data, "b": data}))
    with pytest.raises(LabelError, match="no variable 'c'"):
        analysis.pca(xr.Dataset({"a": data, "b": data}), variable="c")
    assert int(analysis.n_components(xr.Dataset({"a": data, "b": data}), variable="b")) >= 1
    before = data.to_dataset().assign_attrs(source="recording")
    analysis.pca(before, 2)
    assert "source" not in before["rate"].attrs
