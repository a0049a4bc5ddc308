"""Write MATLAB's files of version 5, with the labels, and read them back to the bit."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.archive import FileFormatError
from neurodyn.io.atomic import atomic_path
from neurodyn.io.interop.texts import as_text, from_text
from neurodyn.labels import LabelError

#: Variable with what MATLAB has no place for.
NOTE = "neurodyn"
#: Longest name in MATLAB.
_LONGEST = 63
#: Largest variable [bytes] in a file of version 5.
_LARGEST = (1 << 31) - 1
_KEYWORDS = {
    "break", "case", "catch", "classdef", "continue", "else", "elseif", "end", "for", "function",
    "global", "if", "otherwise", "parfor", "persistent", "return", "spmd", "switch", "try", "while",
}  # fmt: skip


def to_matlab(
    recording: xr.Dataset | xr.DataTree, path: str | os.PathLike, *, overwrite: bool = False
) -> Path:
    """Write labelled data to a MATLAB file of version 5, which MATLAB, Octave and SciPy read.

    Parameters
    ----------
    recording
        A recording, a run, or a result. Lazy variables are computed.
    path
        File to write, which ends in `.mat`; written atomically.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path. The file holds one struct for each part (``data`` for a Dataset; ``spikes``,
    ``intervals_trials``, ``signals_lfp`` for those of a DataTree), with a field for each variable
    and coordinate: arrays in the order of their dims, text as cell arrays, truth values as logical.
    Characters that names in MATLAB cannot have become ``_``. The field ``about`` holds, for each of
    these, its ``dims``, ``units`` and ``long_name``. Spikes of unit 3 are
    ``data.spike_time(data.spike_unit == 3)`` [ms]. `from_matlab` and `neurodyn.io.read` give the
    identical data back, because the text ``neurodyn`` holds what MATLAB has no place for.

    Raises
    ------
    LabelError
        If `recording` does not follow the convention, or a variable is above 2 GB, which this
        format cannot hold.
    ValueError
        If the name does not end in `.mat`.
    FileExistsError, FileNotFoundError, PermissionError
        If the file exists already, or its folder does not or cannot be written to.

    Examples
    --------
    >>> to_matlab(recording, "session.mat")  # doctest: +SKIP
    """
    from scipy.io import savemat

    path = Path(path)
    if path.suffix.lower() != ".mat":
        raise ValueError(f"'{path.name}': MATLAB files are known by their name, '{path.stem}.mat'.")
    if not isinstance(recording, (xr.Dataset, xr.DataTree)):
        raise TypeError(
            f"to_matlab takes a Dataset or a DataTree, got a {type(recording).__name__}: "
            "DataArrays by .to_dataset(name='...')."
        )
    parts, structs, texts = layout.parts_of(recording), dict[str, Any](), dict[str, str]()
    for at, ds in parts.items():
        name = _name(at or "data", {*structs, NOTE})
        struct, places = _struct(ds)
        if struct or at == "":
            structs |= {name: struct} if struct else {}
        columns = {own: {"struct": name, "field": field} for own, field in places.items()}
        texts[at] = layout.describe(ds, columns=columns)
    if not structs:
        raise LabelError("there is nothing to write: no variables.")
    tree = isinstance(recording, xr.DataTree)
    note = layout.joined(texts, tree=tree, name=recording.name if tree else None)
    with atomic_path(path, overwrite=overwrite) as temporary:
        savemat(
            temporary, structs | {NOTE: note}, long_field_names=True, oned_as="column",
            do_compression=True,
        )  # fmt: skip
    return path


def restored(values: Mapping[str, Any], note: str) -> xr.Dataset | xr.DataTree:
    """The data of which `to_matlab` made these values."""
    return layout.rebuild(note, lambda at, about: _dataset(about, values))


def _struct(ds: xr.Dataset) -> tuple[dict[str, Any], dict[str, str]]:
    """Fields of a struct, and the field of each variable."""
    fields: dict[str, Any] = {}
    about: dict[str, Any] = {}
    places: dict[str, str] = {}
    for key, variable in ds.variables.items():
        if variable.ndim:
            name = places[str(key)] = _name(str(key), {*fields, "about"})
            fields[name] = _stored(str(key), variable.values)
            shown = {n: str(variable.attrs.get(n, "")) for n in ("units", "long_name")}
            about[name] = {"dims": _cells(list(map(str, variable.dims)))} | shown
    return (fields | {"about": about} if fields else {}), places


def _name(text: str, taken: set[str]) -> str:
    """A name that MATLAB takes, which is free."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    name = name if re.match(r"[A-Za-z]", name) and name not in _KEYWORDS else f"x{name}"
    name, k = name[:_LONGEST], 1
    begin = name
    while name in taken:
        k += 1
        name = f"{begin[: _LONGEST - 1 - len(str(k))]}_{k}"
    return name


def _stored(name: str, values: np.ndarray) -> Any:
    kind = values.dtype.kind
    if values.nbytes > _LARGEST:
        raise LabelError(
            f"'{name}' has {values.nbytes} bytes, and MATLAB's format 5 holds 2 GB of a variable: "
            "select a part, or use neurodyn.save."
        )
    if kind in "USO":
        texts = (
            as_text(values.ravel()) if kind == "S" else [str(x) for x in values.ravel().tolist()]
        )
        return _cells(texts).reshape(values.shape)
    if kind in "mM":
        return values.astype(np.int64)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _cells(texts: list[str]) -> np.ndarray:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def _dataset(about: Mapping[str, Any], values: Mapping[str, Any]) -> xr.Dataset:
    arrays: dict[str, np.ndarray] = {}
    for name, place in about["columns"].items():
        struct = values.get(place["struct"])
        if not isinstance(struct, dict) or place["field"] not in struct:
            raise FileFormatError(
                f"the file is damaged: it lacks {place['struct']}.{place['field']}, '{name}'."
            )
        entry = about["variables"][name]
        shape = tuple(about["sizes"][dim] for dim in entry["dims"])
        arrays[name] = _loaded(struct[place["field"]], entry["dtype"], shape, name)
    return layout.restore(about, arrays, rows=False)


def _loaded(value: Any, dtype: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    """A value of a struct as the array that it was; MATLAB drops and adds axes of length 1."""
    if isinstance(value, str):
        value = _cells([value])
    array = np.asarray(value)
    several = [tuple(n for n in each if n != 1) for each in (array.shape, shape)]
    if several[0] != several[1] and (array.size or 0 not in shape):
        raise FileFormatError(
            f"'{name}' should have shape {shape}, and has {array.shape}: the file is damaged, or "
            f"was changed. Delete the variable '{NOTE}' in it, and read it by a mapping."
        )
    array = array.reshape(shape)
    if array.dtype == object or dtype == "str":
        return from_text(array.astype(str), dtype)
    kind = np.dtype(dtype)
    return array.astype(np.int64).astype(kind) if kind.kind in "mM" else array.astype(kind)
