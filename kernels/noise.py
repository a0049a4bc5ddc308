"""Standard normal numbers, many at once."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.random import threefry_2x32
from jaxtyping import Array, Float

__all__ = ["standard_normal"]


def standard_normal(key, shape: tuple[int, ...], dtype=None) -> Float[Array, "..."]:
    """Draw independent standard normal numbers.

    What ``jax.random.normal`` does, with other numbers, in an eighth of the time on CPUs: one block
    of the cipher gives two numbers, where JAX makes one of two so that arrays can be cut into parts
    that are drawn on different devices.

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
    words = threefry_2x32(jax.random.key_data(key), jnp.arange(size, dtype=jnp.uint32))
    # The upper 23 bits as the fraction of a number in [1, 2), moved to the middles of cells.
    fraction = (words >> np.uint32(9)) | np.uint32(0x3F800000)
    uniform = 2 * (lax.bitcast_convert_type(fraction, jnp.float32) - 1.5) + 2.0**-23
    return (math.sqrt(2) * lax.erf_inv(uniform)).reshape(shape)
