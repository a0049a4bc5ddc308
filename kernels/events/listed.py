"""Lists of the neurons that spiked, made from spikes that are packed 32 to a word."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, Shaped, UInt32

#: Bits in a word.
WORD = 32


def pack(spikes: Shaped[Array, "*batch unit"]) -> UInt32[Array, "*batch word"]:
    """Pack spikes; see `neurodyn.kernels.pack_spikes`."""
    fired = spikes != jnp.zeros((), spikes.dtype)
    n_words = -(-fired.shape[-1] // WORD)
    margin = [(0, 0)] * (fired.ndim - 1) + [(0, n_words * WORD - fired.shape[-1])]
    bits = jnp.pad(fired, margin).reshape(*fired.shape[:-1], n_words, 4, 8)
    # First to bytes, then to words, because that takes half the time of going to words at once.
    return _packed(_packed(bits, 1, jnp.uint8), 8, jnp.uint32)


def _packed(digits, width: int, dtype):
    """Numbers of `dtype` from their digits of `width` bits, the lowest digit first."""
    n = digits.shape[-1]
    places = (width * jnp.arange(n, dtype=dtype)).reshape((1,) * (digits.ndim - 1) + (n,))
    return jnp.sum(digits.astype(dtype) << places, -1, dtype=dtype)


def list_events(
    packed: UInt32[Array, "trial word"],
) -> tuple[Int32[Array, " trial_plus_1"], Int32[Array, " slot"]]:
    """List the units whose bit is set, trial after trial, in ascending order.

    Returns
    -------
    offsets : (trial + 1,), int32
        The events of trial b are ``index[offsets[b]:offsets[b + 1]]``.
    index : (slot,), int32
        ``trial * n_words * 32 + unit``, with room for every unit to spike: none is dropped.
        Entries after the last event are arbitrary units.

    Notes
    -----
    ``x & (x - 1)`` removes the lowest bit of a word, whose place is 31 minus the number of leading
    zeros of ``x & -x``. Loops over scalars do this; XLA compiles them to machine code that takes a
    microsecond for 4000 units, a fraction of the time of ``jnp.nonzero``. A first loop lists the
    words that are not empty, so that silent units cost next to nothing.
    """
    words = packed.reshape(-1)
    occupied = pack(words)
    every = jnp.asarray(np.arange(occupied.size, dtype=np.int32))
    n_occupied, which = _pop_bits(occupied, every, jnp.int32(occupied.size), words.size)
    n_events, index = _pop_bits(words, which, n_occupied, words.size * WORD)
    if packed.shape[0] == 1:
        return jnp.stack([jnp.int32(0), n_events]), index
    counts = jnp.sum(lax.population_count(packed).astype(jnp.int32), -1, dtype=jnp.int32)
    return jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(counts, dtype=jnp.int32)]), index


def _pop_bits(words, which, n_words, size: int):
    """Number and places of the bits in ``words[which[:n_words]]``, in order; room for `size`."""

    def body(carry):
        i, rest, n_found, found = carry
        some = rest != 0
        lowest = rest & (~rest + jnp.uint32(1))
        place = jnp.int32(WORD - 1) - lax.clz(lowest).astype(jnp.int32)
        # An empty word writes an entry that the next event overwrites.
        label = which[i] * WORD + jnp.where(some, place, 0)
        found = lax.dynamic_update_index_in_dim(found, label, n_found, 0)
        rest = rest & (rest - jnp.uint32(1))
        done = rest == 0
        i = i + done.astype(jnp.int32)
        rest = jnp.where(done, words[which[i]], rest)
        return i, rest, n_found + some.astype(jnp.int32), found

    # One spare slot: an empty word writes to it when all others are taken.
    start = (jnp.int32(0), words[which[0]], jnp.int32(0), jnp.zeros(size + 1, jnp.int32))
    return lax.while_loop(lambda carry: carry[0] < n_words, body, start)[2:]
