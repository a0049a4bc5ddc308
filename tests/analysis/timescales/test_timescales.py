"""Timescales against a process with a known one, direct sums and SciPy's fit."""

import numpy as np
import pytest
import xarray as xr
from jaxtyping import TypeCheckError
from scipy.optimize import curve_fit

from neurodyn import analysis, labels, models
from neurodyn.labels import LabelError


def _trials(values, step=10.0):
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords={"time": ("time", np.arange(values.shape[1]) * step, {"units": "ms"})},
        name="rate",
    )


def _ar1(tau=100.0, n_trials=200, n_times=100, n_units=1, seed=1, step=10.0):
    rng = np.random.default_rng(seed)
    a = np.exp(-step / tau)
    x = np.empty((n_trials, n_times, n_units))
    x[:, 0] = rng.standard_normal((n_trials, n_units))
    for k in range(1, n_times):
        noise = rng.standard_normal((n_trials, n_units))
        x[:, k] = a * x[:, k - 1] + np.sqrt(1 - a * a) * noise
    return _trials(x, step)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("across", "three", "tau", "offset"),
    [
        ("trials", False, 103.6, 0.0),
        ("trials", True, 117.4, -0.05),
        ("time", False, 62.0, 0.0),  # removing each trial's mean biases it
        ("time", True, 117.1, -0.245),
    ],
)
def test_published_biases(across, three, tau, offset):
    fit = analysis.timescale(
        _ar1(), 300.0, across=across, first_lag=0.0, amplitude=three, offset=three
    )
    assert fit["status"].item() == "ok"
    assert fit["tau"].item() == pytest.approx(tau, rel=0.015)
    assert fit["offset"].item() == pytest.approx(offset, abs=0.005)


@pytest.mark.parametrize("tau", [50.0, 200.0])
def test_recovers_known_timescales(tau):
    fit = analysis.timescale(_ar1(tau, 400, 100, 20, seed=2), 300.0, offset=False)
    assert float(fit["tau"].median()) == pytest.approx(tau, rel=0.1)
    labels.check(fit)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("across", ["trials", "all", "time"])
def test_autocorrelation_is_the_direct_sum(across):
    data = _ar1(40.0, 30, 24, 2, seed=3)
    x = data.values
    if across == "trials":
        x = (x - x.mean(0)) / x.std(0)
    else:
        x = x - (x.mean((0, 1)) if across == "all" else x.mean(1, keepdims=True))
    expected = np.stack([(x[:, : 24 - k] * x[:, k:]).mean((0, 1)) for k in range(9)])
    acf = analysis.autocorrelation(data, 80.0, across=across)
    np.testing.assert_allclose(acf, expected / expected[0], atol=1e-10)
    np.testing.assert_allclose(acf["lag"], np.arange(9) * 10.0)
    if across == "trials":  # the mean correlation between bins k apart
        r = np.corrcoef(data.values[:, :, 0].T)
        np.testing.assert_allclose(acf[3, 0], np.diag(r, 3).mean(), atol=1e-10)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("amplitude", "offset"), [(True, True), (True, False), (False, False)])
def test_fit_agrees_with_scipy(amplitude, offset):
    acf = analysis.autocorrelation(_ar1(80.0, 100, 60, 3, seed=4), 250.0)
    fit = analysis.fit_exponential(acf, first_lag=10.0, amplitude=amplitude, offset=offset)

    def curve(k, tau, a=1.0, b=0.0):
        return a * (np.exp(-k / tau) + b)

    start = [100.0] + [1.0] * amplitude + [0.0] * offset
    lags = acf["lag"].values[1:]
    for unit in range(3):
        r = acf.values[1:, unit]
        best, _ = curve_fit(curve, lags, r, p0=start, maxfev=10000)
        ours = [float(fit[name][unit]) for name in ("tau", "amplitude", "offset")]
        np.testing.assert_allclose(ours[: len(best)], best, rtol=1e-4, atol=1e-6)
        residual = ((r - curve(lags, *best)) ** 2).sum()
        assert float(fit["r2"][unit]) == pytest.approx(1 - residual / ((r - r.mean()) ** 2).sum())


def test_starts_where_the_decay_does():
    lag = np.arange(0, 400, 10.0)
    acf = 0.6 * np.exp(-lag / 80) + 0.1
    acf[0], acf[1] = 1.0, 0.2  # noise at lag 0, refractoriness at lag 1
    fit = analysis.fit_exponential(xr.DataArray(acf[:, None], [("lag", lag), ("unit", [0])]))
    assert fit["tau"].item() == pytest.approx(80, rel=1e-3)
    assert fit["amplitude"].item() == pytest.approx(0.6, rel=1e-3)
    assert fit["offset"].item() == pytest.approx(0.1 / 0.6, rel=1e-2)


def test_failed_fits_say_why():
    lag = np.arange(0, 300, 10.0)
    curves = {
        "good": np.exp(-lag / 50),
        "rising": lag / 300,
        "nan": np.where(lag > 100, np.nan, np.exp(-lag / 50)),
        "white": (lag == 0).astype(float),
        "straight": 1 - lag / 300,
    }
    acf = xr.DataArray(np.stack(list(curves.values()), -1), [("lag", lag), ("unit", list(curves))])
    fit = analysis.fit_exponential(acf, first_lag=0.0)
    status = dict(zip(curves, fit["status"].values, strict=True))
    assert status["good"] == "ok"
    assert status["rising"] == "no decay"
    assert status["nan"] == "undefined"
    assert status["white"] == "at bound"
    assert status["straight"] == "at bound"
    failed = fit.isel(unit=slice(1, None))
    for name in ("tau", "amplitude", "offset", "r2"):
        assert np.isnan(failed[name]).all()
    assert analysis.fit_exponential(acf)["status"].sel(unit="rising") == "no decay"


def test_silent_bins_and_constant_units():
    data = _ar1(50.0, 40, 30, 3, seed=5)
    data[:, 12, 1] = 0.0
    data[:, :, 2] = 0.1
    acf = analysis.autocorrelation(data)
    assert np.isnan(acf).any("lag").values.tolist() == [False, True, True]
    assert analysis.fit_exponential(acf)["status"].values.tolist()[1:] == ["undefined"] * 2
    whole = analysis.autocorrelation(data, across="all")
    assert np.isnan(whole).any("lag").values.tolist() == [False, False, True]


def test_effective_tau():
    run = labels.dataset(
        {"rate": (("trial", "time", "unit"), np.ones((2, 3, 4)), "Hz", "rate")},
        {"time": labels.time_axis(3, 10.0), "tau": ("unit", [20.0, 30.0, 50.0, 100.0])},
        source="model",
    )
    tau = analysis.effective_tau(run)
    assert tau.dims == ("unit",)
    assert tau.attrs["units"] == "ms"
    np.testing.assert_allclose(tau, [20, 30, 50, 100])
    with pytest.raises(LabelError, match="no 'tau'"):
        analysis.effective_tau(run.drop_vars("tau"))
    np.testing.assert_allclose(analysis.effective_tau(models.CTRNN(1, 2, 1, tau=30.0, key=0)), 30)
    run["tau"].attrs["units"] = "s"
    with pytest.raises(LabelError, match="must be in ms"):
        analysis.effective_tau(run)


def test_bad_input():
    data = _ar1(50.0, 5, 30)
    with pytest.raises(LabelError, match="three of them"):
        analysis.autocorrelation(data.isel(trial=[0, 1]))
    with pytest.raises(ValueError, match="max_lag"):
        analysis.autocorrelation(data, 300.0)
    with pytest.raises(LabelError, match="uneven"):
        analysis.autocorrelation(data.isel(time=[0, 1, 2, 4]))
    with pytest.raises((ValueError, TypeCheckError), match="'all'"):
        analysis.autocorrelation(data, across="units")
    with pytest.raises(LabelError, match="NaN"):
        analysis.autocorrelation(data.where(data["time"] < 250))
    with pytest.raises(LabelError, match="lag, unit"):
        analysis.fit_exponential(data)
    with pytest.raises(ValueError, match="first_lag"):
        analysis.fit_exponential(analysis.autocorrelation(data), first_lag=1e4)
