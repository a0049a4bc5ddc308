"""Threefry, the cipher behind ``jax.random``, with its rounds unrolled: for NumPy, and on CPUs.

On CPUs, JAX keeps the rounds of the cipher in a loop. XLA compiles the loop again for each of its
uses (a task draws its trials with several), and the loop passes over the array several times.
Unrolled rounds take less time to compile and to run, and give the same words. Each use is a call
that XLA does not inline, because it would otherwise compute a key again for every number drawn from
it.

References
----------
Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011.
"""

from typing import Any

import jax
import numpy as np

from neurodyn.kernels.random.numbers import PARITY, ROTATIONS


def rounds(key: tuple[Any, Any], x: Any, y: Any) -> tuple[Any, Any]:
    """Encrypt blocks ``(x, y)`` of two words with a key of two words, all of them ``uint32``.

    Parameters
    ----------
    key : tuple of arrays
        Two words, of NumPy or JAX.
    x, y : arrays
        The two words of each block.

    Returns
    -------
    tuple of arrays
        The two words of each result.
    """
    keys = (*key, key[0] ^ key[1] ^ np.uint32(PARITY))
    x, y = x + keys[0], y + keys[1]
    for i in range(5):
        for turn in ROTATIONS[i % 2]:
            x = x + y
            y = x ^ ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn)))
        x, y = x + keys[(i + 1) % 3], y + keys[(i + 2) % 3] + np.uint32(i + 1)
    return x, y


def unroll_cipher() -> bool:
    """Make JAX unroll the cipher in all programs for CPUs from now on.

    Returns
    -------
    bool
        Whether that was possible. If not, programs take longer to compile; their results are the
        same.
    """
    try:
        from jax.experimental.xla_metadata import set_xla_metadata
        from jax.extend.core.primitives import threefry2x32_p
        from jax.interpreters import mlir
    except ImportError:  # JAX has moved one of them
        return False
    cipher = jax.jit(lambda k, l, x, y: rounds((k, l), x, y))

    def apart(*words):
        with set_xla_metadata(inlineable="false"):
            return cipher(*words)

    rule = mlir.lower_fun(apart, multiple_results=True)
    mlir.register_lowering(threefry2x32_p, rule, platform="cpu")
    return True
