"""Arrays from numbers, without compiling anything."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

__all__ = ["as_array"]


def as_array(x: Any, dtype: Any) -> Array:
    """What ``jnp.asarray(x, dtype)`` gives, of memory that nobody else can write to.

    JAX compiles a program for every shape and pair of types that it converts, which takes longer
    than all else when a model is built. NumPy converts numbers and its own arrays to the same
    values at once.
    """
    if isinstance(x, (bool, int, float, np.generic, np.ndarray)):
        dtype = jnp.dtype(dtype)
        if _is_number(np.asarray(x).dtype) and _is_number(dtype):
            with np.errstate(over="ignore"):  # infinite, as in JAX
                return jax.device_put(np.array(x, dtype))
    return jnp.asarray(x, dtype)


def _is_number(dtype: np.dtype) -> bool:
    return dtype.kind in "biuf"
