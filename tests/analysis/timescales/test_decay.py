"""One and two exponentials: against processes with known timescales, and SciPy's bounded fits."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import curve_fit
from scipy.signal import lfilter

from neurodyn import analysis, labels
from neurodyn.labels import LabelError

N_UNITS = 100


def one(lag, a, tau):
    return a * np.exp(-lag / tau)


def two(lag, a, c, first, second):
    return a * (c * np.exp(-lag / first) + (1 - c) * np.exp(-lag / second))


def curves(seed=0, n=12, noise=3e-3):
    rng = np.random.default_rng(seed)
    lag = np.arange(31.0)[:, None]
    share = rng.uniform(0.3, 0.7, n)
    r = two(lag, rng.uniform(0.8, 1, n), share, rng.uniform(0.8, 3, n), rng.uniform(6, 25, n))
    return labelled(r + noise * rng.standard_normal(r.shape))


def labelled(r):
    return xr.DataArray(
        r, coords={"lag": np.arange(31.0)}, dims=("lag", "unit"), name="autocorrelation"
    )


def autoregressive(tau, rng, shape):
    """Unit variance, autocorrelation exp(-lag / tau), from a stationary start."""
    a = np.exp(-1 / np.broadcast_to(tau, (N_UNITS,)))[None, :]
    x = rng.standard_normal((*shape, N_UNITS)) * np.sqrt(1 - a**2)
    x[:, 0] /= np.sqrt(1 - a**2)
    for unit in range(N_UNITS):
        x[..., unit] = lfilter([1.0], [1.0, -a[0, unit]], x[..., unit], axis=1)
    return x


@pytest.mark.parametrize("double", [False, True])
def test_processes_are_recovered(double):
    rng = np.random.default_rng(0)
    tau = rng.uniform(2.0, 10.0, N_UNITS)
    x = autoregressive(tau, rng, (4, 20_000))
    if double:
        x = np.sqrt(0.5) * x + np.sqrt(0.5) * autoregressive(tau / 6, rng, (4, 20_000))
    data = xr.DataArray(
        x, dims=("trial", "time", "unit"), coords={"time": np.arange(20_000.0)}, name="rate"
    )
    fit = analysis.fit_exponentials(
        analysis.autocorrelation(data, 30.0, across="time"), longest=100.0
    )
    error = np.abs(fit["tau"].values / tau - 1)
    assert np.median(error) < 0.1
    assert abs(np.median(fit["tau"].values / tau) - 1) < 0.05
    assert float((fit["n_exponentials"] == 2).mean()) > 0.8 or not double
    summary = analysis.timescale_summary(fit)
    assert float(summary["fraction_above"]) == pytest.approx(1.0)
    if double:
        assert float(summary["mean_above"]) == pytest.approx(tau.mean(), rel=0.1)
    else:  # noise alike at neighbouring lags passes for a second exponential
        strict = analysis.fit_exponentials(
            analysis.autocorrelation(data, 30.0, across="time"), longest=100.0, least_share=0.1
        )
        assert float((strict["n_exponentials"] == 2).mean()) < 0.15
        assert float(strict["tau"].mean()) == pytest.approx(tau.mean(), rel=0.1)
    labels.check(fit)
    labels.check(summary)


@pytest.mark.usefixtures("x64")
def test_no_start_of_scipy_finds_better():
    acf = curves()
    fit = analysis.fit_exponentials(acf, longest=100.0)
    lag, n = acf["lag"].values, acf.sizes["lag"]
    for unit, r in enumerate(acf.values.T):
        found, _ = curve_fit(one, lag, r, bounds=(0, [1, 100]))
        aic = 4 + n * np.log(((r - one(lag, *found)) ** 2).mean())
        assert float(fit["aic_single"][unit]) == pytest.approx(aic, abs=1e-4)
        np.testing.assert_allclose(fit["tau_single"][unit], found[1], rtol=1e-4)
        errors = {}
        for start in ((0.5, 0.5, 50, 50), (0.9, 0.5, 1, 10), (0.9, 0.2, 2, 30)):
            found, _ = curve_fit(two, lag, r, start, bounds=(0, [1, 1, 100, 100]), maxfev=4000)
            errors[((r - two(lag, *found)) ** 2).mean()] = found
        aic = 8 + n * np.log(min(errors))
        assert float(fit["aic_double"][unit]) <= aic + 1e-4
        assert float(fit["aic_double"][unit]) == pytest.approx(aic, abs=1e-2)
        np.testing.assert_allclose(
            fit["tau_double"][unit], sorted(errors[min(errors)][2:]), rtol=1e-3
        )
        slower = float(fit["tau_double"][unit].max())
        chosen = slower if aic < float(fit["aic_single"][unit]) else fit["tau_single"][unit]
        assert float(fit["tau"][unit]) == pytest.approx(float(chosen))


def test_single_precision_is_enough():
    acf = curves(seed=1)
    ours = analysis.fit_exponentials(acf.astype(np.float32), longest=100.0)
    for unit, r in enumerate(acf.values.T):
        found, _ = curve_fit(
            two, acf["lag"].values, r, (0.9, 0.5, 1, 10), bounds=(0, [1, 1, 100, 100])
        )
        assert float(ours["tau_double"][unit].max()) == pytest.approx(found[2:].max(), rel=0.01)


def test_what_cannot_be_fitted_says_so():
    lag = np.arange(31.0)
    shapes = {
        "good": np.exp(-lag / 5),
        "nan": np.full(31, np.nan),
        "negative": -np.ones(31),
        "flat": np.ones(31),
        "white": (lag == 0).astype(float),
    }
    acf = labelled(np.stack(list(shapes.values()), -1)).assign_coords(unit=list(shapes))
    fit = analysis.fit_exponentials(acf, longest=100.0)
    assert dict(zip(shapes, fit["status"].values, strict=True)) == {
        "good": "ok",
        "nan": "undefined",
        "negative": "no decay",
        "flat": "at longest",
        "white": "at shortest",
    }
    assert fit["n_exponentials"].values.tolist() == [1, 0, 0, 1, 1]
    np.testing.assert_allclose(fit["tau"].sel(unit=["good", "flat"]), [5, 100], rtol=1e-3)
    assert float(fit["tau"].sel(unit="white")) < 0.2
    assert np.isnan(fit["tau"].sel(unit=["nan", "negative"])).all()
    summary = analysis.timescale_summary(fit)
    assert float(summary["fraction_above"]) == pytest.approx(0.4)
    assert float(summary["fraction_failed"]) == pytest.approx(0.4)
    assert float(summary["fraction_at_longest"]) == pytest.approx(0.2)  # fast units are no matter


def test_times_carry_the_units_of_the_lags():
    acf = curves()
    steps = analysis.fit_exponentials(acf)
    acf = acf.assign_coords(lag=acf["lag"] * 5.0)
    acf["lag"].attrs["units"] = "ms"
    milliseconds = analysis.fit_exponentials(acf)
    np.testing.assert_allclose(milliseconds["tau"], 5 * steps["tau"], rtol=1e-4)
    assert milliseconds["tau_double"].attrs["units"] == "ms"


def test_bad_input():
    acf = curves(n=2)
    with pytest.raises(LabelError, match="lag, unit"):
        analysis.fit_exponentials(acf.rename(unit="trial"))
    with pytest.raises(LabelError, match="uneven"):
        analysis.fit_exponentials(acf.isel(lag=[0, 1, 2, 4, 5, 6, 7]))
    with pytest.raises(ValueError, match="six lags"):
        analysis.fit_exponentials(acf, max_lag=4.0)
    with pytest.raises(ValueError, match="longest"):
        analysis.fit_exponentials(acf, longest=0.5)
    with pytest.raises(LabelError, match="tau"):
        analysis.timescale_summary(acf.to_dataset())
