"""Save and load: models and tasks in files of their own, results as netCDF or Zarr."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr

from neurodyn.common.random import as_key
from neurodyn.io import labelled
from neurodyn.io.archive import FileFormatError, read_archive, write_archive
from neurodyn.io.modules import decode, encode, refuse_depth

_LABELLED = (xr.Dataset, xr.DataArray, xr.DataTree)


def save(
    path: str | os.PathLike,
    obj: Any,
    *,
    overwrite: bool = False,
    task: Any = None,
    key: Any = None,
    notes: str | None = None,
) -> None:
    """Save a model, a task, an ensemble or labelled data.

    Parameters
    ----------
    path
        The file. Labelled data become netCDF (``.nc``) or Zarr (``.zarr``), by the extension; other
        objects may have any other extension, such as ``.nd``.
    obj
        An Equinox module made of neurodyn's classes and of those that you have registered with
        :func:`neurodyn.register`; or a Dataset, DataArray or DataTree.
    overwrite
        Whether an existing file of that name may be replaced.
    task
        Task that a model was trained on, stored in the same file (see :func:`info`).
    key
        Seed or key that it was trained with, stored in the same file.
    notes
        A few words, stored in the same file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    FileNotFoundError, NotADirectoryError, PermissionError
        If it cannot be written there.
    ValueError
        If the object holds something that a file cannot hold (a function, a foreign class), whose
        place the error names; or if the extension does not suit the object.
    TypeError
        If `obj` is of another type.

    Notes
    -----
    The file gets its name when it is complete, not before. A model file is a zip archive of a JSON
    header and raw arrays, with a checksum over all of it.

    Examples
    --------
    >>> save("model.nd", model, task=task, key=1)  # doctest: +SKIP
    """
    if isinstance(path, (eqx.Module, *_LABELLED)):
        raise TypeError(
            f"save takes the path first, got a {type(path).__name__}: save('model.nd', model)."
        )
    path = Path(path)
    if isinstance(obj, _LABELLED):
        given = [n for n, x in (("task", task), ("key", key), ("notes", notes)) if x is not None]
        if given:
            raise ValueError(f"{', '.join(given)} go with models; put them in the attrs of data.")
        labelled.write(path, obj, overwrite=overwrite)
        return
    if path.suffix.lower() in labelled.SUFFIXES:
        raise ValueError(
            f"'{path.name}' is a name for labelled data; save a {type(obj).__name__} as "
            f"'{path.stem}.nd'."
        )
    if not isinstance(obj, eqx.Module):
        raise TypeError(
            "save takes models, tasks, ensembles, and xarray's Dataset, DataArray and DataTree, "
            f"got a {type(obj).__name__}"
            + (": save its model, fit.model." if type(obj).__name__ == "Fit" else ".")
        )
    arrays: dict[str, np.ndarray] = {}
    plain = key is None or (isinstance(key, int) and not isinstance(key, bool))
    header = {
        "object": encode(obj, arrays, type(obj).__name__),
        "task": encode(task, arrays, "task"),
        "key": key if plain else encode(as_key(key), arrays, "key"),
        "notes": notes,
        "versions": {name: version(name) for name in ("neurodyn", "jax", "equinox")},
    }
    write_archive(path, header, arrays, kind="object", overwrite=overwrite)


def load(path: str | os.PathLike) -> Any:
    """Load a file that :func:`save` wrote; a file holds no code that could be run.

    Parameters
    ----------
    path
        A model file, or netCDF or Zarr.

    Returns
    -------
    The model, task or ensemble with the same dtypes and bits; or the identical Dataset, DataArray
    or DataTree, in memory.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If the file is foreign, truncated, damaged, from another version, or names an unknown class.

    Examples
    --------
    >>> model = load("model.nd")  # doctest: +SKIP
    """
    path = Path(path)
    if labelled.recognises(path):
        return labelled.read(path)
    header, arrays = read_archive(path, kind="object")
    return _decode(path, header, "object", arrays)


def info(path: str | os.PathLike) -> dict[str, Any]:
    """Read the description of a model file: class, task, key, notes, versions and arrays.

    Returns
    -------
    ``class``, ``task`` (the task itself, or None), ``key``, ``notes``, ``versions``, and the
    ``arrays`` with dtype and shape.

    Raises
    ------
    FileNotFoundError, FileFormatError
        As :func:`load`.
    """
    header, arrays = read_archive(path, kind="object")
    task = _decode(Path(path), header, "task", arrays)
    key = _decode(Path(path), header, "key", arrays)
    described = header["object"]
    return {
        "class": described.get("class") if isinstance(described, dict) else None,
        "task": task,
        "key": key,
        "notes": header["notes"],
        "versions": header["versions"],
        "arrays": {name: (str(x.dtype), x.shape) for name, x in arrays.items()},
    }


def _decode(path: Path, header: dict, part: str, arrays: dict[str, np.ndarray]) -> Any:
    try:
        refuse_depth(header[part])
        return decode(header[part], arrays, header["version"])
    except FileFormatError as error:
        raise FileFormatError(f"'{path}': {error}") from error
