"""The rules of products of spikes for batches, derivatives and backends."""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

from neurodyn.kernels import backends
from neurodyn.kernels.events import plain


def functions(backend: str):
    """The module whose functions implement a backend on CPUs."""
    return plain if backend == "xla" else backends.compiled("events")


@functools.cache
def dense(backend: str):
    """A function of (spikes, W, onto or None); spikes and onto have a leading trial axis."""
    add_rows = functions(backend).add_rows

    def multiply(spikes, W, onto):
        out = jnp.matmul(spikes, W, precision=lax.Precision.HIGHEST)
        return out if onto is None else onto + out

    @custom_vmap
    def rows(spikes, W, onto):
        return lax.platform_dependent(spikes, W, onto, cpu=add_rows, default=multiply)

    @rows.def_vmap
    def _(axis_size, in_batched, spikes, W, onto):
        spikes = along(axis_size, in_batched[0], spikes)
        onto = None if onto is None else along(axis_size, in_batched[2], onto)
        if not in_batched[1]:
            flat = None if onto is None else onto.reshape(-1, onto.shape[-1])
            out = rows(spikes.reshape(-1, spikes.shape[-1]), W, flat)
            return out.reshape(*spikes.shape[:-1], W.shape[1]), True
        if axis_size == 1:
            return rows(spikes[0], W[0], None if onto is None else onto[0])[None], True
        each = functools.partial(one_by_one, rows)
        return lax.platform_dependent(spikes, W, onto, cpu=each, default=multiply), True

    @jax.custom_jvp
    def product(spikes, W, onto):
        return rows(spikes, W, onto)

    @product.defjvp
    def _(primals, tangents):
        (spikes, W, onto), (spikes_dot, W_dot, onto_dot) = primals, tangents
        out_dot = spikes_dot @ W + spikes @ W_dot
        return product(spikes, W, onto), out_dot if onto is None else onto_dot + out_dot

    return product


@functools.cache
def sparse(backend: str, delayed: bool):
    """A function of (onto, spikes, values, indptr, indices[, head, delays])."""
    events = functions(backend).scatter_rows

    def add_events(onto, spikes, values, indptr, indices, head=None, delays=None):
        return events(onto, head, spikes, indptr, indices, values, delays)

    def add_all(onto, spikes, values, indptr, indices, head=None, delays=None):
        onto = _without_last(onto, head) if delayed else onto
        return onto + all_synapses(
            onto.shape, spikes, values, presynaptic(indptr, indices), indices, head, delays
        )

    @custom_vmap
    def scatter(*args):
        return lax.platform_dependent(*args, cpu=add_events, default=add_all)

    @scatter.def_vmap
    def _(axis_size, in_batched, *args):
        own = [name for name, b in zip(_STRUCTURE, in_batched[3:], strict=False) if b]
        if {"indptr", "indices", "delays"} & set(own):
            raise ValueError(
                f"Under vmap all trials must share one connectivity, but {own} differ between them."
            )
        together = (0, 1, 5)  # onto, spikes, head
        args = [
            along(axis_size, b, a) if i in together or (i == 2 and in_batched[2]) else a
            for i, (a, b) in enumerate(zip(args, in_batched, strict=True))
        ]
        if in_batched[2]:
            mapped = [i for i in (0, 1, 2, 5) if i < len(args)]

            def one(parts):
                whole = list(args)
                for i, part in zip(mapped, parts, strict=True):
                    whole[i] = part
                return scatter(*whole)

            parts = tuple(args[i] for i in mapped)
            if axis_size == 1:
                return one(tuple(part[0] for part in parts))[None], True
            return lax.map(one, parts), True
        shape = args[0].shape
        for i in (i for i in together if i < len(args)):
            args[i] = args[i].reshape(-1, *args[i].shape[2:])
        return scatter(*args).reshape(shape), True

    @jax.custom_jvp
    def product(*args):
        return scatter(*args)

    @product.defjvp
    def _(primals, tangents):
        onto, spikes, values, indptr, indices, *rest = primals
        onto_dot, spikes_dot, values_dot = tangents[:3]
        pre = presynaptic(indptr, indices)
        if delayed:
            onto_dot = _without_last(onto_dot, rest[0])
        onto_dot = onto_dot + all_synapses(onto.shape, spikes_dot, values, pre, indices, *rest)
        onto_dot = onto_dot + all_synapses(onto.shape, spikes, values_dot, pre, indices, *rest)
        return product(*primals), onto_dot

    return product


_STRUCTURE = ("indptr", "indices", "head", "delays")


def along(axis_size: int, batched: bool, a):
    """The argument with the mapped axis in front; repeated along it if it is not mapped."""
    return a if batched else jnp.broadcast_to(a[None], (axis_size, *a.shape))


def one_by_one(function, *args):
    """Apply a function of one trial to all trials, one after the other."""
    return lax.map(lambda parts: function(*parts), args)


def presynaptic(indptr, indices):
    """The presynaptic neuron of every synapse."""
    synapse = jnp.arange(indices.shape[0], dtype=indptr.dtype)
    return jnp.searchsorted(indptr, synapse, side="right").astype(jnp.int32) - 1


def _without_last(ring, head):
    """The same as `plain.empty_last`, in a form that JAX can transpose."""
    slot = jnp.arange(ring.shape[1], dtype=head.dtype)
    last = (head + (ring.shape[1] - 1)) % ring.shape[1]
    gone = (slot[None] == last[:, None])[..., None]
    return jnp.where(gone, jnp.zeros((), ring.dtype), ring)


def all_synapses(shape, spikes, values, pre, indices, head=None, delays=None):
    """Sum over all synapses, also those of silent neurons; linear in `spikes` and in `values`."""
    n_trials, n_slots, n_post = shape
    carried = spikes[:, pre] * values[None]
    if delays is None:
        target = jnp.broadcast_to(indices[None], carried.shape)
    else:
        target = ((head[:, None] + delays[None]) % n_slots) * n_post + indices[None]
    trial = jnp.arange(n_trials)[:, None]
    flat = jnp.zeros((n_trials, n_slots * n_post), carried.dtype)
    return flat.at[trial, target].add(carried, mode="drop").reshape(shape)
