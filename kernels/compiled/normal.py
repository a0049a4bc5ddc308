"""Standard normal numbers from a compiled function, which runs on XLA's threads."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, UInt32

from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.compiled.programs import normal as program


def obstacle(plain: Callable) -> str | None:
    """The reason why the function cannot be used, or None; `plain` is `draw` in plain JAX."""
    # An odd number for each key, more than fill a vector; of some keys not all are wanted.
    words, size = np.array([[1, 2], [3, 4], [5, 6]], np.uint32), 133
    wanted = np.array([133, 100, 31], np.int32)
    return ffi.trial(
        "normal float32",
        partial(draw, size=size),
        partial(ffi.run_once, partial(plain, size=size)),
        (words, wanted),
    )


def draw(
    words: UInt32[Array, "key 2"], wanted: Int32[Array, " key"], size: int
) -> Float[Array, "key size"]:
    """The first `wanted` of `size` numbers for each key of two words; then zeros."""
    target = ffi.register("neurodyn_normal_float32", program.build)
    out = jax.ShapeDtypeStruct((words.shape[0], size), jnp.float32)
    return jax.ffi.ffi_call(target, out)(words, wanted)
