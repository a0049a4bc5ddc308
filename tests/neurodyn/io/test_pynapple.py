"""To and from pynapple: with the package where it is installed, else with objects alike."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurodyn import io, labels, spikes
from neurodyn.io.parts import table
from neurodyn.labels import LabelError

try:
    import pynapple
except ImportError:
    pynapple = None


class IntervalSet:
    def __init__(self, start, end, metadata=None):
        self.start, self.end = np.asarray(start), np.asarray(end)
        self.metadata = pd.DataFrame(metadata or {})


class Ts:
    def __init__(self, t, time_support=None):
        self.t = np.sort(t)


class Tsd:
    def __init__(self, t, d):
        self.t, self.values = t, d


class TsdTensor(Tsd):
    pass


class TsdFrame(Tsd):
    def __init__(self, t, d, columns=None, metadata=None):
        super().__init__(t, d)
        self.columns, self.metadata = pd.Index(columns), pd.DataFrame(metadata or {})


class TsGroup(dict):
    """Like pynapple's, it keeps what lies in the time support, sorts keys, and adds rates."""

    def __init__(self, data, time_support, metadata):
        inside = zip(time_support.start, time_support.end, strict=True)
        edges = list(inside)
        for train in data.values():
            train.t = np.array([t for t in train.t if any(a <= t <= b for a, b in edges)])
        super().__init__({k: data[k] for k in sorted(data)})
        self.time_support = time_support
        rates = [len(each.t) for each in self.values()]
        self.metadata = pd.DataFrame({"rate": rates} | metadata, index=list(self))


@pytest.fixture(params=["package", "alike"])
def nap(request, monkeypatch):
    if request.param == "package":
        if pynapple is None:
            pytest.skip("pynapple is not installed")
        return pynapple
    module = ModuleType("pynapple")
    for each in (IntervalSet, Ts, Tsd, TsdFrame, TsdTensor, TsGroup):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "pynapple", module)
    return module


def units():
    """Labels that are no numbers, a silent unit, gaps of one's own, times in microseconds."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.choice(100_000, 40, replace=False)) / 1e3
    seen = np.array([[0.0, 100.0], [600.0, 900.1]])
    return spikes.from_times(
        [[*times, 700.3], [], [50.0]],
        coords={
            "unit": ["b", "a", "c"], "area": ("unit", ["V1", "", "ü"]),
            "snr": ("unit", np.array([1.5, np.nan, 3.0], np.float32)),
            "depth": ("unit", [10.0, 20.5, 0.1], "um"), "good": ("unit", [True, False, True]),
        },
        observed=[seen, seen, np.array([[0.0, 900.1]])],
        attrs={"simultaneous": True},
    )  # fmt: skip


def test_spikes(nap):
    ds = units()
    group = io.to_pynapple(ds)
    assert sorted(group) == [0, 1, 2]
    np.testing.assert_allclose(group[0].t, spikes.times(ds)[0] / 1e3, rtol=1e-15)
    support = group.time_support
    np.testing.assert_allclose([support.start[0], support.end[-1]], [0, 0.9001])
    assert list(group.metadata["unit"]) == ["b", "a", "c"]
    assert "neurodyn" not in " ".join(map(str, group.metadata))
    assert io.from_pynapple(group).identical(ds)
    numbered = ds.drop_vars(["unit", "snr"]).assign_coords(unit=ds["unit"])
    whole = spikes.from_times([[1.25, 2.5], [3.0]], window=(0, 10), coords={"unit": [3, 8]})
    group = io.to_pynapple(whole)
    assert [group[key].t.tolist() for key in (3, 8)] == [[0.00125, 0.0025], [0.003]]
    assert io.from_pynapple(group).identical(whole)
    assert numbered.sizes["unit"] == 3


def test_what_pynapple_made(nap):
    """Objects without a memory of ours: seconds become ms, metadata columns."""
    support = nap.IntervalSet([0.0, 2.0], [1.0, 3.0])
    trains = {4: nap.Ts(np.array([0.1, 2.5])), 2: nap.Ts(np.array([0.3, 1.5]))}
    group = nap.TsGroup(trains, time_support=support, metadata={"unit_id": np.array(["x", "y"])})
    ds = io.from_pynapple(group)
    assert ds["unit"].values.tolist() == [2, 4]
    assert [each.tolist() for each in spikes.times(ds)] == [[300.0], [100.0, 2500.0]]
    assert ds.attrs["obs_intervals"] == [0, 1000, 2000, 3000]
    # 30 kHz, as pynapple rounds it to 1 ns
    time = np.round(5 + np.arange(3000) / 30e3, 9)
    frame = nap.TsdFrame(t=time, d=np.ones((3000, 2)), columns=["p", "q"])
    ds = io.from_pynapple(frame, name="lfp", unit="uV")
    np.testing.assert_array_equal(ds["time"].values, 5000 + np.arange(3000) * 1e3 / 30e3)
    assert (ds["channel"].values.tolist(), ds["v"].attrs["units"]) == (["p", "q"], "mV")
    assert ds["v"].values[0, 0] == 1e-3
    tensor = nap.TsdTensor(t=np.arange(4.0), d=np.zeros((4, 2, 3)))
    ds = io.from_pynapple(tensor, dims=["unit", "latent"])
    assert dict(ds.sizes) == {"time": 4, "unit": 2, "latent": 3}
    with pytest.raises(LabelError, match="2 dims after time: name them"):
        io.from_pynapple(tensor, dims=["unit"])
    with pytest.raises(TypeError, match="got a SimpleNamespace"):
        io.from_pynapple(SimpleNamespace())


def session():
    rows = {
        "start_time": ("trial", [0.3, 300.1], "ms"), "stop_time": ("trial", [300.1, 800.2], "ms"),
        "side": ("trial", ["l", "r"]), "n": ("trial", np.array([1, 0], np.int8)),
    }  # fmt: skip
    lfp = labels.dataset(
        {"v": (("time", "channel"), np.ones((9, 2), np.float32), "mV", "LFP")},
        {
            "time": 10 + np.arange(9) * 1e3 / 1250, "channel": [4, 9],
            "x": ("channel", [0.0, 2.0], "um"),
        }, source="recording", attrs={"series": "lfp"},
    )  # fmt: skip
    speed = labels.dataset(
        {"speed": ("time", np.arange(40.0), "cm/s", "speed")}, {"time": np.arange(40) * 20.0},
        source="recording", attrs={"series": "speed"},
    )  # fmt: skip
    odd = labels.dataset(
        {"x": (("time", "channel", "latent"), np.ones((3, 2, 2)), "1", "x")},
        {"time": [0.1, 0.5, 3.25], "channel": ["a", "b"]}, source="recording",
        attrs={"series": "odd"},
    )  # fmt: skip
    licks = table({"event_time": ("trial", [1.5, 2.25], "ms")}, {"table": "licks"})
    trials = table(rows, {"table": "trials"})
    return {
        "spikes": units(), "intervals/trials": trials, "events/licks": licks,
        "signals/lfp": lfp, "signals/speed": speed, "signals/odd": odd,
    }  # fmt: skip


def test_all_parts(nap):
    parts = session()
    made = io.to_pynapple(xr.DataTree.from_dict({f"/{at}": ds for at, ds in parts.items()}))
    kinds = ["TsGroup", "IntervalSet", "Ts", "TsdFrame", "Tsd", "TsdTensor"]
    assert [type(each).__name__ for each in made.values()] == kinds
    np.testing.assert_allclose(made["intervals/trials"].end, [0.300099, 0.8002], rtol=1e-9)
    for at, ds in parts.items():
        back = io.from_pynapple(made[at], name=at.split("/")[-1])
        assert back.identical(ds), at
    tree = io.from_pynapple(made)
    assert tree["spikes"]["side"].values.tolist() == ["l", "r"]  # as all readers do
    joined = units().assign_coords(parts["intervals/trials"].coords).assign_attrs(table="trials")
    assert io.from_pynapple(io.to_pynapple(joined)).identical(joined)


def test_refused(nap):
    parts = session()
    trials = parts["intervals/trials"]
    late = trials.assign_coords(start_time=trials["start_time"] - [0, 50])
    still = trials.assign_coords(stop_time=trials["start_time"])
    lost = trials.assign_coords(stop_time=trials["stop_time"] * [1, np.nan])
    cut = spikes.align(units(), [10.0, 620.0], (0, 20), invalid="drop")
    licks = parts["events/licks"].assign_coords(
        label=("trial", ["a", "b"], {"units": "1", "long_name": "l"})
    )
    for ds, told in (
        (late, "overlap"), (still, "no duration"), (lost, "without an end"), (cut, "in trials"),
        (licks, r"times only, not \['label'\]"),
    ):  # fmt: skip
        with pytest.raises(LabelError, match=told):
            io.to_pynapple(ds)


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynapple", None)
    with pytest.raises(ImportError, match=r"to_pynapple needs pynapple.*'neurodyn\[interop\]'"):
        io.to_pynapple(units())
