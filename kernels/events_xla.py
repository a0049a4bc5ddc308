"""Event-driven spike products in plain JAX: loops of dynamic length over the units that spiked.

All take a batch of trials and are made for CPUs: on other devices a loop of small steps is slow.
"""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int32

from neurodyn.kernels.events_list import WORD, list_events

__all__ = ["add_rows", "empty_last", "scatter_rows"]

# Rows added in one iteration: more would wait for the slowest trial, fewer pay the loop's overhead.
_ROWS = 4


def add_rows(
    spikes: Float[Array, "trial pre"], W: Float[Array, "pre post"]
) -> Float[Array, "trial post"]:
    """``spikes @ W`` from the rows of units that spiked, added in ascending order."""
    n_trials, n_post = spikes.shape[0], W.shape[1]
    offsets, index = list_events(spikes)
    stride = _stride(spikes)

    def trial(b, out):
        first, last = offsets[b], offsets[b + 1]

        def four(k, total):
            for j in range(_ROWS):
                event = first + _ROWS * k + j
                i = index[jnp.minimum(event, index.shape[0] - 1)] - b * stride
                # Beyond the last event lies the unit of another trial, or anything.
                i = jnp.clip(i, 0, W.shape[0] - 1)
                row = spikes[b, i] * lax.dynamic_index_in_dim(W, i, 0, keepdims=False)
                total = total + jnp.where(event < last, row, jnp.zeros((), row.dtype))
            return total

        n_iterations = (last - first + _ROWS - 1) // _ROWS
        total = lax.fori_loop(0, n_iterations, four, jnp.zeros(n_post, W.dtype))
        return lax.dynamic_update_index_in_dim(out, total, b, 0)

    if n_trials == 1:
        return trial(0, jnp.zeros((1, n_post), W.dtype))
    return lax.fori_loop(0, n_trials, trial, jnp.zeros((n_trials, n_post), W.dtype))


def scatter_rows(
    onto: Float[Array, "trial slot post"],
    head: Int32[Array, " trial"] | None,
    spikes: Float[Array, "trial pre"],
    indptr: Int32[Array, " pre_plus_1"],
    indices: Int32[Array, " synapse"],
    values: Float[Array, " synapse"],
    delays: Int32[Array, " synapse"] | None,
) -> Float[Array, "trial slot post"]:
    """Add the synapses of units that spiked onto their targets, in ascending order of units.

    A synapse adds to slot ``(head + delay) % n_slots`` of its trial, after slot ``head - 1`` has
    been emptied; without `delays`, to slot 0.
    """
    if delays is not None:
        onto = empty_last(onto, head)
    n_synapses = indices.shape[0]
    if n_synapses == 0:
        return onto
    n_slots, n_post = onto.shape[1:]
    offsets, index = list_events(spikes)
    n_events, stride = offsets[-1], _stride(spikes)
    width = _chunk(n_synapses, spikes.shape[1])
    lane = jnp.arange(width, dtype=jnp.int32)

    def chunk(carry):
        event, done, out = carry
        trial, i = _trial_and_unit(index[event], stride, spikes.shape[0])
        begin, end = indptr[i] + done, indptr[i + 1]
        # Slices that would reach over the end start earlier, and what they repeat is left out.
        start = jnp.minimum(begin, n_synapses - width)
        inside = (start + lane >= begin) & (start + lane < end)
        target = lax.dynamic_slice(indices, (start,), (width,))
        if delays is not None:
            slot = (head[trial] + lax.dynamic_slice(delays, (start,), (width,))) % n_slots
            target = target + slot * n_post
        target = jnp.where(inside, target + trial * (n_slots * n_post), out.shape[0])
        values_here = spikes[trial, i] * lax.dynamic_slice(values, (start,), (width,))
        out = out.at[target].add(values_here, mode="drop")
        last = begin + width >= end
        return event + last.astype(jnp.int32), jnp.where(last, 0, done + width), out

    start = (jnp.int32(0), jnp.int32(0), onto.reshape(-1))
    return lax.while_loop(lambda c: c[0] < n_events, chunk, start)[2].reshape(onto.shape)


def empty_last(
    ring: Float[Array, "trial slot post"], head: Int32[Array, " trial"]
) -> Float[Array, "trial slot post"]:
    """The ring without what arrived in the step before.

    Emptied before this step's spikes rather than after reading: a loop that reads a slot and then
    writes it makes XLA copy the whole ring, twice.
    """
    n_trials, n_slots, _ = ring.shape
    # A single slot is emptied twice: XLA would write one as a slice, whose change of shape copies.
    trial = jnp.arange(max(n_trials, 2), dtype=head.dtype) % n_trials
    last = (head[trial] + (n_slots - 1)) % n_slots
    return ring.at[trial, last].set(jnp.zeros((), ring.dtype))


def _stride(spikes) -> int:
    """Distance between the labels of two trials in a list of events."""
    return -(-spikes.shape[1] // WORD) * WORD


def _trial_and_unit(label, stride: int, n_trials: int):
    if n_trials == 1:
        return jnp.int32(0), label
    trial = label // stride
    return trial, label - trial * stride


def _chunk(n_synapses: int, n_pre: int) -> int:
    """Synapses handled at once: nearly all rows of a random graph in one go, none too wide."""
    mean = n_synapses / n_pre
    width = 16 * math.ceil((mean + 3 * math.sqrt(mean)) / 16)
    return min(n_synapses, max(16, min(width, 4096)))
