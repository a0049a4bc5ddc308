"""Tests of when units were observed: intervals per unit, their labels, and what divides by them."""

import numpy as np
import pytest

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
        ([[[0, 1, 2]], []], r"unit 0 has shape \(1, 3\)"),
    ):
        with pytest.raises(LabelError, match=text):
            spikes.from_times([[], []], observed=wrong)


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
