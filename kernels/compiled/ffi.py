"""Compiled functions that XLA calls without passing through Python, and when they are used.

XLA calls a C function through its foreign function interface (FFI). Within a major version of that
interface structs only grow at their end, so a compiled function reads the version and the sizes of
what it is given at run time (:mod:`neurodyn.kernels.compiled.llvm.frame`). Each kernel is compared
with plain code when it is first built, before any result depends on it.
"""

import functools
import importlib.metadata
import importlib.util
import os
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

__all__ = [
    "BACKENDS",
    "VARIABLE",
    "choose",
    "installed",
    "obstacle",
    "register",
    "run_once",
    "trial",
    "warn_once",
]

BACKENDS = ("auto", "xla", "compiled")
#: The environment variable that decides where the caller does not.
VARIABLE = "NEURODYN_KERNELS"
# Of llvmlite; pointers have had no types since.
_OLDEST = (0, 45)
_VERSIONS = ("jaxlib", "llvmlite")


# --- which implementation --------------------------------------------------------------------


def choose(backend: str, missing: Callable[[], str | None], *, fits: bool = True) -> str:
    """The implementation to use: "xla" or "compiled".

    Parameters
    ----------
    backend
        What the caller asked for, one of `BACKENDS`. With "auto" the environment variable
        ``NEURODYN_KERNELS`` decides, and without it what is there.
    missing
        Says what the compiled function misses here, or None.
    fits
        Whether "auto" should take it for the sizes at hand.

    Raises
    ------
    ValueError
        If there is no such backend.
    ModuleNotFoundError
        If the compiled function is asked for and cannot be used.

    Warns
    -----
    RuntimeWarning
        Once per process, if "auto" does not take the compiled function although llvmlite is there.
    """
    if backend not in BACKENDS:
        names = ", ".join(repr(name) for name in BACKENDS)
        raise ValueError(f"backend must be one of {names}, got {backend!r}.")
    if backend == "auto":
        wanted = os.environ.get(VARIABLE, "auto")
        if wanted not in BACKENDS:
            raise ValueError(f"{VARIABLE} must be one of {BACKENDS}, got {wanted!r}.")
        if wanted == "auto":
            if not fits:
                return "xla"
            reason = missing()
            if reason is not None and installed():
                warn_once(reason)
            return "compiled" if reason is None else "xla"
        backend = wanted
    if backend == "compiled":
        reason = missing()
        if reason is not None:
            raise ModuleNotFoundError(f"The compiled backend of this kernel needs {reason}")
    return backend


def warn_once(reason: str) -> None:
    """Say that compiled kernels are off, if nothing was said about that before."""
    if _warned:
        return
    _warned.append(reason)
    warnings.warn(
        f"Compiled kernels are off, at least in part: they need {reason} Plain JAX runs instead, "
        f"which is slower. `neurodyn info` lists all kernels; {VARIABLE}=xla turns this warning "
        "off.",
        RuntimeWarning,
        stacklevel=4,
    )


_warned: list[str] = []


# --- what is there ---------------------------------------------------------------------------


def installed() -> bool:
    """Whether llvmlite, which is optional, is there at all."""
    return importlib.util.find_spec("llvmlite") is not None


@functools.cache
def obstacle() -> str | None:
    """What all compiled functions miss here, or None."""
    if not installed():
        return "llvmlite, which is not installed: pip install 'neurodyn[fast]'."
    found = importlib.metadata.version("llvmlite")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"llvmlite {oldest} or later (found: {found}): pip install 'neurodyn[fast]'."
    if struct.calcsize("P") != 8 or sys.platform == "win32":
        return "Linux or macOS with 64 bits."
    return None


# --- what is registered and tested -----------------------------------------------------------

_registered: dict[str, Any] = {}
_tried: dict[str, str | None] = {}
# A trial registers, and a thread that needs the same kernel waits until the trial is over.
_one_at_a_time = threading.RLock()


def register(target: str, build: Callable[[], Any]) -> str:
    """Make a function known to XLA as `target`, at its first use.

    `build` gives an object that keeps the function alive and has it as attribute ``ctypes``.
    """
    with _one_at_a_time:
        if target not in _registered:
            function = build()
            # XLA refuses a function at once only if the CPU backend is already there.
            jax.local_devices(backend="cpu")
            jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function.ctypes), platform="cpu")
            _registered[target] = function  # must outlive the programs that call it
    return target


def trial(kernel: str, compiled: Callable, plain: Callable, arrays: Sequence) -> str | None:
    """Compare a kernel with plain code, once per process.

    Parameters
    ----------
    kernel
        Name of the kernel, for messages.
    compiled, plain
        The two implementations, functions of `arrays` that return pytrees of arrays; the plain one
        is called as it is, in NumPy or by `run_once`.
    arrays
        Arguments.

    Returns
    -------
    str or None
        What is wrong with the kernel, in words that follow "needs"; None if it may be used.
    """
    with _one_at_a_time:
        if kernel not in _tried:
            _tried[kernel] = None  # what the trial itself asks for
            fault = _fault(compiled, plain, arrays)
            _tried[kernel] = None if fault is None else _report(kernel, fault)
        return _tried[kernel]


def run_once(function: Callable, *arrays) -> Any:
    """Call a function in one program, which is compiled fast rather than well."""
    program = jax.jit(lambda *given: function(*given)).lower(*arrays)
    options: dict[str, Any] = {"xla_backend_optimization_level": 0}
    return program.compile(compiler_options=options)(*arrays)


def _report(kernel: str, fault: str) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS)
    return f"to pass its trial, but {kernel!r} {fault} (with {versions}): please report it."


def _fault(compiled, plain, arrays) -> str | None:
    """What a kernel does wrong, or None."""
    cpu = jax.local_devices(backend="cpu")[0]
    try:
        with jax.ensure_compile_time_eval(), jax.default_device(cpu):
            # First, so that memory that it fails to write does not hold the right numbers already.
            found = jax.device_get(run_once(compiled, *arrays))
            expected = jax.device_get(plain(*arrays))
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        return f"failed with {type(error).__name__}: {said}"
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    return None if all(_close(a, b) for a, b in pairs) else "differs from plain code"


def _close(found, expected) -> bool:
    """Whether arrays agree: to half of the digits, far from rounding and from what is misread."""
    if expected.dtype.kind != "f":
        return bool(np.array_equal(found, expected))
    tolerance = np.finfo(expected.dtype).eps ** 0.5
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return bool(np.allclose(found, expected, rtol=0, atol=tolerance * scale))
