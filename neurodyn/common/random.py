"""Random keys: read them, split them, and derive others, without compiling a program."""

import operator
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from neurodyn.common.arrays import as_array
from neurodyn.kernels.random.cipher import rounds


def as_key(key: Any, *, needed_for: str | None = None) -> PRNGKeyArray | None:
    """Turn a seed into a JAX key.

    Parameters
    ----------
    key
        A seed (0 to 2**32 - 1), a JAX key (typed, or a legacy ``uint32[2]`` array), or None.
    needed_for
        Name of the function or argument that needs the key. If given, a key of None is an error.

    Returns
    -------
    PRNGKeyArray or None
        A typed scalar key; None if ``key`` is None and is not needed.

    Raises
    ------
    ValueError
        If a key is needed and none was given, a batch of keys was given, or a seed is negative or
        does not fit 32 bits.
    TypeError
        If ``key`` is neither a seed nor a JAX key.
    """
    if key is None:
        if needed_for is not None:
            raise ValueError(
                f"{needed_for} draws random numbers: pass `key=` (a seed, e.g. key=0)."
            )
        return None
    if isinstance(key, (jax.Array, np.ndarray)):
        if jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
            if key.ndim:
                raise ValueError(f"`key` must be one key, got a batch of shape {key.shape}.")
            return key
        if key.shape == (2,) and key.dtype == np.uint32:
            return jax.random.wrap_key_data(jax.numpy.asarray(key))
        if key.ndim:
            raise TypeError(
                f"`key` must be an integer seed or a JAX key, got an array {key.dtype}{key.shape}."
            )
    try:
        seed = operator.index(key)
    except TypeError:
        raise TypeError(
            f"`key` must be an integer seed or a JAX key, got {type(key).__name__}."
        ) from None
    if not 0 <= seed < 2**32:
        # In single precision JAX would keep 32 bits of it, which are another seed.
        raise ValueError(f"A seed is a number from 0 to 2**32 - 1, got {seed}.")
    usual = jax.config.jax_default_prng_impl == "threefry2x32"  # type: ignore[attr-defined]
    if usual and not jax.config.jax_random_seed_offset:  # type: ignore[attr-defined]
        # The same key, without compiling a program.
        return jax.random.wrap_key_data(as_array(np.array([0, seed]), np.uint32))
    return jax.random.key(np.uint32(seed))


def split(key: PRNGKeyArray, n: int = 2) -> list[PRNGKeyArray]:
    """The same as ``jax.random.split(key, n)``, as a list, if possible without a program."""
    words = _words(key)
    if words is None:
        return list(jax.random.split(key, n))
    number = np.arange(n, dtype=np.uint32)
    pairs = np.stack(rounds(tuple(words), np.zeros_like(number), number), axis=-1)
    return [jax.random.wrap_key_data(as_array(pair, np.uint32)) for pair in pairs]


def fold_in(key: PRNGKeyArray, number: int) -> PRNGKeyArray:
    """The same as ``jax.random.fold_in(key, number)``, if possible without a program."""
    words = _words(key)
    if words is None:
        return jax.random.fold_in(key, number)
    block = np.array([0], np.uint32), np.array([number], np.uint32)
    pair = np.concatenate(rounds(tuple(words), *block))
    return jax.random.wrap_key_data(as_array(pair, np.uint32))


def _words(key: PRNGKeyArray) -> np.ndarray | None:
    """The two words of a key as arrays of one; None if it is traced or no Threefry key."""
    partitionable = jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]
    if isinstance(key, jax.core.Tracer) or key.ndim or not partitionable:
        return None
    if str(jax.random.key_impl(key)) != "threefry2x32":
        return None
    return np.asarray(jax.random.key_data(key)).reshape(2, 1)
