"""Recordings to compare models with: a bundled example, and published ones by name.

A dataset is taken from the folder that the environment variable `NEURODYN_DATA` names, if it is
there, else downloaded once into a cache. Its files are verified by their hash either way.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.datasets import files
from neurodyn.datasets.catalogue import RECORDS
from neurodyn.datasets.files import DatasetError
from neurodyn.datasets.record import File, Record

__all__ = [
    "DatasetError",
    "File",
    "Record",
    "available",
    "citation",
    "info",
    "load",
    "path",
    "where",
]


def available() -> list[Record]:
    """List the datasets.

    Returns
    -------
    One `Record` each: name, title, species, area, task, licence, citation, size and more. `where`
    says whether it is at hand.

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
        If there is no such dataset, listing those that there are.

    Examples
    --------
    >>> info("mante2013").species
    'Macaca mulatta'
    """
    if name not in RECORDS:
        close = difflib.get_close_matches(str(name), RECORDS, 1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise ValueError(f"there is no dataset {name!r}; {hint}known are {', '.join(RECORDS)}.")
    return RECORDS[name]


def load(name: str, **options: Any) -> xr.Dataset | xr.DataTree:
    """Load a dataset, in the labelling convention (time in ms, rates in Hz).

    Parameters
    ----------
    name
        One of the names in `available`.
    **options
        What the dataset itself offers, e.g. ``load("mante2013", bin_width=25.0)``;
        ``help(info(name).read)`` describes it.

    Returns
    -------
    Dataset or DataTree, with the citation and licence in attrs.

    Raises
    ------
    ValueError
        If there is no such dataset.
    TypeError
        If the dataset does not offer an option.
    DatasetError
        If its files cannot be had or are damaged.

    Examples
    --------
    >>> recording = load("decision_example")
    >>> recording.sizes["trial"], recording.sizes["unit"]
    (360, 100)
    """
    record = info(name)
    loaded = record.read(files.find(record), **options)
    about = {
        "dataset": record.name,
        "title": record.title,
        "species": record.species,
        "area": record.area,
        "task": record.task,
        "licence": record.licence,
        "citation": record.citation,
    }
    loaded.attrs = dict(loaded.attrs) | about
    return loaded


def path(name: str) -> Path:
    """Path of a dataset's file, or of the folder of its files; downloads it where needed.

    Parameters
    ----------
    name
        One of the names in `available`.

    Raises
    ------
    ValueError
        If there is no such dataset.
    DatasetError
        If its files cannot be had or are damaged.

    Examples
    --------
    >>> path("decision_example").name
    'decision_example.nwb'
    """
    paths = files.find(info(name))
    return paths[0] if len(paths) == 1 else paths[0].parent


def where(name: str) -> str:
    """Say where a dataset would be taken from, without touching its files.

    Parameters
    ----------
    name
        One of the names in `available`.

    Returns
    -------
    The folder that it is in, "download" if it would be downloaded, "missing" if it can only be used
    from a local folder and is not there.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    return files.where(info(name))


def citation(name: str) -> str:
    """BibTeX of what to cite when using a dataset.

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
