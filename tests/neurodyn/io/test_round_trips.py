"""Whatever can be read can be written, in every format, and comes back to the bit."""

import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings

import neurodyn as nd
from neurodyn import io, spikes
from neurodyn.io.parts import combine, table
from neurodyn.labels import LabelError
from tests.neurodyn.io.recordings import recordings, same

pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]


def written(recording, folder, suffix):
    path = folder / f"a.{suffix}"
    if suffix == "nwb":
        return io.to_nwb(recording, path)
    if suffix == "nix":
        return io.to_nix(recording, path)
    nd.save(path, recording)
    return path


@pytest.mark.parametrize("suffix", ["nc", "zarr", "nwb", "nix"])
def test_any_recording_comes_back(tmp_path_factory, suffix):
    @given(recordings())
    @settings(
        deadline=None, max_examples=3, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(recording):
        folder = tmp_path_factory.mktemp("a")
        same(recording, io.read(written(recording, folder, suffix)))
        assert len([*folder.iterdir()]) == 1

    check()


def session():
    """Spikes in gaps, trials, events, LFP with electrodes, speed on its own clock, sweeps."""
    rng = np.random.default_rng(0)
    units = spikes.from_times(
        [[1.1, 2.2, 700.3], [50.0]], coords={"unit": ["a", "b"], "area": ("unit", ["V1", "CA1"])},
        observed=[np.array([[0.0, 100.0], [600.0, 900.1]]), np.array([[0.0, 900.1]])],
    )  # fmt: skip
    rows = {
        "start_time": ("trial", [0.3, 400.7], "ms"),
        "stop_time": ("trial", [300.1, 800.2], "ms"),
    }
    rows |= {
        "trial": [0, 1],
        "choice": ("trial", ["left", ""]),
        "rt": ("trial", [210.7, np.nan], "ms"),
    }
    licks = {"trial": [0, 1, 2], "event_time": ("trial", [12.3, 45.6, 78.9], "ms")}
    lfp = {
        "time": 10.0 + np.arange(90) * 1e3 / 1250, "channel": [4, 9],
        "x": ("channel", [0.0, 20.0], "um"), "area": ("channel", ["V1", "CA1"]),
    }  # fmt: skip
    speed = {"time": np.sort(rng.uniform(0, 900, 40))}
    sweeps = {
        "time": np.arange(30) * 0.5, "sweep": [0, 2], "n_valid": ("sweep", [30, 20]),
        "start_time": ("sweep", [100.0, 500.1], "ms"), "valid_until": ("sweep", [14.5, 9.5], "ms"),
    }  # fmt: skip
    current = np.where(np.arange(30) < np.array([[30], [20]]), rng.normal(size=(2, 30)), np.nan)
    own = {"source": "recording"}
    parts = {
        "spikes": units,
        "intervals/trials": table(rows, {"table": "trials"}),
        "intervals/blocks": table(rows, {"table": "blocks"}),
        "events/licks": table(licks, {"table": "licks"}),
        "signals/lfp": nd.labels.dataset(
            {"v": (("time", "channel"), rng.normal(size=(90, 2)).astype("f4"), "mV", "LFP")},
            lfp,
            **own,
        ),
        "signals/speed": nd.labels.dataset(
            {"signal": (("time",), rng.normal(size=40), "cm/s", "speed")}, speed, **own
        ),
        "signals/clamp": nd.labels.dataset(
            {"i": (("sweep", "time"), current, "pA", "current")}, sweeps, **own
        ),
    }
    return combine(parts, {"subject_id": "m1", "species": "Mus musculus", "not_read": ["a: why"]})


def test_what_other_readers_of_nwb_see(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    inspector = pytest.importorskip("nwbinspector")
    tree = session()
    path = io.to_nwb(tree, tmp_path / "a.nwb")
    same(tree, io.read(path))
    found = [
        m for m in inspector.inspect_nwbfile(nwbfile_path=path)
        if m.importance in (inspector.Importance.CRITICAL, inspector.Importance.ERROR)
    ]  # fmt: skip
    assert found == []
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        nwb = file.read()
        lfp = nwb.acquisition["lfp"]
        assert (lfp.neurodata_type, lfp.rate, lfp.unit) == ("ElectricalSeries", 1250.0, "volts")
        assert lfp.starting_time == 0.01
        mv = tree["signals/lfp"].v.values
        np.testing.assert_allclose(lfp.get_data_in_units(), mv.astype(float) * 1e-3, rtol=1e-12)
        electrodes = lfp.electrodes.to_dataframe()
        assert (electrodes["x"].tolist(), electrodes["location"].tolist()) == (
            [0.0, 20.0], ["V1", "CA1"],
        )  # fmt: skip
        speed = nwb.acquisition["speed"]
        assert speed.unit == "cm/s"
        time = tree["signals/speed"].time.values
        np.testing.assert_allclose(speed.timestamps[:], time / 1e3, rtol=1e-15)
        clamp = nwb.acquisition["clamp_2"]
        assert (clamp.unit, clamp.starting_time, len(clamp.data)) == ("amperes", 0.5001, 20)
        pa = tree["signals/clamp"].i.values[1, :20]
        np.testing.assert_allclose(clamp.get_data_in_units(), pa * 1e-12, rtol=1e-12)
        np.testing.assert_allclose(nwb.trials["start_time"][:], [0.0003, 0.4007], rtol=1e-15)
        assert nwb.intervals["blocks"]["choice"][:].tolist() == ["left", ""]
        licks = nwb.processing["events"]["licks"]["event_time"][:]
        np.testing.assert_allclose(licks, [0.0123, 0.0456, 0.0789], rtol=1e-15)
        np.testing.assert_allclose(
            nwb.units["obs_intervals"][0], [[0.0, 0.1], [0.6, 0.9001]], rtol=1e-15
        )
        assert (nwb.subject.subject_id, nwb.subject.species) == ("m1", "Mus musculus")
    part = io.read(path, window=(20.0, 40.0), signals="lfp", channels=[9])
    assert dict(part["signals/lfp"].sizes) == {"time": 25, "channel": 1}
    assert io.read(path, lazy=True)["signals/lfp"].v.chunks is not None


def test_what_neo_sees(tmp_path):
    nixio = pytest.importorskip("nixio")
    neo = pytest.importorskip("neo")
    tree = session()
    path = io.to_nix(tree, tmp_path / "a.nix")
    same(tree, io.read(path))
    assert nixio.File.open(str(path), nixio.FileMode.ReadOnly).blocks
    (block,) = neo.NixIO(str(path), "ro").read_all_blocks()
    first, second = block.segments
    assert {each.name for each in first.epochs} == {"trials", "blocks"}
    np.testing.assert_array_equal(first.events[0].times.rescale("ms").magnitude, [12.3, 45.6, 78.9])
    lfp = next(each for each in first.analogsignals if each.name == "lfp")
    assert (lfp.sampling_rate.rescale("Hz").item(), lfp.dimensionality.string) == (1250.0, "mV")
    np.testing.assert_array_equal(lfp.magnitude, tree["signals/lfp"].v.values)
    assert [each.shape for each in second.analogsignals] == [(20, 1)]
    with pytest.raises(ValueError, match=r"'a.nix'"):
        io.to_nix(tree, tmp_path / "a.h5")
    with pytest.raises(FileExistsError, match="overwrite"):
        io.to_nix(tree, path)


def test_what_has_no_place_is_refused_before_the_file_is_begun(tmp_path):
    weights = nd.labels.dataset(
        {"W": (("presynaptic", "unit"), np.ones((2, 2)), "1", "weight")}, {}, source="model"
    )
    steps = nd.labels.dataset(
        {"r": (("time",), np.ones(3), "1", "x")}, {"time": ("time", np.arange(3.0), "1", "step")},
        source="model",
    )  # fmt: skip
    complex_ = nd.labels.dataset(
        {"z": (("time",), np.ones(3, complex), "1", "x")}, {"time": np.arange(3.0)}, source="model"
    )
    for ds, match in ((weights, "W"), (steps, "count steps"), (complex_, "'x/z' is complex128")):
        for make, suffix in ((io.to_nwb, "nwb"), (io.to_nix, "nix")):
            tree = xr.DataTree.from_dict({"/x": ds, "/y": session()["signals/lfp"].to_dataset()})
            with pytest.raises(LabelError, match=match):
                make(tree, tmp_path / f"a.{suffix}")
    for make, suffix in ((io.to_nwb, "nwb"), (io.to_nix, "nix")):
        with pytest.raises(TypeError, match=r"got a DataArray: \.to_dataset"):
            make(weights["W"], tmp_path / f"a.{suffix}")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_types_that_no_reader_returns(tmp_path, suffix):
    rows = {
        "date": np.array(["2020-01-01T00:00:00.000000001", "NaT"], "M8[ns]"),
        "wait": np.array([1, 2**60], "m8[ns]"),
        "code": np.array([b"a", b"bc"]),
        "word": np.array(["x", "yz"], object),
        "zero": np.array([-0.0, -0.0]),
    }
    ds = table({"trial": [5, 6]} | {n: ("trial", v) for n, v in rows.items()}, {"n": np.int8(3)})
    ds = ds.assign_coords(word=("trial", rows["word"], {"one": np.array([1.5]), "none": ()}))
    nd.save(tmp_path / f"a.{suffix}", ds)
    again = nd.load(tmp_path / f"a.{suffix}")
    same(ds, again)
    assert [again[n].dtype for n in rows] == [v.dtype for v in rows.values()]


def test_lazy_signals_are_written_chunk_by_chunk(tmp_path):
    largest = []

    def chunk(block_info):
        (rows, columns) = block_info[None]["chunk-shape"]
        largest.append(rows)
        return np.full((rows, columns), len(largest), np.int16)

    values = dask.array.map_blocks(chunk, chunks=((30, 100, 100, 7), (2,)), dtype=np.int16)
    ds = nd.labels.dataset(
        {"v": (("time", "channel"), values, "mV", "LFP")}, {"time": np.arange(237.0)},
        source="recording", values=False,
    )  # fmt: skip
    for suffix in ("nc", "zarr", "nwb"):
        largest.clear()
        again = io.read(written(ds, tmp_path, suffix))
        assert max(largest) <= 100
        assert again.v.shape == (237, 2)
        assert set(np.unique(again.v)) <= {*range(1, len(largest) + 1)}


def test_text_that_netcdf_cannot_hold(tmp_path):
    ds = table({"trial": [0], "word": ("trial", ["a\0b"])}, {})
    for wrong in (ds, xr.DataTree.from_dict({"/a": ds}), ds.drop_vars("word").assign_attrs(x="\0")):
        with pytest.raises(ValueError, match=r"word|attribute 'x'"):
            nd.save(tmp_path / "a.nc", wrong)
        nd.save(tmp_path / "a.zarr", wrong, overwrite=True)
        same(wrong, nd.load(tmp_path / "a.zarr"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_whole_numbers_beyond_int64_come_back(tmp_path):
    """Beside others NumPy makes them floats, which changes their last digits; NIX has none."""
    codes = np.array([2**63 + 7, 0], np.uint64)
    units = spikes.from_times([[1.0], [2.0]], coords={"code": ("unit", codes)}, window=(0, 10))
    lfp = nd.labels.dataset(
        {"v": (("sweep", "time", "channel"), np.ones((2, 3, 2)), "mV", "LFP")},
        {"time": np.arange(3.0), "code": ("channel", codes), "number": ("sweep", codes)},
        source="recording",
    )
    same(units, io.from_neo(io.to_neo(units)))
    for k, recording in enumerate((units, lfp)):
        same(recording, io.read(io.to_nix(recording, tmp_path / f"{k}.nix")))
