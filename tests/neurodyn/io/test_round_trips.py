"""Whatever can be read can be written, in every format, and comes back to the bit."""

import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import io
from neurodyn.io.parts import table
from tests.neurodyn.io.recordings import recordings, same

pytestmark = pytest.mark.filterwarnings("ignore")


@given(recordings(), st.sampled_from(["nc", "zarr"]))
@settings(
    deadline=None, max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_netcdf_and_zarr(tmp_path_factory, recording, suffix):
    path = tmp_path_factory.mktemp("a") / f"a.{suffix}"
    nd.save(path, recording)
    same(recording, nd.load(path))
    same(recording, io.read(path))


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
    for suffix in ("nc", "zarr"):
        largest.clear()
        nd.save(tmp_path / f"a.{suffix}", ds)
        assert max(largest) <= 100
        again = nd.load(tmp_path / f"a.{suffix}")
        assert again.v.shape == (237, 2)


def test_text_that_netcdf_cannot_hold(tmp_path):
    ds = table({"trial": [0], "word": ("trial", ["a\0b"])}, {})
    for wrong in (ds, xr.DataTree.from_dict({"/a": ds}), ds.drop_vars("word").assign_attrs(x="\0")):
        with pytest.raises(ValueError, match=r"word|attribute 'x'"):
            nd.save(tmp_path / "a.nc", wrong)
        nd.save(tmp_path / "a.zarr", wrong, overwrite=True)
        same(wrong, nd.load(tmp_path / "a.zarr"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
