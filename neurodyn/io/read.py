"""Read a recording or a result from files of many formats."""

import difflib
import importlib.util
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.files import load
from neurodyn.io.labelled import HDF5, recognises
from neurodyn.io.parts import cut_trials
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Window

#: Modes of those readers of neo that read folders.
_FOLDERS = ("dir", "one-dir", "one-or-many-dir")
_TEXT = (".txt", ".csv", ".tsv", ".asc", ".md", ".json", ".yaml", ".yml", ".toml", ".py")
#: Advice for formats that are not read.
_ADVICE = {
    ".mat": "Load it with scipy.io.loadmat (or h5py)",
    ".npy": "Load it with numpy.load",
    ".npz": "Load it with numpy.load",
    ".xlsx": "Load it with pandas.read_excel",
    ".parquet": "Load it with pandas.read_parquet",
}
_BUILD = "and build a Dataset with neurodyn.spikes.from_times or neurodyn.labels.dataset"


def read(
    path: str | os.PathLike,
    *,
    align_event: str | None = None,
    window: Window | None = None,
    until: str | None = None,
    trials: str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
) -> xr.Dataset | xr.DataTree:
    """Read a recording into labelled xarray.

    NWB files are read with pynwb; netCDF and Zarr written by neurodyn come back as they were saved;
    every other format (NIX, Axon, Blackrock, Plexon, Neuralynx, Spike2, Intan...) is read with neo.
    The format is found from the content of the file if possible, else from its extension.

    Parameters
    ----------
    path
        File, or folder for formats that consist of several files.
    align_event, window, until, trials, invalid
        To get spikes in trials: the time column to cut around, start and stop around it [ms], the
        column with the ends of trials, the table of trials, and the treatment of trials outside of
        the recording. See `neurodyn.io.from_nwb` and `neurodyn.spikes.align`.

    Returns
    -------
    A Dataset if it can hold everything, else a DataTree of `spikes`, `intervals/NAME`,
    `events/NAME` and `signals/NAME`. Times are in ms, voltages in mV, currents in pA. Axon files of
    several sweeps give `v` (or `i`) on (sweep, time, channel) and, if the file holds the protocol,
    the command to the cell, `i_command` (or `v_command`) on (sweep, time).

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    FileFormatError
        If the file is empty, damaged, or of an unknown format.
    LabelError
        If the file holds nothing that can be labelled, or trials cannot be cut with these options.

    Examples
    --------
    >>> session = read("session.nwb")  # doctest: +SKIP
    >>> trials = read("session.nwb", align_event="go_time", window=(-500, 1000))  # doctest: +SKIP
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file '{path}'{_nearby(path)}")
    recording = _read_folder(path) if path.is_dir() else _read_file(path)
    return cut_trials(recording, align_event, window, until=until, trials=trials, invalid=invalid)


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f": the folder '{path.parent}' does not exist."
    names = [each.name for each in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, 3)
    return f" (did you mean {', '.join(map(repr, close))}?)." if close else "."


def _read_folder(path: Path) -> xr.Dataset | xr.DataTree:
    if recognises(path):
        return load(path)
    if not any(path.iterdir()):
        raise FileFormatError(f"the folder '{path}' is empty.")
    return _read_neo(path)


def _read_file(path: Path) -> xr.Dataset | xr.DataTree:
    with open(path, "rb") as file:
        head = file.read(4096)
    suffix = path.suffix.lower()
    if not head:
        raise FileFormatError(f"'{path}' is empty: it was never written, or the copy failed.")
    if head.startswith(HDF5):
        return _read_hdf5(path)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or suffix == ".pkl":
        raise FileFormatError(
            f"'{path}' is a Python pickle. It is not read, because reading a pickle runs the code "
            "in it. Save the recording as NIX or NWB with the program that wrote it."
        )
    if head.startswith(b"PK"):
        raise FileFormatError(
            f"'{path}' is a zip archive. A model or checkpoint is loaded by neurodyn.load; "
            f"arrays in an .npz by numpy.load, {_BUILD}."
        )
    if suffix in (".nwb", ".nix", ".nc"):
        raise FileFormatError(
            f"'{path}' is called {suffix} but is no HDF5 file: its beginning is missing, or it is "
            "of another format. Copy or download it again."
        )
    if suffix in _TEXT:
        raise FileFormatError(
            f"'{path}' is text without a description of its columns. Load it with "
            f"numpy.loadtxt or pandas, {_BUILD}."
        )
    return _read_neo(path)


def _read_hdf5(path: Path) -> xr.Dataset | xr.DataTree:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            attrs = {name: file.attrs[name] for name in file.attrs}
            groups = list(file)
            # A DataTree may keep its attributes below the root.
            own = "convention" in attrs or any(
                str(file[name].attrs.get("convention", "")).startswith("neurodyn")
                for name in groups
            )
    except (OSError, RuntimeError) as error:
        raise FileFormatError(
            f"'{path}' is a damaged or truncated HDF5 file ({error}). Copy or download it again."
        ) from error
    if "nwb_version" in attrs:
        from neurodyn.io.nwb import from_nwb

        return from_nwb(path)
    if own:
        return load(path)
    if attrs.get("format") in ("nix", b"nix"):
        return _read_neo(path)
    if path.suffix.lower() in (".nwb", ".nc", ".mat", ".hdf5", ".hdf"):
        raise _not_neural(path, groups)
    try:
        return _read_neo(path)
    except FileFormatError as error:
        raise _not_neural(path, groups) from error


def _not_neural(path: Path, groups: Sequence[str]) -> FileFormatError:
    shown = ", ".join(groups[:6]) + ("..." if len(groups) > 6 else "")
    return FileFormatError(
        f"'{path}' is HDF5, but neither NWB nor NIX nor written by neurodyn (at its root: "
        f"{shown or 'nothing'}). Load it with h5py or xarray, {_BUILD}."
    )


def _read_neo(path: Path) -> xr.Dataset | xr.DataTree:
    import neo

    from neurodyn.io.neo import from_neo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _reader(path, neo)
        try:
            blocks = [b for b in reader.read() if b.segments]
        except Exception as error:  # the readers of neo raise errors of many types
            raise FileFormatError(
                f"'{path}' could not be read as {reader.name or type(reader).__name__} "
                f"({type(error).__name__}: {error}). It may be damaged, or of another kind than "
                f"its name says{_advice(path)}."
            ) from error
        finally:
            if hasattr(reader, "close"):
                reader.close()
        recordings = [from_neo(block) for block in blocks]
        if len(recordings) == 1 and hasattr(reader, "read_protocol"):
            recordings[0] = _with_commands(recordings[0], reader)
    if not recordings:
        raise LabelError(f"'{path}' holds no recording: its blocks are empty.")
    if len(recordings) == 1:
        return recordings[0]
    return xr.DataTree.from_dict(
        {
            f"/block{i}/{node.path.strip('/')}".rstrip("/"): node.to_dataset()
            for i, recording in enumerate(recordings)
            for node in (
                recording if isinstance(recording, xr.DataTree) else xr.DataTree(recording)
            ).subtree
        }
    )


def _reader(path: Path, neo: Any) -> Any:
    refused = (neo.io.PickleIO, neo.io.NWBIO, neo.io.AsciiSignalIO, neo.io.AsciiSpikeTrainIO)
    candidates, problems = [], []
    with suppress(ValueError):  # neo found no reader
        candidates = [c for c in neo.io.list_candidate_ios(str(path)) if c not in refused]
    if path.is_dir():
        candidates = [c for c in candidates if getattr(c, "mode", "file") in _FOLDERS]
    for candidate in candidates:
        if candidate is neo.io.NixIO and importlib.util.find_spec("nixio") is None:
            raise ImportError(
                f"'{path}': NIX files need the package nixio: pip install 'neurodyn[nix]'."
            )
        try:
            if candidate is neo.io.NixIO:
                return candidate(str(path), mode="ro")
            return candidate(str(path))
        except Exception as error:
            problems.append(f"{candidate.__name__}: {type(error).__name__} {error}".strip())
    if problems:
        raise FileFormatError(
            f"'{path}' could not be opened ({'; '.join(problems)[:600]}). It may be damaged or "
            f"truncated, or of another kind than its name says{_advice(path)}."
        )
    raise FileFormatError(
        f"'{path}' is of no known kind ('{path.suffix or path.name}'). NWB, NIX, neurodyn's netCDF "
        "and Zarr, and the formats of neo are read"
        f"{_advice(path) or f'. Load it yourself {_BUILD}'}."
    )


def _advice(path: Path) -> str:
    advice = _ADVICE.get(path.suffix.lower())
    return f". {advice}, {_BUILD}" if advice else ""


def _with_commands(recording: Any, reader: Any) -> Any:
    """Add the commands to the cell from the protocol of an Axon file."""
    from neurodyn.io.neo import stack

    if not isinstance(recording, xr.Dataset) or "sweep" not in recording.dims:
        return recording
    try:
        protocol = reader.read_protocol()
    except Exception as error:  # only some versions and modes of the format keep it
        noted = [*recording.attrs.get("not_read", []), f"protocol: {error or type(error).__name__}"]
        return recording.assign_attrs(not_read=noted)
    commands: dict[str, xr.DataArray] = {}
    for sweeps in zip(*(segment.analogsignals for segment in protocol), strict=True):
        (command,) = stack(sweeps).data_vars.values()
        fits = command.sizes["time"] == recording.sizes["time"]
        if np.any(command.values) and command.sizes["sweep"] == recording.sizes["sweep"] and fits:
            name = f"{command.name}_command"
            name = name if name not in commands else f"{name}_{command.attrs['long_name']}"
            commands[name] = command.isel(channel=0, drop=True).drop_vars(
                ["channel_name", "start_time", "time"], errors="ignore"
            )
    return recording.assign(commands)
