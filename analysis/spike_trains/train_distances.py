"""Distances between the trains of sets, as arrays (set, train, spike), in double precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

#: Spikes that are compared with each other as one block.
_BLOCK = 64
#: Numbers that are held in memory at a time.
_AT_ONCE = 2**24


def van_rossum(
    times: Float[np.ndarray, "set train spike"],
    there: Bool[np.ndarray, "set train spike"],
    tau: float,
) -> np.ndarray:
    """Distances (set, train, train) of trains (set, train, spike)."""
    n_sets, n_trains = times.shape[:2]
    found = np.empty((n_sets, n_trains, n_trains))
    for k in range(n_sets):
        train = np.broadcast_to(np.arange(n_trains)[:, None], times.shape[1:])[there[k]]
        time = times[k][there[k]]
        order = np.argsort(time, kind="stable")
        size = -(-max(time.size, 1) // _BLOCK) * _BLOCK
        size = _BLOCK << max(size // _BLOCK - 1, 0).bit_length()
        padded = np.full(size, time.max(initial=0.0))
        padded[: time.size] = time[order]
        owner = np.full(size, n_trains)
        owner[: time.size] = train[order]
        with jax.enable_x64(True):
            found[k] = _products(
                jnp.asarray(padded.reshape(-1, _BLOCK) / tau),
                jnp.asarray(owner.reshape(-1, _BLOCK)),
                n_trains,
            )
    own = np.einsum("kii->ki", found)
    return np.sqrt(np.maximum(own[:, :, None] + own[:, None, :] - 2 * found, 0))


def _products_of(
    time: Float[Array, "block spike"], owner: Array, n_trains: int
) -> Float[Array, "train train"]:
    """Sums of decays between all pairs of trains; times in order, in units of the decay."""

    def step(carry, block):
        trace, last, sums = carry
        t, of = block
        member = jax.nn.one_hot(of, n_trains, dtype=t.dtype)
        # Whatever came before this block, decayed to each of its spikes.
        before = trace[None] * jnp.exp(last - t)[:, None]
        apart = t[:, None] - t[None]
        inside = jnp.tril(jnp.exp(-jnp.maximum(apart, 0)), -1)
        sums = sums + member.T @ (before + inside @ member)
        trace = trace * jnp.exp(last - t[-1]) + jnp.exp(t - t[-1]) @ member
        return (trace, t[-1], sums), member.sum(0)

    start = (jnp.zeros(n_trains), time[0, 0], jnp.zeros((n_trains, n_trains)))
    (_, _, sums), many = jax.lax.scan(step, start, (time, owner))
    return sums + sums.T + jnp.diag(many.sum(0))


_products = jax.jit(_products_of, static_argnums=2)


def victor_purpura(
    times: Float[np.ndarray, "set train spike"],
    there: Bool[np.ndarray, "set train spike"],
    cost: float,
) -> np.ndarray:
    """Distances (set, train, train) of trains (set, train, spike)."""
    n_sets, n_trains, longest = times.shape
    found = np.zeros((n_sets, n_trains, n_trains))
    first, second = np.triu_indices(n_trains, 1)
    sets = np.repeat(np.arange(n_sets), first.size)
    first, second = np.tile(first, n_sets), np.tile(second, n_sets)
    many = there.sum(-1)
    at_once = min(max(_AT_ONCE // longest, 1), 1 << max(first.size - 1, 0).bit_length())
    for begin in range(0, first.size, at_once):
        part = slice(begin, begin + at_once)
        s, a, b = sets[part], first[part], second[part]
        short = at_once - s.size  # filled up, so that one program does for all
        x, y = (np.pad(times[s, i] * cost, ((0, short), (0, 0))) for i in (a, b))
        n, m = (np.pad(many[s, i], (0, short)) for i in (a, b))
        with jax.enable_x64(True):
            value = np.asarray(_edits(*map(jnp.asarray, (x, y, n, m))))[: s.size]
        found[s, a, b] = found[s, b, a] = value
    return found


@jax.jit
def _edits(
    x: Float[Array, "pair spike"], y: Float[Array, "pair spike"], n: Array, m: Array
) -> Float[Array, " pair"]:
    """Least costs of turning the first `n` spikes of `x` into the first `m` of `y`."""
    place = jnp.arange(y.shape[1] + 1.0)[None]

    def step(row, spike):
        number, at = spike
        moved = row[:, :-1] + jnp.abs(at[:, None] - y)
        best = jnp.minimum(row[:, 1:] + 1, moved)
        best = jnp.concatenate([row[:, :1] + 1, best], 1)
        # Added spikes cost 1 each: a running minimum of the costs less their places.
        best = jax.lax.cummin(best - place, axis=1) + place
        return jnp.where((number < n)[:, None], best, row), None

    start = jnp.broadcast_to(place, (x.shape[0], place.size))
    row, _ = jax.lax.scan(step, start, (jnp.arange(x.shape[1]), x.T))
    return jnp.take_along_axis(row, m[:, None], 1)[:, 0]
