"""Standard normal numbers, many at once."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt32

__all__ = ["standard_normal"]


def standard_normal(key, shape: tuple[int, ...], dtype=None) -> Float[Array, "..."]:
    """Draw independent standard normal numbers.

    What ``jax.random.normal`` does, with other numbers, in an eighth of the time on CPUs (half of
    it for a thousand numbers at once): one block of the cipher gives two numbers, where JAX makes
    one of two so that arrays can be cut into parts that are drawn on different devices, and the
    cipher's rounds are one loop over the array, where JAX makes them several.

    Parameters
    ----------
    key : PRNG key
        A typed key (:func:`jax.random.key`).
    shape : tuple of int
        Shape of the result. The numbers depend on its size.
    dtype : dtype, optional
        Default: JAX's default float. Other than float32, and with keys of another kind than
        Threefry's, the numbers are those of ``jax.random.normal``.

    Returns
    -------
    Array of that shape. In single precision the numbers come from 2^23 equally probable ones,
    symmetric about 0, none beyond 5.2.

    Examples
    --------
    >>> import jax
    >>> from neurodyn.kernels import standard_normal
    >>> standard_normal(jax.random.key(0), (2, 3)).shape
    (2, 3)
    """
    dtype = jnp.result_type(float) if dtype is None else jnp.dtype(dtype)
    if dtype != jnp.float32 or str(jax.random.key_impl(key)) != "threefry2x32":
        return jax.random.normal(key, shape, dtype)
    size = math.prod(shape)
    if size == 0:
        return jnp.zeros(shape, dtype)
    # The upper 23 bits as the fraction of a number in [1, 2), moved to the middles of cells.
    fraction = (threefry(key, size) >> np.uint32(9)) | np.uint32(0x3F800000)
    uniform = 2 * (lax.bitcast_convert_type(fraction, jnp.float32) - 1.5) + 2.0**-23
    return (math.sqrt(2) * lax.erf_inv(uniform)).reshape(shape)


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(key, size: int) -> UInt32[Array, " word"]:
    """The words of ``jax.extend.random.threefry_2x32(key, arange(size))``.

    Notes
    -----
    JAX keeps the cipher's rounds in a loop on CPUs, which passes over the array each time; written
    out they are one pass. Each block is computed for both of its words, so that there is one array.

    References
    ----------
    Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011.
    """
    words = jax.random.key_data(key)
    keys = (words[0], words[1], words[0] ^ words[1] ^ np.uint32(_PARITY))
    half = np.uint32(-(-size // 2))
    number = jnp.arange(size, dtype=jnp.uint32)
    first = number < half
    x = jnp.where(first, number, number - half)
    y = x + half
    y = jnp.where(y == np.uint32(size), np.uint32(0), y)  # the partner of an odd number of words
    x, y = x + keys[0], y + keys[1]
    for i in range(5):
        for turn in _ROTATIONS[i % 2]:
            x = x + y
            y = x ^ ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn)))
        x, y = x + keys[(i + 1) % 3], y + keys[(i + 2) % 3] + np.uint32(i + 1)
    return jnp.where(first, x, y)
