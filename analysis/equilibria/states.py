"""States of a system as vectors: their names, and how runs, arrays and States give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.field import Field
from neurodyn.labels import LabelError, in_positions, pair_channels
from neurodyn.system import State


@dataclass(frozen=True)
class Part:
    """One array of the state.

    Attributes
    ----------
    name
        The variable of a run that records it; its path in the state if none does.
    dims
        Its dims.
    size
        Number of entries.
    recorded
        Whether a variable of a run records it.
    units
        Units of that variable.
    """

    name: str
    dims: tuple[str, ...]
    size: int
    recorded: bool
    units: str


@dataclass(frozen=True)
class Names:
    """How the vector of a state is labelled.

    Attributes
    ----------
    parts
        Its arrays, in order.
    dim
        Dim of the vector: that of its only array, else "dimension".
    origin
        The same dim where it is the origin of an effect.
    coords
        Coordinates on both.
    """

    parts: tuple[Part, ...]
    dim: str
    origin: str
    coords: Mapping[str, Any]

    @property
    def units(self) -> str:
        """Units of the state, "1" where its parts differ."""
        found = {part.units for part in self.parts}
        return found.pop() if len(found) == 1 else "1"


def names_of(field: Field) -> Names:
    """Labels of the state of a system: those of the variables that record it."""
    d = field.size
    z = jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.9, d))
    state = field.state(z)
    seen = {n: np.asarray(v) for n, v in field.system.observe(state).items()}
    about = field.system.variables()
    parts = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(field.moving(state)):
        same = [n for n, v in seen.items() if n in about and np.array_equal(v, np.asarray(leaf))]
        if same:
            known = about[same[0]]
            parts.append(Part(same[0], tuple(known.dims), leaf.size, True, known.units))
        else:
            name = jax.tree_util.keystr(path).strip(".[]'\"") or "state"
            parts.append(Part(name, ("dimension",) * leaf.ndim, leaf.size, False, "1"))
    single = len(parts) == 1 and len(parts[0].dims) == 1
    dim = parts[0].dims[0] if single else "dimension"
    origin = "presynaptic" if dim == "unit" else "origin"
    coords: dict[str, Any] = {}
    if dim != "dimension":
        for name, given in field.system.unit_coords().items():
            column = given if isinstance(given, tuple) else ("unit", given)
            if column[0] == dim:
                coords[name] = column
    else:
        within = np.concatenate([np.arange(part.size) for part in parts])
        variable = np.repeat([part.name for part in parts], [part.size for part in parts])
        coords["variable"] = ("dimension", variable, "1", "part of the state")
        coords["place"] = ("dimension", within, "1", "number within this part")
    return Names(tuple(parts), dim, origin, coords)


def vectors(
    field: Field, names: Names, states: Any, what: str
) -> tuple[Float[np.ndarray, "*lead d"], dict[str, xr.Variable], tuple[str, ...]]:
    """Vectors of given states, with the dims before and the coordinates on these.

    Parameters
    ----------
    field, names
        The system and its labels.
    states
        A run (Dataset with the variables that record the state), a DataArray of the state, an array
        ``(*lead, d)``, or a `State` whose arrays have leading axes.
    what
        Name of the argument, for errors.

    Raises
    ------
    LabelError, ValueError
        If they do not hold this state.
    """
    d, kind = field.size, type(field.system).__name__
    if isinstance(states, xr.Dataset):
        states = _from_run(names, states, what, kind)
    if isinstance(states, xr.DataArray):
        if not states.ndim:
            raise ValueError(f"{what} has no dims, but a state of this {kind} has {d} entries.")
        last = names.dim if names.dim in states.dims else str(states.dims[-1])
        if last != "dimension":
            states = in_order(names, states, last, what)
        states = states.transpose(..., last)
        lead = tuple(str(dim) for dim in states.dims[:-1])
        coords = {str(n): c.variable for n, c in states.coords.items() if set(c.dims) <= set(lead)}
        array = np.asarray(states.values, np.float64)
    else:
        if isinstance(states, State):
            parts = jax.tree.leaves(field.moving(states))
            sizes = [a.ndim for a in jax.tree.leaves(field.moving(field.example))]
            flat = [
                np.asarray(a, np.float64).reshape(*a.shape[: a.ndim - n], -1)
                for a, n in zip(parts, sizes, strict=True)
            ]
            array = np.concatenate(flat, axis=-1)
        else:
            array = np.asarray(states, np.float64)
        lead, coords = tuple(f"axis_{i}" for i in range(array.ndim - 1)), {}
    if array.shape[-1:] != (d,):
        raise ValueError(
            f"{what} must be states with {d} entries of this {kind} "
            f"({', '.join(part.name for part in names.parts)}), got shape {array.shape}."
        )
    return array, coords, lead


def in_order(names: Names, array: xr.DataArray, dim: str, what: str) -> xr.DataArray:
    """Entries of the state in the order of the system, by their names where it has some."""
    known = names.coords.get(dim)
    if known is None or dim not in array.coords or dim != names.dim:
        return in_positions(array, dim, what=what)
    labels = np.asarray(known[1])
    mine = xr.DataArray(np.arange(len(labels)), {dim: labels}, (dim,))
    return pair_channels(mine, array, dim, dim, positions=True, what=("system", what))


def _from_run(names: Names, run: xr.Dataset, what: str, kind: str) -> xr.DataArray:
    # Results of the analysis hold the state as such, and "rate" is there its rate of change.
    if "state" in run and "speed" in run and names.dim in run["state"].dims:
        return run["state"]
    if "state" in run and len(names.parts) > 1 and "dimension" in run["state"].dims:
        return run["state"]
    if "state" in run and len(names.parts) == 1 and names.parts[0].name not in run:
        return run["state"]
    if len(names.parts) == 1 and len(run.data_vars) == 1:  # as an array of the state
        return next(iter(run.data_vars.values()))
    hidden = [part.name for part in names.parts if not part.recorded]
    missing = [part.name for part in names.parts if part.recorded and part.name not in run]
    if hidden or missing:
        fix = (
            f"record them: nd.simulate(..., save={[part.name for part in names.parts]})"
            if not hidden
            else "no variable of a run records it: pass a State, e.g. trajectory.final_state"
        )
        raise LabelError(
            f"{what}: the state of this {kind} is {', '.join(p.name for p in names.parts)}, and "
            f"the run has no {', '.join(hidden or missing)}; {fix}."
        )
    if len(names.parts) == 1:
        return run[names.parts[0].name]
    arrays = [
        in_positions(run[part.name], part.dims[-1], what=what)
        .drop_vars([c for c in run[part.name].coords if part.dims[-1] in run[c].dims])
        .rename({part.dims[-1]: "dimension"})
        for part in names.parts
    ]
    return xr.concat(arrays, "dimension", coords="minimal", compat="override", join="exact")
