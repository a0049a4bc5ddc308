"""Recordings and results, in and out of files."""

from typing import TYPE_CHECKING

from neurodyn.common.lazy import on_first_use

if TYPE_CHECKING:
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

# Importing pynwb, neo and Brian2 takes seconds, so each is imported when it is first needed.
__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "neurodyn.io.archive": ("FileFormatError",),
        "neurodyn.io.atomic": ("atomic_path",),
        "neurodyn.io.brian2": ("from_brian2", "to_brian2"),
        "neurodyn.io.files": (),
        "neurodyn.io.neo": ("from_neo",),
        "neurodyn.io.neo_write": ("to_neo",),
        "neurodyn.io.nwb": ("from_nwb",),
        "neurodyn.io.nwb_write": ("to_nwb",),
        "neurodyn.io.read": ("read",),
    },
    __all__,
)
