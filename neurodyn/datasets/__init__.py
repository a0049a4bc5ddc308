"""Recordings to compare models with: a bundled example, published ones by name, and your own.

A dataset is taken from the folder that the environment variable `NEURODYN_DATA` names. If it is not
there, it is downloaded once into a cache. Its files are verified by their hash in both cases.
`register` adds a dataset of your own.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn import io
from neurodyn.datasets import files
from neurodyn.datasets.catalogue import RECORDS, register
from neurodyn.datasets.files import DatasetError
from neurodyn.datasets.record import File, Record

__all__ = [
    # Find
    "available",
    "info",
    "where",
    "citation",
    # Load
    "load",
    "open",
    "path",
    "DatasetError",
    # Add your own
    "register",
    "Record",
    "File",
]


def available() -> list[Record]:
    """List the datasets, those of neurodyn first.

    Returns
    -------
    One `Record` each: name, title, species, area, task, licence, citation, size and more. `where`
    tells whether its files are on this machine.

    Examples
    --------
    >>> [record.name for record in available()][:2]
    ['decision_example', 'mante2013']
    """
    return list(RECORDS.values())


def info(name: str) -> Record:
    """Return the record of a dataset.

    Parameters
    ----------
    name
        One of the names in `available`.

    Raises
    ------
    ValueError
        If there is no such dataset; the error lists the names.

    Examples
    --------
    >>> info("mante2013").species
    'Macaca mulatta'
    """
    if name not in RECORDS:
        close = difflib.get_close_matches(str(name), RECORDS, 1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise ValueError(
            f"there is no dataset {name!r}; {hint}Datasets are {', '.join(RECORDS)}; "
            "neurodyn.datasets.register adds one."
        )
    return RECORDS[name]


def load(name: str, **options: Any) -> xr.Dataset | xr.DataTree:
    """Load a dataset, in the labelling convention (time in ms, rates in Hz).

    Parameters
    ----------
    name
        One of the names in `available`.
    **options
        Options of this dataset, e.g. ``load("mante2013", bin_width=25.0)``;
        ``help(info(name).read)`` describes them.

    Returns
    -------
    Dataset or DataTree, with the citation and licence in attrs.

    Raises
    ------
    ValueError
        If there is no such dataset.
    TypeError
        If the dataset does not have an option.
    DatasetError
        If its files cannot be obtained or are damaged.

    Examples
    --------
    >>> recording = load("decision_example")
    >>> recording.sizes["trial"], recording.sizes["unit"]
    (360, 100)
    """
    record = info(name)
    loaded = record.read(files.find(record), **options)
    fields = ("title", "species", "area", "task", "licence", "citation")
    about = {field: value for field in fields if (value := getattr(record, field))}
    loaded.attrs = {**loaded.attrs, "dataset": record.name, **about}
    return loaded


def open(name: str | os.PathLike, **options: Any) -> xr.Dataset | xr.DataTree:
    """Load a dataset by its name, or read a file.

    Parameters
    ----------
    name
        One of the names in `available`, or a path. A file that has the name of a dataset is read by
        a path with a folder, ``"./ecg"``.
    **options
        Options of `load`, or of `neurodyn.io.read`.

    Returns
    -------
    Dataset or DataTree, in the labelling convention.

    Raises
    ------
    FileNotFoundError
        If there is neither a dataset nor a file of that name.
    ValueError, TypeError, OSError
        As `load` and `neurodyn.io.read`.

    Examples
    --------
    >>> open("decision_example").sizes["trial"]
    360
    """
    if name in RECORDS:
        return load(str(name), **options)
    if not Path(name).exists():
        raise FileNotFoundError(
            f"there is neither a file nor a dataset '{name}'. Datasets are {', '.join(RECORDS)}."
        )
    return io.read(name, **options)


def path(name: str) -> Path:
    """Path of a dataset's file, or of the folder of its files; they are downloaded if needed.

    Parameters
    ----------
    name
        One of the names in `available`.

    Raises
    ------
    ValueError
        If there is no such dataset.
    DatasetError
        If its files cannot be obtained or are damaged.

    Examples
    --------
    >>> path("decision_example").name
    'decision_example.nwb'
    """
    paths = files.find(info(name))
    return paths[0] if len(paths) == 1 else paths[0].parent


def where(name: str) -> str:
    """Tell where a dataset would be taken from, without reading its files.

    Parameters
    ----------
    name
        One of the names in `available`.

    Returns
    -------
    The folder that holds it, "download" if it would be downloaded, "missing" if it has no address
    to be downloaded from and no local folder holds it.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    return files.where(info(name))


def citation(name: str) -> str:
    """BibTeX of the papers to cite when you use a dataset.

    Parameters
    ----------
    name
        One of the names in `available`.

    Examples
    --------
    >>> print(citation("mante2013").splitlines()[0])
    @article{mante2013,
    """
    return info(name).citation
