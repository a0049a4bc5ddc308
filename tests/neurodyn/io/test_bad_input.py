"""Files that are no recordings: every one is refused with what to do about it."""

import pickle
import zipfile

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io import FileFormatError, read, to_nwb
from neurodyn.io.files import save
from neurodyn.io.parts import unit_of
from neurodyn.labels import LabelError


def nwb_bytes(folder):
    ds = spikes.from_times([np.linspace(1, 9e3, 500)], window=(0, 1e4))
    path = to_nwb(ds, folder / "whole.nwb")
    content = path.read_bytes()
    path.unlink()
    return content


def hdf5(path, **attrs):
    import h5py

    with h5py.File(path, "w") as file:
        file["measurements"] = np.ones(3)
        file.attrs.update(attrs)


def write(content):
    def make(path):
        path.write_bytes(content)

    return make


def truncated_nwb(path):
    content = nwb_bytes(path.parent)
    path.write_bytes(content[: len(content) // 2])


def nwb_without_its_head(path):
    path.write_bytes(nwb_bytes(path.parent)[512:])


def nwb_with_broken_layout(path):
    """A file of ours, one column of which somebody removed."""
    import h5py

    path.write_bytes(nwb_bytes(path.parent))
    with h5py.File(path, "a") as file:
        units = file["units"]
        del units["spike_times"], units["spike_times_index"]
        units.attrs["colnames"] = [n for n in units.attrs["colnames"] if n != "spike_times"]


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")


def pandas_table(path):
    path.write_text("time,unit\n0.1,3\n")


def neo_text(path):
    path.write_text("\n".join("0.1\t0.2" for _ in range(9)))


def empty_folder(path):
    path.mkdir()


def folder_of_notes(path):
    path.mkdir()
    (path / "notes.txt").write_text("hello")


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


#: name -> (file name, what makes it, error, what the message says)
BAD_RECORDINGS = {
    "missing": ("a.nwb", lambda path: None, FileNotFoundError, "There is no file"),
    "missing, nearly": (
        "reccording.nwb",
        lambda path: path.with_name("recording.nwb").touch(),
        FileNotFoundError,
        r"did you mean 'recording.nwb'\?",
    ),
    "missing folder": ("no/a.nwb", lambda path: None, FileNotFoundError, "folder .* not exist"),
    "empty": ("a.nwb", write(b""), FileFormatError, "is empty: it was never written"),
    "empty, other kind": ("a.abf", write(b""), FileFormatError, "is empty"),
    "empty folder": ("session", empty_folder, FileFormatError, "folder .* is empty"),
    "folder of notes": ("session", folder_of_notes, FileFormatError, "could not be opened"),
    "truncated NWB": ("a.nwb", truncated_nwb, FileFormatError, "truncated HDF5.*download it again"),
    "NWB without its head": ("a.nwb", nwb_without_its_head, FileFormatError, "no HDF5 file"),
    "text called NWB": ("a.nwb", write(b"hello\n" * 99), FileFormatError, "no HDF5 file"),
    "HDF5 that is not neural": (
        "a.h5",
        hdf5,
        FileFormatError,
        r"neither NWB nor NIX .* \(at its root: measurements\).*from_times",
    ),
    "HDF5 called NWB": ("a.nwb", hdf5, FileFormatError, "neither NWB nor NIX"),
    "HDF5 that claims to be NWB": (
        "a.nwb",
        lambda path: hdf5(path, nwb_version="2.6.0"),
        FileFormatError,
        "cannot be read as NWB",
    ),
    "NWB with a column removed": ("a.nwb", nwb_with_broken_layout, FileFormatError, "is damaged"),
    "netCDF of somebody else": (
        "a.nc",
        lambda path: xr.Dataset({"x": ("t", [1.0])}).to_netcdf(path, engine="h5netcdf"),
        FileFormatError,
        "nor written by neurodyn",
    ),
    "table": ("a.csv", pandas_table, LabelError, "what its columns are: say it by a mapping"),
    "text": ("a.txt", pandas_table, FileFormatError, "is text without a description.* pandas"),
    "columns of text": ("a.txt", neo_text, FileFormatError, "is text"),
    "pickle": ("a.pkl", write(pickle.dumps({"a": 1})), FileFormatError, "runs the code"),
    "pickle in disguise": ("a.abf", write(pickle.dumps(Bomb())), FileFormatError, "runs the code"),
    "old pickle in disguise": (
        "a.nix",
        write(pickle.dumps(Bomb(), protocol=0)),
        FileFormatError,
        "no HDF5 file",
    ),
    "arrays": ("a.npz", archive, FileFormatError, "zip archive.*numpy.load"),
    "one array": ("a.npy", write(b"\x93NUMPY" + b"0" * 99), FileFormatError, "numpy.load"),
    "MATLAB": ("a.mat", write(b"MATLAB 5.0" + b"\0" * 200), FileFormatError, "save.*'-v7'"),
    "picture": ("a.png", write(b"\x89PNG\r\n\x1a\n" + b"0" * 99), FileFormatError, "no known kind"),
    "unknown": ("a.xyz", write(b"\x01\x02" * 99), FileFormatError, r"no known kind \('.xyz'\)"),
    "no extension": ("a", write(b"\x01\x02" * 99), FileFormatError, "could not be opened"),
    "Axon that is none": ("a.abf", write(b"hello" * 99), FileFormatError, "could not be opened"),
    "Axon cut short": ("a.abf", write(b"ABF2" + b"\0" * 40), FileFormatError, "truncated"),
    "Plexon that is none": ("a.plx", write(b"hello" * 999), FileFormatError, "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, make, error, match = BAD_RECORDINGS[name]
    make(tmp_path / file)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    with pytest.raises(error, match=f"(?s){match}"):
        read(tmp_path / file)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_a_real_file_cut_short(fsi_abf, tmp_path):
    content = fsi_abf.read_bytes()
    (tmp_path / "a.abf").write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="damaged"):
        read(tmp_path / "a.abf")


@pytest.mark.parametrize("where", ["read", "write"])
def test_a_failed_write_leaves_nothing(where, tmp_path, monkeypatch):
    from pynwb import NWBHDF5IO

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NWBHDF5IO, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        to_nwb(spikes.from_times([[1.0]]), tmp_path / "a.nwb")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("volts", (1e3, "mV", "v")),
        ("V", (1e3, "mV", "v")),
        ("mV", (1.0, "mV", "v")),
        ("microvolts", (1e-3, "mV", "v")),
        ("µV", (1e-3, "mV", "v")),
        ("amperes", (1e12, "pA", "i")),
        ("A", (1e12, "pA", "i")),
        ("pA", (1.0, "pA", "i")),
        ("nA", (1e3, "pA", "i")),
        ("nS", (1.0, "nS", "g")),
        ("a.u.", (1.0, "a.u.", "signal")),
        ("m", (1.0, "m", "signal")),
        ("s", (1.0, "s", "signal")),
        ("", (1.0, "1", "signal")),
        ("mm", (1.0, "mm", "signal")),
    ],
)
def test_units_of_signals(text, expected):
    assert unit_of(text)[:3] == expected


def test_own_files_come_back_identical(tmp_path):
    ds = spikes.from_times([[1.0, 5.0], []], window=(0, 10), coords={"area": ("unit", ["a", "b"])})
    counts = spikes.bin(ds, bin_width=5.0)
    tree = xr.DataTree.from_dict({"/recording": counts, "/model/run": ds})
    for name in ("study.nc", "study.zarr"):
        if name.endswith("zarr"):
            pytest.importorskip("zarr")
        save(tmp_path / name, tree)
        again = read(tmp_path / name)
        labels.check(again)
        xr.testing.assert_identical(again, tree)


def test_trials_that_cannot_be_cut(tmp_path):
    path = to_nwb(spikes.from_times([[1.0]], window=(0, 10)), tmp_path / "a.nwb")
    with pytest.raises(LabelError, match="needs a trial table"):
        read(path, align_event="start_time", window=(0, 1))
