"""The linear pieces of a piecewise-linear map, evaluated in double precision."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.params import whole_model
from neurodyn.system import AbstractSystem, State

#: Numbers that one batch of Jacobians may hold.
_BATCH = 2**22


@runtime_checkable
class PiecewiseLinear(Protocol):
    """A map ``z' = J(mask) z + offset(mask)`` that is linear wherever the same gates are open.

    A gate is one rectifier; it is open where its argument is above zero.

    Attributes
    ----------
    n_relu
        Number of gates.
    """

    n_relu: Any

    def step(self, z: Float[Array, " latent"], u: Any = None) -> Float[Array, " latent"]:
        """The state after `z`."""
        ...

    def mask(self, z: Float[Array, " latent"]) -> Bool[Array, " gate"]:
        """Which gates are open in this state."""
        ...

    def affine(
        self, mask: Bool[Array, " gate"]
    ) -> tuple[Float[Array, "latent latent"], Float[Array, " latent"]]:
        """Matrix and offset of the map where these gates are open."""
        ...


class Solved(NamedTuple):
    """Candidates for cycles, one for each word.

    Attributes
    ----------
    states
        The points of each; NaN where the word has no isolated solution.
    jacobian
        Product of the Jacobians once around.
    real
        Whether each point lies in the region that the word says.
    """

    states: Float[np.ndarray, "word phase latent"]
    jacobian: Float[np.ndarray, "word latent latent"]
    real: Bool[np.ndarray, " word"]


@eqx.filter_jit
def _each(system, method: str, rows):
    """A method of the map for each row."""
    if method == "readout":
        return jax.vmap(lambda z: system.readout(State(z)))(rows)
    return jax.vmap(getattr(system, method))(rows)


class Pieces:
    """A piecewise-linear map whose pieces, gates and steps are computed in batches.

    Parameters
    ----------
    system
        Any map with the methods of `PiecewiseLinear`.

    Raises
    ------
    TypeError
        If it lacks one of them.
    ValueError
        If it has parameters that are not finite, or of which every subject has its own.
    """

    def __init__(self, system: Any):
        if not isinstance(system, PiecewiseLinear):
            raise TypeError(
                f"a {type(system).__name__} is no piecewise-linear map: it needs n_relu, "
                "step(z), mask(z) and affine(mask), as the models of the PLRNN family have."
            )
        system = whole_model(system)
        with jax.enable_x64(True):
            self._system = jax.tree.map(_double, system)
            self.n_gates = int(system.n_relu)
            shapes = eqx.filter_eval_shape(self._system.affine, np.zeros(self.n_gates, bool))
        self.n_latent = shapes[1].shape[0]
        leaves = [x for x in jax.tree.leaves(self._system) if eqx.is_inexact_array(x)]
        if not all(np.isfinite(np.asarray(x)).all() for x in leaves):
            raise ValueError(f"{type(system).__name__} has parameters that are NaN or infinite.")

    def affine(
        self, masks: Bool[np.ndarray, "n gate"]
    ) -> tuple[Float[np.ndarray, "n latent latent"], Float[np.ndarray, "n latent"]]:
        """Matrices and offsets of these pieces."""
        return self._batched("affine", np.asarray(masks, bool))

    def mask(self, states: Float[np.ndarray, "n latent"]) -> Bool[np.ndarray, "n gate"]:
        """Gates that are open in these states; none in states that are not finite."""
        return self._batched("mask", np.asarray(states, np.float64))

    def step(self, states: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n latent"]:
        """The states one step after these."""
        return self._batched("step", np.asarray(states, np.float64))

    def readout(
        self, states: Float[np.ndarray, "n latent"]
    ) -> Float[np.ndarray, "n output"] | None:
        """Outputs in these states; None of a map without a readout."""
        if not isinstance(self._system, AbstractSystem) or self._system.n_outputs == 0:
            return None
        return self._batched("readout", np.asarray(states, np.float64))

    def _batched(self, method, values):
        # Padded to a power of two, so that few programs are compiled.
        size = 1 << max(len(values) - 1, 0).bit_length()
        padding = np.zeros((size - len(values), *values.shape[1:]), values.dtype)
        with jax.enable_x64(True):
            rows = jax.numpy.asarray(np.concatenate([values, padding]))
            result = _each(self._system, method, rows)
        return jax.tree.map(lambda x: np.asarray(x)[: len(values)], result)


def _double(x: Any) -> Any:
    return x.astype(np.float64) if eqx.is_inexact_array(x) else x


def solve_words(pieces: Pieces, words: Bool[np.ndarray, "word phase gate"]) -> Solved:
    """Solve for the cycle that passes the regions of each word.

    The point after passing regions ``D_1 ... D_k`` is linear in the first point, ``J z + c``, so
    the first point of a cycle is ``(1 - J)^-1 c``.

    Parameters
    ----------
    pieces
        The map.
    words
        Which gates are open at each point of each cycle.
    """
    per_word = max(pieces.n_latent**2, 1)
    size = max(1, _BATCH // per_word)
    parts = [_solve(pieces, words[i : i + size]) for i in range(0, len(words), size)]
    if not parts:
        n = pieces.n_latent
        return Solved(np.empty((0, words.shape[1], n)), np.empty((0, n, n)), np.empty(0, bool))
    return Solved(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _solve(pieces: Pieces, words: np.ndarray) -> Solved:
    n, k, gates = words.shape
    used, index = np.unique(words.reshape(n * k, gates), axis=0, return_inverse=True)
    matrices, offsets = pieces.affine(used)
    index = index.reshape(n, k)
    jacobian, constant = matrices[index[:, 0]], offsets[index[:, 0]]
    for i in range(1, k):
        jacobian = matrices[index[:, i]] @ jacobian
        constant = _apply(matrices[index[:, i]], constant) + offsets[index[:, i]]
    states = np.empty((n, k, pieces.n_latent))
    states[:, 0] = _isolated(np.eye(pieces.n_latent) - jacobian, constant)
    with np.errstate(invalid="ignore", over="ignore"):
        for i in range(1, k):
            states[:, i] = (
                _apply(matrices[index[:, i - 1]], states[:, i - 1]) + offsets[index[:, i - 1]]
            )
    finite = np.isfinite(states).all((1, 2))
    visited = pieces.mask(states.reshape(n * k, -1)).reshape(words.shape)
    return Solved(states, jacobian, finite & (visited == words).all((1, 2)))


def _apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrices @ vectors[..., None])[..., 0]


def _isolated(matrices: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Solutions of linear systems; NaN where a matrix is singular to working precision."""
    try:
        solutions = np.linalg.solve(matrices, constants[..., None])[..., 0]
    except np.linalg.LinAlgError:  # one exactly singular matrix spoils a batch
        if len(matrices) == 1:
            return np.full(constants.shape, np.nan)
        half = len(matrices) // 2
        parts = ((matrices[:half], constants[:half]), (matrices[half:], constants[half:]))
        return np.concatenate([_isolated(*part) for part in parts])
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.abs(matrices).sum(-1).max(-1) * np.abs(solutions).max(-1)
        # A solution beyond this size is lost in rounding, so the system counts as singular.
        limit = np.abs(constants).max(-1) / (np.finfo(float).eps * matrices.shape[-1])
        singular = ~(scale < limit) & (scale > 0)
    return np.where(singular[:, None], np.nan, solutions)


def gate_codes(masks: Bool[np.ndarray, "n gate"]) -> list[str]:
    """Which gates are open, as text."""
    return ["".join("01"[gate] for gate in mask) for mask in masks.astype(int)]


def lyndon_words(n_symbols: int, length: int) -> np.ndarray:
    """All words over ``0 ... n_symbols - 1`` that no rotation equals or precedes.

    Every cycle of symbols that does not repeat a shorter one has exactly one such word.

    Parameters
    ----------
    n_symbols, length
        Size of the alphabet, and of the words.

    Returns
    -------
    Integers ``(word, phase)``.
    """
    codes = np.arange(n_symbols**length)
    powers = n_symbols ** np.arange(length)[::-1]
    least = np.ones(len(codes), bool)
    rotated = codes
    for _ in range(length - 1):
        rotated = rotated // powers[0] + rotated % powers[0] * n_symbols
        least &= codes < rotated
    return codes[least][:, None] // powers % n_symbols


def primitive_words(words: Bool[np.ndarray, "word phase gate"]) -> np.ndarray:
    """The different cycles among words: one rotation of each, no repetitions of shorter ones."""
    n, k, gates = words.shape
    patterns, index = np.unique(words.reshape(n * k, gates), axis=0, return_inverse=True)
    rows = np.unique(index.reshape(n, k), axis=0)
    rotations = np.stack([np.roll(rows, -shift, axis=1) for shift in range(k)])
    least = set()
    for i in range(len(rows)):
        candidates = {tuple(row) for row in rotations[:, i].tolist()}
        if len(candidates) == k:
            least.add(min(candidates))
    chosen = np.array(sorted(least), int).reshape(-1, k)
    return patterns[chosen]
