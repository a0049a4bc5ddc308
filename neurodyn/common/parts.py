"""The trials that one run goes through, and results cut into them."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.reprs import brief


class Parts(eqx.Module):
    """Trials that a run goes through one after another, without a reset.

    Attributes
    ----------
    edges
        First step of every part, and the step after the last one.
    conditions
        Conditions of each part.
    epochs
        Epochs of each part [ms from the start of the part].
    size
        Steps of the longest part.
    equal
        Whether all parts last equally long.
    """

    edges: Int[Array, "*trial edge"]
    conditions: dict[str, Array]
    epochs: dict[str, Float[Array, "*trial part 2"]]
    size: int = eqx.field(static=True)
    equal: bool = eqx.field(static=True)

    __repr__ = brief

    @property
    def n(self) -> int:
        """Number of parts of a run."""
        return self.edges.shape[-1] - 1

    def flat(self, values: Any) -> Any:
        """Values ``(trial, part, ...)`` as ``(trial * part, ...)``."""
        return values.reshape(-1, *values.shape[2:])

    def steps(self) -> Int[Array, " row"]:
        """Steps of each part, part after part."""
        return self.flat(self.edges[:, 1:] - self.edges[:, :-1])

    def cut(self, array: Any) -> Any:
        """Cut an array ``(trial, time, ...)`` into its parts.

        Returns
        -------
        array
            ``(trial * part, size, ...)``, of NumPy or JAX as the one given; 0 after the end of a
            part.
        """
        n_trials = array.shape[0]
        if self.equal:
            return array.reshape(n_trials * self.n, self.size, *array.shape[2:])
        xp = np if isinstance(array, np.ndarray) else jnp
        edges = xp.asarray(self.edges)
        step = edges[:, :-1, None] + xp.arange(self.size, dtype=edges.dtype)[None, None]
        inside = self.flat(step < edges[:, 1:, None])
        step = xp.minimum(step, array.shape[1] - 1).reshape(n_trials, -1)
        found = array[xp.arange(n_trials)[:, None], step]
        found = found.reshape(-1, self.size, *array.shape[2:])
        return xp.where(inside.reshape(*inside.shape, *(1,) * (array.ndim - 2)), found, 0)


def packed(array: Array, edges: Int[Array, " edge"]) -> Array:
    """The parts ``(part, size, ...)`` of one run, one after another; 0 after the last one."""
    n, size = array.shape[:2]
    step = jnp.arange(n * size, dtype=edges.dtype)
    part = jnp.minimum(jnp.searchsorted(edges[1:], step, side="right"), n - 1).astype(edges.dtype)
    place = jnp.minimum(part * size + step - edges[part], n * size - 1)
    found = array.reshape(n * size, *array.shape[2:])[place]
    inside = step < edges[-1]
    return jnp.where(inside.reshape(-1, *(1,) * (found.ndim - 1)), found, 0)
