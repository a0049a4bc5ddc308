"""The container of model and checkpoint files: a JSON header and raw arrays in one zip.

Nothing in it is code, nothing is compressed, and every byte is covered by a checksum, so reading
one can neither run anything nor take more memory than the file is large.
"""

import hashlib
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from neurodyn.io.atomic import atomic_path

FORMAT = "neurodyn"
#: Version of the files that are written. Older files are read, too: see `neurodyn.io.versions`.
VERSION = 3
HEADER = "header.json"
_LARGEST_HEADER = 64 * 2**20
_DTYPES = {
    str(np.dtype(kind)): np.dtype(kind)
    for kind in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2),
    )
}


class FileFormatError(ValueError):
    """A file is of another kind than expected, is damaged, or comes from another version."""

    __module__ = "neurodyn.io"


def write_archive(
    path: str | os.PathLike,
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    kind: str,
    overwrite: bool = False,
) -> None:
    """Write a header and arrays, atomically.

    Parameters
    ----------
    path
        The file.
    header
        Values that JSON can hold.
    arrays
        Named arrays of numbers.
    kind
        Kind of the file (``"object"``, ``"checkpoint"``, ``"simulation"``), which `read_archive`
        checks.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    TypeError
        If the dtype of an array cannot be stored, or the header holds a value that JSON cannot.
    FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError
        As :func:`neurodyn.io.atomic.atomic_path`.
    """
    arrays = {name: _little_endian(name, array) for name, array in arrays.items()}
    table = {
        name: {"dtype": str(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    }
    about = {"format": FORMAT, "version": VERSION, "kind": kind, **header, "arrays": table}
    about["checksum"] = _checksum(about, (array.tobytes() for array in arrays.values()))
    text = json.dumps(about, allow_nan=False, indent=1)
    with (
        atomic_path(path, overwrite=overwrite) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        # A ZipInfo has no time of writing, so that the same object gives the same bytes.
        archive.writestr(zipfile.ZipInfo(HEADER), text)
        for i, array in enumerate(arrays.values()):
            archive.writestr(zipfile.ZipInfo(f"arrays/{i}"), array.tobytes())


def read_archive(
    path: str | os.PathLike, *, kind: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a file of `write_archive`.

    Returns
    -------
    The header, its ``version`` included, and the arrays, with their dtypes and bits.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If the file is foreign, truncated, damaged, of another kind or from a newer version.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file '{path}'.")
    _refuse_foreign(path)
    try:
        with zipfile.ZipFile(path) as archive:
            header = _read_header(path, archive, kind)
            raw = _read_arrays(path, archive, header["arrays"])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FileFormatError(
            f"'{path}' is damaged or truncated ({error}): copy or write it again."
        ) from error
    expected = header.pop("checksum", None)
    if expected != _checksum(header, raw.values()):
        raise FileFormatError(
            f"'{path}' does not match its checksum, so it was changed or damaged after it was "
            "written: copy it again, or save the object anew."
        )
    table = header.pop("arrays")
    arrays = {
        name: np.frombuffer(data, _DTYPES[table[name]["dtype"]]).reshape(table[name]["shape"])
        for name, data in raw.items()
    }
    return header, arrays


def _little_endian(name: str, array: Any) -> np.ndarray:
    array = np.asarray(array)
    if str(array.dtype.newbyteorder("=")) not in _DTYPES:
        raise TypeError(
            f"the array '{name}' has dtype {array.dtype}, which cannot be saved; "
            f"arrays hold one of {', '.join(_DTYPES)}."
        )
    if not array.dtype.isnative or np.little_endian is False:
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).reshape(array.shape)


def _checksum(header: Mapping[str, Any], arrays) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True, allow_nan=False).encode())
    for data in arrays:
        digest.update(data)
    return digest.hexdigest()


def _refuse_foreign(path: Path) -> None:
    if path.is_dir():
        raise FileFormatError(f"'{path}' is a folder, not a file written by neurodyn.")
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise FileFormatError(f"'{path}' is empty: it was never written, or the copy failed.")
    if start[:1] == b"\x80" or start.startswith(b"c__"):
        raise FileFormatError(
            f"'{path}' is a Python pickle. Opening one can run any code, so neurodyn never does; "
            "load it where it was made and save it with nd.save."
        )
    if not start.startswith(b"PK"):
        raise FileFormatError(
            f"'{path}' was not written by nd.save: it starts with {start!r}. Recordings are read "
            "with nd.io.read."
        )


def _read_header(path: Path, archive: zipfile.ZipFile, kind: str) -> dict[str, Any]:
    if HEADER not in archive.namelist():
        raise FileFormatError(
            f"'{path}' is a zip file without {HEADER}, so it was not written by nd.save "
            f"(it holds {', '.join(archive.namelist()[:5]) or 'nothing'})."
        )
    if archive.getinfo(HEADER).file_size > _LARGEST_HEADER:
        raise FileFormatError(f"'{path}': the header is larger than any that neurodyn writes.")
    try:
        header = json.loads(_member(path, archive, HEADER))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FileFormatError(f"'{path}': the header is not valid JSON ({error}).") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileFormatError(f"'{path}' was not written by neurodyn: its header does not say so.")
    version = header.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        newer = isinstance(version, int) and version > VERSION
        raise FileFormatError(
            f"'{path}' has format version {version!r}, and this neurodyn reads versions 1 to "
            f"{VERSION}: "
            + ("upgrade neurodyn." if newer else "open it with the version that wrote it.")
        )
    if header.get("kind") != kind:
        raise FileFormatError(f"'{path}' holds a {header.get('kind')}, not a {kind}.")
    if not isinstance(header.get("arrays"), dict):
        raise FileFormatError(f"'{path}': the header does not list its arrays.")
    return header


def _read_arrays(path: Path, archive: zipfile.ZipFile, table: Mapping[str, Any]):
    raw = {}
    for i, (name, entry) in enumerate(table.items()):
        member = f"arrays/{i}"
        if member not in archive.namelist():
            raise FileFormatError(f"'{path}': the array '{name}' is missing from the file.")
        size = archive.getinfo(member).file_size
        expected = _size(path, name, entry)
        if size != expected:
            raise FileFormatError(
                f"'{path}': the array '{name}' should be {entry['dtype']}{entry['shape']}, "
                f"{expected} bytes, but holds {size}."
            )
        raw[name] = _member(path, archive, member)
    extra = set(archive.namelist()) - {HEADER} - {f"arrays/{i}" for i in range(len(table))}
    if extra:
        raise FileFormatError(f"'{path}' holds what its header does not list: {sorted(extra)[:5]}.")
    return raw


def _size(path: Path, name: str, entry: Any) -> int:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if (
        not isinstance(shape, list)
        or not all(type(n) is int and n >= 0 for n in shape)
        or not isinstance(entry.get("dtype"), str)
        or entry["dtype"] not in _DTYPES
    ):
        raise FileFormatError(f"'{path}': the array '{name}' is described as {entry!r}.")
    return math.prod(shape) * _DTYPES[entry["dtype"]].itemsize


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise FileFormatError(
            f"'{path}': '{name}' is compressed, which neurodyn's files are not: it was packed "
            "again by another program."
        )
    return archive.read(name)
