"""Fixtures of the tests of kernels."""

import importlib.util

import jax
import pytest

from neurodyn.kernels import backends


@pytest.fixture
def no_llvmlite(monkeypatch):
    """As on a machine where llvmlite is not installed."""
    find = importlib.util.find_spec
    without = lambda name: None if name == "llvmlite" else find(name)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setattr(backends, "_warned", [])
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    backends.obstacle.cache_clear()
    yield
    backends.obstacle.cache_clear()


@pytest.fixture
def registers(request, monkeypatch):
    """Compile kernels for the vector registers that the test names instead of the processor's."""
    from neurodyn.kernels.compiled import ffi
    from neurodyn.kernels.compiled.llvm import processor

    chosen = None if request.param is None else processor.Registers(*request.param)
    own = chosen == processor.registers()  # then other tests share the kernels
    suffix = "" if own else f"_{'_'.join(map(str, request.param or ['any']))}"
    register = ffi.register
    monkeypatch.setattr(ffi, "register", lambda target, build: register(target + suffix, build))
    monkeypatch.setattr(processor, "registers", lambda: chosen)
    jax.clear_caches()
    yield chosen
    jax.clear_caches()
