"""What is known about a dataset, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

__all__ = ["File", "Record"]


@dataclass(frozen=True)
class File:
    """One file of a dataset.

    Parameters
    ----------
    name
        Path below the local data folder, and below the cache.
    sha256
        Hash of its contents.
    size
        Its size [bytes].
    url
        Where it can be downloaded; None where it cannot.
    """

    name: str
    sha256: str
    size: int
    url: str | None = None


@dataclass(frozen=True)
class Record:
    """One dataset.

    Parameters
    ----------
    name
        What `neurodyn.datasets.load` takes.
    title, description
        What it is, in a line and in a few sentences.
    species, area, task
        What was recorded, where and during what.
    licence
        Terms of use as far as they are stated.
    source
        Where it comes from, and how to obtain it where it cannot be downloaded.
    citation
        BibTeX of what to cite.
    files
        The files that make it up.
    read
        Turns the paths of the files and the options of `load` into labelled data.
    bundled
        Whether the files come with the package.
    """

    name: str
    title: str
    description: str
    species: str
    area: str
    task: str
    licence: str
    source: str
    citation: str
    files: tuple[File, ...]
    read: Callable[..., xr.Dataset | xr.DataTree]
    bundled: bool = False

    @property
    def size(self) -> int:
        """Size of all files [bytes]."""
        return sum(file.size for file in self.files)

    @property
    def downloadable(self) -> bool:
        """Whether every file has a URL."""
        return all(file.url is not None for file in self.files)
