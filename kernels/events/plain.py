"""Products of spikes in plain JAX: loops of dynamic length over the units that spiked.

The functions take a batch of trials and are meant for CPUs, because a loop of small steps is slow
on other devices.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32, UInt32

from neurodyn.kernels.events.listed import WORD, list_events, pack

# Most synapses that are added at once.
_WIDEST = 4096

# Rows added in one iteration: fewer pay the loop's overhead, more wait for the slowest trial.
_ROWS = 4


def add_rows(
    spikes: Float[Array, "trial pre"],
    W: Float[Array, "pre post"],
    onto: Float[Array, "trial post"] | None = None,
) -> Float[Array, "trial post"]:
    """``onto + spikes @ W`` from the rows of units that spiked, added in ascending order."""
    n_trials, n_post = spikes.shape[0], W.shape[1]
    onto = jnp.zeros((n_trials, n_post), W.dtype) if onto is None else onto
    offsets, index = list_events(pack(spikes))
    stride = _stride(spikes)

    def trial(b, out):
        first, last = offsets[b], offsets[b + 1]

        def four(k, total):
            for j in range(_ROWS):
                event = first + _ROWS * k + j
                i = index[jnp.minimum(event, index.shape[0] - 1)] - b * stride
                # After the last event, the list holds units of other trials or arbitrary ones.
                i = jnp.clip(i, 0, W.shape[0] - 1)
                row = spikes[b, i] * lax.dynamic_index_in_dim(W, i, 0, keepdims=False)
                total = total + jnp.where(event < last, row, jnp.zeros((), row.dtype))
            return total

        n_iterations = (last - first + _ROWS - 1) // _ROWS
        total = lax.fori_loop(0, n_iterations, four, out[b])
        return lax.dynamic_update_index_in_dim(out, total, b, 0)

    if n_trials == 1:
        return trial(0, onto)
    return lax.fori_loop(0, n_trials, trial, onto)


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

    First slot ``head - 1`` of each trial is emptied; then each synapse adds to slot
    ``(head + delay) % n_slots``. Without `delays`, nothing is emptied and all add to slot 0.
    """
    if delays is not None:
        onto = empty_last(onto, head)
    n_synapses = indices.shape[0]
    if n_synapses == 0:
        return onto
    n_slots, n_post = onto.shape[1:]
    offsets, index = list_events(pack(spikes))

    def target(trial, start, width):
        there = trial * (n_slots * n_post) + lax.dynamic_slice(indices, (start,), (width,))
        if delays is None:
            return there
        late = lax.dynamic_slice(delays, (start,), (width,))
        return there + (head[trial] + late) % n_slots * n_post

    def weighted(trial, unit, some):
        return spikes[trial, unit] * some

    events = _Events(index, jnp.int32(0), offsets[-1], _stride(spikes), spikes.shape[0])
    out = _add_rows(onto.reshape(-1), events, 0, indptr, values, target, weighted)
    return out.reshape(onto.shape)


def add_spikes(
    onto: Sequence[Float[Array, "trial _post"]],
    words: UInt32[Array, "trial word"],
    n_pre: int,
    table: Sequence[tuple[int, int, int, int | None]],
    rows: Sequence[tuple[Array, Array, Array]],
) -> list[Float[Array, "trial _post"]]:
    """Add the synapses of units that spiked, set after set, in ascending order of units.

    Parameters
    ----------
    onto : sequence of (trial, post)
        Arrays that are added to.
    words : (trial, word)
        Spikes, packed 32 to a word.
    n_pre : int
        Number of presynaptic units.
    table : sequence of (first, which, shift, longest)
        For each set of synapses its first unit, the array of `onto` that it adds to, the entry
        there that its index 0 means, and the number of synapses of its longest row, or None if that
        is not known.
    rows : sequence of (indptr, indices, values)
        The sets of synapses, as compressed sparse rows.
    """
    onto, n_trials, n_words = list(onto), *words.shape
    offsets, index = list_events(words) if n_trials == 1 else (None, None)
    edges = {0: jnp.int32(0)}  # the first event of a unit or of a later one
    for (first, which, shift, longest), (indptr, indices, values) in zip(table, rows, strict=True):
        last = first + indptr.shape[0] - 1
        if n_trials == 1:
            for unit in (first, last):
                if unit not in edges:
                    before = words & _bits_between(0, unit, n_words)[None]
                    edges[unit] = offsets[1] if unit >= n_pre else _number(before)
            begin, end = edges[first], edges[last]
        else:
            offsets, index = list_events(words & _bits_between(first, last, n_words)[None])
            begin, end = jnp.int32(0), offsets[-1]
        n_post = onto[which].shape[1]

        def target(trial, start, width, indices=indices, shift=shift, n_post=n_post):
            return (trial * n_post + shift) + lax.dynamic_slice(indices, (start,), (width,))

        events = _Events(index, begin, end, n_words * WORD, n_trials)
        # A single trial keeps its shape, so that a loop around this one changes it in place.
        shape = onto[which].shape
        out = onto[which] if n_trials == 1 else onto[which].reshape(-1)
        out = _add_rows(out, events, first, indptr, values, target, longest=longest)
        onto[which] = out.reshape(shape)
    return onto


class _Events(NamedTuple):
    """A range of a list of events, and the meaning of their labels."""

    index: Int32[Array, " slot"]
    first: Int32[Array, ""]
    last: Int32[Array, ""]
    stride: int
    n_trials: int

    def trial_and_unit(self, event):
        """The trial and the unit of an event."""
        label = self.index[event]
        if self.n_trials == 1:
            return jnp.int32(0), label
        trial = label // self.stride
        return trial, label - trial * self.stride


def _add_rows(out, events, first_unit, indptr, values, target, weighted=None, longest=None):
    """Add the synapses of events to the entries `target` of the last axis.

    `weighted` scales the values of a row, if given; `longest` is the number of synapses of the
    longest row, if known.
    """
    n_synapses = values.shape[0]
    whole = longest is not None and longest <= _WIDEST
    width = _rounded(longest) if whole else _chunk(n_synapses, indptr.shape[0] - 1)
    width = min(n_synapses, width)
    lane = np.arange(width, dtype=np.int32)

    def add(event, done, out):
        trial, unit = events.trial_and_unit(event)
        row = unit - first_unit
        begin, end = indptr[row] + done, indptr[row + 1]
        # A slice that would reach over the end starts earlier; entries before `begin` are left out.
        start = jnp.minimum(begin, n_synapses - width)
        inside = (start + lane >= begin) & (start + lane < end)
        where = jnp.where(inside, target(trial, start, width), out.shape[-1])
        some = lax.dynamic_slice(values, (start,), (width,))
        some = some if weighted is None else weighted(trial, unit, some)
        some = some.reshape((1,) * (out.ndim - 1) + (width,))
        return begin + width >= end, out.at[..., where].add(some, mode="drop")

    if whole:
        step = lambda event, out: add(event, jnp.int32(0), out)[1]  # noqa: E731
        return lax.fori_loop(events.first, events.last, step, out)

    def chunk(carry):
        event, done, out = carry
        last, out = add(event, done, out)
        return event + last.astype(jnp.int32), jnp.where(last, 0, done + width), out

    start = (events.first, jnp.int32(0), out)
    return lax.while_loop(lambda c: c[0] < events.last, chunk, start)[2]


def empty_last(
    ring: Float[Array, "trial slot post"], head: Int32[Array, " trial"]
) -> Float[Array, "trial slot post"]:
    """The ring with the slot that arrived in the previous step emptied.

    It is emptied before the spikes of this step and not after reading it, because a loop that reads
    a slot and then writes it makes XLA copy the whole ring twice.
    """
    n_trials, n_slots, _ = ring.shape
    # A single slot is emptied twice, because XLA would write one as a slice and copy the ring.
    trial = jnp.arange(max(n_trials, 2), dtype=head.dtype) % n_trials
    last = (head[trial] + (n_slots - 1)) % n_slots
    return ring.at[trial, last].set(jnp.zeros((), ring.dtype))


def _stride(spikes) -> int:
    """Distance between the labels of two trials in a list of events."""
    return -(-spikes.shape[1] // WORD) * WORD


def _bits_between(first: int, last: int, n_words: int) -> np.ndarray:
    """Words in which the bits of the units ``first:last`` are set."""
    bits = np.zeros(n_words * WORD, np.uint8)
    bits[first:last] = 1
    return np.packbits(bits, bitorder="little").view("<u4").astype(np.uint32)


def _number(words):
    """The number of bits that are set."""
    return jnp.sum(lax.population_count(words).astype(jnp.int32), dtype=jnp.int32)


def _chunk(n_synapses: int, n_pre: int) -> int:
    """Number of synapses added at once: it holds nearly all rows of a random graph."""
    mean = n_synapses / n_pre
    return min(_rounded(mean + 3 * math.sqrt(mean)), _WIDEST)


def _rounded(n) -> int:
    """Round up to a number of synapses that fills whole vectors."""
    return 16 * max(1, math.ceil(n / 16))
