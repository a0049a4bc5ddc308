"""Read a recording or a result from files of many formats."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from neurodyn.io import labelled
from neurodyn.io.archive import FileFormatError
from neurodyn.io.heaps import check_heaps
from neurodyn.io.interop.csv_files import from_csv, is_csv
from neurodyn.io.interop.matlab.load import from_matlab, is_matlab
from neurodyn.io.neo.files import BUILD, read_neo
from neurodyn.io.parts import cut_trials
from neurodyn.io.select import select
from neurodyn.io.selection import Selection
from neurodyn.labels.convention import Window

_TEXT = (".txt", ".asc", ".md", ".json", ".yaml", ".yml", ".toml", ".py")


def read(
    path: str | os.PathLike,
    *,
    align_event: str | None = None,
    window: Window | None = None,
    until: str | None = None,
    trials: str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    channels: Any = None,
    units: Any = None,
    signals: bool | str | Sequence[str] = True,
    lazy: bool | None = None,
    mapping: Mapping[str, Any] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Read a recording into labelled xarray.

    NWB files are read with pynwb; netCDF and Zarr written by neurodyn come back as they were saved;
    MATLAB (v5 to v7.3) and CSV are read by a mapping that says what their fields and columns are;
    every other format (NIX, Axon, Blackrock, Plexon, Neuralynx, Spike2, Intan...) is read with neo.
    The format is found from the content of the file if possible, else from its extension.

    Parameters
    ----------
    path
        File, or folder for formats that consist of several files.
    align_event, until, trials, invalid
        To get spikes in trials: the time column to cut around, the column with the ends of trials,
        the table of trials, and the treatment of trials outside of the recording. See
        `neurodyn.io.from_nwb` and `neurodyn.spikes.align`.
    window
        With `align_event`, start and stop around the event [ms]. Without it, the section of the
        recording to read [ms, on its clock]: spikes and samples with ``start <= time < stop``, and
        the rows of tables that overlap it. An edge may be infinite.
    channels, units
        Labels of the channels and units to read, in the order in which they are to stand: those of
        `channel` and `unit`, or of `channel_name`, `channel_id`, `electrode_id`, `unit_id`; all
        entries that share a name. A signal without any of these channels is left out, and listed in
        `not_read`; one without a dim `channel` is kept.
    signals
        Names of the continuous signals to read; or whether to read signals.
    lazy
        Whether signals stay in the file, as dask arrays that open it when they are computed. The
        default leaves those above 1 GiB there. False loads all.
    mapping
        For MATLAB and CSV: what each field or column is, and the unit of times. See
        `neurodyn.io.from_matlab` and `neurodyn.io.from_csv`. Files that neurodyn wrote need none.

    Returns
    -------
    A Dataset if it can hold everything, else a DataTree of `spikes`, `intervals/NAME`,
    `events/NAME` and `signals/NAME`. Times are in ms, voltages in mV, currents in pA. What
    could not be read is listed in the attribute `not_read`.

    Axon files of several sweeps give `v` (or `i`) on (sweep, time, channel) and the command to the
    cell, `i_command` (or `v_command`) on (sweep, time), built from the protocol in the file; beside
    several signals it is in `signals/command`, and several commands of one quantity have the names
    of their outputs after them (`v_command_Cmd 0`). A command that the file does not hold, such as
    one that was played from another file, is listed in `not_read`.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    FileFormatError
        If the file is empty, damaged, or of an unknown format.
    LabelError
        If the file holds nothing that can be labelled, a channel, unit or signal that was asked for
        is not there, or trials cannot be cut with these options.

    Notes
    -----
    Of NWB, and of netCDF and Zarr written by neurodyn, only what was asked for is read. Memory is
    needed for what is returned, for the times of the samples (8 bytes each, some four times that
    while they are checked), and for blocks of some 50 MB. So it is with signals of those formats of
    which neo can read parts; other files that neo reads are loaded whole before a part of them is
    taken. `lazy` has no effect on either.

    Examples
    --------
    >>> session = read("session.nwb")  # doctest: +SKIP
    >>> trials = read("session.nwb", align_event="go_time", window=(-500, 1000))  # doctest: +SKIP
    >>> minute = read(
    ...     "session.nwb", window=(0, 60e3), signals="lfp", channels=[3, 7]
    ... )  # doctest: +SKIP
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file '{path}'{_nearby(path)}")
    selection = Selection.of(window, channels, units, signals, lazy, align_event=align_event)
    read_one = _read_folder if path.is_dir() else _read_file
    recording = _read_mapped(path, mapping)
    recording = read_one(path, selection) if recording is None else select(recording, selection)
    around = None if align_event is None else window
    how: dict[str, Any] = {"until": until, "trials": trials, "invalid": invalid}
    return cut_trials(recording, align_event, around, signals=selection.cut, **how)


def _read_mapped(path: Path, mapping: Mapping[str, Any] | None) -> xr.Dataset | xr.DataTree | None:
    """Read a MATLAB file, or CSV; None if it is neither."""
    if is_csv(path) or (path.is_dir() and mapping is not None):
        return from_csv(path, mapping)
    if path.is_file():
        with open(path, "rb") as file:
            head = file.read(520)
        if not head:  # which is told below
            return None
        if is_matlab(head) or path.suffix.lower() == ".mat":
            return from_matlab(path, mapping)
    if mapping is not None:
        raise ValueError(f"mapping= is for MATLAB and CSV files, and '{path}' is neither.")
    return None


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f": the folder '{path.parent}' does not exist."
    names = [each.name for each in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, 3)
    return f" (did you mean {', '.join(map(repr, close))}?)." if close else "."


def _read_folder(path: Path, selection: Selection) -> xr.Dataset | xr.DataTree:
    if labelled.recognises(path):
        return labelled.read(path, selection)
    if not any(path.iterdir()):
        raise FileFormatError(f"the folder '{path}' is empty.")
    return select(read_neo(path, selection), selection)


def _read_file(path: Path, selection: Selection) -> xr.Dataset | xr.DataTree:
    with open(path, "rb") as file:
        head = file.read(4096)
    suffix = path.suffix.lower()
    if not head:
        raise FileFormatError(f"'{path}' is empty: it was never written, or the copy failed.")
    if head.startswith(labelled.HDF5):
        return _read_hdf5(path, selection)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or suffix == ".pkl":
        raise FileFormatError(
            f"'{path}' is a Python pickle. It is not read, because reading a pickle runs the code "
            "in it. Save the recording as NIX or NWB with the program that wrote it."
        )
    if head.startswith(b"PK"):
        raise FileFormatError(
            f"'{path}' is a zip archive. A model or checkpoint is loaded by neurodyn.load; "
            f"arrays in an .npz by numpy.load, {BUILD}."
        )
    if suffix in (".nwb", ".nix", ".nc"):
        raise FileFormatError(
            f"'{path}' is called {suffix} but is no HDF5 file: its beginning is missing, or it is "
            "of another format. Copy or download it again."
        )
    if suffix in _TEXT:
        raise FileFormatError(
            f"'{path}' is text without a description of its columns. Load it with "
            f"numpy.loadtxt or pandas, {BUILD}."
        )
    return select(read_neo(path, selection), selection)


def _read_hdf5(path: Path, selection: Selection) -> xr.Dataset | xr.DataTree:
    import h5py

    check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            attrs = {name: file.attrs[name] for name in file.attrs}
            groups = list(file)
            # A DataTree may keep its attributes below the root.
            own = "convention" in attrs or any(
                str(file[name].attrs.get("convention", "")).startswith("neurodyn")
                for name in groups
            )
    except (OSError, RuntimeError, KeyError) as error:
        raise FileFormatError(
            f"'{path}' is a damaged or truncated HDF5 file ({error}). Copy or download it again."
        ) from error
    if "nwb_version" in attrs:
        from neurodyn.io.nwb.read import read_nwb

        return read_nwb(path, selection, checked=True)
    if own:
        return labelled.read(path, selection, checked=True)
    if attrs.get("format") in ("nix", b"nix"):
        return select(read_neo(path, selection), selection)
    if path.suffix.lower() in (".nwb", ".nc", ".hdf5", ".hdf"):
        raise _not_neural(path, groups)
    try:
        return select(read_neo(path, selection), selection)
    except FileFormatError as error:
        raise _not_neural(path, groups) from error


def _not_neural(path: Path, groups: Sequence[str]) -> FileFormatError:
    shown = ", ".join(groups[:6]) + ("..." if len(groups) > 6 else "")
    return FileFormatError(
        f"'{path}' is HDF5, but neither NWB nor NIX nor written by neurodyn (at its root: "
        f"{shown or 'nothing'}). Load it with h5py or xarray, {BUILD}."
    )
