"""Event-driven spike products as compiled functions, which XLA calls by itself."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32, UInt32

from neurodyn.kernels import ffi

__all__ = ["add_rows", "add_spikes", "scatter_rows"]


def add_rows(
    spikes: Float[Array, "trial pre"],
    W: Float[Array, "pre post"],
    onto: Float[Array, "trial post"] | None = None,
) -> Float[Array, "trial post"]:
    """As `events_xla.add_rows`."""
    out = jax.ShapeDtypeStruct((spikes.shape[0], W.shape[1]), W.dtype)
    if onto is None:  # clears its result itself, which saves a pass
        return jax.ffi.ffi_call(_target("add_rows", W.dtype), out)(spikes, W)
    target = _target("add_rows_onto", W.dtype)
    return jax.ffi.ffi_call(target, out, input_output_aliases={2: 0})(spikes, W, onto)


def add_spikes(
    onto: Sequence[Float[Array, "trial _post"]],
    words: UInt32[Array, "trial word"],
    n_pre: int,
    table: Sequence[tuple[int, int, int, int | None]],
    rows: Sequence[tuple[Array, Array, Array]],
) -> list[Float[Array, "trial _post"]]:
    """As `events_xla.add_spikes`."""
    del n_pre
    places = jnp.asarray([row[:3] for row in table], jnp.int32)
    outs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in onto]
    arrays = [array for row in rows for array in row]
    aliases = {2 + len(arrays) + i: i for i in range(len(outs))}
    target = _target("add_spikes", onto[0].dtype)
    call = jax.ffi.ffi_call(target, outs, input_output_aliases=aliases)
    return call(words, places, *arrays, *onto)


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


def _target(name: str, dtype) -> str:
    """Name under which XLA knows a function; compiled and registered at its first use."""
    dtype = jnp.dtype(dtype).name

    def build():
        from neurodyn.kernels import events_code

        return events_code.build(name, dtype, ffi.interface()[0])

    return ffi.register(f"neurodyn_{name}_{dtype}", build)
