"""Lazy signals stay lazy, need little memory, and give what loaded ones give."""

import tracemalloc

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from scipy import signal as sig

from neurodyn import trials
from neurodyn.labels import LabelError

EVENTS = xr.DataArray(
    np.arange(300, 4900, 150.0) + 0.3, {"side": ("trial", np.arange(31) % 3)}, "trial", name="on"
)


@pytest.fixture(scope="module")
def loaded():
    x = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    x[100:120], x[2000:2400, 1] = np.nan, np.nan
    coords = {"time": np.arange(5000.0), "area": ("channel", ["CA1", "CA1", "CA3", "CA3"])}
    return xr.DataArray(x, coords, ("time", "channel"), "v", {"units": "mV"})


@pytest.mark.parametrize(
    "call",
    [
        lambda x: trials.align(x, EVENTS, (-100, 250)),
        lambda x: trials.align(x, EVENTS, (-100, 250), method="linear"),
        lambda x: trials.align(x.isel(time=slice(None, None, 2)), EVENTS, (-100, 250), dt=2.0),
        lambda x: trials.smooth(x, 3.0),
        lambda x: trials.smooth(x, 120.0),
        lambda x: trials.resample(x, 7.0),
        lambda x: trials.resample(x, 0.5),
        lambda x: trials.resample(x, 10.0, filter="mean"),
        lambda x: trials.resample(x.where(x.area == "CA1", drop=True), like=x.isel(time=[1, 9])),
        lambda x: trials.average(trials.smooth(trials.align(x, EVENTS, (-100, 250)), 20.0), "side"),
        lambda x: trials.split_half(trials.align(x, EVENTS, (-9, 9)), "side", key=0)[0],
    ],
)
@pytest.mark.parametrize("chunks", [(700, 2), (4999, 4)])
def test_stay_lazy_and_give_the_same(loaded, chunks, call):
    want, lazy = call(loaded), call(loaded.copy(data=da.from_array(loaded.values, chunks)))
    main = lazy if isinstance(lazy, xr.DataArray) else lazy["v"]
    assert (main.chunks is not None) == ("condition" not in main.dims)  # small means are there
    assert main.name == "v"
    assert main.attrs["units"] == "mV"
    xr.testing.assert_allclose(want, lazy.compute(scheduler="synchronous"), rtol=1e-5, atol=1e-6)
    assert want.coords.to_dataset().identical(lazy.coords.to_dataset())


def test_peak_memory():
    """400 MB of signal: of 50 trials, smoothed, the mean; and all of it on a slower clock."""
    shape, block = (1_000_000, 100), (20_000, 100)

    def made(block_info):
        return np.full(block, block_info[None]["chunk-location"][0], np.float32)

    chunks = ((block[0],) * 50, (block[1],))
    meta = np.empty((0, 0), np.float32)
    data = da.map_blocks(made, chunks=chunks, dtype=np.float32, meta=meta)
    big = xr.DataArray(data, {"time": np.arange(shape[0]) * 1.0}, ("time", "channel"), "v")
    events = 5000.0 + np.arange(50) * 20_000
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        with dask.config.set(scheduler="synchronous"):
            cut = trials.smooth(trials.align(big, events, (0, 300)), 2.0)
            means = trials.average(cut, []).compute()
            coarse = trials.resample(big, 100.0, filter="mean").compute()
        peak = tracemalloc.get_traced_memory()[1] - start
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(means.v, 24.5, rtol=1e-6)
    np.testing.assert_array_equal(
        coarse.values, np.repeat(np.arange(50.0), 200)[:, None] * np.ones(100)
    )
    assert peak < 100e6


@pytest.fixture(scope="module")
def tones():
    """A slow and a fast oscillation, and a large constant."""
    t = np.arange(6000.0)
    x = np.stack([np.sin(2 * np.pi * 0.005 * t) + np.sin(2 * np.pi * 0.18 * t), 1e6 + 0 * t], 1)
    return xr.DataArray(x, {"time": t}, ("time", "channel"), "v", {"units": "mV"})


class TestResample:
    @pytest.mark.parametrize("dt", [10.0, 7.0, 12.5])
    def test_fast_oscillations_go_and_slow_ones_stay_in_place(self, tones, dt):
        got = trials.resample(tones, dt)
        np.testing.assert_allclose(got.time, np.arange(got.time.size) * dt)
        slow = np.sin(2 * np.pi * 0.005 * got.time.values)
        np.testing.assert_allclose(got[20:-20, 0], slow[20:-20], atol=3e-3)
        np.testing.assert_allclose(got[:, 1], 1e6, rtol=1e-12)
        assert f"6 dB down at {400 / dt:g} Hz" in got.attrs["resample_filter"]
        # Without a filter the fast one appears as a slow one.
        bare = trials.resample(tones, dt, filter=None)
        assert abs(bare[20:-20, 0] - slow[20:-20]).max() > 0.8

    def test_equals_scipy(self, tones):
        got = trials.resample(tones, 10.0)[:, 0]
        taps = sig.firwin(2 * 160 + 1, 0.08, window="hamming")
        want = sig.resample_poly(tones.values[:, 0], 1, 10, window=taps)
        np.testing.assert_allclose(got[17:-17], want[17:-17], atol=1e-12)

    def test_gaps(self, tones):
        """Long ones stay, short ones are bridged; an uneven clock is one with gaps."""
        holed = tones.where((tones.time < 2000) | (tones.time > 2500)).where(
            tones.time % 777 != 400
        )
        got = trials.resample(holed, 10.0)
        inside = (got.time >= 2000) & (got.time <= 2500)
        np.testing.assert_array_equal(got.isnull().any("channel"), inside)
        np.testing.assert_allclose(got[:, 1].dropna("time"), 1e6, rtol=1e-12)
        uneven = tones[:, 1].where((tones.time < 2000) | (tones.time > 2500)).dropna("time")
        uneven = uneven.isel(time=np.flatnonzero(np.arange(uneven.size) % 5))
        got = trials.resample(uneven, 10.0)
        assert got.sel(time=slice(2010, 2490)).isnull().all()
        assert got.sel(time=slice(0, 1990)).notnull().all()
        assert "gaps of up to 3 ms" in got.attrs["resample_filter"]

    def test_other_clocks_trials_and_bins(self, tones):
        slow = xr.DataArray(np.zeros(4), {"time": [-5.0, 0.25, 10.0, 7000.0]}, "time")
        got = trials.resample(tones, like=slow, filter=None)[:, 0]
        want = np.interp(slow.time, tones.time, tones[:, 0], left=np.nan, right=np.nan)
        np.testing.assert_allclose(got, want)
        cut = trials.align(tones, [1000.0, 5800.0], (-200, 400))
        bins = trials.resample(cut, 20.0, filter="mean")
        assert bins.dims == ("trial", "time", "channel")
        assert bins.time.values[0] == -190.0
        assert bins.attrs["bin_width"] == 20.0
        np.testing.assert_allclose(bins[0, :, 0], tones.values[800:1400, 0].reshape(30, 20).mean(1))
        run = tones.assign_coords(time=("time", tones.time.values + 1, {"sample": "end of step"}))
        assert trials.resample(run, 10.0).time.values[:2].tolist() == [10.0, 20.0]

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({}, "a new step dt"),
            ({"dt": 1.5, "filter": "mean"}, "no whole number of samples"),
            ({"dt": -1.0}, "above 0"),
            ({"dt": 10.0, "filter": "cubic"}, "'fir', 'mean' or None"),
            ({"dt": 2.0, "max_gap": 0}, "max_gap must be a positive"),
        ],
    )
    def test_refuses(self, tones, options, match):
        with pytest.raises(LabelError, match=match):
            trials.resample(tones, **options)
        with pytest.raises(LabelError, match="do not overlap"):
            trials.resample(tones, like=tones.assign_coords(time=tones.time + 1e6))
