"""Functions that XLA calls without passing through Python, and the trial that each must pass.

XLA calls a C function through its foreign function interface (FFI). Within a major version of that
interface structs only grow at their end, so a compiled function reads the version of the interface
and the sizes of its structs at run time (:mod:`neurodyn.kernels.compiled.llvm.xla_call`). Each
kernel is compared with plain code when it is first built, before any result depends on it.
"""

import importlib.metadata
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

_VERSIONS = ("jaxlib", "llvmlite")
_registered: dict[str, Any] = {}
_tried: dict[str, str | None] = {}
# A thread that needs a kernel waits until the kernel's trial in another thread is over.
_one_at_a_time = threading.RLock()


def register(target: str, build: Callable[[], Any]) -> str:
    """Make a function known to XLA under the name `target`, which is returned, at its first use.

    `build` returns an object that keeps the function alive and holds it as attribute ``ctypes``.
    """
    with _one_at_a_time:
        if target not in _registered:
            function = build()
            # Start the CPU backend: without it, XLA would refuse an unsuitable function only later.
            jax.local_devices(backend="cpu")
            jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function.ctypes), platform="cpu")
            _registered[target] = function  # it must outlive the programs that call it
    return target


def trial(kernel: str, compiled: Callable, plain: Callable, arrays: Sequence) -> str | None:
    """Compare a kernel with plain code, once per process.

    Parameters
    ----------
    kernel : str
        Name of the kernel, for messages.
    compiled, plain : callable
        The two implementations: functions of `arrays` that return pytrees of arrays. The plain one
        is not compiled here; it is a function of NumPy, or one that calls `run_once`.
    arrays : sequence of arrays
        Arguments.

    Returns
    -------
    str or None
        None if the kernel may be used, else the reason, in words that follow "needs".
    """
    with _one_at_a_time:
        if kernel not in _tried:
            _tried[kernel] = None  # for the calls that the trial itself makes
            fault = _fault(compiled, plain, arrays)
            _tried[kernel] = None if fault is None else _report(kernel, fault)
        return _tried[kernel]


def run_once(function: Callable, *arrays) -> Any:
    """Call a function as one program, compiled quickly because it runs once."""
    program = jax.jit(lambda *given: function(*given)).lower(*arrays)
    options: dict[str, Any] = {"xla_backend_optimization_level": 0}
    return program.compile(compiler_options=options)(*arrays)


def _report(kernel: str, fault: str) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS)
    return f"to pass its trial, but {kernel!r} {fault} (with {versions}): please report it."


def _fault(compiled, plain, arrays) -> str | None:
    """The fault of a kernel, in words that follow its name, or None."""
    cpu = jax.local_devices(backend="cpu")[0]
    try:
        with jax.default_device(cpu):
            # The kernel runs first, so that memory that it fails to write does not hold the right
            # numbers from before.
            found = jax.device_get(run_once(compiled, *arrays))
            expected = jax.device_get(plain(*arrays))
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        return f"failed with {type(error).__name__}: {said}"
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    return None if all(_close(a, b) for a, b in pairs) else "differs from plain code"


def _close(found, expected) -> bool:
    """Whether arrays agree to half of their digits, which rounding passes and misreading fails."""
    if expected.dtype.kind != "f":
        return bool(np.array_equal(found, expected))
    tolerance = np.finfo(expected.dtype).eps ** 0.5
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return bool(np.allclose(found, expected, rtol=0, atol=tolerance * scale))
