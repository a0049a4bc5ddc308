"""Samples of a run in the bins of a recording."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.labels import LabelError


def _run(n=50, dt=20.0, t0=0.0):
    times = labels.time_axis(n, dt, t0)
    return xr.DataArray(
        np.stack([times, times**2], -1)[None],
        dims=("condition", "time", "unit"),
        coords={"time": ("time", times, {"units": "ms"}), "side": ("condition", [1])},
        attrs={"units": "Hz"},
    )


def _bins(first, width, n, **attrs):
    centres = first + (np.arange(n) + 0.5) * width
    return xr.DataArray(np.zeros(n), dims="time", coords={"time": centres}, attrs=attrs)


@pytest.mark.parametrize("width", [20.0, 50.0, 100.0])
def test_mean_of_the_samples_inside(width):
    run, bins = _run(), _bins(100.0, width, 6)
    found = analysis.rebin(run, bins)
    np.testing.assert_array_equal(found["time"], bins["time"])
    for i, centre in enumerate(bins["time"].values):
        inside = (run.time > centre - width / 2 + 1e-9) & (run.time <= centre + width / 2 + 1e-9)
        np.testing.assert_allclose(found[0, i], run.values[0, inside.values].mean(0))
    assert found.dims == run.dims
    assert found.attrs == {"units": "Hz", "bin_width": width}
    assert found["side"].item() == 1


def test_same_axis_changes_nothing():
    run = _run()
    found = analysis.rebin(run, run)
    np.testing.assert_array_equal(found["time"], run["time"].values[:-1])
    np.testing.assert_array_equal(found, run.values[:, :-1])
    binned = run.assign_attrs(bin_width=20.0)
    np.testing.assert_array_equal(analysis.rebin(binned, binned), run)
    ends = run.assign_attrs(source="model")  # both label the ends of their steps
    xr.testing.assert_identical(analysis.rebin(ends, ends), ends)
    np.testing.assert_array_equal(analysis.rebin(ends, ends, window=(100, 140)), run[:, 5:7])
    assert "bin_width" not in analysis.rebin(binned, ends).attrs


def test_thirds_of_a_millisecond():
    run = _run(300, 1 / 3)
    found = analysis.rebin(run, _bins(0.0, 10.0, 10, bin_width=10.0))
    counts = [(((run.time - c + 5) > 1e-9) & (run.time - c - 5 < 1e-9)).sum() for c in found.time]
    assert counts == [30] * 10
    assert found.sizes["time"] == 10


def test_only_covered_bins():
    run = _run(50, 20.0)  # 0 to 1000 ms
    found = analysis.rebin(run, _bins(-200.0, 50.0, 40))
    assert (float(found.time[0]), float(found.time[-1])) == (25.0, 975.0)
    part = analysis.rebin(run, _bins(-200.0, 50.0, 40), window=(100, 300))
    assert part["time"].values.tolist() == [125, 175, 225, 275]


def test_a_missing_value_is_missing_in_its_bin():
    run = _run(50, 20.0).copy()
    bins = _bins(0.0, 50.0, 20)
    whole = analysis.rebin(run, bins)
    run[{"time": 7}] = np.inf  # at 160 ms
    found = analysis.rebin(run, bins)
    assert np.flatnonzero(found.isnull().any([d for d in found.dims if d != "time"])) == [3]
    xr.testing.assert_equal(found.drop_isel(time=3), whole.drop_isel(time=3))


def test_bad_input():
    run = _run()
    with pytest.raises(LabelError, match=r"run covers 0 to 1000 ms.*2000 to 2500"):
        analysis.rebin(run, _bins(2000.0, 50.0, 10))
    with pytest.raises(LabelError, match="hold no sample"):
        analysis.rebin(run, _bins(0.0, 5.0, 100))
    with pytest.raises(LabelError, match="not covered"):
        analysis.rebin(run, _bins(-200.0, 50.0, 40), window=(-100, 300))
    with pytest.raises(LabelError, match="no bin to compare in 2000 to 3000"):
        analysis.rebin(run, _bins(0.0, 50.0, 10), window=(2000, 3000))
    with pytest.raises(LabelError, match="single bin"):
        analysis.rebin(run, _bins(0.0, 50.0, 1))
    assert analysis.rebin(run, _bins(0.0, 50.0, 1, bin_width=50.0)).sizes["time"] == 1
    with pytest.raises(LabelError, match="dim 'time' without labels"):
        analysis.rebin(run.drop_vars("time"), _bins(0.0, 50.0, 10))
