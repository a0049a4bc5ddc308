"""Spikes at one time, silence, constant rates and sweeps that end early: right, or NaN."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels, spikes

#: Pairs and triples of spikes at one time; a regular unit; a silent one.
TRAINS = [
    [10.0, 10.0, 20.0, 30.0, 30.0, 30.0, 40.0],
    [5.0, 15.0, 25.0, 35.0, 45.0],
    [],
    [7.0, 7.0, 7.0],
]


@pytest.fixture(scope="module")
def ds():
    # What is written as at one time stays so.
    return spikes.dataset(
        np.concatenate(TRAINS),
        np.repeat(np.arange(4), [len(t) for t in TRAINS]),
        coords={"unit": np.arange(4)},
        source="recording",
        window=(0, 50),
    )


def test_statistics_of_spikes_at_one_time(ds):
    found = analysis.interval_statistics(ds)
    isi = np.diff(TRAINS[0])  # 0, 10, 10, 0, 0, 10
    np.testing.assert_allclose(found["n_intervals"], [6, 4, 0, 2])
    np.testing.assert_allclose(found["mean_interval"], [5, 10, np.nan, 0])
    np.testing.assert_allclose(found["cv"], [isi.std() / isi.mean(), 0, np.nan, np.nan])
    # Contrasts of neighbours: 1, 0, 1, none (0 over 0), 1.
    np.testing.assert_allclose(found["cv2"], [2 * 3 / 4, 0, np.nan, np.nan])
    np.testing.assert_allclose(found["lv"], [3 * 3 / 4, 0, np.nan, np.nan])


def test_counts_and_synchrony_of_spikes_at_one_time(ds):
    np.testing.assert_allclose(analysis.firing_rate(ds), [140, 100, 0, 60])
    fano = analysis.fano_factor(ds, bin_width=10.0)
    n = [0, 2, 1, 3, 1], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0]
    want = [np.var(x, ddof=1) / np.mean(x) if any(x) else np.nan for x in n]
    np.testing.assert_allclose(fano[[0, 2, 3]], want)
    assert float(fano[1]) == 0
    found = analysis.synchrony(ds, bin_width=10.0)
    # The regular unit has one spike in each bin, and the silent one none: both do not vary.
    assert int(found["n_units"]) == 2
    assert float(found["correlation"]) == pytest.approx(np.corrcoef(n[0], n[2])[0, 1])
    alone = analysis.synchrony(ds.isel(unit=[1, 2]), bin_width=10.0)
    assert np.isnan([alone["chi"], alone["correlation"]]).all()


def test_rates_of_spikes_at_one_time_are_not_infinite():
    at, unit, trial = [10.0, 10.0, 30.0, 30.0, 30.0], [0] * 5, [0, 0, 1, 1, 1]
    coords = {"unit": [0], "trial": [0, 1], "step": ("trial", [0.0, 50.0], "pA")}
    ds = spikes.dataset(at, unit, trial, coords=coords, source="recording", window=(0, 100))
    found = analysis.fi_curve(ds)
    np.testing.assert_allclose(found["rate"][:, 0], [20, 30])
    assert np.isnan(found[["initial_rate", "final_rate"]].to_array()).all()


@pytest.mark.parametrize("each", [0, 1, 3])
def test_a_constant_rate_has_no_rhythm(each):
    """Ten units, of which so many fire in every bin: the mean is no round number of bits."""
    count = np.zeros((1, 500, 10))
    count[:, :, :each] = 1
    of = {"spike_count": (("trial", "time", "unit"), count, "count", "count", "spike_count")}
    ds = labels.dataset(
        of, {"time": np.arange(500) + 0.5}, source="recording", attrs={"bin_width": 1.0}
    )
    found = analysis.population_spectrum(ds, segment=100.0)
    assert (found["power"] == 0).all()
    assert np.isnan([found["peak_frequency"], found["gamma"]]).all()


@pytest.mark.parametrize("end", ["n_valid", "valid_until"])
def test_spikes_of_sweeps_that_end_early(end):
    time = labels.time_axis(1000, 0.1)
    v = np.full((2, 1000), -60.0)
    for at in (10, 30, 80):
        v[:, (time >= at) & (time < at + 1)] = 20.0
    v[1, 500:] = np.nan
    ends = {"n_valid": [1000, 500], "valid_until": [time[-1], time[499]]}[end]
    ds = labels.dataset(
        {"v": (("trial", "time"), v, "mV", "potential")},
        {"time": time, end: ("trial", ends, "1" if end == "n_valid" else "ms")},
        source="recording",
        values=False,
    )
    found = analysis.detect_spikes(ds)
    np.testing.assert_array_equal(found["spike_trial"], [0, 0, 0, 1, 1])
    # Five spikes in 100 and in 50 ms.
    assert float(analysis.firing_rate(found)[0]) == pytest.approx(1e3 * 5 / 150, rel=2e-3)
    with pytest.raises(labels.LabelError, match="500 values of 'v' are NaN"):
        analysis.detect_spikes(ds.drop_vars(end))


def test_spearman_brown_where_parts_cancel():
    r = np.array([0.5, 0.0, -0.5, -1.0])
    np.testing.assert_allclose(analysis.spearman_brown(r), [2 / 3, 0, -2, np.nan])
    assert np.isnan(analysis.spearman_brown(-1.0))
    # Ten parts cannot correlate by less than -1/9 on average; the formula would give 1.43.
    assert np.isnan(analysis.spearman_brown(-0.5, 10))
    labelled = xr.DataArray(r, {"unit": list("abcd")}, ("unit",))
    assert analysis.spearman_brown(labelled)["unit"].equals(labelled["unit"])


def test_a_constant_series_is_forecast():
    still = np.full((2, 30, 2), 0.1)
    found = analysis.ridge_forecast(still, still, n_horizons=2)
    np.testing.assert_allclose(found["prediction"], 0.1)
