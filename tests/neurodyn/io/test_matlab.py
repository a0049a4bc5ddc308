"""MATLAB's files, of MATLAB itself where SciPy brings them, of other writers, and damaged ones."""

import struct
from importlib.resources import files

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from neurodyn import io
from neurodyn.io import FileFormatError
from neurodyn.labels import LabelError
from tests.neurodyn.io.conftest import real
from tests.neurodyn.io.matlab_files import MAPPING, write_v5, write_v73
from tests.neurodyn.io.recordings import same
from tests.neurodyn.io.test_round_trips import session


def of_matlab(name):
    """A file that MATLAB wrote, which SciPy brings with its tests."""
    path = files("scipy.io.matlab") / "tests" / "data" / f"{name}.mat"
    if not path.is_file():
        pytest.skip("this SciPy comes without its test data")
    return path


def test_files_of_matlab():
    value = io.load_matlab(of_matlab("teststruct_7.4_GLNX86"))["teststruct"]
    assert value["stringfield"] == "Rats live on no evil star."
    numbers = np.array([[2**0.5, np.e, np.pi]])
    np.testing.assert_allclose(value["doublefield"], numbers, rtol=1e-15)
    np.testing.assert_allclose(value["complexfield"], numbers * (1 + 1j), rtol=1e-15)
    cells = io.load_matlab(of_matlab("testcellnest_7.4_GLNX86"))["testcellnest"]
    assert cells[0, 0].tolist() == [[1.0]]
    assert [each.tolist() for each in cells[0, 1][0, :2]] == [[[2.0]], [[3.0]]]
    array = io.load_matlab(of_matlab("teststructarr_7.1_GLNX86"))["teststructarr"]
    assert (array.shape, array[0, 1]) == ((1, 2), {"one": "number 1", "two": "number 2"})
    matrix = [[1, 2, 3, 4, 5], [2, 0, 0, 0, 0], [3, 0, 0, 0, 0]]
    for version in ("6.1_SOL2", "6.5.1_GLNX86", "7.4_GLNX86"):
        sparse = io.load_matlab(of_matlab(f"testsparse_{version}"))["testsparse"]
        assert (sparse.dtype, sparse.toarray().tolist()) == (np.float64, matrix)
    assert io.load_matlab(of_matlab("testbool_8_WIN64"))["testbools"].dtype == bool
    assert io.load_matlab(of_matlab("test_empty_struct"))["a"] == {}
    assert io.load_matlab(of_matlab("one_by_zero_char"))["var"] == ""
    assert "すべての人間は" in io.load_matlab(of_matlab("testunicode_7.4_GLNX86"))["testunicode"]
    for kind in ("big", "little"):  # bytes in either order
        found = io.load_matlab(of_matlab(f"{kind}_endian"))["floats"]
        assert (found.dtype.str, found.tolist()) == ("<f4", [[2, 3], [3, 4]])
    hdf5 = io.load_matlab(of_matlab("testhdf5_7.4_GLNX86"))["testdouble"]
    same_in_v5 = io.load_matlab(of_matlab("testdouble_7.4_GLNX86"))["testdouble"]
    np.testing.assert_array_equal(hdf5, same_in_v5)
    assert hdf5.shape == (1, 9)
    for name in ("testobject_7.4_GLNX86", "parabola"):
        assert type(next(iter(io.load_matlab(of_matlab(name)).values()))).__name__ == "Opaque"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("corrupted_zlib_data", "damaged or truncated"),
        ("corrupted_zlib_checksum", "incorrect data check"),
        ("malformed1", "658840 bytes, more than there are"),
        ("bad_miuint32", "has 10 of its 2147483648 values|damaged"),
        ("bad_miutf8_array_name", "is a damaged MATLAB file"),
        ("testdouble_4.2c_SOL2", "of MATLAB 4, .*'-v7'"),
    ],
)
def test_damaged_files_of_matlab(name, told):
    path = of_matlab(name)
    for read in (io.load_matlab, io.read):
        with pytest.raises(FileFormatError, match=told):
            read(path)


@pytest.mark.parametrize("write", [write_v5, write_v73])
def test_mapping(write, tmp_path):
    path = tmp_path / "a.mat"
    write(path)
    values = io.load_matlab(path)["session"]
    assert values["lfp"].dtype == np.int16
    assert values["lfp"].tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert values["sub"].toarray().tolist() == [[0, 0], [0, 0], [0, 5]]
    assert values["bad"].ravel().tolist() == [True, False]
    tree = io.read(path, mapping=MAPPING)
    trains = tree["spikes"].to_dataset()
    assert trains["spike_time"].values.tolist() == [11.0, 500.0, 250.0]
    assert trains["spike_unit"].values.tolist() == [0, 0, 2]
    assert trains["area"].values.tolist() == ["V1", "ünter", "脳🧠"]
    assert tree["spikes"]["go_time"].values.tolist() == [1500, 2500]
    np.testing.assert_allclose(tree["signals/lfp"]["v"].values, np.arange(8).reshape(4, 2) * 1e-3)
    assert tree["signals/lfp"]["time"].values.tolist() == [0, 500, 1000, 1500]
    cut = io.read(path, mapping=MAPPING, units=[2], signals=False)
    assert cut["spikes"]["spike_time"].values.tolist() == [250.0]
    with pytest.raises(LabelError, match=r"by a mapping.*session.units.spikes \(cell 1x3\)"):
        io.read(path)
    for name, told in {
        "session.unit": "no 'session.unit' in .*did you mean .*'session.units.area'",
        "session.units(7).spikes": "there are 3 entries, counted from 1",
        "session": "is a struct: name one of its fields",
        "session.note": "shape|numbers|several|holds",
    }.items():
        with pytest.raises(LabelError, match=told):
            io.read(path, mapping=MAPPING | {"spikes": {"times": name}})
    one = io.read(path, mapping={"time_unit": "s", "spikes": {"times": "session.units(1).spikes"}})
    assert one["spike_time"].values.tolist() == [11.0, 500.0]
    if write is write_v73:
        with pytest.raises(LabelError, match=r"class 'table'.*table2struct"):
            io.read(path, mapping={"events": {"a": {"time": "session.map"}}})
        write_v73(path, header=False)
        same(tree, io.read(path, mapping=MAPPING))


def test_cells_of_trials_and_matrices(tmp_path):
    """Cells on (unit, trial), a matrix padded by NaN, and vectors with a row for each spike."""
    trains = np.empty((2, 2), object)
    trains[:] = [[np.array([[1.0, 3.0]]), np.zeros((0, 1))], [np.array([[2.0]]), np.array([[5.0]])]]
    padded = np.array([[1.0, 3.0, np.nan], [2.0, 5.0, 7.0]])
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {
        "trains": trains, "padded": padded, "side": np.array([["l"], ["r"]]), "t": [1.0, 2.0],
        "u": [8, 9], "four": [1, 2, 3, 4], "obs": [[0.0, 4.0], [5.0, 9.0]],
    })  # fmt: skip
    how = {"times": "trains", "dims": ["unit", "trial"]}
    ds = io.read(path, mapping={"time_unit": "ms", "spikes": how, "trials": {"columns": ["side"]}})
    assert ds["spike_time"].values.tolist() == [1, 3, 2, 5]
    assert ds["spike_trial"].values.tolist() == [0, 0, 0, 1]
    assert ds["spike_unit"].values.tolist() == [0, 0, 1, 1]
    assert ds["side"].values.tolist() == ["l", "r"]
    ds = io.read(path, mapping={"time_unit": "us", "spikes": {"times": "padded"}})
    assert ds["spike_time"].values.tolist() == [0.001, 0.003, 0.002, 0.005, 0.007]
    rows = {"time": "t", "unit": "u"}
    ds = io.read(path, mapping={"time_unit": "ms", "spikes": rows, "observed": "obs"})
    assert ds["unit"].values.tolist() == [8, 9]
    assert ds.attrs["obs_intervals"] == [0, 4, 5, 9]
    wrong = {"time_unit": "ms", "spikes": how, "trials": {"label": "four"}}
    with pytest.raises(LabelError, match="cells of 2 trials, and there are 4 trials"):
        io.read(path, mapping=wrong)


def test_written_files(tmp_path):
    """MATLAB's users find arrays by their names; SciPy reads them as MATLAB does."""
    tree = session()
    path = io.to_matlab(tree, tmp_path / "a.mat")
    raw = scipy.io.loadmat(path, squeeze_me=True)
    spikes = raw["spikes"]
    assert spikes["spike_time"].item().tolist() == [1.1, 2.2, 700.3, 50.0]
    assert spikes["area"].item().tolist() == ["V1", "CA1"]
    about = spikes["about"].item()["gap_start"].item()
    assert (str(about["units"]), about["dims"].item().tolist()) == ("ms", ["unit", "gap"])
    assert raw["signals_lfp"]["v"].item().shape == (90, 2)
    with pytest.raises(FileExistsError):
        io.to_matlab(tree, path)
    with pytest.raises(ValueError, match=r"'b\.mat'"):
        io.to_matlab(tree, tmp_path / "b.nix")
    values = scipy.io.loadmat(path)
    values["spikes"]["area"][0, 0] = values["spikes"]["area"][0, 0][:1]
    scipy.io.savemat(path, {k: v for k, v in values.items() if not k.startswith("__")})
    with pytest.raises(FileFormatError, match=r"'area' should have shape .2,., and has .1, 1."):
        io.read(path)


def test_absurd_files(tmp_path):
    """Sizes are compared with the file before anything is allotted or followed."""
    path = tmp_path / "a.mat"
    nested = np.zeros((1, 1))
    for _ in range(80):
        outer = np.empty((1, 1), object)
        outer[0, 0] = nested
        nested = outer
    scipy.io.savemat(path, {"a": nested})
    with pytest.raises(FileFormatError, match="more than 64 times"):
        io.load_matlab(path)
    scipy.io.savemat(path, {"a": np.array([["b", 1.0]], object)})
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<2i", 1, 2))
    struct.pack_into("<2i", data, at, 1 << 15, 1 << 15)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="1073741824 values are said to be in"):
        io.load_matlab(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        loop = file.create_dataset("a", (1, 1), h5py.ref_dtype)
        loop[0, 0] = loop.ref
        loop.attrs["MATLAB_class"] = np.bytes_("cell")
    with pytest.raises(FileFormatError, match="more than 64 times"):
        io.load_matlab(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        huge = file.create_dataset("a", (1 << 20, 1 << 20), "f8", chunks=(64, 64))
        huge.attrs["MATLAB_class"] = np.bytes_("double")
    with pytest.raises(FileFormatError, match="holds more than the file can"):
        io.load_matlab(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(300))
    with pytest.raises(FileFormatError, match=r"7\.3 whose content is missing"):
        io.read(path)


def test_mante_units():
    """The single-trial file of a real recording agrees with the reader of that data set."""
    from neurodyn.datasets import mante

    folder = real("mante2013_pfc20")
    path = sorted(folder.glob("*.mat"))[0]
    names = ["context", "correct", "targ_dir"]
    ds = io.read(path, mapping={
        "time_unit": "ms",
        "signals": {"spikes": {
            "values": "unit.response", "rate": 1000.0, "start": 100, "unit": "1",
            "dims": ["trial", "time"],
        }},
        "trials": {"columns": [f"unit.task_variable.{name}" for name in names]},
    })  # fmt: skip
    (known,) = mante.read([path], form="trials").children.values()
    np.testing.assert_array_equal(ds["signal"].values, known["spike_count"].values[..., 0])
    np.testing.assert_array_equal(ds["correct"].values == 1, known["correct"].values == 1)
