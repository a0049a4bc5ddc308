"""A whole recording around events: its spikes and its signals, each on a clock of its own."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, spikes, trials
from neurodyn.io.parts import combine, cut_trials, table
from neurodyn.labels import LabelError

EVENTS = np.array([1000.3, np.nan, 2000.7, 3005.2, 5600.0, 9950.0])
ENDS = EVENTS + np.array([500.0, 500.0, 120.0, 500.0, 500.0, 500.0])
SIDE = np.array(["l", "r", "l", "r", "l", "r"])


def series(values, time, name, units="1", **coords):
    dims = ("time", "channel")[: np.ndim(values)]
    built = {name: (dims, values, units, name)}
    return labels.dataset(built, {"time": time, **coords}, source="recording")


@pytest.fixture(scope="module")
def parts():
    """Values are times, so that what is cut says when it was."""
    rng = np.random.default_rng(0)
    fast, slow = np.arange(10_000) * 1.0, 3.0 + np.arange(500) * 20.0
    uneven = np.cumsum(rng.uniform(15.0, 45.0, 400))
    uneven = uneven[(uneven < 5700) | (uneven > 5820)]  # a blink, and the end of the camera
    about = {"table": "trials"}
    columns = {"on": ("trial", EVENTS, "ms"), "end": ("trial", ENDS, "ms"), "side": SIDE}
    columns["side"] = ("trial", SIDE)
    area = ("channel", ["CA1", "CA1", "CA3"])
    return {
        "spikes": spikes.from_times([rng.uniform(0, 1e4, 3000), [1000.3]], window=(0, 1e4)),
        "signals/lfp": series(fast[:, None] + [0, 1e5, 2e5], fast, "v", "mV", area=area),
        "signals/speed": series(slow.astype(np.float32), slow, "speed", "cm/s"),
        "signals/pupil": series(uneven, uneven, "pupil", "mm"),
        "intervals/trials": table(columns, about),
        "events/licks": table({"lick": ("trial", [100.0, 2500.0], "ms")}, {"table": "licks"}),
    }


@pytest.fixture(scope="module")
def session(parts):
    return combine(parts, {"session_id": "m1", "subject_id": "Ada"})


def test_all_parts_have_the_same_trials_and_their_own_clocks(session, parts):
    with pytest.raises(LabelError, match=r"spikes: 1 of 6 trials .*trials 1 \(no event\)"):
        trials.align(session, "on", (-100, 300))
    cut = trials.align(session, "on", (-100, 300), invalid="drop")
    assert {n.path for n in cut.leaves} == {
        "/spikes", "/signals/lfp", "/signals/speed", "/signals/pupil"
    }  # fmt: skip
    assert cut.attrs["session_id"] == "m1"
    labels.check(cut.filter(lambda node: node.name != "pupil"))  # which has a gap
    for node in cut.leaves:
        assert node["trial"].values.tolist() == [0, 2, 3, 4, 5]
        assert node["side"].values.tolist() == SIDE[[0, 2, 3, 4, 5]].tolist()
        np.testing.assert_array_equal(node["event_time"], EVENTS[[0, 2, 3, 4, 5]])
    for name, variable, step in (("lfp", "v", 1.0), ("speed", "speed", 20.0)):
        ds = cut[f"signals/{name}"].to_dataset()
        own = ds[variable].isel(channel=0) if "channel" in ds.dims else ds[variable]
        away = own - ds.event_time - ds.time
        assert abs(away).max() <= step / 2
        assert ds.attrs["align_method"] == "nearest"
        assert ds.attrs["align_error"] == pytest.approx(float(abs(away).max()), abs=1e-3)
        assert own.isin(parts[f"signals/{name}"].time).where(own.notnull(), True).all()
    # Straight lines between samples give the time itself; the blink and the end have no values.
    pupil = cut["signals/pupil"].to_dataset()
    away = (pupil.pupil - pupil.event_time - pupil.time).values
    usual = np.median(np.diff(parts["signals/pupil"].time))
    assert np.diff(pupil.time) == pytest.approx(usual)
    assert np.nanmax(abs(away)) < 1e-9
    when = (pupil.event_time + pupil.time).values
    times = parts["signals/pupil"].time.values
    before = np.searchsorted(times, when, side="right")
    width = times[np.minimum(before, times.size - 1)] - times[before - 1]
    np.testing.assert_array_equal(np.isnan(away), (width > 3 * usual) | (when > times[-1]))
    assert np.isnan(away[3]).any()
    assert not np.isnan(away[3, -1])
    assert pupil.attrs["align_method"] == "linear"
    assert pupil.attrs["align_error"] == 0
    assert cut["spikes"]["valid_until"][-1] == 50.0
    xr.testing.assert_identical(
        cut["spikes"].to_dataset().drop_attrs(),
        spikes.align(
            parts["spikes"].assign_coords(parts["intervals/trials"].coords), "on", (-100, 300),
            invalid="drop",
        ).drop_attrs(),
    )  # fmt: skip


def test_tables_events_ends_and_signals_are_found_by_name(session):
    cut = trials.align(session, "on", (-100, 300), until="end", invalid="drop", signals=["lfp"])
    assert {n.path for n in cut.leaves} == {"/spikes", "/signals/lfp"}
    np.testing.assert_array_equal(cut["signals/lfp"].n_valid, [400, 220, 400, 400, 150])
    np.testing.assert_allclose(cut["spikes"].valid_until, [300.0, 120.0, 300.0, 300.0, 50.0])
    licks = trials.align(session, "lick", (-10, 10), signals=False)
    assert licks.sizes["trial"] == 2
    assert "spike_time" in licks.coords
    one = trials.align(session, [1000.0], (-10, 10), signals="lfp")
    assert float(one["signals/lfp"].v[0, 10, 0]) == 1000.0
    area = one["signals/lfp"].to_dataset()
    assert area.where(area.area == "CA3", drop=True).sizes["channel"] == 1
    with pytest.raises(
        LabelError, match=r"columns \['go'\]: .*'trials' has \['on', 'end', 'side'\]"
    ):
        trials.align(session, "go", (-10, 10))
    with pytest.raises(LabelError, match=r"among \['licks', 'trials'\]"):
        trials.align(session, "on", (-10, 10), trials="epochs")
    with pytest.raises(LabelError, match=r"no signal \['emg'\]: signals are \['lfp', 'speed'"):
        trials.align(session, "on", (-10, 10), signals=["emg"])
    with pytest.raises(LabelError, match=r"nothing to cut.*events/licks"):
        trials.align(session.filter(lambda n: not n.path.startswith("/s")), "on", (-10, 10))
    # A signal that does not hold a trial takes it from all parts; or says so.
    late = xr.DataArray([1000.0, 5785.0], {"trial": [4, 9]}, "trial", name="on")
    with pytest.raises(LabelError, match=r"signals/pupil: 1 of 2 trials .*event at 5785"):
        trials.align(session, late, (-50, 40))
    kept = trials.align(session, late, (-50, 40), invalid="drop")
    assert [node["trial"].values.tolist() for node in kept.leaves] == [[4]] * 4
    # Reading cuts spikes alone, unless signals are asked for.
    assert isinstance(cut_trials(session, "on", (-100, 300), invalid="drop"), xr.Dataset)
    cut = cut_trials(session, "on", (-100, 300), invalid="drop", signals=["speed"])
    assert {n.path for n in cut.leaves} == {"/spikes", "/signals/speed"}
    silent = session.filter(lambda node: node.path != "/spikes")
    assert "signals/lfp" in {n.path.strip("/") for n in cut_trials(silent, "lick", (0, 9)).leaves}


def test_invalid_times_have_no_samples(parts):
    bad = {"start_time": ("trial", [2100.0], "ms"), "stop_time": ("trial", [2150.0], "ms")}
    kept = {"signals/lfp", "intervals/trials"}
    tables = {"intervals/invalid_times": table(bad, {"table": "invalid_times"})}
    session = combine({n: p for n, p in parts.items() if n in kept} | tables, {})
    cut = trials.align(session, "on", (-100, 300), invalid="drop")
    when = parts["signals/lfp"].time.values[1901:2301]
    missing = cut.v.isnull()
    np.testing.assert_array_equal(missing[1, :, 0], (when >= 2100) & (when < 2150))
    assert missing.isel(trial=[0, 2, 3]).sum() == 0


def test_methods_and_clocks(parts):
    lfp, pupil = parts["signals/lfp"].v.isel(channel=0), parts["signals/pupil"].pupil
    exact = trials.align(lfp, [1000.3, 2000.7], (-5, 5), method="linear")
    np.testing.assert_allclose(
        exact - exact.event_time, xr.zeros_like(exact) + exact.time, atol=1e-9
    )
    assert exact.name == "v"
    assert exact.attrs["units"] == "mV"
    # Samples that are even but for a gap stay samples; the gap is NaN.
    gap = lfp.isel(time=np.r_[0:1050, 1200:3000])
    cut = trials.align(gap, [1000.4], (-100, 300))
    np.testing.assert_array_equal(cut.isnull()[0], (cut.time >= 50) & (cut.time < 200))
    np.testing.assert_array_equal(cut.dropna("time")[0] % 1, 0)
    with pytest.raises(LabelError, match=r"1 trials .*event at 1150"):
        trials.align(gap, [1150.0], (-50, 40))
    # Ties always take the later sample; POSIX times are even, too.
    for start in (0.0, 1.6e12):
        half = lfp.assign_coords(time=lfp.time + start)
        cut = trials.align(half, start + np.array([100.5, 203.0]), (-3, 3))
        np.testing.assert_array_equal(cut, [np.arange(98, 104), np.arange(200, 206)])
    fast = xr.DataArray(np.zeros(100), {"time": 1.7e12 + np.arange(100) * 0.8}, "time")
    for record in (fast, fast.isel(time=np.r_[0:40, 60:100])):
        cut = trials.align(record, [1.7e12 + 24.1], (-4, 4))
        np.testing.assert_allclose(cut.time, np.arange(-5, 5) * 0.8, atol=1e-12)
    cut = trials.align(pupil, [1000.0], (-100, 300), dt=10.0)
    assert cut.time.values.tolist() == list(np.arange(-100.0, 300, 10))
    with pytest.raises(LabelError, match=r"every 1 ms, not every 10: .*trials.resample"):
        trials.align(lfp, [1000.0], (-100, 300), dt=10.0)
    with pytest.raises(LabelError, match="'nearest' or 'linear'"):
        trials.align(lfp, [1000.0], (-100, 300), method="cubic")
    # A NaN spoils its own value alone.
    holed = lfp.where(lfp.time != 1000.0)
    exact = trials.align(holed, [1000.0, 2000.5], (-2, 3), method="linear")
    np.testing.assert_array_equal(exact.isnull()[0], [False, False, True, False, False])


def test_errors_tell_times_and_the_next_step():
    """Of clocks that count from 1970, too, of which six digits are ten days."""
    start = 1.7e12
    late = spikes.from_times([[start + 5.0]], window=(start, start + 100.25))
    with pytest.raises(
        LabelError, match=r"trials 1 \(event at 1700000000190\.5 ms\)\. Choose a shorter"
    ):
        trials.align(late, start + np.array([10.0, 190.5]), (0, 20))
    with pytest.raises(LabelError, match=r"1700000000000 to 1700000000200 ms exceeds the observ"):
        spikes.bin(late, bin_width=10, window=(start, start + 200))
    tree = xr.DataTree.from_dict({"/spikes": late, "/signals/lfp": late})
    with pytest.raises(TypeError, match=r"take one part of it, tree\['spikes'\]\.to_dataset"):
        labels.clock(tree)
    with pytest.raises(LabelError, match=r"not cut into trials: neurodyn\.trials\.align"):
        trials.psth(late, by=[])


class _Seconds(np.ndarray):
    """Numbers with a unit, as neo, quantities and Brian2 have them."""

    units = "s"


SECOND = np.array([0.5]).view(_Seconds)
LATER = np.array([1], "timedelta64[s]")


@pytest.mark.parametrize("given", [
    lambda t: spikes.from_times([t], window=(0, 1000)),
    lambda t: spikes.from_times([[1.0]], observed=np.tile(t, (1, 2)).view(type(t))),
    lambda t: spikes.from_times([[1.0]], window=[0.0, t[0]] if t is LATER else t),
    lambda t: trials.align(series(np.arange(9.0), np.arange(9.0), "v"), t, (0, 2)),
    lambda t: trials.resample(series(np.arange(9.0), np.arange(9.0), "v"), t.reshape(())),
    lambda t: spikes.bin(spikes.from_times([[1.0]], window=(0, 1000)), bin_width=t.reshape(())),
    lambda t: labels.dataset({"v": ("time", t, "mV", "v")}, {"time": t}, source="recording"),
])  # fmt: skip
@pytest.mark.parametrize("times", [SECOND, LATER])
def test_times_with_another_unit_are_no_ms(given, times):
    """Numpy would drop the unit without a word, and half a second be half a millisecond."""
    with pytest.raises((LabelError, TypeError), match=r"unit of its own|timedelta64|in ms|of ms"):
        given(times)
