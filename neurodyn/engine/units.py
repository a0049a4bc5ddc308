"""Units of a system: the mask, numbers or names of a user as positions in the model."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from neurodyn.common.random import as_key
from neurodyn.engine.chosen import Chosen, as_units, kind_of
from neurodyn.params import with_values
from neurodyn.system import AbstractSystem, State


def as_mask(system: AbstractSystem, units: Any) -> Any:
    """A mask of some units of a system, for its own methods that take units.

    Parameters
    ----------
    system
        The system.
    units
        Unit numbers (``[0, 5]``, or one), names (``["E"]``), or a boolean mask with one entry per
        unit, which may be traced.

    Returns
    -------
    Array (unit) of bool

    Raises
    ------
    ValueError
        If the system has no such unit, or another number of units.

    Examples
    --------
    >>> from neurodyn import models
    >>> model = models.CTRNN(1, 4, 1, areas={"V1": 3, "PFC": 1}, key=0)
    >>> as_mask(model, [0, 3])
    array([ True, False, False,  True])
    >>> as_mask(model, "PFC")
    array([False, False, False,  True])
    """
    dim, n = _units_of(system)
    if isinstance(units, jax.core.Tracer):
        mask = units.astype(bool)
    else:
        chosen = as_units(units)
        mask = chosen_mask(system, chosen, n, dim) if isinstance(chosen, Chosen) else chosen
    if mask.shape != (n,):
        raise ValueError(
            f"`units` must be a mask over the {n} units of this {type(system).__name__}, numbers "
            f"or names of units, got shape {mask.shape}."
        )
    return mask


def select_units(
    system: AbstractSystem, units: Any = None, /, **coords: Any
) -> Bool[np.ndarray, " unit"]:
    """Mask of some units of a model: by number, by name, or by their coordinates.

    Parameters
    ----------
    system
        A model.
    units
        Unit numbers, counted from 0; names; or a mask. Default: all units.
    **coords
        For example ``area="PFC"`` or ``ei=-1``; a list means any of its values. Units must fit all
        that is given.

    Returns
    -------
    Array (unit) of bool

    Raises
    ------
    ValueError
        If there is no such unit, coordinate or value, a coordinate is not about units, or no unit
        fits.

    Examples
    --------
    >>> from neurodyn import models
    >>> model = models.CTRNN(1, 4, 1, areas={"V1": 3, "PFC": 1}, key=0)
    >>> select_units(model, [0, 3])
    array([ True, False, False,  True])
    >>> select_units(model, [0, 3], area="V1")
    array([ True, False, False, False])
    """
    if units is None and not coords:
        raise ValueError("select_units needs unit numbers, names or coordinates, e.g. area='PFC'.")
    known = system.unit_coords()
    mask = None if units is None else as_mask(system, units)
    for name, wanted in coords.items():
        if name not in known:
            raise ValueError(f"No unit coordinate {name!r}; this model has {sorted(known)}.")
        dim, values = unit_coord(known[name])[:2]
        if dim != "unit":
            others = sorted(n for n, c in known.items() if unit_coord(c)[0] == "unit")
            raise ValueError(
                f"{name!r} is a coordinate of the dim {dim!r}, not of units. Units go by number, "
                f"by name, or by {', '.join(others) or 'no coordinate, since there is none'}."
            )
        here = np.isin(values, np.atleast_1d(wanted))
        missing = [w for w in np.atleast_1d(wanted).tolist() if not (values == w).any()]
        if missing:
            raise ValueError(f"No unit has {name}={missing[0]!r}; there are {_listed(values)}.")
        mask = here if mask is None else mask & here
    if mask is None or not mask.any():
        raise ValueError(f"No unit has {coords}.")
    return mask


def shapes_of(system: AbstractSystem, state: State | None, trial: Any, dt: Any) -> tuple[Any, Any]:
    """Shapes of the variables that a system observes, and of its ``x``; nothing is run.

    ``state`` and ``trial`` are those of a batch, or None.
    """

    def look():
        here, one = jax.tree.map(lambda a: a[0], (state, trial))
        own = with_values(system, one)
        if here is None:
            here = own.initial_state(dt=dt, trial=one, key=as_key(0))
        return own.observe(here), here.x

    return eqx.filter_eval_shape(look)


def unit_axis(system: AbstractSystem, shapes: tuple[Any, Any]) -> tuple[str, int] | None:
    """The dim on which interventions act, and its length; None if there is none.

    It is `unit`, or for systems without units the dim of their state.
    """
    seen, x = shapes
    known = system.variables()
    for name, variable in known.items():
        if "unit" in variable.dims:
            return "unit", seen[name].shape[variable.dims.index("unit")]
    if not hasattr(x, "shape") or len(x.shape) != 1:
        return None
    whole = [v.dims[0] for n, v in known.items() if len(v.dims) == 1 and seen[n].shape == x.shape]
    return (whole[0] if whole else "entry"), x.shape[0]


def chosen_mask(
    system: AbstractSystem, chosen: Chosen, n: int, dim: str = "unit"
) -> Bool[np.ndarray, " unit"]:
    """Mask of units that were given by number or by name.

    Raises
    ------
    ValueError
        If the system has no such unit, or a name could mean different units.
    """
    places = [place for _, place in where(system, chosen, n, dim)]
    return np.isin(np.arange(n), np.concatenate(places))


def where(
    system: AbstractSystem, chosen: Chosen, n: int, dim: str = "unit"
) -> list[tuple[Any, np.ndarray]]:
    """Each given number or name, with the numbers of its units."""
    what = type(system).__name__
    if isinstance(chosen.which[0], str):
        return [(name, _named(system, str(name), n, dim)) for name in chosen.which]
    missing = [int(number) for number in chosen.which if int(number) >= n]
    if missing:
        raise ValueError(
            f"There is no unit {missing[0]}: this {what} has {n} unit{'s' * (n > 1)}, counted from "
            f"0 to {n - 1}."
        )
    return [(number, np.asarray([number])) for number in chosen.which]


def _named(system: AbstractSystem, name: str, n: int, dim: str) -> np.ndarray:
    """Numbers of the units with this name in one of the coordinates."""
    placed = {key: unit_coord(value)[:2] for key, value in system.unit_coords().items()}
    texts = {
        key: values
        for key, (on, values) in placed.items()
        if on == dim and values.shape == (n,) and kind_of(values) == "U"
    }
    found = {key: np.flatnonzero(values == name) for key, values in texts.items()}
    found = {key: places for key, places in found.items() if places.size}
    what = type(system).__name__
    if not texts:
        raise ValueError(
            f"The units of this {what} have no names: give their numbers, 0 to {n - 1}, not "
            f"{name!r}."
        )
    if not found:
        names = "; ".join(f"{key}: {_listed(values)}" for key, values in texts.items())
        raise ValueError(f"No unit of this {what} is called {name!r}; its names are {names}.")
    first, *others = found.values()
    if any(not np.array_equal(first, other) for other in others):
        raise ValueError(
            f"{name!r} names different units as {' and as '.join(found)}: choose with "
            f"select_units(model, {next(iter(found))}={name!r})."
        )
    return first


def _units_of(system: AbstractSystem) -> tuple[str, int]:
    """The dim on which interventions act, and its length, of a system without a given state."""
    n = getattr(system, "n_units", None)
    if isinstance(n, (int, tuple)):
        return "unit", int(np.sum(n))
    axis = unit_axis(system, shapes_of(system, None, None, jnp.asarray(1.0)))
    if axis is None:
        raise ValueError(f"{type(system).__name__} has no units.")
    return axis


def unit_coord(coord: Any, units: str = "1") -> tuple[str, np.ndarray, str]:
    """Dim, values and units of an entry of `unit_coords`.

    Parameters
    ----------
    coord
        Values on `unit`, or ``(dim, values)`` or ``(dim, values, units)``.
    units
        Units of an entry that names none.
    """
    if not isinstance(coord, tuple):
        coord = ("unit", coord)
    dim, values, *about = coord
    return dim, np.asarray(values), about[0] if about else units


def _listed(values: np.ndarray) -> str:
    names = list(dict.fromkeys(values.tolist()))
    return ", ".join(str(name) for name in names[:8]) + ("..." if len(names) > 8 else "")
