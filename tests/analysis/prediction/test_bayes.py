"""Bayesian decoding against pynapple, and what is silent, unknown or circular."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import bayesian_decode
from neurodyn.labels import LabelError

N_UNITS, N_BINS, N_TIMES = 8, 12, 40


def _session():
    """Rates, occupancy and counts, drawn in the order that the numbers of pynapple were."""
    rng = np.random.default_rng(0)
    x = np.arange(N_BINS) + 0.5
    rate = 20 * np.exp(-0.5 * ((x - np.linspace(0, 12, N_UNITS)[:, None]) / 1.5) ** 2) + 0.2
    occupancy = rng.uniform(1, 3, N_BINS)
    place = rng.integers(0, N_BINS, N_TIMES)
    counts = rng.poisson(rate[:, place].T * 0.1)
    return x, rate, occupancy, counts, x[place]


X, RATE, OCCUPANCY, COUNTS, PLACE = _session()
TIME = {"time": ("time", 50.0 + 100 * np.arange(N_TIMES), {"units": "ms"})}


def _counts(values=COUNTS):
    return xr.DataArray(values.astype(float), TIME, ("time", "unit"), name="spike_count")


def _tuning(rate=RATE, grid=None, occupancy=OCCUPANCY):
    grid = {"x": X} if grid is None else grid
    shape = [len(centres) for centres in grid.values()]
    dims = (*grid, "unit")
    return xr.Dataset(
        {
            "rate": (dims, np.moveaxis(rate.reshape(-1, *shape), 0, -1), {"units": "Hz"}),
            "occupancy": (tuple(grid), occupancy.reshape(shape), {"units": "ms"}),
        },
        grid,
    )


#: pynapple 0.11.4, decode_bayes with bins of 0.1 s: some entries of the posterior.
SOME = np.ix_([0, 7, 33], [0, 3, 5, 8])
UNIFORM = [
    [5.53172062e-09, 9.12338511e-02, 2.54988792e-01, 1.06118896e-07],
    [2.04150267e-03, 5.59571598e-01, 3.01735465e-03, 5.88069761e-08],
    [1.45634063e-06, 7.62033609e-05, 4.09591522e-02, 2.14775281e-01],
]
BY_OCCUPANCY = [
    [4.97799214e-09, 3.72990447e-02, 2.85125632e-01, 8.76567431e-08],
    [3.65880607e-03, 4.55609566e-01, 6.71950062e-03, 9.67424157e-08],
    [1.41344723e-06, 3.35999390e-05, 4.93956597e-02, 1.91337267e-01],
]
SILENT = [
    [1.51953720e-66, 8.68100668e-02, 2.44630969e-01, 1.89193439e-30],
    [4.15059657e-26, 8.02410967e-01, 4.36258411e-03, 3.92183543e-53],
    [1.79046315e-40, 2.74872434e-16, 3.96091064e-02, 2.05992838e-01],
]
TWO = [
    [1.48684910e-09, 7.93155171e-10, 2.15206060e-09, 3.55996467e-08],
    [2.85327972e-06, 1.35704720e-04, 6.78572077e-03, 1.77217809e-01],
    [5.07873926e-01, 2.90574306e-01, 1.72275494e-02, 1.82091209e-04],
]


def test_posterior_is_that_of_pynapple():
    found = bayesian_decode(_counts(), _tuning())
    labels.check(found)
    np.testing.assert_allclose(found["posterior"].values[SOME], UNIFORM, rtol=1e-6, atol=1e-12)
    best = [4.5, 11.5, 7.5, 1.5, 9.5, 8.5, 9.5, 3.5]
    np.testing.assert_array_equal(found["maximum"].sel(feature="x")[:8], best)
    known = bayesian_decode(_counts(), _tuning(), prior="occupancy")
    np.testing.assert_allclose(known["posterior"].values[SOME], BY_OCCUPANCY, rtol=1e-6, atol=1e-12)
    given = bayesian_decode(_counts(), _tuning()["rate"], prior=_tuning()["occupancy"][::-1] * 7)
    np.testing.assert_allclose(given["posterior"], known["posterior"], rtol=1e-10)
    silent = _tuning(np.where(RATE < 1, 0, RATE))
    found = bayesian_decode(_counts(), silent, floor=1e-12)["posterior"]
    np.testing.assert_allclose(found.values[SOME], SILENT, rtol=1e-6, atol=1e-12)
    two = _tuning(grid={"x": np.arange(3.0), "y": np.arange(4.0)})
    found = bayesian_decode(_counts(), two, prior="occupancy")
    np.testing.assert_allclose(found["posterior"][5], TWO, rtol=1e-6, atol=1e-12)
    best = [[1.0, 0.0], [2.0, 2.0], [1.0, 3.0], [0.0, 0.0]]
    np.testing.assert_array_equal(found["maximum"].sel(feature=["x", "y"])[:4], best)
    assert found["posterior"].dims == ("time", "x", "y")


def test_units_are_matched_by_label_and_estimates_follow():
    truth = xr.DataArray(PLACE, TIME, ("time",), name="x")
    found = bayesian_decode(_counts(), _tuning(), truth=truth)
    mixed = [3, 0, 7, 1, 2, 6, 5, 4]
    named = _counts().assign_coords(unit=np.arange(N_UNITS))
    other = (
        _tuning().assign_coords(unit=np.arange(N_UNITS)).isel(unit=mixed, x=slice(None, None, -1))
    )
    turned = bayesian_decode(named, other, truth=truth)
    np.testing.assert_allclose(turned["posterior"].sel(x=X), found["posterior"], rtol=1e-9)
    np.testing.assert_allclose(turned["error_of_mean"], found["error_of_mean"], rtol=1e-9)
    p = found["posterior"].values
    np.testing.assert_allclose(found["mean"].squeeze(), p @ X)
    np.testing.assert_allclose(found["spread"].squeeze() ** 2, p @ X**2 - (p @ X) ** 2, atol=1e-9)
    best = found["maximum"].squeeze().values
    np.testing.assert_allclose(found["error_of_maximum"], np.abs(best - PLACE))
    chance = np.abs(np.random.default_rng(1).permutation(best) - PLACE)
    assert float(found["error_of_maximum"].mean()) < 0.5 * chance.mean()
    trials = _counts().values.reshape(4, 10, -1)
    cut = xr.DataArray(trials, {"time": TIME["time"][1][:10]}, ("trial", "time", "unit"))
    by_trial = bayesian_decode(cut, _tuning())["posterior"]
    np.testing.assert_allclose(by_trial.values.reshape(N_TIMES, -1), p, rtol=1e-12)


def test_silent_units_unknown_bins_and_unobserved_times():
    counts = _counts()
    counts[0, :] = np.nan  # nothing was observed
    counts[1, 2:] = np.nan  # two units were
    unknown = RATE.copy()
    unknown[3, 4] = np.nan
    found = bayesian_decode(counts, _tuning(unknown))
    posterior = found["posterior"]
    assert np.isnan(posterior[0]).all()
    assert np.isnan(found["maximum"][0]).all()
    assert (posterior[1:, 4] == 0).all()
    np.testing.assert_allclose(posterior[1:].sum("x"), 1)
    few = bayesian_decode(counts[1:3, :2], _tuning(unknown).isel(unit=slice(0, 2)))["posterior"]
    few = few.where(few["x"] != 4.5, 0)
    np.testing.assert_allclose(posterior[1], few[0] / few[0].sum(), rtol=1e-9)
    # A spike of a unit that was silent in a bin does not rule the bin out.
    silent = _tuning(np.where(RATE < 1, 0, RATE))
    assert (bayesian_decode(_counts(), silent)["posterior"] > 0).all()
    # Without spikes the prior and the silence speak.
    none = bayesian_decode(_counts(0 * COUNTS), _tuning(), prior="occupancy")["posterior"][0]
    expected = OCCUPANCY * np.exp(-0.1 * RATE.sum(0))
    np.testing.assert_allclose(none, expected / expected.sum(), rtol=1e-9)


def test_circular_variables():
    angle = np.arange(0, 360, 30.0)
    near = np.minimum(angle, 360 - angle)  # distance from 0
    rate = np.stack([40 * np.exp(-((near / 40) ** 2)), 40 * np.exp(-(((180 - near) / 40) ** 2))])
    tuning = xr.DataArray(rate + 0.1, {"angle": angle}, ("unit", "angle"))
    counts = xr.DataArray(
        [[5.0, 0.0]], {"time": [50.0]}, ("time", "unit"), attrs={"bin_width": 100.0}
    )
    truth = xr.DataArray([350.0], {"time": [50.0]}, ("time",), name="angle")
    found = bayesian_decode(counts, tuning, truth=truth, period=360)
    mean = float(found["mean"].item())
    assert min(mean, 360 - mean) < 1e-6
    np.testing.assert_allclose(found["error_of_mean"], 10, atol=1e-6)
    assert float(found["spread"].item()) < 40
    straight = bayesian_decode(counts, tuning, truth=truth)
    assert float(straight["error_of_mean"].item()) > 100


def test_truth_at_other_times():
    fine = xr.DataArray(np.arange(400.0), {"time": 5.0 + 10 * np.arange(400)}, ("time",), name="x")
    found = bayesian_decode(_counts(), _tuning(), truth=fine.isel(time=slice(0, 100)))
    np.testing.assert_array_equal(found["true"].squeeze()[:10], [4 + 10 * i for i in range(10)])
    assert np.isnan(found["true"][11:]).all()
    assert np.isnan(found["error_of_mean"][11:]).all()


def test_bad_input_is_refused():
    counts, tuning = _counts(), _tuning()
    unit = xr.DataArray(np.arange(N_UNITS), dims="unit")
    for match, change in {
        "positive rate": {"floor": 0},
        "must not be negative": {"counts": counts - 5},
        "no labels to match": {"counts": counts.isel(unit=slice(0, 3))},
        "needs `unit` and the dims": {"tuning": tuning["rate"].isel(x=0)},
        "rename": {"tuning": tuning.rename(x="trial")},
        "no centres of bins": {"tuning": tuning.drop_vars("x")},
        "needs the `occupancy`": {"tuning": tuning["rate"], "prior": "occupancy"},
        "prior is": {"prior": "flat"},
        "not be 0 in all bins": {"prior": 0 * tuning["occupancy"]},
        "prior has the dims": {"prior": tuning["occupancy"].rename(x="y")},
        "no bin has a rate": {"tuning": tuning["rate"].where(unit != 2)},
        "truth has no": {"truth": xr.Dataset({"y": ("time", PLACE)}, TIME)},
        "must be positive": {"period": -1.0},
        "`period` names": {"period": {"z": 1.0}},
    }.items():
        with pytest.raises((ValueError, LabelError), match=match):
            bayesian_decode(**({"counts": counts, "tuning": tuning} | change))
