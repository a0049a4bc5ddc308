"""Products of spikes as compiled functions; each does the same as in `events.plain`."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, UInt32

from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.compiled.programs import events as program


def obstacle(name: str, dtype: str) -> str | None:
    """The reason why a function of `programs.events` cannot be used, or None."""
    return ffi.trial(f"{name} {dtype}", *_problem(name, dtype))


def _problem(name: str, dtype: str):
    """A compiled function, the same in NumPy, and arguments that reach all parts of the code."""
    rng, n_trials, n_pre, n_post = np.random.default_rng(0), 2, 37, 35
    n_slots = 3 if name == "add_delayed" else 1
    spikes = (rng.random((n_trials, n_pre)) < 0.4).astype(dtype)
    linked = rng.random((n_pre, n_post)) < 0.5
    W = (rng.standard_normal((n_pre, n_post)) * linked).astype(dtype)
    onto = W[:n_trials].copy()
    if name == "add_rows":
        return add_rows, np.matmul, (spikes, W)
    if name == "add_rows_onto":
        return add_rows, lambda spikes, W, onto: onto + spikes @ W, (spikes, W, onto)
    pre, indices = (found.astype(np.int32) for found in np.nonzero(linked))
    indptr = np.searchsorted(pre, np.arange(n_pre + 1)).astype(np.int32)
    synapses = (indptr, indices, W[pre, indices])
    if name == "add_spikes":
        bits = np.packbits(spikes != 0, axis=1, bitorder="little")
        words = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 4))).view("<u4").astype(np.uint32)

        def added(onto, words, *rows):
            return add_spikes([onto], words, n_pre, ((0, 0, 0, None),), [rows])

        return added, lambda onto, *_: [onto + spikes @ W], (onto, words, *synapses)
    ring = np.zeros((n_trials, n_slots, n_post), dtype)
    if name == "add_synapses":
        arrays = (ring, None, spikes, *synapses, None)
        return scatter_rows, lambda *_: (spikes @ W)[:, None], arrays
    head = np.array([0, 2], np.int32)
    delays = (np.arange(len(pre)) % n_slots).astype(np.int32)

    def delayed(ring, *_):
        expected = np.array(ring)
        for b, first in enumerate(head):
            expected[b, first - 1] = 0
            slots = (first + delays) % n_slots
            np.add.at(expected[b], (slots, indices), spikes[b, pre] * W[pre, indices])
        return expected

    return scatter_rows, delayed, (ring + 1, head, spikes, *synapses, delays)


def add_rows(
    spikes: Float[Array, "trial pre"],
    W: Float[Array, "pre post"],
    onto: Float[Array, "trial post"] | None = None,
) -> Float[Array, "trial post"]:
    """Do the same as `neurodyn.kernels.events.plain.add_rows`."""
    out = jax.ShapeDtypeStruct((spikes.shape[0], W.shape[1]), W.dtype)
    if onto is None:  # the function clears its result itself, which saves a pass
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
    """Do the same as `neurodyn.kernels.events.plain.add_spikes`."""
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
    """Do the same as `neurodyn.kernels.events.plain.scatter_rows`.

    Without `delays`, `onto` must be zeros.
    """
    out = jax.ShapeDtypeStruct(onto.shape, onto.dtype)
    if delays is None:  # the function clears its result itself, which saves a pass and a copy
        call = jax.ffi.ffi_call(_target("add_synapses", onto.dtype), out)
        return call(spikes, indptr, indices, values)
    call = jax.ffi.ffi_call(_target("add_delayed", onto.dtype), out, input_output_aliases={0: 0})
    return call(onto, spikes, indptr, indices, values, head, delays)


def _target(name: str, dtype) -> str:
    """The name under which XLA knows a function, which is compiled at its first use."""
    dtype = jnp.dtype(dtype).name
    return ffi.register(f"neurodyn_{name}_{dtype}", lambda: program.build(name, dtype))
