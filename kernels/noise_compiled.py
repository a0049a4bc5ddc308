"""Standard normal numbers from a compiled function, on the threads that XLA has."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from neurodyn.kernels import ffi

__all__ = ["draw", "fits"]

# Below this size the call costs what it spares.
_LEAST = 64


def fits(size: int) -> bool:
    """Whether the compiled function is faster for so many numbers."""
    return size >= _LEAST


def draw(words: UInt32[Array, "key 2"], size: int) -> Float[Array, "key size"]:
    """Numbers for each key, whose two words are given."""

    def build():
        from neurodyn.kernels import noise_code

        return noise_code.build(**ffi.with_threads())

    target = ffi.register("neurodyn_normal_float32", build)
    out = jax.ShapeDtypeStruct((words.shape[0], size), jnp.float32)
    return jax.ffi.ffi_call(target, out)(words)
