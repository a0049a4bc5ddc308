"""The workloads as scans written by hand on the kernels: the ceiling for the library."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurodyn.kernels import sparse_spike_product, spike_product, standard_normal
from tests.benchmarks.peers.workloads import Workload, csr

__all__ = ["runner"]


class _Cells(NamedTuple):
    a: jax.Array
    b: jax.Array
    c: jax.Array
    d: jax.Array
    bias: jax.Array
    noise: jax.Array


def runner(workload: Workload, dt: float, n_steps: int, *, n_trials: int | None = None,
           dense: bool = True, dtype=np.float32):  # fmt: skip
    """A compiled function of a key that returns the number of spikes of each step."""
    cells = _Cells(*(jnp.asarray(getattr(workload, name), dtype) for name in _Cells._fields))
    start = tuple(jnp.asarray(x, dtype) for x in (workload.v0, workload.u0))
    impulses = workload.name == "W1"
    parts = (
        [slice(None)]
        if impulses
        else [slice(0, workload.n_excitatory), slice(workload.n_excitatory, None)]
    )
    if dense:
        W = workload.dense
        weights = [jnp.asarray(W[part], dtype) for part in parts]
    else:
        weights = []
        for part in parts:
            indptr, indices, values = csr(workload, part)
            weights.append((jnp.asarray(indptr), jnp.asarray(indices), jnp.asarray(values, dtype)))

    def product(spikes, W):
        return spike_product(spikes, W) if dense else sparse_spike_product(spikes, *W, workload.n)

    def step(carry, k, weights, key):
        v, u, *currents = carry
        drive = cells.bias if impulses else cells.bias + currents[0] - currents[1]
        new_v = v + dt * (0.04 * v * v + 5 * v + 140 - u + drive)
        if impulses:
            draw = standard_normal(jax.random.fold_in(key, k), v.shape, v.dtype)
            new_v = new_v + cells.noise * np.sqrt(dt).astype(dtype) * draw
        u = u + dt * cells.a * (cells.b * v - u)
        fired = new_v >= 30
        spikes = fired.astype(dtype)
        if impulses:
            new_v = new_v + product(spikes, weights[0])
        else:
            arrived = [product(spikes[part], W) for part, W in zip(parts, weights, strict=True)]
            decay = (1 - dt / 5, 1 - dt / 10)
            currents = [g * f + x for g, f, x in zip(currents, decay, arrived, strict=True)]
        v = jnp.where(fired, cells.c, new_v)
        u = jnp.where(fired, u + cells.d, u)
        return (v, u, *currents), spikes.sum()

    zeros = [] if impulses else [jnp.zeros_like(start[0])] * 2

    @jax.jit
    def run(weights, key):
        if n_trials is None:
            body = lambda carry, k: step(carry, k, weights, key)  # noqa: E731
            carry = (*start, *zeros)
        else:
            keys = jax.random.split(key, n_trials)
            body = lambda carry, k: jax.vmap(  # noqa: E731
                lambda carry, key: step(carry, k, weights, key)
            )(carry, keys)
            carry = tuple(jnp.broadcast_to(x, (n_trials, workload.n)) for x in (*start, *zeros))
        return lax.scan(body, carry, jnp.arange(n_steps, dtype=jnp.uint32))[1]

    return lambda key: run(weights, key)
