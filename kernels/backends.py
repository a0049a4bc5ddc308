"""The choice between plain JAX and compiled functions, and the types that both take.

The compiled functions are in the folder ``neurodyn/kernels/compiled``. They need llvmlite and are
optional: the folder may be deleted. No other module imports them; the kernels ask here.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import struct
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

import jax

BACKENDS = ("auto", "xla", "compiled")
#: Environment variable that sets the backend where the caller leaves it at "auto".
VARIABLE = "NEURODYN_KERNELS"
_FOLDER = "neurodyn.kernels.compiled"
_INSTALL = "pip install 'neurodyn[fast]'"
# Of llvmlite: the first release whose pointers have no types.
_OLDEST = (0, 45)


def check_dtypes(**arrays) -> None:
    """Refuse arrays that are not all float32 or all float64."""
    dtypes = {name: str(array.dtype) for name, array in arrays.items()}
    if len(set(dtypes.values())) > 1 or not set(dtypes.values()) <= {"float32", "float64"}:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(
            f"The arrays must all be float32 or all float64, got {listed}. Convert with .astype."
        )


def choose(backend: str, missing: Callable[[], str | None], *, fits: bool = True) -> str:
    """Choose the implementation of a kernel.

    Parameters
    ----------
    backend : {"auto", "xla", "compiled"}
        The caller's choice. With "auto" the environment variable ``NEURODYN_KERNELS`` decides; if
        it is not set, the compiled function is taken where it can be used. Plain JAX is taken in
        programs that XLA partitions, because XLA cannot partition a compiled function: each device
        would get the whole of all arguments.
    missing : callable
        Returns None if the compiled function can be used here, else the reason why not, in words
        that follow "needs".
    fits : bool
        Whether the compiled function pays for the sizes of this call. Only "auto" reads it.

    Returns
    -------
    {"xla", "compiled"}

    Raises
    ------
    ValueError
        If the backend is unknown.
    ModuleNotFoundError
        If the compiled function is asked for and cannot be used.

    Warns
    -----
    RuntimeWarning
        Once per process, if "auto" takes plain JAX although the compiled functions are installed.
    """
    if backend not in BACKENDS:
        names = ", ".join(repr(name) for name in BACKENDS)
        raise ValueError(f"backend must be one of {names}, got {backend!r}.")
    if backend == "auto":
        wanted = os.environ.get(VARIABLE, "auto")
        if wanted not in BACKENDS:
            raise ValueError(f"{VARIABLE} must be one of {BACKENDS}, got {wanted!r}.")
        if wanted == "auto":
            if not fits or partitioned():
                return "xla"
            reason = missing()
            if reason is None:
                return "compiled"
            if installed():
                warn_once(reason)
            return "xla"
        backend = wanted
    if backend == "compiled":
        reason = missing()
        if reason is not None:
            raise ModuleNotFoundError(f"The compiled backend of this kernel needs {reason}")
    return backend


def partitioned() -> bool:
    """Whether XLA partitions the program that is traced, over axes of the mesh in the context.

    The context is that of ``jax.set_mesh``, and the inside of ``jax.shard_map`` with some axes of
    its mesh in ``axis_names``. Inside a ``shard_map`` over all axes each device runs a whole
    program on its part.
    """
    mesh = jax.sharding.get_abstract_mesh()
    auto = jax.sharding.AxisType.Auto
    kinds = zip(mesh.axis_types, mesh.axis_sizes, strict=True)
    return any(kind == auto and size > 1 for kind, size in kinds)


def compiled(name: str) -> ModuleType:
    """Import a module of compiled functions: "ctrnn", "events" or "normal".

    Call it only where `obstacle` returns None.
    """
    return importlib.import_module(f"{_FOLDER}.{name}")


def installed() -> bool:
    """Whether the folder of compiled functions and llvmlite are there."""
    return _has_folder() and importlib.util.find_spec("llvmlite") is not None


@functools.cache
def obstacle() -> str | None:
    """The reason why no compiled function can be used here, or None.

    A single kernel may still fail: each is compared with plain code before its first use.
    """
    if not _has_folder():
        return f"the folder {_FOLDER.replace('.', '/')}, which was deleted: {_INSTALL}."
    if importlib.util.find_spec("llvmlite") is None:
        return f"llvmlite, which is not installed: {_INSTALL}."
    found = importlib.metadata.version("llvmlite")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"llvmlite {oldest} or later (found: {found}): {_INSTALL}."
    if struct.calcsize("P") != 8 or sys.platform == "win32":
        return "Linux or macOS with 64 bits."
    try:
        importlib.import_module("llvmlite.binding")
    except Exception as error:
        return f"llvmlite, whose import fails here ({error}): {_INSTALL}."
    return None


def _has_folder() -> bool:
    spec = importlib.util.find_spec(_FOLDER)
    return spec is not None and spec.origin is not None  # a folder without modules has no origin


def warn_once(reason: str) -> None:
    """Warn that compiled functions are off, unless this process has warned before."""
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
