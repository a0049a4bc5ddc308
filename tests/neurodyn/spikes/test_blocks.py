"""Spikes counted block by block: the same counts, in blocks of bounded size."""

import dask
import numpy as np
import pytest
import xarray as xr

from neurodyn import spikes, trials
from neurodyn.labels import LabelError

N, LENGTH = 5, 3000.0


@pytest.fixture(scope="module")
def recording():
    """Units with gaps of their own, cut into trials that overlap and end early."""
    rng = np.random.default_rng(0)
    observed = [[(0.0, LENGTH)]] * (N - 1) + [[(0.0, 1210.0), (1500.0, LENGTH)]]
    times = [np.sort(rng.uniform(0, LENGTH, 400)) for _ in range(N)]
    times[-1] = times[-1][(times[-1] < 1210) | (times[-1] >= 1500)]
    return spikes.from_times(times, window=(0.0, LENGTH), observed=observed)


@pytest.fixture(scope="module")
def cut(recording):
    events = xr.DataArray(
        np.arange(300.0, 2700.0, 170.0), {"side": ("trial", list("lr") * 7 + ["l"])}, "trial", "on"
    )
    ends = events + np.linspace(90.0, 205.0, events.size)
    return spikes.align(recording, events, (-100, 200), until=ends)


@pytest.mark.parametrize("block", [50, 700, 1 << 20])
def test_the_same_counts(recording, cut, monkeypatch, block):
    monkeypatch.setattr("neurodyn.spikes.blocks.CHUNK", block)
    order = np.random.default_rng(1).permutation(cut.sizes["trial"])
    whole = spikes.from_times([[1.0, 2.0, 10.0], []], window=(0, 20))  # no gaps: whole numbers
    for ds in (
        recording,
        cut.isel(trial=order),
        cut.isel(trial=3),
        recording.isel(unit=[3, 1]),
        whole,
    ):
        want = spikes.bin(ds, bin_width=5.0)
        got = spikes.bin(ds, bin_width=5.0, lazy=True)
        assert got.spike_count.chunks is not None
        assert max(map(max, got.spike_count.chunks)) <= max(got.sizes.values())
        xr.testing.assert_identical(got.compute(scheduler="synchronous"), want)


def test_rates_and_averages(cut):
    with dask.config.set(scheduler="synchronous"):
        want = spikes.rate(cut, 20.0, bin_width=5.0)
        got = spikes.rate(cut, 20.0, bin_width=5.0, lazy=True)
        xr.testing.assert_allclose(got.compute(), want, rtol=1e-5, atol=1e-4)
        want = trials.psth(cut, "side", bin_width=5.0)
        got = trials.psth(cut, "side", bin_width=5.0, lazy=True)
    assert got.rate.chunks is None
    xr.testing.assert_allclose(got, want, rtol=1e-6)


def test_an_hour_at_a_millisecond():
    """1000 units have 3.6e9 counts, of which those that are looked at are counted."""
    hour = 3.6e6
    ds = spikes.from_times([[hour / 2 + k] for k in range(1000)], window=(0, hour))
    with pytest.raises(LabelError, match=r"3.6e\+09 numbers in all.*lazy=True"):
        spikes.bin(ds, bin_width=1.0)
    counts = spikes.bin(ds, bin_width=1.0, lazy=True).spike_count
    assert counts.nbytes > 14e9
    start = int(hour / 2)
    some = counts.isel(time=slice(start, start + 1000)).compute(scheduler="synchronous")
    np.testing.assert_array_equal(some, np.eye(1000))
