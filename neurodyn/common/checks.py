"""Checks of the numbers that users pass, with errors that name the argument."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array, refuse_units

__all__ = ["check_whole", "number", "numbers", "whole"]


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """A whole number within its bounds; NumPy's are fine, truth values and floats are not.

    Raises
    ------
    ValueError
        If it is something else.
    """
    right = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not right or value < least or (most is not None and value > most):
        bounds = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"`{name}` must be a whole number {bounds}, got {value!r}.")
    return int(value)


def check_whole(least: int, **values: Any) -> None:
    """Refuse arguments that are no whole numbers of at least ``least``, each by its name.

    Raises
    ------
    ValueError
        If one is something else.
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
    """A finite number within its bounds as an array of the default float type.

    Raises
    ------
    ValueError
        If it is something else. What is traced is converted only.
    """
    return numbers(name, value, low=low, above=above, high=high, ndim=0)


def numbers(
    name: str,
    value: Any,
    *,
    low: float | int | None = None,
    above: float | int | None = None,
    high: float | int | None = None,
    ndim: int = 1,
) -> Float[Array, "..."]:
    """Finite numbers within their bounds as an array of the default float type.

    Raises
    ------
    ValueError
        If they are something else, or none. What is traced is converted only.
    TypeError
        If they carry units of their own.
    """
    if isinstance(value, jax.core.Tracer):
        return value.astype(jnp.result_type(float))
    refuse_units(f"`{name}`", value)
    given = np.asarray(value)
    if given.ndim != ndim or given.size == 0 or given.dtype.kind not in "iuf":
        what = "a number" if ndim == 0 else "a non-empty list of numbers"
        raise ValueError(f"`{name}` must be {what}, got {value!r}.")
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
