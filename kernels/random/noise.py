"""Standard normal numbers, many at once."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, UInt32

from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.compiled import noise as noise_compiled
from neurodyn.kernels.random import numbers
from neurodyn.kernels.random.cipher import rounds

__all__ = ["missing", "normal_of", "standard_normal", "threefry"]


def standard_normal(
    key, shape: tuple[int, ...], dtype=None, *, backend: str = "auto"
) -> Float[Array, "..."]:
    """Draw independent standard normal numbers.

    What ``jax.random.normal`` does, with other numbers and in a fraction of the time on CPUs: one
    block of the cipher gives two numbers, where JAX makes one of two so that arrays can be cut
    into parts that are drawn on different devices, and all of it is one loop over the array, where
    JAX makes several.

    Parameters
    ----------
    key : PRNG key
        A typed key (:func:`jax.random.key`).
    shape : tuple of int
        Shape of the result. The numbers depend on its size.
    dtype : dtype, optional
        Default: JAX's default float. Other than float32, and with keys of another kind than
        Threefry's, the numbers are those of ``jax.random.normal``.
    backend : {"auto", "xla", "compiled"}
        As in `spike_product`; "auto" takes the compiled function for 64 numbers or more.

    Returns
    -------
    Array of that shape. In single precision the numbers come from 2^23 equally probable ones,
    symmetric about 0, none beyond 5.3, each within 1e-6 of its place in the normal distribution.

    Raises
    ------
    ValueError
        If there is more than one key, or no such backend.
    ModuleNotFoundError
        As `spike_product`.

    Notes
    -----
    Both backends do the same operations in the same order; which of them a compiler merges into
    one with a single rounding is left to it, so that they agree to rounding.

    Examples
    --------
    >>> import jax
    >>> from neurodyn.kernels import standard_normal
    >>> standard_normal(jax.random.key(0), (2, 3)).shape
    (2, 3)
    """
    dtype = jnp.result_type(float) if dtype is None else jnp.dtype(dtype)
    size = math.prod(shape)
    if jnp.shape(key):
        raise ValueError(
            f"standard_normal takes one key, got keys of shape {jnp.shape(key)}: draw for each of "
            "them with jax.vmap."
        )
    own = dtype == jnp.float32 and str(jax.random.key_impl(key)) == "threefry2x32"
    backend = ffi.choose(backend, missing, fits=own and noise_compiled.fits(size))
    if not own:
        return jax.random.normal(key, shape, dtype)
    if size == 0:
        return jnp.zeros(shape, dtype)
    return _drawing(backend, size)(jax.random.key_data(key)[None])[0].reshape(shape)


@functools.cache
def _drawing(backend: str, size: int):
    """A function of (key, 2) words that gives (key, size) numbers."""
    plain = functools.partial(_plain, size=size)
    if backend == "xla":
        return plain

    @custom_vmap
    def draw(words):
        compiled = functools.partial(noise_compiled.draw, size=size)
        return lax.platform_dependent(words, cpu=compiled, default=plain)

    @draw.def_vmap
    def _(axis_size, in_batched, words):
        del in_batched
        return draw(words.reshape(-1, 2)).reshape(*words.shape[:-1], size), True

    return draw


def missing() -> str | None:
    """What the compiled function misses here, or None."""
    return noise_compiled.obstacle(_plain)


# Compiled here too: called by itself, it would compile each operation alone.
@functools.partial(jax.jit, static_argnames="size")
def _plain(words: UInt32[Array, "key 2"], size: int) -> Float[Array, "key size"]:
    """What `noise_compiled.draw` does."""
    return normal_of(jax.vmap(lambda key: threefry(key, size))(words))


def normal_of(words: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The standard normal number, in single precision, for each word of 32 random bits.

    The inverse error function of Giles (see `neurodyn.kernels.random.numbers`), with
    1 - u^2 as (1 - u)(1 + u), which is exact to rounding: the error is below 1e-6.
    """
    # The upper 23 bits as the fraction of a number in [1, 2), moved to the middles of cells.
    fraction = (words >> np.uint32(9)) | np.uint32(0x3F800000)
    u = (lax.bitcast_convert_type(fraction, jnp.float32) - 1.5) * 2 + 2.0**-23
    # log2(1 - u^2) = exponent + log2(1 + m), with 1 + m between the roots of 1/2 and of 2.
    bits = lax.bitcast_convert_type((1 - u) * (u + 1), jnp.int32)
    exponent = (bits - np.int32(numbers.SQRT_HALF)) >> 23
    m = lax.bitcast_convert_type(bits - (exponent << 23), jnp.float32) - 1
    w = -(_polynomial(numbers.LOG2, m) * m + exponent.astype(jnp.float32))
    centre = _polynomial(numbers.CENTRE, w - np.float32(numbers.CENTRE_AT))
    tail = _polynomial(numbers.TAIL, jnp.sqrt(w) - np.float32(numbers.TAIL_AT))
    return jnp.where(w < numbers.SWITCH, centre, tail) * u


def _polynomial(coefficients, x):
    value = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + np.float32(coefficient)
    return value


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
    half = np.uint32(-(-size // 2))
    number = jnp.arange(size, dtype=jnp.uint32)
    first = number < half
    x = jnp.where(first, number, number - half)
    y = x + half
    y = jnp.where(y == np.uint32(size), np.uint32(0), y)  # the partner of an odd number of words
    return jnp.where(first, *rounds((words[0], words[1]), x, y))
