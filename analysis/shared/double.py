"""Systems and data in double precision."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


def as_double(tree: Any) -> Any:
    """The same pytree with its floats as float64; to be called with 64-bit numbers enabled."""

    def cast(a):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f":
            return jnp.asarray(a, jnp.float64)
        return a.astype(jnp.float64) if eqx.is_inexact_array(a) else a

    return jax.tree.map(cast, tree)
