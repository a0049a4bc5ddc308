"""Signals around events, against cuts by NumPy."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, spikes, trials
from neurodyn.labels import LabelError

STEP, N = 2.0, 1000
EVENTS = np.array([101.4, 500.7, 1203.2, 1900.0])


@pytest.fixture
def lfp():
    values = np.random.default_rng(0).standard_normal((N, 3)).astype(np.float32)
    return labels.dataset(
        {"v": (("time", "channel"), values, "mV", "field potential")},
        {"time": np.arange(N) * STEP, "channel": ["a", "b", "c"]},
        source="recording",
        attrs={"window": [0.0, N * STEP]},
    )


def test_equals_a_plain_cut(lfp):
    cut = trials.align(lfp, EVENTS[:3], (-100, 200))
    assert cut.v.dims == ("trial", "time", "channel")
    assert (cut.time.values == np.arange(-50, 100) * STEP).all()
    for i, event in enumerate(EVENTS[:3]):
        nearest = int(np.abs(np.arange(N) * STEP - event).argmin())
        np.testing.assert_array_equal(cut.v[i], lfp.v[nearest - 50 : nearest + 100])
    assert cut.v.dtype == np.float32
    assert cut.v.attrs == lfp.v.attrs
    assert "n_valid" not in cut.coords
    assert "window" not in cut.attrs
    assert cut.channel.values.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(cut.event_time, EVENTS[:3])
    labels.check(cut)


def test_bins_around_events_at_their_edges_are_those_of_spikes_cut_first():
    at = np.random.default_rng(0).uniform(0, 1000, 300)
    train = spikes.dataset(
        at, np.zeros(300, int), coords={"unit": [0]}, source="recording", window=(0, 1000)
    )
    events, window = np.array([200.0, 400.0, 640.0]), (-100, 60)
    first = spikes.bin(spikes.align(train, events, window), bin_width=20)["spike_count"]
    binned = spikes.bin(train, bin_width=20)
    for signal in (binned, binned["spike_count"].assign_attrs(bin_width=20.0)):
        cut = trials.align(signal, events, window)
        cut = cut["spike_count"] if isinstance(cut, xr.Dataset) else cut
        np.testing.assert_array_equal(cut["time"], first["time"])
        np.testing.assert_array_equal(cut.transpose(*first.dims), first)
    apart = trials.align(
        binned, events + np.array([0, 0, 5]), window
    )  # no time is that of all trials
    assert apart["time"].values[0] == -100
    assert apart.attrs["align_error"] == 10


def test_what_comes_after_the_end_is_missing(lfp):
    ends = EVENTS + np.array([200.0, 60.0, 61.0, 200.0])
    cut = trials.align(lfp, EVENTS, (-100, 200), until=ends)
    for i, (event, end) in enumerate(zip(EVENTS, ends, strict=True)):
        time = np.arange(N) * STEP
        nearest = int(np.abs(time - event).argmin())
        wanted = np.full((150, 3), np.nan)
        for k in range(-50, 100):
            if nearest + k < N and time[nearest + k] < end:
                wanted[k + 50] = lfp.v.values[nearest + k]
        np.testing.assert_array_equal(cut.v[i], wanted.astype(np.float32))
        assert cut.n_valid[i] == np.isfinite(wanted[:, 0]).sum()
    np.testing.assert_array_equal(labels.valid(cut), cut.v.notnull().all("channel"))
    labels.check(cut)


def test_arrays_other_dims_and_dtypes(lfp):
    speed = (1000 * lfp.v.isel(channel=0, drop=True)).astype(np.int16)
    cut = trials.align(speed.rename("speed"), EVENTS[:2], (-10, 10))
    assert isinstance(cut, xr.DataArray)
    assert cut.name == "speed"
    assert cut.dtype == np.float32
    np.testing.assert_array_equal(cut[0], speed[46:56])
    turned = trials.align(lfp.transpose("channel", "time"), EVENTS[:3], (-100, 200))
    xr.testing.assert_identical(turned, trials.align(lfp, EVENTS[:3], (-100, 200)))
    # A spike table's columns and another table in another order: by labels.
    table = xr.DataArray(
        [100.0, 500.0, 1204.0],
        {"trial": [7, 8, 9], "side": ("trial", ["l", "r", "l"])},
        "trial",
        name="go",
        attrs={"units": "ms"},
    )
    ends = (table + 100).isel(trial=[2, 0, 1])
    cut = trials.align(lfp, table, (-100, 200), until=ends)
    assert (cut.n_valid == [100, 100, 100]).all()
    assert cut.trial.values.tolist() == [7, 8, 9]
    assert cut.side.values.tolist() == ["l", "r", "l"]
    assert cut.attrs["align_event"] == "go"
    means = trials.average(cut, by="side")
    np.testing.assert_allclose(means.v[1], cut.v[1], rtol=1e-6)
    with_table = lfp.assign_coords(go=("trial", EVENTS[:3]))
    xr.testing.assert_equal(
        trials.align(with_table, "go", (-10, 10)).v.drop_vars("go"),
        trials.align(lfp, EVENTS[:3], (-10, 10)).v,
    )


def test_spikes_and_signals_are_cut_alike(lfp):
    """`spikes.align` hands on what is no spikes."""
    xr.testing.assert_identical(
        spikes.align(lfp, EVENTS[:3], (-100, 200)), trials.align(lfp, EVENTS[:3], (-100, 200))
    )


def test_trials_without_event_or_outside(lfp):
    events = np.array([50.0, np.nan, 500.0, 5000.0])
    with pytest.raises(
        LabelError, match=r"3 of 4 trials .*trials 0 \(event at 50 ms\), 1 \(no event\)"
    ):
        trials.align(lfp, events, (-100, 200))
    cut = trials.align(lfp, events, (-100, 200), invalid="drop")
    assert cut.trial.values.tolist() == [2]
    with pytest.raises(LabelError, match="no trial is left"):
        trials.align(lfp, [np.nan], (-100, 200), invalid="drop")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda x: x.expand_dims("trial"), "cut into trials already"),
        (lambda x: x.drop_vars("v"), "no signal lies on 'time'"),
        (lambda x: x.assign_coords(state=("time", np.zeros(N))), "lie on 'time'"),
        (lambda x: x.assign(v=x.v.astype(str)), "no real numbers"),
    ],
)
def test_refuses(lfp, change, match):
    with pytest.raises(LabelError, match=match):
        trials.align(change(lfp), EVENTS[:1], (-10, 10))


def test_refuses_a_window_that_is_none(lfp):
    with pytest.raises(LabelError, match="start < stop"):
        trials.align(lfp, EVENTS[:1], (10, -10))
    with pytest.raises(LabelError, match="no trial column 'go'"):
        trials.align(lfp, "go", (-10, 10))


def test_mean_of_a_value_of_each_trial():
    """A reaction time has no time axis."""
    rt = np.array([400.0, 500.0, 600.0, np.nan, 300.0])
    table = {"coherence": ("trial", [0.5, 0.5, 0.1, 0.1, 0.1]), "trial": np.arange(5)}
    about = {"units": "ms", "long_name": "reaction time"}
    means = trials.average(xr.DataArray(rt, table, "trial", "rt", about), by="coherence")
    np.testing.assert_allclose(means.rt, [450.0, 450.0])
    np.testing.assert_allclose(means.sem, [150.0, 50.0])
    assert means.n_trials.values.tolist() == [2, 2]
    assert means.rt.attrs["units"] == means["sem"].attrs["units"] == "ms"
