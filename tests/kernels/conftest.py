"""What tests of kernels share."""

import jax
import pytest

from neurodyn.kernels.compiled import ffi


@pytest.fixture
def registers(request, monkeypatch):
    """Kernels are compiled for the registers that the test names, whatever the processor has."""
    from neurodyn.kernels.compiled import ctrnn_code
    from neurodyn.kernels.compiled.llvm import functions as llvm

    machine = None if request.param is None else llvm.Machine(*request.param)
    register, suffix = ffi.register, f"_{'_'.join(map(str, request.param or ['any']))}"
    monkeypatch.setattr(ffi, "register", lambda target, build: register(target + suffix, build))
    for module in (ctrnn_code, llvm):
        monkeypatch.setattr(module, "machine", lambda: machine)
    jax.clear_caches()
    yield machine
    jax.clear_caches()
