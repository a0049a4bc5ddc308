"""Labels of what a network shows."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from neurodyn.system import Variable


def cell_labels(kinds: Sequence[Any]) -> dict[str, Variable]:
    """Variables that neurons of every kind have."""
    known = [kind.variables() for kind in kinds]
    common = [name for name in known[0] if all(name in each for each in known)]
    labels = {}
    for name in common:
        units = {each[name].units for each in known}
        first = known[0][name]
        labels[name] = first if len(units) == 1 else first._replace(units="1")
    return labels


def cell_variables(kinds: Sequence[Any], cells: Sequence[Any]) -> dict[str, Array]:
    """Their values on all units."""
    values = {name: [getattr(cell, name) for cell in cells] for name in cell_labels(kinds)}
    return {n: v[0] if len(v) == 1 else jnp.concatenate(v) for n, v in values.items()}


def current_units(kinds: Sequence[Any]) -> str:
    """Units of the current, where all kinds agree."""
    units = {kind.current_units for kind in kinds}
    return units.pop() if len(units) == 1 else "1"
