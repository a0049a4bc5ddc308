"""Standard normal numbers from a compiled function, on the threads that XLA has."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from neurodyn.kernels.compiled import ffi

__all__ = ["draw", "fits", "obstacle"]

# Below this size the call costs what it spares.
_LEAST = 64


def obstacle(plain: Callable) -> str | None:
    """What is missing, or None; `plain` draws in plain JAX."""
    # An odd number for each key, and more than fill a vector.
    words, size = np.array([[1, 2], [3, 4]], np.uint32), 133
    return ffi.obstacle() or ffi.trial(
        "normal float32",
        partial(draw, size=size),
        partial(ffi.run_once, partial(plain, size=size)),
        (words,),
    )


def fits(size: int) -> bool:
    """Whether the compiled function is faster for so many numbers."""
    return size >= _LEAST


def draw(words: UInt32[Array, "key 2"], size: int) -> Float[Array, "key size"]:
    """Numbers for each key, whose two words are given."""

    def build():
        from neurodyn.kernels.compiled import noise_code

        return noise_code.build()

    target = ffi.register("neurodyn_normal_float32", build)
    out = jax.ShapeDtypeStruct((words.shape[0], size), jnp.float32)
    return jax.ffi.ffi_call(target, out)(words)
