"""Error regression against a plain loop, and what it must never do."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, models
from neurodyn.models.pvrnn import (
    PVRNN,
    ErrorRegression,
    OnlineRegression,
    error_regression,
)
from neurodyn.models.pvrnn.layers import layer_of
from tests.models.pvrnn import oracle_inference as oracle

OBSERVED = 0.7 * np.tanh(np.random.default_rng(0).normal(size=(3, 7, 2)))


def network(**options):
    settings = {"w": (0.02, 0.05), "w_first": 0.3, "key": 1} | options
    return PVRNN(2, (5, 3), (2, 1), (2.0, 6.0), **settings)


LINES = {
    "in place": {
        "window": 3,
        "iterations": 3,
        "warm_start": "in place",
        "new_entry": "zeros",
        "edge_prior": "unit",
        "evaluate_last": True,
    },
    "shifted": {
        "window": 3,
        "iterations": 2,
        "warm_start": "shifted",
        "new_entry": "prior",
        "edge_prior": "learned",
        "evaluate_last": False,
    },
    "copied": {
        "window": 2,
        "iterations": 1,
        "warm_start": "shifted",
        "new_entry": "previous",
        "edge_prior": "learned",
        "evaluate_last": False,
    },
}


@pytest.mark.parametrize(
    ("line", "posterior"),
    [("in place", "d+A"), ("shifted", "d+A"), ("shifted", "A"), ("copied", "A")],
)
def test_every_loss_and_prediction_against_a_loop(line, posterior, x64):
    settings = LINES[line]
    model = network(posterior=posterior)
    method = ErrorRegression(**settings, learning_rate=0.07, betas=(0.6, 0.95), noise=False)
    got = error_regression(model, OBSERVED, method, n_horizons=3, n_samples=0, key=0)
    labels.check(got)
    weights = oracle.weights(model)
    # Networks without training sequences have the same forms of posterior.
    assert (weights["W_posterior"] is None) == (posterior == "A")
    expected = oracle.follow(
        weights,
        layer_of(model.n_latents),
        OBSERVED[1],
        window=settings["window"],
        n_updates=method.n_updates,
        lr=0.07,
        betas=(0.6, 0.95),
        shifted=settings["warm_start"] == "shifted",
        new=settings["new_entry"],
        unit_edge=settings["edge_prior"] == "unit",
        horizons=3,
    )
    one = got.isel(trial=1)
    np.testing.assert_allclose(one["loss"], expected[0], rtol=1e-5)
    np.testing.assert_allclose(one["reconstruction"], expected[1], atol=1e-5)
    np.testing.assert_allclose(one["prediction"], expected[2], atol=1e-5)


SHORT = {"window": 3, "iterations": 4}
BOTH = pytest.mark.parametrize(
    "method", [ErrorRegression.soda2023(**SHORT), ErrorRegression.idei2022(**SHORT, keep_best=True)]
)


@BOTH
def test_it_never_reads_a_later_observation(method):
    model = network()
    later = OBSERVED.copy()
    later[:, 4:] = -later[:, 4:]
    a, b = (
        error_regression(model, x, method, n_horizons=2, n_samples=2, windows=True, key=0)
        for x in (OBSERVED, later)
    )
    for name in a.data_vars:
        before = {"time": slice(0, 4)}
        np.testing.assert_array_equal(a[name].isel(before), b[name].isel(before), err_msg=name)
    assert (a["loss"].isel(time=4) != b["loss"].isel(time=4)).all()


@BOTH
def test_streams_do_not_meet(method):
    model = network()
    other = OBSERVED.copy()
    other[0] = 0.1
    a, b = (error_regression(model, x, method, n_horizons=2, key=0) for x in (OBSERVED, other))
    for name in a.data_vars:
        np.testing.assert_array_equal(a[name][1:], b[name][1:], err_msg=name)
    # The number of a stream is its place, so the first ones stay the same in a smaller batch.
    fewer = error_regression(model, OBSERVED[:2], method, n_horizons=2, key=0)
    np.testing.assert_allclose(fewer["prediction"], a["prediction"][:2], atol=1e-4)


def test_more_iterations_explain_the_window_better():
    model = network(w=1e-4)
    got = error_regression(
        model, OBSERVED, ErrorRegression(4, 60, 0.1, w_first=1e-4, noise=False), key=0
    )
    before, after = got["loss"][..., 0], got["loss"][..., -1]
    assert (after < before).mean() > 0.9
    # What a window of white noise leaves to explain is much: the units are slow.
    assert after.mean() < 0.8 * before.mean()
    assert got.sizes["iteration"] == 60


def test_masked_observations_are_not_read():
    model, mask = network(), np.ones_like(OBSERVED)
    mask[:, 2:5, 1] = 0
    holes = np.where(mask > 0, OBSERVED, np.nan)
    method = ErrorRegression(**SHORT)
    a, b = (
        error_regression(model, x, method, mask=mask, key=0)["prediction"]
        for x in (holes, OBSERVED)
    )
    np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="pass a `mask`"):
        error_regression(model, holes, method, key=0)


def test_the_meta_prior_may_differ_from_training():
    trained, other = network(w=0.2), network(w=0.02)
    method = ErrorRegression(**SHORT)
    a = error_regression(other, OBSERVED, method, key=0)
    b = error_regression(trained, OBSERVED, ErrorRegression(**SHORT, w=0.02), key=0)
    np.testing.assert_array_equal(a["prediction"], b["prediction"])


def test_windows_end_in_the_newest_reconstruction():
    method = ErrorRegression(**SHORT)
    got = error_regression(network(), OBSERVED, method, windows=True, dt=10.0, key=0)
    assert got["lag"].values.tolist() == [0.0, -10.0, -20.0]
    np.testing.assert_array_equal(got["postdiction"].sel(lag=0.0), got["reconstruction"])
    labels.check(got)
    # Before the start of the stream there is nothing, and that is no hole.
    second = got["postdiction"].isel(time=1)
    np.testing.assert_array_equal(np.isnan(second).all(("trial", "output")), [False, False, True])
    assert int(np.isnan(got["postdiction"]).sum()) == 3 * OBSERVED[..., 0].shape[0] * 2


@BOTH
def test_one_observation_at_a_time_finds_the_same(method):
    model, mask = network(), np.ones_like(OBSERVED)
    mask[1, 3] = 0
    settings = {"n_horizons": 2, "n_samples": 2, "windows": True, "key": 0}
    whole = error_regression(model, OBSERVED, method, mask=mask, **settings)
    online = OnlineRegression(model, method, n_streams=3, **settings)
    state = online.init()
    places = {"prediction": (1, 0, 2), "prediction_std": (1, 0, 2), "postdiction": (1, 0, 2)}
    for t in range(OBSERVED.shape[1]):
        x = np.where(mask[:, t] > 0, OBSERVED[:, t], np.nan)
        state, found = online.step(state, x, mask[:, t])
        now = whole.isel(time=t)
        assert set(found) == set(now.data_vars)
        for name, values in found.items():
            order = places.get(name, (1, 0) if name == "loss" else (0, 1))
            got = np.asarray(values).transpose(order)
            np.testing.assert_array_equal(got, now[name], err_msg=f"{name} at {t}")
    with pytest.raises(ValueError, match=r"\(stream, output\), here \(3, 2\)"):
        online.step(state, OBSERVED[:2, 0])
    with pytest.raises(ValueError, match="pass a `mask`"):
        online.step(state, np.nan * OBSERVED[:, 0])


def test_labels_are_read_by_name_and_kept():
    method = ErrorRegression(**SHORT)
    labelled = xr.DataArray(
        OBSERVED.transpose(2, 1, 0),
        {"output": ["x", "y"], "time": 10.0 * np.arange(1, 8), "side": ("trial", [1, 2, 3])},
        ("output", "time", "trial"),
    )
    a = error_regression(network(), OBSERVED, method, key=0)
    b = error_regression(network(), labelled, method, mask=xr.ones_like(labelled), key=0)
    np.testing.assert_array_equal(a["prediction"], b["prediction"])
    assert b["output"].values.tolist() == ["x", "y"]
    assert b["time"].values.tolist() == (10.0 * np.arange(1, 8)).tolist()
    assert b["side"].values.tolist() == [1, 2, 3]
    assert b.attrs["dt"] == 10.0
    with pytest.raises(ValueError, match="10 ms apart"):
        error_regression(network(), labelled, method, dt=1.0, key=0)
    with pytest.raises(ValueError, match="trial, time"):
        error_regression(network(), labelled.rename(trial="batch"), method, key=0)


def test_samples_have_a_spread():
    method = ErrorRegression(**SHORT)
    got = error_regression(network(), OBSERVED, method, n_horizons=2, n_samples=8, key=0)
    assert (got["prediction_std"] > 0).all()
    assert "latent_layer" in got.coords


def test_bad_arguments_are_named():
    model = network()
    with pytest.raises(TypeError, match="PVRNN"):
        error_regression(models.LSTM(2, 3, 2, key=0), OBSERVED, key=0)
    with pytest.raises(ValueError, match="2 outputs"):
        error_regression(model, OBSERVED[..., :1], key=0)
    with pytest.raises(ValueError, match="key"):
        error_regression(model, OBSERVED, key=None)
    with pytest.raises(TypeError, match="ErrorRegression"):
        error_regression(model, OBSERVED, "soda2023", key=0)
    for wrong in (
        {"window": 0},
        {"iterations": -1},
        {"learning_rate": 0.0},
        {"betas": (1.0, 0.9)},
        {"warm_start": "cold"},
        {"new_entry": "guess"},
        {"edge_prior": "none"},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ErrorRegression(**wrong)
    with pytest.raises(ValueError, match="`w`"):
        error_regression(model, OBSERVED, ErrorRegression(w=(0.1, 0.1, 0.1)), key=0)
    assert jnp.isfinite(ErrorRegression().adam.learning_rate)
