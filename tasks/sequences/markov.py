"""Markov chains with emissions, on arrays: matrices, likelihood, paths and entropy."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import logsumexp
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import numbers


def rows(name: str, values: Any, ndim: int = 2) -> Float[Array, "..."]:
    """Probabilities that sum to 1 along the last axis."""
    table = numbers(name, values, low=0, ndim=ndim)
    total = np.asarray(table, np.float64).sum(-1)
    if not np.allclose(total, 1.0, atol=1e-6):
        raise ValueError(f"`{name}` must sum to 1 in each row, got {total.tolist()}.")
    return table


def exact(table: Any) -> np.ndarray:
    """The same probabilities in float64, with sums of 1 to its precision."""
    table = np.asarray(table, np.float64)
    return table / table.sum(-1, keepdims=True)


def chain(n: int, stay: float) -> np.ndarray:
    """States in a line that lead to their neighbours; the ends have one."""
    if n == 1:
        return np.ones((1, 1))
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) == 1
    return stay * np.eye(n) + (1 - stay) * near / near.sum(1, keepdims=True)


def full(n: int, stay: float) -> np.ndarray:
    """States that lead to all others alike."""
    return stay * np.eye(n) + (1 - stay) / (n - 1) * (1 - np.eye(n))


def cycle(n: int, stay: float) -> np.ndarray:
    """States that lead to the next one, in a circle."""
    return stay * np.eye(n) + (1 - stay) * np.roll(np.eye(n), 1, axis=1)


def ramp(n: int) -> np.ndarray:
    """Emissions of three symbols: from the first to the last one, the second is rare."""
    share = np.linspace(0, 1, n) if n > 1 else np.zeros(1)
    return np.stack([0.99 * (1 - share), np.full(n, 0.01), 0.99 * share], axis=1)


def peaks(n: int) -> np.ndarray:
    """Emissions of a symbol for each state, and rarely of its neighbours.

    Probabilities fall with the distance d between symbol and state as
    ``exp(-0.2 (d / (0.1 (n - 1))) ** 2)`` (the published fully connected models).
    """
    apart = np.subtract.outer(np.arange(n), np.arange(n)) / (0.1 * (n - 1))
    weight = np.exp(-0.2 * apart**2)
    return weight / weight.sum(1, keepdims=True)


def stationary_of(moves: Any, xp: Any = jnp) -> Any:
    """Stationary distribution of moves ``(state, next)``; NaN or infinite if not unique."""
    moves = moves / moves.sum(1, keepdims=True)
    n, dtype = len(moves), moves.dtype
    # The last balance equation follows from the others, so the normalisation replaces it.
    balance = moves.T - xp.eye(n, dtype=dtype)
    rows = xp.concatenate([balance[:-1], xp.ones((1, n), dtype)])
    total = xp.concatenate([xp.zeros(n - 1, dtype), xp.ones(1, dtype)])
    return xp.maximum(xp.linalg.solve(rows, total), xp.zeros((), dtype))


def stationary(moves: np.ndarray) -> np.ndarray:
    """The stationary distribution.

    Raises
    ------
    ValueError
        If there are several, because parts of the chain do not lead to each other.
    """
    reach = np.linalg.matrix_power(np.eye(len(moves)) + (moves > 0), len(moves)) > 0
    # States to which all that they lead to leads back.
    lasting = [i for i in range(len(moves)) if (~reach[i] | reach[:, i]).all()]
    if not (reach[np.ix_(lasting, lasting)]).all():
        raise ValueError(
            "`transitions`: parts of the states do not lead to each other, so that there is no "
            "single stationary distribution; pass `initial=`."
        )
    return np.asarray(stationary_of(moves, np), np.float64)


def log_likelihood(start: Array, moves: Array, emits: Array, symbols: Int[Array, " time"]) -> Array:
    """Log-probability of one sequence."""
    return logsumexp(_forward(start, moves, emits, symbols)[-1])


def posterior(
    start: Array, moves: Array, emits: Array, symbols: Int[Array, " time"]
) -> Float[Array, "time state"]:
    """Probability of each state at each step, given the whole sequence."""
    ahead = _forward(start, moves, emits, symbols)
    moves, seen = jnp.log(moves), jnp.log(emits).T[symbols]

    def back(later, seen):
        now = logsumexp(moves + (seen + later)[None, :], axis=1)
        return now, later

    none = jnp.zeros(len(start), ahead.dtype)
    first, behind = jax.lax.scan(back, none, seen[1:], reverse=True)
    behind = jnp.concatenate([first[None], behind])
    return jax.nn.softmax(ahead + behind, axis=-1)


def most_likely(
    start: Array, moves: Array, emits: Array, symbols: Int[Array, " time"]
) -> Int[Array, " time"]:
    """The most likely path of states."""
    moves, seen = jnp.log(moves), jnp.log(emits).T[symbols]

    def step(best, seen):
        through = best[:, None] + moves
        return jnp.max(through, axis=0) + seen, jnp.argmax(through, axis=0)

    best, came = jax.lax.scan(step, jnp.log(start) + seen[0], seen[1:])
    last = jnp.argmax(best)
    first, later = jax.lax.scan(lambda s, came: (came[s], s), last, came, reverse=True)
    return jnp.concatenate([first[None], later])


def _forward(
    start: Array, moves: Array, emits: Array, symbols: Int[Array, " time"]
) -> Float[Array, "time state"]:
    """Log-probability of the symbols so far and of each state."""
    moves, seen = jnp.log(moves), jnp.log(emits).T[symbols]

    def step(ahead, seen):
        ahead = logsumexp(ahead[:, None] + moves, axis=0) + seen
        return ahead, ahead

    first = jnp.log(start) + seen[0]
    _, rest = jax.lax.scan(step, first, seen[1:])
    return jnp.concatenate([first[None], rest])


def evaluated(
    function: Any, start: np.ndarray, moves: np.ndarray, emits: np.ndarray, symbols: np.ndarray
) -> np.ndarray:
    """A function of one sequence, for ``(*batch, time)`` of them, in double precision."""
    batch = symbols.shape[:-1]
    with jax.enable_x64(True):
        flat = jnp.asarray(symbols.reshape(-1, symbols.shape[-1]), jnp.int32)
        found = np.asarray(_evaluated(function, *map(jnp.asarray, (start, moves, emits)), flat))
    return found.reshape((*batch, *found.shape[1:]))


@functools.partial(jax.jit, static_argnums=0)
def _evaluated(function: Any, start: Array, moves: Array, emits: Array, symbols: Array) -> Array:
    return jax.vmap(function, in_axes=(None, None, None, 0))(start, moves, emits, symbols)


def entropy_bounds(
    start: np.ndarray, moves: np.ndarray, emits: np.ndarray, length: int
) -> tuple[float, float]:
    """Entropy of the last of `length` symbols given the others, with and without the first state.

    `start` is the stationary distribution.
    """
    # Joint probability (first state, word, state) of words of one symbol, then of longer ones.
    joint = start[:, None, None] * np.eye(len(start))[:, None, :] * emits.T[None]
    known, blind = [0.0], [0.0]
    for _ in range(length):
        words = joint.sum(2)
        known.append(_entropy(words) - _entropy(words.sum(1)))
        blind.append(_entropy(words.sum(0)))
        moved = joint @ moves
        joint = (moved[:, :, None, :] * emits.T[None, None]).reshape(len(start), -1, len(start))
    return known[-1] - known[-2], blind[-1] - blind[-2]


def _entropy(chance: np.ndarray) -> float:
    positive = chance[chance > 0]
    return float(-(positive * np.log(positive)).sum())
