"""The description of a dataset."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr


@dataclass(frozen=True)
class File:
    """One file of a dataset.

    Parameters
    ----------
    name
        Path below the folder of the dataset, and below the cache.
    sha256
        Hash of its contents.
    size
        Its size [bytes].
    url
        Address to download it from; None if there is none.
    """

    name: str
    sha256: str
    size: int
    url: str | None = None

    @classmethod
    def of(
        cls, path: str | os.PathLike, *, name: str | None = None, url: str | None = None
    ) -> File:
        """Describe a file that you have, with its hash and size.

        Parameters
        ----------
        path
            The file.
        name
            Path below the folder of the dataset; default: the name of the file.
        url
            Address where others can download the same file.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        path = Path(path)
        contents = path.read_bytes()
        digest = hashlib.sha256(contents).hexdigest()
        return cls(path.name if name is None else name, digest, len(contents), url)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One dataset: its files, and how they are read.

    Parameters
    ----------
    name
        The name that `neurodyn.datasets.load` takes.
    title
        A line about it.
    files
        Its files, all in one folder.
    read
        Function of the paths of the files, in the order of `files`, and of the options of
        `neurodyn.datasets.load`. It returns labelled data.
    folder
        Folder that holds the files, for data that come with a package or lie on your disk. Default:
        the local folder of datasets, or a download.
    description
        A few sentences about it.
    species, area, task
        The recorded animal, the recorded part of its brain, and its task.
    licence
        Terms of use, as far as they are stated.
    source
        Origin of the data, and how to obtain them if they cannot be downloaded.
    citation
        BibTeX of the papers to cite.

    Raises
    ------
    ValueError
        If there are no files, or the name is no plain word.
    TypeError
        If `files` holds anything but `File`, or `read` is no function.
    """

    name: str
    title: str
    files: tuple[File, ...]
    read: Callable[..., xr.Dataset | xr.DataTree]
    folder: str | Path | None = None
    description: str = ""
    species: str = ""
    area: str = ""
    task: str = ""
    licence: str = ""
    source: str = ""
    citation: str = ""

    def __post_init__(self):
        if not self.name or {"/", "\\", " ", "."} & {*self.name}:
            raise ValueError(
                f"the name of a dataset is a word without spaces, dots and slashes, which tell "
                f"files from datasets; got {self.name!r}."
            )
        if not callable(self.read):
            raise TypeError(
                f"`read` of '{self.name}' must be a function of the paths, got {self.read!r}."
            )
        files = tuple(self.files)
        if wrong := [file for file in files if not isinstance(file, File)]:
            raise TypeError(
                f"`files` of '{self.name}' must hold neurodyn.datasets.File, got {wrong[0]!r}: "
                "File.of(path) describes a file that you have."
            )
        if not files:
            raise ValueError(f"`files` of '{self.name}' is empty: a dataset has at least one file.")
        object.__setattr__(self, "files", files)
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder))

    @property
    def size(self) -> int:
        """Size of all files [bytes]."""
        return sum(file.size for file in self.files)

    @property
    def downloadable(self) -> bool:
        """Whether every file has an address to download it from."""
        return all(file.url is not None for file in self.files)
