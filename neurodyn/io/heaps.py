"""Refuse HDF5 files that the library would read for ever, or that would crash it."""

import mmap
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurodyn.io.archive import FileFormatError

#: How a collection of texts of changing length ("global heap") begins.
_COLLECTION = re.compile(rb"GCOL\x01\x00\x00\x00")
#: Bytes of a file that are searched; longer files hold their texts and tables before that, mostly.
_SEARCHED = 1 << 28
_HEAD, _ENTRY = 16, 16
#: Bytes of a file in which lengths of texts are looked for; most headers lie there.
_COMPARED = 1 << 26


def check_heaps(path: str | os.PathLike) -> None:
    """Refuse a file with a damaged collection of texts.

    HDF5 2.0 loops without end in one with an entry of no length. It allots the length that a text
    is said to have, up to 4 GB, before it looks for the text.

    Parameters
    ----------
    path
        HDF5 file, of which at most the first 256 MB are searched, and for the lengths 64 MB.

    Raises
    ------
    FileFormatError
        If an entry of a collection has no length or does not fit in it, or if a text (or another
        array of changing length) is longer than the file.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = min(size, _SEARCHED)
        if not length:
            return
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as data:
            places = [found.start() for found in _COLLECTION.finditer(data)]
            broken = [at for at in places if not _sound(data, at)]
            wrong = None if broken else _absurd_length(data, places, size)
    if broken:
        raise FileFormatError(
            f"'{Path(path)}' is a damaged HDF5 file: its texts at byte {broken[0]} have no end. "
            "Copy or download it again."
        )
    if wrong is not None:
        raise FileFormatError(
            f"'{Path(path)}' is a damaged HDF5 file: the text or array of which byte {wrong} has "
            "the length would be longer than the file. Copy or download it again."
        )


def _sound(data: mmap.mmap, start: int) -> bool:
    """Whether the entries of a collection lead to its end."""
    return all(step for _, step in _entries(data, start))


def _entries(data: mmap.mmap, start: int) -> Iterator[tuple[int, int]]:
    """Number of each entry of a collection, and its bytes: 0 if these are wrong."""
    if start + _HEAD > len(data):
        return
    (size,) = struct.unpack_from("<Q", data, start + 8)
    if size < _HEAD or start + size > len(data):
        return  # HDF5 tells this by itself
    at = start + _HEAD
    while at + _ENTRY <= start + size:
        number, length = struct.unpack_from("<H6xQ", data, at)
        # The entry of number 0 is free space, and its length that of the whole entry.
        step = _ENTRY + -(-length // 8) * 8 if number else length
        if step < _ENTRY or at + step > start + size:
            yield number, 0
            return
        yield number, step
        at += step


def _absurd_length(data: mmap.mmap, places: list[int], size: int) -> int | None:
    """Place of the first length that is greater than that of the file.

    A text is stored as its length (4 bytes), the address of its collection (8), and its number (4).
    Deleted ones stay in a file; theirs, and numbers that look alike, are hardly ever that large.
    """
    if not places:
        return None
    wanted, searched = np.array(places, "<u8"), min(len(data), _COMPARED)
    numbers: dict[int, set[int]] = {}
    for shift in range(8):
        values = np.frombuffer(data, "<u8", max(0, searched - shift) // 8, shift)
        near = np.flatnonzero((values >= wanted[0]) & (values <= wanted[-1]))
        found = near[np.isin(values[near], wanted)] * 8 + shift
        del values
        for at in found[(found >= 4) & (found + 12 <= len(data))].tolist():
            count, start, number = struct.unpack_from("<IQI", data, at - 4)
            if count <= size:
                continue
            if start not in numbers:
                numbers[start] = {n for n, _ in _entries(data, start)}
            if number in numbers[start] and number:
                return int(at) - 4
    return None


def check_scales(file: Any) -> None:
    """Refuse an open file whose dimension scales are not of the form that HDF5 takes for granted.

    It reads the attributes of scales into as much memory as a right one needs, whatever they hold.

    Parameters
    ----------
    file
        The `h5py.File`.

    Raises
    ------
    ValueError
        If the list of scales of an array is no list of references for each of its axes, or an
        attribute that marks a scale is no text.
    """
    import h5py

    def check(name: str, found: Any) -> None:
        if not isinstance(found, h5py.Dataset):
            return
        shapes = {b"DIMENSION_LIST": (found.ndim,), b"CLASS": (), b"NAME": ()}
        for key, shape in shapes.items():
            if not h5py.h5a.exists(found.id, key):
                continue
            attribute = h5py.h5a.open(found.id, key)
            dtype = attribute.get_type()
            lists = isinstance(dtype, h5py.h5t.TypeVlenID)
            kind = h5py.h5t.TypeReferenceID if shape else h5py.h5t.TypeStringID
            right = isinstance(dtype.get_super() if lists else dtype, kind)
            if attribute.shape != shape or not right or lists != bool(shape):
                raise ValueError(f"the attribute {key.decode()} of '{name}' is damaged")

    file.visititems(check)
