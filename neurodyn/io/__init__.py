"""Recordings and results, in and out of files."""

from typing import TYPE_CHECKING

from neurodyn.common.lazy import on_first_use

# Importing pynwb, neo and Brian2 takes seconds, so each is imported when it is first needed.
if TYPE_CHECKING:
    from neurodyn.io import files as files
    from neurodyn.io.archive import FileFormatError
    from neurodyn.io.atomic import atomic_path
    from neurodyn.io.brian2 import from_brian2, to_brian2
    from neurodyn.io.neo import from_neo
    from neurodyn.io.neo_write import to_neo
    from neurodyn.io.nwb import from_nwb
    from neurodyn.io.nwb_write import to_nwb
    from neurodyn.io.read import read

__all__ = [
    "FileFormatError",
    "atomic_path",
    "from_brian2",
    "from_neo",
    "from_nwb",
    "read",
    "to_brian2",
    "to_neo",
    "to_nwb",
]

__getattr__, __dir__ = on_first_use(__name__, __all__)
