"""Compiled functions are read from the disk, and made where there is none."""

import ctypes

import numba
import pytest
from numba.core.caching import FunctionCache

from neurodyn.kernels import numba_cache


def writes(number):
    """A function of a frame that writes a number into it."""

    def handler(frame):
        frame[0] = number
        return 0

    return handler


def written(callback) -> int:
    """What a compiled function writes."""
    frame = (ctypes.c_int64 * 1)()
    assert callback.ctypes(frame) == 0
    return frame[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where compiled functions are kept in a test."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_function_is_compiled_once_under_its_name(folder):
    first = numba_cache.callback(writes(7), "seven")
    assert (written(first), first._cache_hits) == (7, 0)
    again = numba_cache.callback(writes(7), "seven")
    assert (written(again), again._cache_hits) == (7, 1)
    other = numba_cache.callback(writes(8), "eight")
    assert (written(other), other._cache_hits) == (8, 0)


def test_functions_share_no_file_that_processes_would_write_at_once(folder):
    def files():
        return set(folder.rglob("*.nb*"))

    numba_cache.callback(writes(7), "seven")
    before = {path: path.read_bytes() for path in files()}
    numba_cache.callback(writes(8), "eight")
    assert len(files()) == 2 * len(before)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_what_is_on_the_disk_may_be_damaged(folder):
    numba_cache.callback(writes(7), "seven")
    for path in folder.rglob("*.nb*"):
        path.write_bytes(b"")
    assert written(numba_cache.callback(writes(7), "seven")) == 7


def test_where_nothing_can_be_kept_it_is_compiled(folder, monkeypatch):
    def refuse(self, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", refuse)
    assert written(numba_cache.callback(writes(7), "seven")) == 7

    def no_folder(self, function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(FunctionCache, "__init__", no_folder)
    assert written(numba_cache.callback(writes(8), "eight")) == 8
