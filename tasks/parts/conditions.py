"""Conditions of a design: levels that are crossed, and names that become codes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array
from neurodyn.common.checks import numbers, whole
from neurodyn.tasks.parts.assembly import Code, Uniform

__all__ = ["crossed", "directions", "repeat"]

#: Names of one or several conditions, and their levels, rows, or how they are drawn.
Design = Mapping[str | tuple[str, ...], Any]


def directions(n: int) -> Float[np.ndarray, " direction"]:
    """Evenly spaced directions [deg], the first at 0."""
    return np.arange(whole("n", n, 1)) * (360 / n)


def repeat(epochs: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Epochs ``n`` times in a row, with numbers: ``item_0, gap_0, item_1, gap_1``...

    Parameters
    ----------
    epochs
        Names and durations of the epochs of one round.
    n
        How many rounds there are.
    """
    return {f"{name}_{i}": given for i in range(whole("n", n, 1)) for name, given in epochs.items()}


def crossed(
    conditions: Design,
) -> tuple[dict[str, Array], dict[str, Uniform | Code | Callable], dict[str, dict[int, str]]]:
    """The design that conditions stand for.

    Parameters
    ----------
    conditions
        Levels by the name of the condition, which are crossed with those of the others; names as
        levels become codes. Several names together have rows of levels, which are not crossed.
        Functions, uniform numbers and codes are drawn for each trial.

    Returns
    -------
    The table of conditions, what is drawn besides it, and the names of codes.
    """
    groups: list[dict[str, Array]] = []
    drawn: dict[str, Uniform | Code | Callable] = {}
    codes: dict[str, dict[int, str]] = {}
    for name, given in conditions.items():
        if isinstance(given, (Uniform, Code)) or callable(given):
            if not isinstance(name, str):
                raise ValueError(f"{name!r} cannot be drawn together: draw each by itself.")
            drawn[name] = given
            continue
        together = (name,) if isinstance(name, str) else tuple(name)
        for one in together:
            if any(one in group for group in groups) or (one in conditions and one != name):
                raise ValueError(f"Condition {one!r} is given twice.")
        columns = _columns(together, given)
        codes |= {one: _codes(values) for one, values in columns.items() if _are_names(values)}
        groups.append({one: _levels(one, values) for one, values in columns.items()})
    sizes = [len(next(iter(group.values()))) for group in groups]
    places = np.indices(sizes).reshape(len(sizes), -1) if sizes else []
    table = {
        name: values[i]
        for i, group in zip(places, groups, strict=True)
        for name, values in group.items()
    }
    return table, drawn, codes


def _columns(names: tuple[str, ...], given: Any) -> dict[str, Any]:
    if len(names) == 1:
        return {names[0]: given}
    rows = list(given)
    if not rows or any(len(row) != len(names) for row in rows):
        raise ValueError(f"Conditions {names} need rows of {len(names)} values, got {given!r}.")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _are_names(values: Any) -> bool:
    return isinstance(values, Sequence) and any(isinstance(value, str) for value in values)


def _codes(values: Sequence[str]) -> dict[int, str]:
    return dict(enumerate(dict.fromkeys(map(str, values))))


def _levels(name: str, values: Any) -> Array:
    if isinstance(values, str):
        raise ValueError(f"Condition {name!r} needs its levels in a list, got {values!r}.")
    if _are_names(values):
        places = {label: code for code, label in _codes(values).items()}
        return jnp.asarray([places[str(value)] for value in values], jnp.int32)
    checked = numbers(name, values)
    whole_numbers = np.asarray(values).dtype.kind == "i"
    return as_array(np.asarray(values), jnp.int32) if whole_numbers else checked
