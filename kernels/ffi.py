"""Compiled functions that XLA calls without passing through Python.

XLA calls a C function through its foreign function interface (FFI). The one argument of the
function is a call frame, a C struct that says where the buffers are; the structs that our functions
read are compared with the header that comes with jaxlib before anything is registered.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

__all__ = ["BACKENDS", "choose", "interface", "obstacle", "register", "with_threads"]

BACKENDS = ("auto", "xla", "compiled")
_VARIABLE = "NEURODYN_KERNELS"
# Of llvmlite; pointers have had no types since.
_OLDEST = (0, 45)

# The structs of XLA's call frame, with their members as the compiled functions expect them.
_STRUCTS = {
    "XLA_FFI_Buffer": "struct_size extension_start dtype data rank dims",
    "XLA_FFI_Args": "struct_size extension_start size types args",
    "XLA_FFI_Rets": "struct_size extension_start size types rets",
    "XLA_FFI_CallFrame": "struct_size extension_start api ctx stage args rets attrs future",
    "XLA_FFI_Extension_Base": "struct_size type next",
    "XLA_FFI_Metadata_Extension": "extension_base metadata",
    "XLA_FFI_Metadata": "struct_size api_version traits state_type_id",
    "XLA_FFI_Api_Version": "struct_size extension_start major_version minor_version",
}


# --- which implementation --------------------------------------------------------------------


def choose(
    backend: str, missing: Callable[[], str | None] | None = None, *, fits: bool = True
) -> str:
    """The implementation to use: "xla" or "compiled".

    Parameters
    ----------
    backend
        What the caller asked for, one of `BACKENDS`. With "auto" the environment variable
        ``NEURODYN_KERNELS`` decides, and without it what is there.
    missing
        Says what these compiled functions miss here, or None; by default `obstacle`.
    fits
        Whether "auto" should take them for the sizes at hand.

    Raises
    ------
    ValueError
        If there is no such backend.
    ModuleNotFoundError
        If the compiled functions are asked for and cannot be used.
    """
    missing = missing or obstacle
    if backend not in BACKENDS:
        names = ", ".join(repr(name) for name in BACKENDS)
        raise ValueError(f"backend must be one of {names}, got {backend!r}.")
    if backend == "auto":
        wanted = os.environ.get(_VARIABLE, "auto")
        if wanted not in BACKENDS:
            raise ValueError(f"{_VARIABLE} must be one of {BACKENDS}, got {wanted!r}.")
        if wanted == "auto":
            return "compiled" if fits and missing() is None else "xla"
        backend = wanted
    if backend == "compiled" and missing() is not None:
        raise ModuleNotFoundError(f"The compiled backend of this kernel needs {missing()}")
    return backend


# --- what is there ---------------------------------------------------------------------------


@functools.cache
def obstacle() -> str | None:
    """What compiled functions are missing here, or None."""
    if importlib.util.find_spec("llvmlite") is None:
        return "llvmlite, which is not installed: pip install 'neurodyn[fast]'."
    found = importlib.metadata.version("llvmlite")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"llvmlite {oldest} or later (found: {found}): pip install 'neurodyn[fast]'."
    if struct.calcsize("P") != 8 or sys.platform == "win32":
        return "Linux or macOS with 64 bits."
    version, unknown = interface()
    if version is None or unknown:
        return (
            f"XLA's foreign function interface as it is known here, but jaxlib's differs in "
            f"{unknown or 'its header'}; leave backend='auto' until neurodyn follows."
        )
    return None


@functools.cache
def interface() -> tuple[tuple[int, int] | None, list[str]]:
    """Version of XLA's FFI from its header, and which of its structs are not as known."""
    text = _header()
    numbers = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
    if None in numbers:
        return None, []
    return tuple(int(n[1]) for n in numbers), [
        name for name, members in _STRUCTS.items() if _members(text, name) != members.split()
    ]


def with_threads() -> dict[str, Any]:
    """What a function that uses XLA's threads has to know of the interface."""
    return {
        "version": interface()[0],
        "schedule": _function_index("XLA_FFI_ThreadPool_Schedule"),
        "n_threads": _function_index("XLA_FFI_ThreadPool_NumThreads"),
    }


def _function_index(name: str) -> int | None:
    """Place of a function among those that XLA offers, or None where it offers no such function."""
    names = _members(_header(), "XLA_FFI_Api")
    offered = [n for n in names if n.startswith("_XLA_FFI_API_STRUCT_FIELD")]
    wanted = f"_XLA_FFI_API_STRUCT_FIELD({name})"
    known = names[:4] == ["struct_size", "extension_start", "api_version", "internal_api"]
    return offered.index(wanted) if known and wanted in offered else None


@functools.cache
def _header() -> str:
    """XLA's header without its comments; empty where there is none."""
    path = Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    return re.sub(r"//[^\n]*", "", path.read_text()) if path.exists() else ""


def _members(header: str, name: str) -> list[str]:
    """Names of the members of a struct, in order."""
    found = re.search(rf"(?:struct {name}|typedef struct {name}) \{{(.*?)\}}", header, re.DOTALL)
    if found is None:
        return []
    return [line.split()[-1].lstrip("*") for line in found[1].split(";") if line.strip()]


# --- what is registered ----------------------------------------------------------------------

_registered: dict[str, Any] = {}
_one_at_a_time = threading.Lock()


def register(target: str, build: Callable[[], Any]) -> str:
    """Make a function known to XLA as `target`, at its first use.

    `build` gives an object that keeps the function alive and has it as attribute ``ctypes``.
    """
    with _one_at_a_time:
        if target not in _registered:
            function = build()
            jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function.ctypes), platform="cpu")
            _registered[target] = function  # must outlive the programs that call it
    return target
