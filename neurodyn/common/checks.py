"""Checks of the numbers that users pass, with errors that name the argument."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array, refuse_units

__all__ = ["check_whole", "number", "numbers", "plain_number", "whole"]


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Check a whole number; NumPy's are accepted, truth values and floats are not.

    Parameters
    ----------
    name
        Name of the argument.
    value
        The number.
    least, most
        Bounds; None: no upper bound.

    Raises
    ------
    ValueError
        If it is no whole number within the bounds.
    """
    right = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not right or value < least or (most is not None and value > most):
        bounds = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"`{name}` must be a whole number {bounds}, got {value!r}.")
    return int(value)


def check_whole(least: int, **values: Any) -> None:
    """Check several arguments, each by its name, with :func:`whole`.

    Raises
    ------
    ValueError
        If one is no whole number of at least ``least``.
    """
    for name, value in values.items():
        whole(name, value, least)


def number(
    name: str,
    value: Any,
    *,
    low: float | int | None = None,
    above: float | int | None = None,
    high: float | int | None = None,
) -> Float[Array, ""]:
    """Check a finite number, and make an array of the default float type of it.

    Parameters
    ----------
    name
        Name of the argument.
    value
        The number. A traced one is converted without a check.
    low, above, high
        The number must be at least `low`, above `above`, and at most `high`; None: no bound.

    Raises
    ------
    ValueError
        If it is no finite number within the bounds.
    TypeError
        If it has a unit of its own.
    """
    return numbers(name, value, low=low, above=above, high=high, ndim=0)


def plain_number(
    name: str,
    value: Any,
    *,
    low: float | int | None = None,
    above: float | int | None = None,
    high: float | int | None = None,
) -> float:
    """Check a finite number as `number` does, and return it in double precision.

    Parameters
    ----------
    name, value, low, above, high
        As of `number`.

    Raises
    ------
    ValueError, TypeError
        As `number`.
    """
    number(name, value, low=low, above=above, high=high)
    return float(value)


def numbers(
    name: str,
    value: Any,
    *,
    low: float | int | None = None,
    above: float | int | None = None,
    high: float | int | None = None,
    ndim: int = 1,
) -> Float[Array, "..."]:
    """Check finite numbers, and make an array of the default float type of them.

    Parameters
    ----------
    name, value, low, above, high
        As of :func:`number`.
    ndim
        Number of axes that they must have.

    Raises
    ------
    ValueError
        If they are no finite numbers within the bounds, or there is none.
    TypeError
        If they have units of their own.
    """
    if isinstance(value, jax.core.Tracer):
        return value.astype(jnp.result_type(float))
    refuse_units(f"`{name}`", value)
    try:
        given = np.asarray(value)
    except ValueError:  # rows of different lengths
        given = np.empty(0)
    if given.ndim != ndim or given.size == 0 or given.dtype.kind not in "iuf":
        what = ("a number", "a non-empty list of numbers", "rows of numbers, all equally long")
        raise ValueError(f"`{name}` must be {what[min(ndim, 2)]}, got {value!r}.")
    bounds = [
        (np.isfinite(given), "finite"),
        (low is None or given >= low, f"at least {low}"),
        (above is None or given > above, f"above {above}"),
        (high is None or given <= high, f"at most {high}"),
    ]
    for holds, rule in bounds:
        if not np.all(holds):
            raise ValueError(f"`{name}` must be {rule}, got {value!r}.")
    return as_array(given, jnp.result_type(float))
