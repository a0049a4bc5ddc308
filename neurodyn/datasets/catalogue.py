"""The datasets that are known: those of ``catalogue.toml``, and those that users register."""

from __future__ import annotations

import pkgutil
import tomllib
from pathlib import Path

from neurodyn.common import registry
from neurodyn.datasets.record import File, Record

_HERE = Path(__file__).parent
#: Folder of the files that come with the package.
BUNDLED = _HERE / "data"


def _record(entry: dict) -> Record:
    """A record of an entry in ``catalogue.toml``."""
    files = tuple(File(**file) for file in entry.pop("files"))
    read = pkgutil.resolve_name(entry.pop("read"))
    folder = BUNDLED if entry.pop("bundled", False) else None
    return Record(files=files, read=read, folder=folder, **entry)


_ENTRIES = tomllib.loads((_HERE / "catalogue.toml").read_text(encoding="utf-8"))["dataset"]
#: Datasets by name.
RECORDS = {entry["name"]: _record(entry) for entry in _ENTRIES}


def register(record: Record) -> Record:
    """Register a dataset of your own under its name, for this process.

    `load`, `open`, `path`, `neurodyn.citation` and the experiments then take it by its name, with
    the same download, cache and check of the hash as the datasets of neurodyn.
    `neurodyn.register` does the same.

    Parameters
    ----------
    record
        The dataset. A dataset that you registered before under this name is replaced.

    Returns
    -------
    The record.

    Raises
    ------
    TypeError
        If `record` is no `Record`.
    ValueError
        If a dataset of neurodyn has this name.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import datasets, labels
    >>> def read(paths):
    ...     rate = np.loadtxt(paths[0], ndmin=2)
    ...     time = np.arange(len(rate)) * 10.0  # ms
    ...     about = (("time", "unit"), rate, "Hz", "firing rate")
    ...     return labels.dataset({"rate": about}, {"time": time}, source="recording")
    >>> np.savetxt("rates.txt", [[1.0, 2.0], [3.0, 4.0]])
    >>> file = datasets.File.of("rates.txt")
    >>> mine = datasets.Record(name="mine", title="Two units", files=(file,), read=read, folder=".")
    >>> datasets.register(mine).size
    100
    >>> dict(datasets.load("mine").sizes)
    {'time': 2, 'unit': 2}
    """
    if not isinstance(record, Record):
        raise TypeError(
            f"register takes a neurodyn.datasets.Record, got a {type(record).__name__}."
        )
    return registry.register(record)
