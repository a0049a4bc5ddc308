"""Tests of when units were observed: intervals per unit, their labels, and what divides by them."""

import contextlib
from itertools import pairwise

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import labels, spikes
from neurodyn.labels import LabelError


def _three():
    """Units with a gap of their own, without, and lost early; the last was never observed."""
    observed = [[[0, 40], [60, 100]], [[0, 100]], [[0, 50]], []]
    times = [[10.0, 70.0, 90.0], [5.0, 50.0], [20.0], []]
    return spikes.from_times(times, coords={"unit": list("abcd")}, observed=observed), observed


def _intervals(ds):
    return [each.tolist() for each in spikes.observed_intervals(ds)]


def test_intervals_of_units_come_back_after_selecting_and_saving(tmp_path):
    ds, observed = _three()
    labels.check(ds)
    assert ds.attrs["window"] == [0, 100]
    assert "obs_intervals" not in ds.attrs
    assert _intervals(ds) == observed
    assert _intervals(ds.sortby("unit", ascending=False)) == observed[::-1]
    assert _intervals(ds.isel(unit=[2, 0])) == [observed[2], observed[0]]
    assert _intervals(spikes.relabel(ds.sel(unit=["a", "c"]), unit=[7, 8])) == observed[::2]
    assert _intervals(ds.reindex(unit=["b", "x", "a"])) == [observed[1], [], observed[0]]
    nd.save(tmp_path / "a.nc", ds)
    assert nd.load(tmp_path / "a.nc").identical(ds)


def test_shared_intervals_and_gaps_that_touch():
    ds = spikes.from_times([[5.0], [25.0]], observed=[(20, 30), (0, 6), (6, 10)], window=(2, 28))
    assert ds.attrs["obs_intervals"] == [2, 10, 20, 28]
    assert "gap" not in ds.dims
    assert _intervals(ds) == [[[2, 10], [20, 28]]] * 2
    # A gap shared by all is none of a unit's own.
    own = [[[0, 10], [20, 30]], [[0, 10], [20, 24], [26, 30]]]
    both = spikes.from_times([[5.0], [27.0]], observed=own)
    assert both.attrs["obs_intervals"] == [0, 10, 20, 30]
    assert both.sizes["gap"] == 1
    assert _intervals(both) == own


def test_spikes_outside_of_the_observation_are_refused_by_name():
    with pytest.raises(LabelError, match=r"unit 'b' .*2 of them, at 15, 16 ms; .*0 to 10, 20 to"):
        spikes.from_times(
            [[5.0], [25.0, 15.0, 16.0]],
            coords={"unit": ["a", "b"]},
            observed=[[[0, 10]], [[0, 10], [20, 30]]],
        )
    clock = 1.6e12  # POSIX milliseconds, which float64 resolves to 2e-4 ms
    edge = clock + 1000.1
    assert spikes.from_times([[edge]], observed=[[clock, edge], [edge + 5, edge + 9]]).spike.size
    for wrong, text in (
        ([[[0, 10]]], "1 units, and there are 2"),
        ([[[0, 10]], [[5, 1]]], r"unit 1 holds \[5.0, 1.0\]"),
        ([[], []], "no unit was observed"),
        ([[[0, 10], [20]], []], "unit 0 is uneven"),
        ([[0, 10]], "spikes when it was not observed, 1 of them, at 20 ms"),
        ([[[0, 1, 2]], []], r"unit 0 has shape \(1, 3\)"),
    ):
        with pytest.raises(LabelError, match=text):
            spikes.from_times([[], [20.0]], observed=wrong)


def test_intervals_of_units_go_through_nwb(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    ds, observed = _three()
    nd.io.to_nwb(ds, tmp_path / "a.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as io:
        file = io.read()
        held = [file.units["obs_intervals"][u] for u in range(4)]
        for seen, wanted in zip(held, observed, strict=True):
            np.testing.assert_allclose(np.reshape(seen, (-1, 2)) * 1e3, np.reshape(wanted, (-1, 2)))
    assert nd.io.from_nwb(tmp_path / "a.nwb").identical(ds)
    assert nd.io.from_neo(nd.io.to_neo(ds)).identical(ds)
    # Trials of 30 ms in a row, of which units lack parts.
    cut = spikes.align(ds, [0.0, 30.0, 60.0], (0, 30))
    assert {"observed", "gap_start"} <= set(cut.variables)
    nd.io.to_nwb(cut, tmp_path / "b.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "b.nwb"), "r") as io:
        seen = io.read().units["obs_intervals"]
        for unit, wanted in enumerate(([[0, 40], [60, 90]], [[0, 90]], [[0, 50]], [])):
            mine = np.reshape(seen[unit], (-1, 2)) * 1e3
            np.testing.assert_allclose(mine, np.reshape(wanted, (-1, 2)))
    assert nd.io.from_nwb(tmp_path / "b.nwb").identical(cut)
    assert nd.io.from_neo(nd.io.to_neo(cut)).identical(cut)


def test_units_of_recordings_join_with_their_own_times():
    ds, observed = _three()
    other = spikes.from_times([[7.0]], coords={"unit": ["z"]}, window=(0, 30))
    both = spikes.concat([ds, other], "unit")
    assert _intervals(both) == [*observed, [[0, 30]]]
    assert both.sel(unit=["z"]).observed_stop.values == 30
    assert nd.analysis.firing_rate(both).sel(unit="z") == pytest.approx(1 / 0.03)
    parts = [ds.isel(unit=[2, 3]), ds.isel(unit=[1]), ds.isel(unit=[0])]
    assert _intervals(spikes.concat(parts, "unit").sel(unit=list("abcd"))) == observed
    # Sessions whose windows are equal and without gaps need no more than the window.
    plain = spikes.concat([other, spikes.relabel(other, unit=["y"])], "unit")
    assert "observed_start" not in plain.coords
    assert plain.attrs["window"] == [0, 30]


#: Edges of intervals on a grid of 10 ms, so that bins tile them.
_GRID, _STEP = 12, 10.0


@st.composite
def recordings(draw):
    """Spikes of units that were observed in intervals of their own, and these intervals."""
    observed, times = [], []
    for _ in range(draw(st.integers(1, 4))):
        seen = np.array(draw(st.lists(st.booleans(), min_size=_GRID, max_size=_GRID)))
        edges = np.flatnonzero(np.diff(np.r_[False, seen, False].astype(int))).reshape(-1, 2)
        observed.append(edges * _STEP)
        all_times = draw(hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 120)))
        at = np.minimum(all_times // _STEP, _GRID - 1).astype(int)
        times.append(all_times[seen[at] & (all_times < 120)])
    if not any(len(each) for each in observed):
        observed[0] = np.array([[0.0, 120.0]])
    return times, observed


def _rate(times, intervals, start=-np.inf, stop=np.inf):
    """Spikes over observed time [Hz] in a window, by a loop."""
    n, lasting = 0, 0.0
    for low, high in np.clip(intervals, start, stop):
        n += sum(low <= t < high for t in times)
        lasting += high - low
    return n / lasting * 1e3 if lasting > 0 else np.nan


@given(recordings(), st.data())
@settings(deadline=None, max_examples=25)
def test_rates_are_spikes_over_observed_time(recording, data):
    times, observed = recording
    n = len(times)
    ds = spikes.from_times(times, observed=observed)
    order = data.draw(st.permutations(range(n)))
    several = data.draw(st.integers(1, n))
    chosen = {
        "all": (ds, range(n)),
        "permuted": (ds.isel(unit=order), order),
        "selected": (ds.sel(unit=order[:several]), order[:several]),
        "joined": (spikes.concat([ds.isel(unit=[u]) for u in order], "unit"), order)
        if all(len(each) for each in observed)
        else (ds, range(n)),
    }
    for case, (part, units) in chosen.items():
        wanted = [_rate(times[u], observed[u]) for u in units]
        np.testing.assert_allclose(nd.analysis.firing_rate(part), wanted, err_msg=case)
        start, stop = part.attrs["window"]
        counts = spikes.bin(part, bin_width=_STEP)
        labels.check(counts)
        count = counts["spike_count"].values
        assert count.shape == (round((stop - start) / _STEP), len(units))
        with np.errstate(invalid="ignore"):
            binned = np.nansum(count, 0) / (np.isfinite(count).sum(0) * _STEP) * 1e3
        np.testing.assert_allclose(binned, wanted, err_msg=case)
        np.testing.assert_allclose(nd.analysis.firing_rate(counts), wanted, rtol=1e-6)
        found = nd.analysis.spike_intervals(part)
        isi = [
            b - a
            for u in units
            for low, high in observed[u]
            for a, b in pairwise(sorted(t for t in times[u] if low <= t < high))
        ]
        assert sorted(found["interspike_interval"].values) == pytest.approx(sorted(isi))


@given(recordings(), st.lists(st.integers(0, 110), min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=25)
def test_rates_around_events_are_spikes_over_observed_time(recording, events, data):
    times, observed = recording
    n = len(times)
    ds = spikes.from_times(times, observed=observed)
    around, until = (-10.0, 25.0), np.array(events) + data.draw(st.integers(5, 40))
    cut = None
    with contextlib.suppress(LabelError):  # "no trial is left"
        cut = spikes.align(ds, np.array(events, float), around, until=until, invalid="drop")
    assume(cut is not None)
    labels.check(cut)
    stops = np.full(cut.sizes["trial"], around[1])
    if "valid_until" in cut.coords:
        stops = cut["valid_until"].values
    order = data.draw(st.permutations(range(n)))
    rows = data.draw(st.permutations(range(cut.sizes["trial"])))
    moved = cut.isel(unit=order, trial=rows)
    joined = spikes.concat([moved.isel(trial=[k]) for k in range(len(rows))])
    for part in (moved, joined, spikes.tidy(moved)):
        counts = spikes.bin(part, bin_width=5.0)
        labels.check(counts)
        count = counts["spike_count"].values
        spans, totals = np.zeros(n), np.zeros(n)
        for k, trial in enumerate(rows):
            event = float(cut["event_time"][trial])
            start, stop = event + around[0], event + stops[trial]
            for i, u in enumerate(order):
                inside = np.clip(observed[u], start, stop)
                seen = inside[inside[:, 1] > inside[:, 0]]
                spans[i] += (seen[:, 1] - seen[:, 0]).sum()
                totals[i] += sum(low <= t < high for low, high in seen for t in times[u])
                for b in range(7):
                    low = start + b * 5.0
                    whole = any(lo <= low and low + 5.0 <= hi for lo, hi in seen)
                    wanted = sum(low <= t < low + 5.0 for t in times[u]) if whole else np.nan
                    np.testing.assert_equal(count[k, b, i], wanted, err_msg=f"{trial} {b} {u}")
        with np.errstate(invalid="ignore"):
            wanted = totals / spans * 1e3
        np.testing.assert_allclose(nd.analysis.firing_rate(part), wanted)


def test_units_of_trials_have_times_of_their_own():
    """Three trials as segments of a file whose trains start and stop on their own."""
    seen = [[[[0, 100]], [[20, 80]]], [(0, 60)], [[[0, 40], [50, 100]], []]]
    rows = [(10, 0, 0), (90, 0, 0), (30, 1, 0), (59, 1, 1), (20, 0, 2), (70, 0, 2)]
    time, unit, trial = map(np.array, zip(*rows, strict=True))
    names, runs = np.array(["a", "b"]), np.array([7, 8, 9])
    given = {"coords": {"unit": names, "trial": runs}, "source": "recording"}
    ds = spikes.dataset(time, names[unit], runs[trial], observed=seen, **given)
    labels.check(ds)
    assert ds.attrs["window"] == [0, 100]
    assert ds.valid_until.values.tolist() == [100, 60, 100]
    np.testing.assert_allclose(nd.analysis.firing_rate(ds), [4 / 0.25, 2 / 0.12])
    counts = spikes.bin(ds, bin_width=20.0).spike_count.values
    nan = np.nan
    wanted = [[1, 0, 0, 0, 1], [0, 0, 0, nan, nan], [0, 1, nan, 1, 0]]
    np.testing.assert_array_equal(counts[:, :, 0], wanted)
    wanted = [[nan, 1, 0, 0, nan], [0, 0, 1, nan, nan], [nan] * 5]
    np.testing.assert_array_equal(counts[:, :, 1], wanted)
    for wrong, text in (
        ((45, "a", 9), r"unit 'a' in trial 9 .*at 45 ms; it was observed in 0 to 40, 50 to 100 ms"),
        ((61, "b", 8), r"unit 'b' in trial 8 .*at 61 ms; it was observed in 0 to 60 ms"),
        ((5, "b", 9), r"unit 'b' in trial 9 .*at 5 ms; it was observed in no time"),
    ):
        with pytest.raises(LabelError, match=text):
            spikes.dataset(*([value] for value in wrong), observed=seen, **given)
    with pytest.raises(LabelError, match="3 trials has 2 entries"):
        spikes.dataset(time, names[unit], runs[trial], observed=seen[:2], **given)
