"""Damaged files are refused clearly or read as what they say; `tests.proof.mutated` tries more."""

import json
import struct
import warnings

import h5py
import numpy as np
import pytest
import xarray as xr

from neurodyn import io
from neurodyn.io import FileFormatError
from neurodyn.io.files import load, save
from tests.proof.mutated import foreign, harness
from tests.proof.mutated.seeds import SEEDS, recording

pytestmark = pytest.mark.thorough

#: Files of those readers that are slow; 40 of others.
FEW = {"nwb": 6, "nix": 4, "abf1": 12, "abf2": 16, "torch": 12, "zarr": 6, "netcdf": 12}


@pytest.mark.parametrize("reader", SEEDS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files(reader, tmp_path):
    """In this process; a crash or a hang would end the run, and with it say that there is one."""
    if reader == "torch":
        pytest.importorskip("torch")
    seeds = SEEDS[reader][:2]
    for part, seed in enumerate(seeds):
        whole, path = (tmp_path / f"{name}{part}{seed.suffix}" for name in ("whole", "damaged"))
        seed.make(whole)
        right = seed.read(whole)
        for index in range(FEW.get(reader, 40) // len(seeds)):
            harness.mutant(seed, whole, path, index, 7)
            end = harness.read_one(seed, path, index, right)
            assert end.kind in harness.FINE, f"file {index} of seed 7, part {part}: {end}"


@pytest.mark.parametrize("suffix", [".nwb", ".nc", ".h5"])
def test_texts_without_end(suffix, tmp_path):
    """HDF5 2.0 reads a collection of texts for ever of which an entry has no length."""
    path = tmp_path / f"a{suffix}"
    with h5py.File(path, "w") as file:
        file.attrs.update(nwb_version="2.6.0", text="some words")
    data = bytearray(path.read_bytes())
    start = data.index(b"GCOL")
    (size,) = struct.unpack_from("<Q", data, start + 8)
    data[start + 16 : start + size] = bytes(size - 16)
    path.write_bytes(data)
    for read in (io.read, load) if suffix == ".nc" else (io.read,):
        with pytest.raises(FileFormatError, match=f"texts at byte {start} have no end.*again"):
            read(path)


def test_lengths_that_no_file_has(tmp_path):
    """HDF5 allots the length of a text before it looks for the text."""
    path = tmp_path / "a.nc"
    SEEDS["netcdf"][0].make(path)
    data = bytearray(path.read_bytes())
    start = data.index(b"GCOL")
    at = data.index(struct.pack("<QI", start, 1)) - 4
    struct.pack_into("<I", data, at, 1 << 31)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=f"byte {at} .* longer than the file"):
        io.read(path)


@pytest.mark.parametrize("name", ["DIMENSION_LIST", "CLASS"])
def test_scales_of_another_form(name, tmp_path):
    """HDF5 writes such a list beyond the memory that it has for a right one, and aborts."""
    path = tmp_path / "a.nc"
    SEEDS["netcdf"][0].make(path)
    with h5py.File(path, "r+") as file:
        file["area" if name == "DIMENSION_LIST" else "unit"].attrs[name] = np.zeros((20, 30))
    for read in (load, io.read):
        with pytest.raises(FileFormatError, match=f"attribute {name} of .* is damaged"):
            read(path)


#: Reader, part; place, format and value of a change; what is said of it.
TABLES = {
    "entries of no length": ("abf2", 0, 76 + 3 * 16, "<IIq", (0, 0, 1 << 52), "table of epochs"),
    "too many entries": ("abf2", 0, 76 + 11 * 16 + 8, "<q", (10**6,), "table of tags has 1000000"),
    "less than none": ("abf2", 0, 76 + 15 * 16 + 8, "<q", (-1,), "table of sweeps has -1"),
    "texts beyond the end": ("abf2", 0, 76 + 9 * 16, "<I", (99,), "table of texts"),
    "too many tags": ("abf1", 0, 48, "<i", (10**6,), "table of tags has 1000000"),
    "sweeps beyond the end": ("abf1", 0, 92, "<i", (10**6,), "table of sweeps"),
    "sweeps before the start": ("abf1", 0, 92, "<i", (-2,), "from byte -1024"),
    "a block too long": ("neo", 0, -32 + 12, "<2H", (65535, 65535), "block of data goes"),
    "half a block": ("neo", 0, -32 + 12, "<2H", (0, 1), "block of data"),
    "channels without end": ("neo", 0, 140, "<i", (10**6,), "channels of spikes"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_that_do_not_fit(kind, tmp_path):
    """Neo would loop over what a header counts, or allot what a block says to hold."""
    reader, part, at, form, values, text = TABLES[kind]
    seed = SEEDS[reader][part]
    path = tmp_path / f"a{seed.suffix}"
    seed.make(path)
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, at % len(data), *values)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=rf"{text}.*Copy it again"):
        io.read(path)


def _transposed(file):
    values = file["x"][()].T
    del file["x"]
    file["x"] = values


def _removed(file):
    del file["x"]


def test_own_files_that_were_changed(tmp_path):
    """Dims swapped and arrays removed are told, because the file says what was written."""
    ds = recording().assign(x=(("unit", "trial"), np.arange(12.0).reshape(3, 4)))
    for k, change in enumerate((_transposed, _removed)):
        path = tmp_path / f"{k}.nc"
        save(path, ds)
        with h5py.File(path, "r+") as file:
            change(file)
        for read in (load, io.read):
            with pytest.raises(FileFormatError, match="not what was written"):
                read(path)
    path = tmp_path / "edited.nc"
    save(path, ds)
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        edited = opened.load().drop_vars("x")
    edited.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(FileFormatError, match=r"on .unit: 3, trial: 4. then, absent now"):
        load(path)
    edited.attrs.pop("neurodyn_saved")  # as the error says
    edited.to_netcdf(path, engine="h5netcdf")
    assert load(path).sizes["unit"] == 3


def test_one_file_of_many_and_missing_packages(tmp_path, monkeypatch):
    """One file of Neuralynx is read, though its reader takes folders."""
    foreign.write("neuralynx", tmp_path / "CSC1.ncs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = io.read(tmp_path / "CSC1.ncs")
    right = [np.random.default_rng(k).integers(-999, 999, 512) for k in range(4)]
    expected = np.concatenate(right) * 0.0000000305 * 1e3  # [mV]
    np.testing.assert_allclose(found["v"].values[:, 0], expected, rtol=1e-6)
    assert found["time"].values[1] == 0.5
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.edf").write_bytes(b"0       X" + bytes(500))
    with pytest.raises(ImportError, match="pip install pyedflib"):
        io.read(tmp_path / "a.edf")
    (tmp_path / "a.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=a.eeg\n"
        "MarkerFile=a.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        "NumberOfChannels=1\nSamplingInterval=1000\n[Binary Infos]\nBinaryFormat=INT_16\n"
        "[Channel Infos]\nCh1=Fp1,,0.5,uV\n"
    )
    with pytest.raises(FileFormatError, match=r"several files, and .*a.eeg' is not there"):
        io.read(tmp_path / "a.vhdr")


def test_descriptions_of_arrays_that_are_none(tmp_path):
    """A dtype that is a list is told, whatever the checksum."""
    import zipfile

    path = tmp_path / "a.nd"
    SEEDS["model"][0].make(path)
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    header = json.loads(members["header.json"])
    next(iter(header["arrays"].values()))["dtype"] = ["float32"]
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as again:
        for name, content in members.items():
            again.writestr(name, content)
    with pytest.raises(FileFormatError, match="is described as"):
        load(path)


def test_own_notes_that_break_the_convention(tmp_path):
    """Only recordings that follow it are written, so that a note that breaks it was damaged."""
    path = io.to_nwb(recording(), tmp_path / "a.nwb")
    with h5py.File(path, "r+") as file:
        note = file["scratch/neurodyn"]
        note[()] = note.asstr()[()].replace('"source": "recording"', '"source": "recordpng"')
    block = io.to_neo(recording())
    about = block.annotations["neurodyn"]
    block.annotations["neurodyn"] = about.replace('"source": "rec', '"source": "rek')
    for read, damaged in ((io.read, path), (io.from_neo, block)):
        with pytest.raises(FileFormatError, match=r"is damaged[\s\S]*source is 're"):
            read(damaged)
