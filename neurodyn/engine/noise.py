"""Noise of one step: keys, normal numbers and Brownian increments."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from neurodyn import kernels

#: Numbers folded into the key of a step for its other draws: after the step, and the Levy area.
#: They count from the end because the n-th key of ``split``, for the leaves of a state, is that of
#: ``fold_in`` of n.
AFTER, AREA = 2**32 - 1, 2**32 - 2


class Increment(diffrax.AbstractPath):
    """Brownian increment over one step, with its space-time Levy area where a solver asks."""

    key: PRNGKeyArray
    like: PyTree  # the state with None in the place of its leaves without noise
    dt: Float[Array, ""]
    x: PyTree = None  # the whole state

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        del t0, t1, left
        w = filled(scaled(self._drawn(self.key), jnp.sqrt(self.dt)), self.x)
        if not use_levy:
            return w
        area_key = jax.random.fold_in(self.key, AREA)
        h = filled(scaled(self._drawn(area_key), jnp.sqrt(self.dt / 12)), self.x)
        return diffrax.SpaceTimeLevyArea(dt=self.dt, W=w, H=h)

    def _drawn(self, key: PRNGKeyArray) -> PyTree:
        # Computed once, because XLA would fuse the draw into each of its uses and repeat it there:
        # five times for the potential of spiking neurons.
        return kernels.computed_once(lambda: draw(key, self.like), self.dt > 0)


def noisy_part(x: PyTree, amplitude: PyTree) -> PyTree:
    """``x`` with None in the place of its leaves without noise."""
    return jax.tree.map(lambda a, leaf: None if a is None else leaf, amplitude, x, is_leaf=_none)


def filled(tree: PyTree, x: PyTree) -> PyTree:
    """``tree`` with zeros in the place of None, in the shapes of ``x``; as it is without ``x``."""
    if x is None:
        return tree

    def fill(a, leaf):
        return jnp.zeros_like(leaf) if a is None and leaf is not None else a

    return jax.tree.map(fill, tree, x, is_leaf=_none)


def _none(a: Any) -> bool:
    return a is None


def scaled(tree: PyTree, factor: Float[Array, ""]) -> PyTree:
    """Each array times a number."""
    return jax.tree.map(lambda a: a * factor.astype(a.dtype), tree)


def draw(key: PRNGKeyArray, like: PyTree, runs: Bool[Array, ""] | None = None) -> PyTree:
    """Standard normal numbers in the shapes and types of ``like``; zeros if no step runs."""
    leaves, structure = jax.tree.flatten(like)
    keys = [key] if len(leaves) == 1 else jax.random.split(key, len(leaves))
    draws = [
        kernels.standard_normal(
            k, a.shape, a.dtype, wanted=None if runs is None else jnp.where(runs, a.size, 0)
        )
        for k, a in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, draws)


def standard_normal(
    trial_key: PRNGKeyArray,
    number: Int[Array, ""],
    like: PyTree,
    runs: Bool[Array, ""] | None = None,
) -> PyTree:
    """The draws of one trial in the step of this number; zeros if that step does not run."""
    return draw(jax.random.fold_in(trial_key, number), like, runs)
