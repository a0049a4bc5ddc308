"""Read MATLAB's files: as plain values, or as a recording by a mapping."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.interop.mapping import needed, recording_of
from neurodyn.io.interop.matlab.v5 import load_v5
from neurodyn.io.interop.matlab.v73 import load_v73
from neurodyn.io.interop.matlab.values import Fields
from neurodyn.io.interop.matlab.write import NOTE, restored

_HDF5 = b"\x89HDF\r\n\x1a\n"


def load_matlab(path: str | os.PathLike) -> dict[str, Any]:
    """Read the variables of a MATLAB file, of version 5 to 7.2 or 7.3, as plain values.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    ``{name: value}``, in the same form from both formats:

    - number, matrix: array in MATLAB's shape and class (`double` is float64)
    - logical: array of bool
    - char: str; several rows: array of str
    - cell: array of objects, in MATLAB's shape
    - struct: dict; struct array: array of dicts
    - sparse: `scipy.sparse.csc_matrix`
    - table, string, handle: `Opaque`, with the name of the class: only MATLAB can read these

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no MATLAB file, of MATLAB 4, damaged or truncated. Nothing in it is executed.

    See Also
    --------
    from_matlab : The recording in it.

    Examples
    --------
    >>> load_matlab("session.mat")["units"][0, 0]["spikes"]  # doctest: +SKIP
    """
    path = Path(path)
    with open(path, "rb") as file:
        head = file.read(520)
    if not head:
        raise FileFormatError(f"'{path}' is empty: it was never written, or the copy failed.")
    if head.startswith(_HDF5) or head[512:520] == _HDF5:
        return load_v73(path)
    if is_v5(head):
        return load_v5(path)
    if head[124:126] in (b"\x00\x02", b"\x02\x00") and head[126:128] in (b"IM", b"MI"):
        raise FileFormatError(
            f"'{path}' is a MATLAB file of version 7.3 whose content is missing: it is truncated. "
            "Copy or download it again."
        )
    raise FileFormatError(
        f"'{path}' is no MATLAB file of version 5 to 7.3: it is damaged, of MATLAB 4, or of "
        "another kind than its name says. Save it again in MATLAB, save('x.mat', '-v7')."
    )


def is_matlab(head: bytes) -> bool:
    """Whether a file that begins so is one of MATLAB, by its header; HDF5 without it is not."""
    return is_v5(head) or (head[512:520] == _HDF5 and head.startswith(b"MATLAB"))


def is_v5(head: bytes) -> bool:
    """Whether a file that begins so is of MATLAB 5 to 7.2."""
    return head[124:128] in (b"\x00\x01IM", b"\x01\x00MI") and head[512:520] != _HDF5


def from_matlab(
    path: str | os.PathLike, mapping: Mapping[str, Any] | None = None
) -> xr.Dataset | xr.DataTree:
    """Read a recording from a MATLAB file, of version 5 to 7.2 or 7.3.

    Parameters
    ----------
    path
        The file; one of `to_matlab` needs no mapping.
    mapping
        What each field is, by names such as ``"session.units.spikes"`` (of a struct array, the
        field of each entry) or ``"session.units(3).spikes"``:

        - ``"time_unit"``: unit of all times: ``"s"``, ``"ms"``, ``"us"``, ..., or
          ``{"rate": 30000.0}`` if times are numbers of samples.
        - ``"spikes"``: ``{"times": NAME}``, a cell array with the times of each unit, or of units
          and trials with ``"dims": ["unit", "trial"]``; a matrix has a row for each unit, padded
          by NaN. Or ``{"time": NAME, "unit": NAME, "trial": NAME}``: vectors with the time, and the
          labels of unit and perhaps trial, of each spike.
        - ``"units"``, ``"trials"``: ``{"label": NAME, "columns": [NAMES]}``, for trials also
          ``"times": [NAMES]``, the columns that hold times, and ``"name"``, that of the table. In
          place of a list, ``{OURS: NAME}`` gives columns another name. Without labels they are
          numbered from 0.
        - ``"events"``: ``{"licks": {"time": NAME, "columns": [NAMES]}}``.
        - ``"signals"``: ``{"lfp": {"values": NAME, "unit": "uV", "rate": 1000.0 (or "time": NAME),
          "dims": ["channel", "time"], "channels": NAME}}``; dims are those of the array in MATLAB,
          default time, channel. Those with ``"trial"`` or ``"unit"`` have the columns of these.
        - ``"observed"``: start and stop of the recording, or the name of a matrix (n, 2).

    Returns
    -------
    What `neurodyn.io.read` returns: a Dataset, or a DataTree of `spikes`, `intervals/NAME`,
    `events/NAME` and `signals/NAME`, times in ms.

    Raises
    ------
    FileNotFoundError, FileFormatError
        As `load_matlab`.
    LabelError
        If `mapping` is missing (the error lists the fields), wrong, or does not fit.

    Examples
    --------
    >>> mapping = {
    ...     "time_unit": "s",
    ...     "spikes": {"times": "units.spikes"},
    ...     "units": {"label": "units.id", "columns": ["units.area"]},
    ... }
    >>> recording = from_matlab("session.mat", mapping)  # doctest: +SKIP
    """
    values = load_matlab(path)
    if mapping is None:
        note = values.get(NOTE)
        if isinstance(note, str):
            return restored(values, note)
        what = f"'{Path(path)}'"
        raise needed(Fields(values, what), "io.read(path, mapping=...)")
    return recording_of(Fields(values, f"'{Path(path)}'"), mapping)
