"""Open NWB files, also if some of their series are malformed."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hdmf.build import ConstructError
from pynwb import NWBHDF5IO

from neurodyn.io.archive import FileFormatError

#: Groups of a file of which a malformed part may be left out.
_OPTIONAL = ("acquisition", "stimulus", "processing", "analysis", "scratch")


@contextmanager
def opened(source: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open an NWB file; one that is open already stays so.

    Parameters
    ----------
    source
        Path, or a `pynwb.NWBFile`.

    Yields
    ------
    The `pynwb.NWBFile`, and "path: reason" of series that pynwb refuses and that were left out.

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
        yield source, []
        return
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file '{path}'.")
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
            f"'{path}' cannot be read as NWB: {error}. Is it an NWB 2 file, and complete? "
            "(`python -m pynwb.validate FILE` lists its mistakes.)"
        ) from error
    with io:
        yield found


def _read(io: NWBHDF5IO) -> tuple[Any, list[str]]:
    """Read a file without those of its series that are malformed, because the others are not."""
    broken: list[str] = []
    while True:
        try:
            return io.read(), broken
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
