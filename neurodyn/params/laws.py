"""Initial values: laws to draw them from, and how a value of any form becomes an array."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.arrays import as_array
from neurodyn.common.reprs import brief

Init = Any  # a number, an array, or a callable (key, shape, dtype) -> array


class AbstractDistribution(eqx.Module):
    """A law to draw values from. Training leaves its numbers alone."""

    __repr__ = brief

    @abc.abstractmethod
    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any = None
    ) -> Float[Array, "..."]:
        """Draw independent values."""


class Uniform(AbstractDistribution):
    """The uniform law on ``[low, high)``; usable as any initial value.

    Unlike ``jax.nn.initializers.uniform`` it has a lower end, and models that hold it can be saved.

    Parameters
    ----------
    low, high
        The interval.

    Raises
    ------
    ValueError
        If ``low`` is not below ``high``.

    Examples
    --------
    >>> from neurodyn import params
    >>> tau = params.Clamped(1.0, init=params.Uniform(1.0, 2.0))
    """

    low: Float[Array, ""]
    high: Float[Array, ""]

    def __init__(self, low: Any, high: Any):
        self.low, self.high = _scalar(low), _scalar(high)
        if is_concrete(self.low, self.high) and not float(self.low) < float(self.high):
            raise ValueError(f"Uniform needs low < high, got low={self.low}, high={self.high}.")

    def __call__(self, key, shape, dtype=None):
        """Draw independent values."""
        dtype = jnp.result_type(float) if dtype is None else dtype
        low, high = self.low.astype(dtype), self.high.astype(dtype)
        return jax.random.uniform(key, shape, dtype, low, high)


class Normal(AbstractDistribution):
    """The normal law; usable as any initial value.

    Parameters
    ----------
    mean, std
        Mean and standard deviation.

    Raises
    ------
    ValueError
        If ``std`` is negative.
    """

    mean: Float[Array, ""]
    std: Float[Array, ""]

    def __init__(self, mean: Any, std: Any):
        self.mean, self.std = _scalar(mean), _scalar(std)
        if is_concrete(self.std) and not float(self.std) >= 0:
            raise ValueError(f"Normal needs std >= 0, got std={self.std}.")

    def __call__(self, key, shape, dtype=None):
        """Draw independent values."""
        dtype = jnp.result_type(float) if dtype is None else dtype
        noise = jax.random.normal(key, shape, dtype)
        return self.mean.astype(dtype) + self.std.astype(dtype) * noise


def _scalar(x: Any) -> Float[Array, ""]:
    return as_array(x, jnp.result_type(float))


def is_concrete(*arrays: Any) -> bool:
    """Whether values are known: not under ``jit`` or ``vmap``, nor on other processes."""
    return not any(
        isinstance(x, jax.core.Tracer) or (isinstance(x, jax.Array) and not x.is_fully_addressable)
        for x in arrays
    )


def all_finite(x: Any) -> bool:
    """Whether an array holds neither NaN nor infinity.

    NumPy compiles nothing, but would need the whole of an array of which devices hold parts.
    """
    if isinstance(x, jax.Array) and len(x.sharding.device_set) > 1:
        return bool(jnp.isfinite(x).all())
    return bool(np.isfinite(np.asarray(x)).all())


def initial_value(init: Init, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any = None):
    """Turn an initial value of any form into a finite array.

    Parameters
    ----------
    init
        A number, an array of this shape, or a callable ``(key, shape, dtype)``.
    shape
        Shape of the parameter.
    key
        Key of the draw.
    dtype
        Precision; default JAX's own.

    Returns
    -------
    Float[Array, "..."]

    Raises
    ------
    ValueError
        If there is no initial value, or it has another shape, or is not finite.

    Examples
    --------
    >>> import jax
    >>> initial_value(0.5, (2,), jax.random.key(0)).tolist()
    [0.5, 0.5]
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    if init is None:
        raise ValueError(
            "No initial value: pass `init=` (a number, an array or an initializer), or "
            "`of=params.Free(init)` to a constraint on other parameters, such as Dale or Masked."
        )
    if callable(init):
        # Initializers scaled by fan-in divide by zero for a system without inputs or outputs.
        empty = 0 in shape
        value = jnp.zeros(shape, dtype) if empty else jnp.asarray(init(key, shape, dtype), dtype)
    else:
        value = as_array(init, dtype)
        if value.ndim == 0:
            filled = np.full(shape, value) if is_concrete(value) else jnp.full(shape, value)
            value = as_array(filled, dtype)
    if value.shape != shape:
        raise ValueError(f"`init` has shape {value.shape}, but the parameter has shape {shape}.")
    if is_concrete(value) and not all_finite(value):
        raise ValueError("`init` holds NaN or infinite values.")
    return value
