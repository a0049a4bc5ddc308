"""Standard normal numbers, many at once.

`standard_normal` differs from ``jax.random.normal`` in two ways. First, JAX takes one number from
each block of the cipher, which has two words, so that an array can be split and its parts drawn on
different devices; here both words give a number, so that the compiled function computes half as
many blocks. Second, JAX's operations pass over the array several times on CPUs; here they form one
loop, in an order that the compiled function repeats. The numbers for a key are therefore others
than JAX's. They have the same distribution, take a fraction of the time on CPUs, and are the same
in both backends to rounding.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Int, Int32, UInt32

from neurodyn.kernels import backends
from neurodyn.kernels.random import numbers
from neurodyn.kernels.random.cipher import rounds

# The compiled function is faster from this size on; below, the call costs more than it gains.
_LEAST = 64


def standard_normal(
    key,
    shape: tuple[int, ...],
    dtype=None,
    *,
    wanted: Int[Array, ""] | int | None = None,
    backend: str = "auto",
) -> Float[Array, "..."]:
    """Draw independent standard normal numbers.

    The distribution is that of ``jax.random.normal``. The numbers are others for the same key, and
    take a fraction of the time on CPUs, because all operations form one loop over the array.

    Parameters
    ----------
    key : PRNG key
        One typed key (:func:`jax.random.key`).
    shape : tuple of int
        Shape of the result. All numbers change with its total size.
    dtype : dtype, optional
        Type of the result. Default: JAX's default float. With a type other than float32, or a key
        of another kind than Threefry's, the function returns ``jax.random.normal``.
    wanted : int or integer scalar array, optional
        How many numbers are wanted, in the order of the flattened array; it may be traced. The
        others are zero, and the compiled function does not spend time on them. Those that are
        wanted are the same with and without this (in plain JAX to rounding). Default: all.
    backend : {"auto", "xla", "compiled"}
        As in `spike_product`; "auto" takes the compiled function from 64 numbers on.

    Returns
    -------
    array of that shape
        In single precision, each number is one of 2^23 equally probable quantiles of the normal
        distribution, with an error below 1e-6. They are symmetric about 0 and lie within 5.3.

    Raises
    ------
    ValueError
        If there is more than one key, or the backend is unknown.
    ModuleNotFoundError
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    Both backends do the same operations in the same order. They agree to rounding and not always to
    the last bit, because compilers choose differently which products and sums to fuse.

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
            f"standard_normal takes one key, got keys of shape {jnp.shape(key)}: draw for each key "
            "with jax.vmap."
        )
    own = dtype == jnp.float32 and str(jax.random.key_impl(key)) == "threefry2x32"
    backend = backends.choose(backend, missing, fits=own and size >= _LEAST)
    if size == 0:
        return jnp.zeros(shape, dtype)
    if not own:
        numbers = jax.random.normal(key, shape, dtype)
        return numbers if wanted is None else first(wanted, numbers.reshape(-1)).reshape(shape)
    number = jnp.asarray(size if wanted is None else wanted).astype(jnp.int32)
    words = jax.random.key_data(key)
    return _drawing(backend, size)(words[None], number[None])[0].reshape(shape)


@functools.cache
def _drawing(backend: str, size: int):
    """A function from words of keys, (key, 2), and how many are wanted to numbers, (key, size)."""
    plain = functools.partial(_plain, size=size)
    if backend == "xla":
        return plain

    @custom_vmap
    def draw(words, wanted):
        compiled = functools.partial(backends.compiled("normal").draw, size=size)
        return lax.platform_dependent(words, wanted, cpu=compiled, default=plain)

    @draw.def_vmap
    def _(axis_size, in_batched, words, wanted):
        # One of the two may be the same for the whole axis.
        words, wanted = (
            a if batched else jnp.broadcast_to(a, (axis_size, *a.shape))
            for a, batched in zip((words, wanted), in_batched, strict=True)
        )
        drawn = draw(words.reshape(-1, 2), wanted.reshape(-1))
        return drawn.reshape(*words.shape[:-1], size), True

    return draw


def missing() -> str | None:
    """The reason why the compiled function cannot be used, or None."""
    return backends.obstacle() or backends.compiled("normal").obstacle(_plain)


# Jitted so that fused multiply-adds are the same when it is called eagerly.
@functools.partial(jax.jit, static_argnames="size")
def _plain(
    words: UInt32[Array, "key 2"], wanted: Int32[Array, " key"], size: int
) -> Float[Array, "key size"]:
    """The first `wanted` of `size` numbers for each key of two words; then zeros."""
    return jax.vmap(lambda n, key: first(n, normal_of(threefry(key, size))))(wanted, words)


def first(n: Int[Array, ""] | int, numbers: Float[Array, " size"]) -> Float[Array, " size"]:
    """The first n numbers, then zeros."""
    number = jnp.arange(numbers.size, dtype=jnp.int32)
    return jnp.where(number < jnp.asarray(n).astype(jnp.int32), numbers, jnp.zeros_like(numbers))


def normal_of(words: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Turn each word of 32 random bits into a standard normal number in single precision.

    This is the inverse error function of Giles (see `neurodyn.kernels.random.numbers`). It computes
    1 - u^2 as (1 - u)(1 + u), which is exact to rounding; the error of the result is below 1e-6.
    """
    # The upper 23 bits are the fraction of a number in [1, 2), which is moved to the middle of its
    # cell.
    fraction = (words >> np.uint32(9)) | np.uint32(0x3F800000)
    u = (lax.bitcast_convert_type(fraction, jnp.float32) - 1.5) * 2 + 2.0**-23
    # log2(1 - u^2) = exponent + log2(1 + m), with 1 + m between sqrt(1/2) and sqrt(2).
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
    """The words of ``jax.extend.random.threefry_2x32(key, arange(size))``, in one pass.

    Notes
    -----
    Each block is computed twice, once for each of its words, so that one loop writes one array.

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
    y = jnp.where(
        y == np.uint32(size), np.uint32(0), y
    )  # with an odd number of words, one has no partner
    return jnp.where(first, *rounds((words[0], words[1]), x, y))
