"""What every parametrisation is made of: the two interfaces, and how initial values are drawn."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.arrays import as_array
from neurodyn.common.reprs import brief

__all__ = ["AbstractDistribution", "AbstractParameter", "AbstractSpec", "Init", "Normal", "Uniform"]

Init = Any  # a number, an array, or a callable (key, shape, dtype) -> array


class AbstractParameter(eqx.Module):
    """A parameter whose value is computed from raw arrays.

    Attributes
    ----------
    trained
        Names of the fields that training moves; the others (masks, signs, bounds) are constants.
    """

    trained: eqx.AbstractClassVar[tuple[str, ...]]

    __repr__ = brief

    @abc.abstractmethod
    def value(self) -> Array:
        """The value the model sees."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # So that NumPy and figures take a parameter for its numbers, outside of compiled code.
        return np.array(self.value(), dtype)


class AbstractSpec(eqx.Module):
    """How to build a parameter."""

    __repr__ = brief

    @property
    @abc.abstractmethod
    def elementwise(self) -> bool:
        """Whether entries are free of each other, so that masks and signs may be laid over them."""

    @abc.abstractmethod
    def build(self, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any = None) -> Any:
        """Draw the initial value: a raw array or an :class:`AbstractParameter`."""


class AbstractDistribution(eqx.Module):
    """A law to draw values from. Its numbers are arrays that training leaves alone."""

    __repr__ = brief

    @abc.abstractmethod
    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any = None
    ) -> Float[Array, "..."]:
        """Draw independent values."""


def _scalar(x: Any) -> Float[Array, ""]:
    return as_array(x, jnp.result_type(float))


class Uniform(AbstractDistribution):
    """The uniform law on ``[low, high)``; usable wherever an initial value is asked for.

    Unlike ``jax.nn.initializers.uniform`` it has a lower end, and models that hold it can be saved.

    Parameters
    ----------
    low, high
        The interval.

    Examples
    --------
    >>> from neurodyn import params
    >>> spec = params.Clamped(1.0, init=params.Uniform(1.0, 2.0))
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
    """The normal law; usable wherever an initial value is asked for.

    Parameters
    ----------
    mean, std
        Mean and standard deviation.
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


def layers(spec: AbstractSpec) -> list[AbstractSpec]:
    """A spec and all the specs it is laid over or made of."""
    below = [spec.of] if hasattr(spec, "of") else []
    if hasattr(spec, "within") and hasattr(spec, "between"):
        below = [spec.within, *spec.between.values()]
    return [spec, *(s for b in below for s in layers(b))]


def is_concrete(*arrays: Any) -> bool:
    """Whether values can be looked at (not under ``jit`` or ``vmap``)."""
    return not any(isinstance(x, jax.core.Tracer) for x in arrays)


def value_of(x: Any) -> Array:
    """The value of a bound parameter; arrays stay as they are."""
    return x.value() if isinstance(x, AbstractParameter) else x


def numbers_of(x: Any) -> np.ndarray | None:
    """The numbers of a bound parameter or an array; None where they cannot be looked at."""
    value = value_of(x)
    return np.asarray(value) if is_concrete(value) else None


def draw(init: Init, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any) -> Array:
    """Turn an initial value of any form into a finite array of the given shape."""
    dtype = jnp.result_type(float) if dtype is None else dtype
    if init is None:
        raise ValueError(
            "No initial value: pass `init=` (a number, an array or an initializer), or "
            "`of=params.Free(init)` to what is laid over weights, such as Dale or Masked."
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
    if is_concrete(value) and not np.isfinite(np.asarray(value)).all():
        raise ValueError("`init` holds NaN or infinite values.")
    return value
