"""Refuse HDF5 files that the library would read for ever."""

import mmap
import os
import re
import struct
from pathlib import Path

from neurodyn.io.archive import FileFormatError

#: How a collection of texts of changing length ("global heap") begins.
_COLLECTION = re.compile(rb"GCOL\x01\x00\x00\x00")
#: Bytes of a file that are searched; longer files hold their texts and tables before that, mostly.
_SEARCHED = 1 << 28
_HEAD, _ENTRY = 16, 16


def check_heaps(path: str | os.PathLike) -> None:
    """Refuse a file with a damaged collection of texts, in which HDF5 2.0 loops without end.

    Parameters
    ----------
    path
        HDF5 file, of which at most the first 256 MB are searched.

    Raises
    ------
    FileFormatError
        If an entry of a collection has no length, or does not fit in it.
    """
    with open(path, "rb") as file:
        length = min(os.fstat(file.fileno()).st_size, _SEARCHED)
        if not length:
            return
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as data:
            places = [found.start() for found in _COLLECTION.finditer(data)]
            broken = [at for at in places if not _sound(data, at)]
    if broken:
        raise FileFormatError(
            f"'{Path(path)}' is a damaged HDF5 file: its texts at byte {broken[0]} have no end. "
            "Copy or download it again."
        )


def _sound(data: mmap.mmap, start: int) -> bool:
    """Whether the entries of a collection lead to its end."""
    if start + _HEAD > len(data):
        return True
    (size,) = struct.unpack_from("<Q", data, start + 8)
    if size < _HEAD or start + size > len(data):
        return True  # HDF5 tells this by itself
    at = start + _HEAD
    while at + _ENTRY <= start + size:
        number, length = struct.unpack_from("<H6xQ", data, at)
        # The entry of number 0 is free space, and its length that of the whole entry.
        step = _ENTRY + -(-length // 8) * 8 if number else length
        if step < _ENTRY or at + step > start + size:
            return False
        at += step
    return True
