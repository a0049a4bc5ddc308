"""Drawing the connections and weights of a projection."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.common.arrays import as_array
from neurodyn.common.random import as_key
from neurodyn.models.spiking.network.connect import AbstractConnectivity, AllToAll, HasRoom, Pairs
from neurodyn.models.spiking.network.weights import CSR, Dense, Weights
from neurodyn.params import (
    AbstractDistribution,
    AbstractElementwise,
    AbstractParameter,
    Dale,
    Masked,
    as_parameter,
)
from neurodyn.params.base import changed, numbers_of, value_of
from neurodyn.params.laws import is_concrete

#: Below this fraction of pairs, a list of synapses is faster to go through than rows of a matrix.
SPARSE_BELOW = 0.5


def draw_weights(
    W: Any,
    pattern: AbstractConnectivity,
    n_pre: int,
    n_post: int,
    offset: int | None,
    *,
    format: str,
    signs: np.ndarray | None,
    delays: Any,
    plastic: bool,
    key: Any,
) -> tuple[Weights, Any]:
    """Draw the connections and bind the weights; returns them and the delays in their order.

    Weights that a rule changes (``plastic``) store which synapses exist.
    """
    key = as_key(key)
    everything = isinstance(pattern, AllToAll) and (pattern.self_connections or offset is None)
    spread = delays is not None and (callable(delays) or np.ndim(delays) > 0)
    if everything and format != "csr" and not spread:
        values = _bind(W, (n_pre, n_post), key, None, signs)
        exists = jnp.ones((n_pre, n_post), bool) if plastic else None
        return Dense(values, exists), delays
    rng = np.random.default_rng(_seed(key, pattern.random))
    pre, post = (np.asarray(i) for i in pattern.pairs(n_pre, n_post, offset, rng))
    numbers = pre.astype(np.int64) * n_post + post
    order = np.arange(pre.size)
    if not (numbers[1:] >= numbers[:-1]).all():
        order = np.argsort(numbers, kind="stable")
        pre, post = pre[order], post[order]
    full = pre.size == n_pre * n_post
    if format == "auto":
        dense_enough = pre.size >= SPARSE_BELOW * n_pre * n_post
        format = "dense" if dense_enough and not spread else "csr"
    if format == "dense":
        if spread:
            raise ValueError('A delay for each synapse needs format="csr" (or "auto").')
        mask = np.zeros((n_pre, n_post), bool)
        mask[pre, post] = True
        values = _bind(W, (n_pre, n_post), key, None if full else mask, signs)
        return Dense(values, jnp.asarray(mask) if plastic else None), delays
    given = _entries(W, pre, post, order, (n_pre, n_post))
    room = _room(pattern, n_pre, n_post, pre.size)
    values = _bind(given, (pre.size,), key, None, None if signs is None else signs[pre], room)
    if spread:
        delays = _delays(delays, pre, post, order, (n_pre, n_post), rng)
    indptr = np.searchsorted(pre, np.arange(n_pre + 1)).astype(np.int32)
    weights = CSR(values, as_array(post, jnp.int32), as_array(indptr, jnp.int32), n_post, room=room)
    if plastic:
        rows, exists = as_array(pre, jnp.int32), jnp.ones(pre.shape, bool)
        weights = dataclasses.replace(weights, rows=rows, exists=exists)
    return weights, delays


def _room(pattern: AbstractConnectivity, n_pre: int, n_post: int, n: int) -> int | None:
    """Number of synapses that the arrays of a run have room for, after n were drawn."""
    if isinstance(pattern, HasRoom):
        return pattern.room(n_pre, n_post)
    # Laws without `room`, and pairs that may have been drawn elsewhere: rounded up by at most an
    # eighth, so that most draws have equal sizes.
    step = max(16, 2 ** (n.bit_length() - 4))
    return -(-n // step) * step if pattern.random or isinstance(pattern, Pairs) else None


def _bind(W, shape, key, mask, signs, room=None):
    if W is None:
        raise ValueError("No weights: pass `W=` (a number, an array, a law or a parameter).")
    spec = as_parameter(W)
    if key is None and spec.random:
        as_key(None, needed_for="`W`")
    if mask is not None:
        if spec.elementwise:
            spec = Masked(mask, of=spec)
        else:
            raise ValueError(
                f"{type(spec).__name__} describes a whole matrix: leave out `connect`, or use "
                'format="csr".'
            )
    own = as_key(0) if key is None else jax.random.fold_in(key, 1)
    values = spec.build(shape, own) if room is None else _built(spec, shape[0], room, own)
    if signs is None:
        return values
    now = numbers_of(values)
    if now is not None and (now < 0).any():
        wrong = now * (signs if len(shape) == 1 else signs[:, None]) < 0
        if wrong.any():
            raise ValueError(
                f"{wrong.sum()} weights contradict the sign of their presynaptic population; pass "
                "magnitudes, or weights of that sign."
            )
    return Dale(as_array(signs, value_of(values).dtype), values)


def _built(spec: AbstractParameter, n: int, room: int, key: Any) -> Any:
    """Weights of n synapses: the first of those of all that there is room for.

    JAX compiles a program for every size that it draws, and draws the same first numbers.
    """
    law = isinstance(spec, AbstractElementwise) and callable(spec.init)
    if not law or room <= n or spec.bound:
        return spec.build((n,), key)
    values = spec.build((room,), key)

    def first(x):
        return as_array(np.asarray(x)[:n], x.dtype) if x.shape == (room,) else x

    return (
        jax.tree.map(first, values)
        if is_concrete(*jax.tree.leaves(values))
        else spec.build((n,), key)
    )


def _entries(W, pre, post, order, shape):
    """Weights of the synapses, from a matrix or from numbers in the order of the pairs."""
    init = W.init if isinstance(W, AbstractElementwise) else W
    if init is None or callable(init) or isinstance(init, AbstractParameter) or np.ndim(init) == 0:
        return W
    chosen = _pick("W", init, pre, post, order, shape)
    return changed(W, init=chosen) if isinstance(W, AbstractElementwise) else chosen


def _pick(name, given, pre, post, order, shape):
    given = np.asarray(given)
    if given.shape == shape:
        return given[pre, post]
    if given.shape == pre.shape:
        return given[order]
    raise ValueError(
        f"`{name}` must be one number, a matrix {shape}, or one number for each of the {pre.size} "
        f"synapses, got shape {given.shape}."
    )


def _delays(delays, pre, post, order, shape, rng):
    if callable(delays) and not isinstance(delays, AbstractDistribution):
        drawn = np.asarray(delays(rng, pre.size), float)
        if drawn.shape != pre.shape:
            raise ValueError(
                f"`delay` as a function of (rng, size) gave shape {drawn.shape} for {pre.size} "
                "synapses."
            )
        return drawn
    if isinstance(delays, AbstractDistribution):
        key = jax.random.key(int(rng.integers(2**31)))
        return np.asarray(delays(key, pre.shape, jnp.float32), float)
    return _pick("delay", delays, pre, post, order, shape)


def _seed(key, random: bool):
    if not random:
        return 0
    key = as_key(key, needed_for="Connecting units at random")
    data = jax.random.key_data(key)
    if not is_concrete(data):
        raise ValueError(
            "A random connectivity has as many synapses as it happens to draw, so that networks "
            "cannot be built under jit or vmap: build them one by one, or with all-to-all weights."
        )
    return np.asarray(data)
