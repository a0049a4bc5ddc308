"""Event-driven spike products compiled by numba, called by XLA without passing through Python.

Numba compiles a C function that XLA calls through its foreign function interface (FFI). Its one
argument is a call frame, a C struct that says where the buffers are; the structs read here are
compared with the header that comes with jaxlib before anything is registered.
"""

import functools
import importlib.util
import re
import struct
from pathlib import Path

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

__all__ = ["add_rows", "available", "pack", "require", "scatter_rows"]

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


def available() -> bool:
    """Whether numba is installed and XLA's interface is the one known here."""
    return _obstacle() is None


def require() -> None:
    """Raise ModuleNotFoundError, with the reason, where the backend cannot be used."""
    obstacle = _obstacle()
    if obstacle is not None:
        raise ModuleNotFoundError(f"The numba backend of spike products needs {obstacle}")


def add_rows(
    spikes: Float[Array, "trial pre"], W: Float[Array, "pre post"]
) -> Float[Array, "trial post"]:
    """As `events_xla.add_rows`."""
    out = jax.ShapeDtypeStruct((spikes.shape[0], W.shape[1]), W.dtype)
    return jax.ffi.ffi_call(_target("add_rows", W.dtype), out)(spikes, W)


def pack(spikes: Float[Array, "trial pre"]) -> UInt32[Array, "trial word"]:
    """As `events_list.pack_spikes`."""
    n_trials, n_pre = spikes.shape
    out = jax.ShapeDtypeStruct((n_trials, -(-n_pre // 32)), jnp.uint32)
    return jax.ffi.ffi_call(_target("pack", spikes.dtype), out)(spikes)


def scatter_rows(
    onto: Float[Array, "trial slot post"],
    head: Int32[Array, " trial"] | None,
    spikes: Float[Array, "trial pre"],
    indptr: Int32[Array, " pre_plus_1"],
    indices: Int32[Array, " synapse"],
    values: Float[Array, " synapse"],
    delays: Int32[Array, " synapse"] | None,
) -> Float[Array, "trial slot post"]:
    """As `events_xla.scatter_rows`; without `delays`, `onto` must be zeros."""
    out = jax.ShapeDtypeStruct(onto.shape, onto.dtype)
    if delays is None:  # clears its result itself, which saves a pass and a copy
        call = jax.ffi.ffi_call(_target("add_synapses", onto.dtype), out)
        return call(spikes, indptr, indices, values)
    call = jax.ffi.ffi_call(_target("add_delayed", onto.dtype), out, input_output_aliases={0: 0})
    return call(onto, spikes, indptr, indices, values, head, delays)


# --- what is there ---------------------------------------------------------------------------


@functools.cache
def _obstacle() -> str | None:
    """What is missing, or None."""
    if importlib.util.find_spec("numba") is None:
        return "numba, which is not installed: pip install 'neurodyn[fast]'."
    if struct.calcsize("P") != 8:
        return "a 64-bit platform."
    version, unknown = _interface()
    if version is None or unknown:
        return (
            f"XLA's foreign function interface as it is known here, but jaxlib's differs in "
            f"{unknown or 'its header'}; leave backend='auto' until neurodyn follows."
        )
    return None


@functools.cache
def _interface() -> tuple[tuple[int, int] | None, list[str]]:
    """Version of XLA's FFI from its header, and which of its structs are not as known."""
    header = Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    if not header.exists():
        return None, []
    text = re.sub(r"//[^\n]*", "", header.read_text())
    numbers = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
    if None in numbers:
        return None, []
    return tuple(int(n[1]) for n in numbers), [
        name for name, members in _STRUCTS.items() if _members(text, name) != members.split()
    ]


def _members(header: str, name: str) -> list[str]:
    """Names of the members of a struct, in order."""
    found = re.search(rf"(?:struct {name}|typedef struct {name}) \{{(.*?)\}}", header, re.DOTALL)
    if found is None:
        return []
    return [line.split()[-1].lstrip("*") for line in found[1].split(";") if line.strip()]


# --- compiled functions ----------------------------------------------------------------------

_registered: dict[str, object] = {}


def _target(name: str, dtype) -> str:
    """Name under which XLA knows a function; compiled and registered at its first use."""
    target = f"neurodyn_{name}_{jnp.dtype(dtype).name}"
    if target not in _registered:
        from neurodyn.kernels import events_compiled

        function = events_compiled.build(name, jnp.dtype(dtype).name, _interface()[0])
        jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function.ctypes), platform="cpu")
        _registered[target] = function  # must outlive the programs that call it
    return target
