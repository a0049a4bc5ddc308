"""Functions that numba compiles for XLA, kept on disk; importing this module needs numba.

Numba's own cache knows a function by its closure, and what ours close over is made anew in every
process. Here the caller says what distinguishes functions of one file; numba itself forgets all of
them when the file changes, and tells machines and its own versions apart.
"""

import contextlib
import hashlib
import inspect
import pickle
from collections.abc import Callable, Hashable
from pathlib import Path

from numba import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc

__all__ = ["callback"]

# A full disk, a folder that is not ours, a file that was cut short.
_UNREADABLE = (OSError, EOFError, pickle.UnpicklingError)


def callback(function: Callable, name: Hashable) -> CFunc:
    """Compile a function of a call frame as a C callback, or read it from the disk.

    Parameters
    ----------
    function
        Takes a pointer to the frame and returns 0. All that it calls lies in the same file.
    name
        Says which function of its file this is.
    """
    signature = types.int64(types.CPointer(types.int64))
    options = {"nopython": True, "error_model": "numpy"}
    made = CFunc(function, (signature.args, signature.return_type), locals={}, options=options)
    with contextlib.suppress(RuntimeError):  # there is no folder that may be written to
        made._cache = _Named(function, name)  # type: ignore[attr-defined]
    made.compile()
    return made


class _Named(FunctionCache):
    """A cache in which a function is found by the name that it was given."""

    def __init__(self, function: Callable, name: Hashable):
        super().__init__(function)
        self._name = name
        # Numba lists all functions of a file in one index and writes that before the code:
        # processes that start together would read another function, or an older one, as theirs.
        source = Path(inspect.getfile(function)).read_bytes()
        mark = hashlib.sha256(source + repr(name).encode()).hexdigest()[:16]
        self._cache_file = IndexDataCacheFile(
            self._cache_path,
            f"{self._impl.filename_base}-{mark}",
            self._impl.locator.get_source_stamp(),
        )

    def _index_key(self, sig, codegen):
        return sig, codegen.magic_tuple(), self._name

    def load_overload(self, sig, target_context):
        with contextlib.suppress(*_UNREADABLE):
            return super().load_overload(sig, target_context)
        return None

    def save_overload(self, sig, data):
        with contextlib.suppress(*_UNREADABLE):
            super().save_overload(sig, data)
