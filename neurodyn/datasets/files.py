"""Find the files of a dataset: in its own folder, the local folder, the cache, or on the web.

A file is used only if its SHA-256 is that of the record, wherever it lies.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from neurodyn.datasets.catalogue import BUNDLED
from neurodyn.datasets.record import File, Record

#: Environment variable that names a local folder of datasets.
VARIABLE = "NEURODYN_DATA"
#: Seconds without an answer after which a download fails.
TIMEOUT = 30


class DatasetError(OSError):
    """A dataset is missing, damaged, or cannot be reached."""

    __module__ = "neurodyn.datasets"


def find(record: Record) -> list[Path]:
    """Paths of all files of a dataset, verified, in the order of the record.

    Parameters
    ----------
    record
        The dataset. Its files are taken from the folder of the record, if it names one. Else from
        the folder that `NEURODYN_DATA` names (or its folder `neural`), if they are there; else from
        the cache, into which they are downloaded if needed.

    Raises
    ------
    DatasetError
        If a file is missing or damaged, or cannot be downloaded.
    """
    folder = _folder(record)
    if folder is not None:
        paths = [folder / file.name for file in record.files]
        for path, file in zip(paths, record.files, strict=True):
            _verify(path, file, record)
        return paths
    if not record.downloadable:
        raise DatasetError(
            f"'{record.name}' cannot be downloaded. {record.source} Set {VARIABLE} to the folder "
            f"that holds {_names(record)}."
        )
    return [_download(file, record) for file in record.files]


def where(record: Record) -> str:
    """Tell where a dataset would be taken from: a folder, "download" or "missing"."""
    folder = _folder(record)
    if folder is not None:
        whole = all((folder / file.name).is_file() for file in record.files)
        return str(folder) if whole else "missing"
    if all((_cache() / file.name).is_file() for file in record.files):
        return str(_cache())
    return "download" if record.downloadable else "missing"


def _folder(record: Record) -> Path | None:
    """The folder of the record, or the local folder that holds the dataset; None without either."""
    if record.folder is not None:
        return record.folder
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    root = Path(given).expanduser()
    if not root.is_dir():
        raise DatasetError(
            f"{VARIABLE} is set to '{given}', which is not a folder. Set it to the folder of the "
            "local datasets, or unset it to use downloaded ones."
        )
    for folder in (root, root / "neural"):
        missing = [file.name for file in record.files if not (folder / file.name).is_file()]
        if not missing:
            return folder
        if len(missing) < len(record.files):
            raise DatasetError(
                f"'{record.name}' in '{folder}' ({VARIABLE}) is incomplete: {len(missing)} of "
                f"{len(record.files)} files are missing, the first is '{missing[0]}'. Complete it, "
                "or remove the others to have all of them downloaded."
            )
    return None


def _verify(path: Path, file: File, record: Record) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DatasetError(f"'{path}' of '{record.name}' cannot be read: {error}.") from error
    if found != file.sha256:
        raise DatasetError(
            f"'{path}' is not the file of the record of '{record.name}': it is damaged or was "
            f"changed.\n  expected SHA-256 {file.sha256} ({file.size} bytes)\n"
            f"  found    SHA-256 {found} ({path.stat().st_size} bytes)\n{_cure(file, record)}"
        )


def _cure(file: File, record: Record) -> str:
    if record.folder == BUNDLED:
        return "Reinstall neurodyn."
    if record.folder is not None:
        return (
            "Put the original there again. If you changed the file on purpose, describe it with "
            "neurodyn.datasets.File.of, and register the dataset anew."
        )
    return (
        f"Replace the file by the original ({file.url or record.source}), or unset {VARIABLE} if "
        "you do not mean to use this folder."
    )


def _download(file: File, record: Record) -> Path:
    import pooch
    import requests

    target = _cache() / file.name
    try:
        # Writes to a temporary file, verifies it, and only then moves it to its name.
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                file.url,
                known_hash=f"sha256:{file.sha256}",
                path=target.parent,
                fname=target.name,
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT),
            )
    except requests.exceptions.RequestException as error:
        raise DatasetError(
            f"'{file.name}' of '{record.name}' could not be downloaded from {file.url}: {error}. "
            f"Nothing was kept. Try again when the address can be reached, or put the files in a "
            f"folder and set {VARIABLE} to it. {record.source}"
        ) from error
    except ValueError as error:
        raise DatasetError(
            f"'{file.name}' of '{record.name}' came from {file.url} with other contents than those "
            f"on record (expected SHA-256 {file.sha256}): {error} Nothing was kept. The download "
            f"was cut short or the file has changed: try again, or put the original in a folder "
            f"and set {VARIABLE} to it. {record.source}"
        ) from error
    except OSError as error:
        raise DatasetError(
            f"'{file.name}' of '{record.name}' could not be written to '{target.parent}': {error}. "
            "Choose another cache folder by XDG_CACHE_HOME."
        ) from error
    return target


class _quiet:
    """Silence pooch's message about each file; failures raise errors."""

    def __init__(self, logger):
        self._logger, self._level = logger, logger.level

    def __enter__(self):
        self._logger.setLevel("WARNING")

    def __exit__(self, *_):
        self._logger.setLevel(self._level)


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("neurodyn"))


def _names(record: Record) -> str:
    names = [file.name for file in record.files]
    return f"'{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
