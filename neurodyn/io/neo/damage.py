"""Refuse files whose tables say more than the file holds, before neo believes them.

The readers of neo loop over what a header counts, and allot memory for what a block says to hold.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from neurodyn.io.archive import FileFormatError
from neurodyn.io.neo.abf_header import places

#: Sizes [bytes] in Plexon's .plx: the header, its entries for a channel of spikes, of events and of
#: signals, and the head of a block of data.
_HEADER, _CHANNELS, _BLOCK = 7504, (1020, 296, 296), struct.Struct("<12x2H")
#: Place of the numbers of these channels.
_COUNTS = struct.Struct("<140x3i")


def check_tables(path: Path) -> None:
    """Refuse an Axon or Plexon file whose tables or blocks do not fit in it.

    Parameters
    ----------
    path
        File, of any kind; others pass.

    Raises
    ------
    FileFormatError
        If a table or block lies beyond the end of the file, or has entries of no length.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(4)
        if head in (b"ABF ", b"ABF2"):
            wrong = _beyond(places(file), size)
        elif head == b"PLEX":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                wrong = _broken_plexon(data)
        else:
            return
    if wrong:
        raise FileFormatError(
            f"'{path}' is damaged or truncated: {wrong}, and the file has {size} bytes. Copy it "
            "again."
        )


def _beyond(tables: Iterator[tuple[str, int, int, int]], size: int) -> str | None:
    """What is wrong with the first table (name, start, bytes of an entry, number) that is."""
    for name, start, each, count in tables:
        if count < 0 or (count and (each <= 0 or start < 0 or start + each * count > size)):
            return f"its table of {name} has {count} entries of {each} bytes from byte {start}"
    return None


def _broken_plexon(data: mmap.mmap) -> str | None:
    """What is wrong with the first block that is; a block tells only where the next one starts."""
    size = len(data)
    if size < _HEADER:
        return f"its header has {_HEADER} bytes"
    counts = _COUNTS.unpack_from(data)
    at = _HEADER + sum(n * each for n, each in zip(counts, _CHANNELS, strict=True))
    if min(counts) < 0 or at > size:
        return f"it has {counts} channels of spikes, events and signals"
    read, last = _BLOCK.unpack_from, size - _BLOCK.size
    while at <= last:
        waves, words = read(data, at)
        start, at = at, at + 16 + 2 * waves * words
    return (
        f"a block of data goes from byte {start} to {at}"
        if at > size
        else (f"a block of data starts at byte {at}" if at < size else None)
    )
