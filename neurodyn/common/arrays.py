"""Make arrays of numbers without compiling a program."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def refuse_units(name: str, x: Any) -> None:
    """Refuse numbers with units, as those of Brian2, quantities, astropy and pint.

    They would lose the unit when they are converted to an array, and 20 ms would become 0.02 (s).

    Raises
    ------
    TypeError
        If `x` has a unit.
    """
    foreign = isinstance(x, np.ndarray) and type(x) is not np.ndarray
    words = ("dim", "units", "unit")
    if (foreign and any(hasattr(x, word) for word in words)) or hasattr(x, "magnitude"):
        raise TypeError(
            f"{name} carries a unit of its own, got {x!r}: pass a plain number in the unit of the "
            "documentation (ms, mV, pA, nS, Hz), e.g. 20.0 for 20*ms, or divide by that unit, "
            "x / ms."
        )


def as_array(x: Any, dtype: Any) -> Array:
    """The same as ``jnp.asarray(x, dtype)``, always with a copy of the memory of `x`.

    JAX compiles a program for every shape and pair of types that it converts, which would take most
    of the time of building a model. NumPy converts numbers and its own arrays to the same values
    without compiling. Numbers with units are refused, see :func:`refuse_units`.
    """
    refuse_units("The value", x)
    if isinstance(x, (bool, int, float, np.generic, np.ndarray)):
        dtype = jnp.dtype(dtype)
        if _is_number(np.asarray(x).dtype) and _is_number(dtype):
            with np.errstate(over="ignore"):  # infinite, as in JAX
                return jax.device_put(np.array(x, dtype))
    return jnp.asarray(x, dtype)


def _is_number(dtype: np.dtype) -> bool:
    return dtype.kind in "biuf"
