"""Sections of recordings of every format, and some of their channels, units and signals."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io import read, to_neo
from neurodyn.io.files import load, save
from neurodyn.io.select import select
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(0)
    observed = [[[0, 1000]], [[0, 300], [600, 1000]], [[0, 200]]]
    times = [np.arange(5.0, 1000, 10), [10.0, 250.0, 700.0], [50.0]]
    table = {
        "start_time": ("trial", [0.0, 400.0, 800.0], "ms"),
        "stop_time": ("trial", [300.0, 700.0, 1000.0], "ms"),
    }
    cells = spikes.from_times(
        times, observed=observed, coords={"unit": [7, 8, 9], "area": ("unit", ["a", "b", "c"])}
    )
    lfp = labels.dataset(
        {"v": (("time", "channel"), rng.normal(size=(1000, 3)), "mV", "lfp")},
        {"time": np.arange(1000.0), "channel": [30, 10, 20]},
        source="recording",
    )
    eye = labels.dataset(
        {"signal": (("time", "channel"), rng.normal(size=(100, 2)), "deg", "eye")},
        {"time": np.arange(100) * 10.0, "channel": ["x", "y"]},
        source="recording",
    )
    speed = eye.isel(channel=0, drop=True).rename(signal="speed")
    licks = labels.dataset(
        {}, {"event_time": ("trial", [100.0, 500.0]), "trial": [0, 1]}, source="recording"
    )
    trials = labels.dataset({}, table | {"trial": [4, 5, 6]}, source="recording")
    parts = {
        "/": xr.Dataset(attrs={"source": "recording", "convention": labels.CONVENTION}),
        "/spikes": cells, "/signals/lfp": lfp, "/signals/eye": eye, "/signals/speed": speed,
        "/events/licks": licks, "/intervals/trials": trials,
    }  # fmt: skip
    return xr.DataTree.from_dict(parts)


@pytest.mark.parametrize("name", ["a.nc", "a.zarr"])
def test_saved_files(tree, tmp_path, name):
    if name.endswith("zarr"):
        pytest.importorskip("zarr")
    save(tmp_path / name, tree)
    xr.testing.assert_identical(read(tmp_path / name), tree)
    cut = read(
        tmp_path / name,
        window=(250, 650),
        channels=[20, 30],
        units=[8, 7],
        signals=["lfp", "speed"],
    )
    labels.check(cut)
    assert set(cut["signals"].children) == {"lfp", "speed"}
    expected = tree["signals/lfp"].to_dataset().sel(time=slice(250, 649), channel=[20, 30])
    xr.testing.assert_identical(cut["signals/lfp"].to_dataset(), expected)
    assert cut["signals/speed"].time.values[[0, -1]].tolist() == [250.0, 640.0]
    cells = cut["spikes"].to_dataset()
    assert cells.unit.values.tolist() == [8, 7]
    assert spikes.times(cells)[0].tolist() == [250.0]
    np.testing.assert_array_equal(spikes.times(cells)[1], np.arange(255.0, 650, 10))
    seen = [each.tolist() for each in spikes.observed_intervals(cells)]
    assert seen == [[[250.0, 300.0], [600.0, 650.0]], [[250.0, 650.0]]]
    assert cut["intervals/trials"].trial.values.tolist() == [4, 5]
    assert cut["events/licks"].event_time.values.tolist() == [500.0]

    lazy = read(tmp_path / name, window=(250, 650), signals="lfp", channels=[20], lazy=True)
    (tmp_path / name).rename(tmp_path / "moved")  # it is opened when it is needed, and then only
    assert lazy["signals/lfp"].v.chunks is not None
    assert lazy["spikes"].spike_time.size
    (tmp_path / "moved").rename(tmp_path / name)
    np.testing.assert_array_equal(lazy["signals/lfp"].v.values, expected.v.values[:, :1])
    assert load(tmp_path / name)["signals/lfp"].v.chunks is None


def test_what_is_left_out_is_listed(tree):
    cut = select(tree, Selection.of((500, np.inf), channels=[10]))
    assert cut.attrs["not_read"] == ["signals/eye: none of the channels 10; it has 'x', 'y'"]
    assert "speed" in cut["signals"].children
    assert cut["spikes"].attrs["window"] == [500.0, 1000.0]
    late = select(tree, Selection.of((960, 2000), signals=False))
    assert "licks: no row lies from 960 to 2000 ms" in late.attrs["not_read"][0]
    never = select(tree, Selection.of((250, 280), units=9, signals="eye"))
    assert "no unit was observed from 250 to 280 ms" in never.attrs["not_read"][0]
    assert select(tree, Selection()) is tree


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"units": [7, 70]}, r"units 70 are not in this recording: spikes has 7, 8, 9"),
        ({"channels": ["z"]}, r"channels 'z' are not .*signals/lfp has 30, 10, 20; signals/eye"),
        ({"signals": "emg"}, r"no signal 'emg' in this recording: its signals are 'lfp', 'eye'"),
        ({"window": (9, 3)}, r"start < stop"),
        ({"window": (5e3, 6e3)}, r"nothing of this recording is left: spikes: no unit was obs"),
    ],
)
def test_what_is_not_there(tree, options, match):
    with pytest.raises(LabelError, match=match):
        select(tree, Selection.of(**options))


def test_pieces_with_clocks_of_their_own(tree):
    cut = spikes.align(tree["spikes"].to_dataset(), [100.0, 700.0], (0, 50), invalid="drop")
    with pytest.raises(LabelError, match="in trials, whose times count from their starts"):
        select(cut, Selection.of((0, 10)))
    assert select(cut, Selection.of(units=[8])).unit.values.tolist() == [8]


def test_files_of_neo(tree, tmp_path):
    neo = pytest.importorskip("neo")
    pytest.importorskip("nixio")
    io = neo.NixIO(str(tmp_path / "a.nix"), mode="ow")
    io.write_block(to_neo(tree["signals/lfp"].to_dataset()))
    io.close()
    cut = read(tmp_path / "a.nix", window=(100, 103))
    np.testing.assert_allclose(cut.v, tree["signals/lfp"].v[100:103])
    assert cut.time.values.tolist() == [100.0, 101.0, 102.0]


def test_entries_that_share_a_name(tree):
    """All of them are taken, because none of them is the one that was meant."""
    lfp = tree["signals/lfp"].to_dataset().assign_coords(channel_name=("channel", ["a", "b", "a"]))
    taken = select(lfp, Selection.of(channels=["b", "a"]))
    assert taken.channel.values.tolist() == [10, 30, 20]
    cells = tree["spikes"].to_dataset().assign_coords(unit_id=("unit", ["x", "x", "y"]))
    assert select(cells, Selection.of(units="x")).unit.values.tolist() == [7, 8]


def test_nothing_is_left_of_a_table_without_rows(tree):
    """Nor of the dims that only its columns have."""
    table = tree["intervals/trials"].to_dataset()
    table = table.assign(tags=(("trial", "tags_index"), np.zeros((3, 2))))
    table = table.assign_coords(tags_index=[0, 1])
    asked = xr.DataTree.from_dict({"/spikes": tree["spikes"].dataset, "/intervals/trials": table})
    with pytest.raises(LabelError, match=r"nothing of this recording is left: .* 1700000000000 "):
        select(asked, Selection.of((1.7e12, 1.7e12 + 500)))
