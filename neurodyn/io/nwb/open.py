"""Open NWB files, also if some of their series are malformed."""

import datetime
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hdmf.build import ConstructError
from pynwb import NWBHDF5IO

from neurodyn.io.archive import FileFormatError
from neurodyn.io.heaps import check_heaps

#: Groups of a file of which a malformed part may be left out.
_OPTIONAL = ("acquisition", "stimulus", "processing", "analysis", "scratch")


class Opened(NamedTuple):
    """An open file.

    Attributes
    ----------
    nwbfile
        The `pynwb.NWBFile`.
    broken
        "path: reason" of series that pynwb refuses and that were left out.
    dates
        Dates as the file has them, of which pynwb makes local times because they name no zone.
    """

    nwbfile: Any
    broken: list[str]
    dates: dict[str, str]


@contextmanager
def opened(source: Any, *, checked: bool = False) -> Iterator[Opened]:
    """Open an NWB file; one that is open already stays so.

    Parameters
    ----------
    source
        Path, or a `pynwb.NWBFile`.
    checked
        Whether `check_heaps` has passed the file already; in large ones it takes long.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    FileFormatError
        If it cannot be read as NWB.
    """
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "intervals"):
            raise TypeError(
                f"from_nwb takes a path or a pynwb.NWBFile, got {type(source).__name__}"
            )
        yield Opened(source, [], {})
        return
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file '{path}'.")
    if not checked:
        check_heaps(path)
    io = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            io = NWBHDF5IO(str(path), "r", load_namespaces=True)
            found = _read(io)
    except Exception as error:  # hdmf raises many kinds, down to KeyError
        if io is not None:
            io.close()
        raise FileFormatError(
            f"'{path}' cannot be read as NWB: {_reason(error)}. Is it an NWB 2 file, and complete? "
            "(`python -m pynwb.validate FILE` lists its mistakes.)"
        ) from error
    with io:
        yield found


def _reason(error: Exception) -> str:
    """What an error says, without the whole content of the part that it is about."""
    if not isinstance(error, ConstructError):
        return str(error)
    builder, reason = error.args
    return f"{builder.path}: {reason}"


def _read(io: NWBHDF5IO) -> Opened:
    """Read a file without those of its series that are malformed, because the others are not."""
    broken: list[str] = []
    while True:
        try:
            return Opened(io.read(), broken, _dates(io))
        except ConstructError as error:
            builder, reason = error.args
            place = builder.path.split("/")[1:]
            if len(place) < 2 or place[0] not in _OPTIONAL or builder.parent is None:
                raise
            held = builder.parent.obj_type.pop(builder.name, None)
            if held is None:  # it was taken out already, so that something else refers to it
                raise
            dict.__getitem__(builder.parent, held).pop(builder.name)
            broken.append(f"{'/'.join(place)}: {reason}")


def _dates(io: NWBHDF5IO) -> dict[str, str]:
    """The date of the session as the file has it, if it names no time zone."""
    stored = io._file.get("session_start_time")
    text = np.asarray(stored[()]).item() if stored is not None else ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    try:
        naive = datetime.datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return {}
    return {"session_start_time": text} if naive else {}
