"""Recordings and results, in and out of files.

Modules are imported when one of their names is first used: pynwb and neo take their time.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurodyn.io.archive import FileFormatError
    from neurodyn.io.atomic import atomic_path
    from neurodyn.io.brian2 import from_brian2, to_brian2
    from neurodyn.io.neo import from_neo, to_neo
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

_WHERE = {
    "FileFormatError": "archive",
    "atomic_path": "atomic",
    "from_brian2": "brian2",
    "from_neo": "neo",
    "from_nwb": "nwb",
    "read": "read",
    "to_brian2": "brian2",
    "to_neo": "neo",
    "to_nwb": "nwb_write",
}


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module 'neurodyn.io' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"neurodyn.io.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
