"""Interventions: what an experimenter does to a running system.

An intervention acts at three places of each step: on the system (weights), on the drive (injected
current) and on the state (clamps). ``units`` is always a 0/1 or boolean array over units, or a list
of unit numbers; :func:`select_units` makes one from unit coordinates.
"""

import abc
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.drive import Drive
from neurodyn.params import resolve
from neurodyn.reprs import brief
from neurodyn.system import AbstractSystem, State

__all__ = [
    "AbstractIntervention",
    "Clamp",
    "Current",
    "Lesion",
    "Silence",
    "SupportsCut",
    "WeightChange",
    "select_units",
]


class AbstractIntervention(eqx.Module):
    """Three hooks, called at every step with the time of the step's start [ms]."""

    __repr__ = brief

    @abc.abstractmethod
    def on_system(self, t: Any, system: AbstractSystem) -> AbstractSystem:
        """The system that runs in this step."""

    @abc.abstractmethod
    def on_drive(self, t: Any, drive: Drive) -> Drive:
        """The drive of one trial in this step."""

    @abc.abstractmethod
    def on_state(self, t: Any, state: State) -> State:
        """The state of one trial after this step."""


@runtime_checkable
class SupportsCut(Protocol):
    """A system whose units can be disconnected."""

    def cut(self, units: Bool[Array, " unit"], *, incoming: bool, outgoing: bool) -> Any:
        """A copy in which these units receive nothing and/or send nothing."""
        ...


class Current(AbstractIntervention):
    """Extra input into some units in a time window.

    Parameters
    ----------
    units
        Which units.
    amplitude
        Added to their summed input (a number, or one per unit).
    start, stop
        Window [ms of the run]; a step belongs to it when it starts inside ``[start, stop)``.
    """

    units: Float[Array, " unit"]
    amplitude: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, amplitude, start=-np.inf, stop=np.inf):
        units, amplitude = _together(units, amplitude, "amplitude")
        self.units = _weights(units)
        self.amplitude = _per_unit("amplitude", amplitude, self.units)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return system

    def on_drive(self, t, drive):
        current = jnp.where(_inside(t, self), self.amplitude * self.units, 0.0)
        if drive.current is not None:
            current = current + drive.current
        if drive.input is not None:
            current = current.astype(drive.input.dtype)
        return Drive(drive.input, drive.target, drive.gate, current)

    def on_state(self, t, state):
        return state


class Clamp(AbstractIntervention):
    """Hold a state variable of some units at a value.

    Parameters
    ----------
    units
        Which units.
    value
        What to hold them at (a number, or one per unit).
    start, stop
        Window [ms of the run]. Values are held at the end of each of its steps, so the first step
        still begins from what was there before.
    field
        Name of the field of ``state.x``; None where ``x`` is a single array.
    """

    units: Float[Array, " unit"]
    value: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]
    field: str | None = eqx.field(static=True)

    def __init__(self, units, value, start=-np.inf, stop=np.inf, *, field=None):
        units, value = _together(units, value, "value")
        self.units = _weights(units)
        self.value = _per_unit("value", value, self.units)
        self.start, self.stop = _window(start, stop)
        self.field = field

    def on_system(self, t, system):
        return system

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        hold = _inside(t, self) & (self.units > 0)
        if self.field is None:
            if not isinstance(state.x, jax.Array):
                raise ValueError(
                    "Clamp: this system's state has named fields; say which with `field=`."
                )
            return state._replace(x=self._held(hold, state.x))
        if not hasattr(state.x, self.field):
            raise ValueError(f"Clamp: this system's state has no field {self.field!r}.")
        old = getattr(state.x, self.field)
        new = self._held(hold, old)
        return state._replace(x=eqx.tree_at(lambda x: getattr(x, self.field), state.x, new))

    def _held(self, hold, old):
        return jnp.where(hold, self.value.astype(old.dtype), old)


class Silence(AbstractIntervention):
    """Take away the influence of some units on all others and on the readout, in a window."""

    units: Float[Array, " unit"]
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, start=-np.inf, stop=np.inf):
        self.units = _weights(units)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return _switch(_inside(t, self), _cut(system, self.units > 0, incoming=False), system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


class Lesion(AbstractIntervention):
    """Remove some units: nothing goes in, nothing comes out, in a window (default: always)."""

    units: Float[Array, " unit"]
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, start=-np.inf, stop=np.inf):
        self.units = _weights(units)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return _switch(_inside(t, self), _cut(system, self.units > 0, incoming=True), system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


class WeightChange(AbstractIntervention):
    """Run with another version of the system in a window.

    Parameters
    ----------
    changed
        The system with other values (same structure), e.g. made with ``equinox.tree_at``.
    start, stop
        Window [ms of the run].
    """

    changed: AbstractSystem
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, changed, start=-np.inf, stop=np.inf):
        # The running system is resolved, so its replacement must be too.
        self.changed = resolve(changed)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        same = jax.tree.structure(self.changed) == jax.tree.structure(system)
        if not same:
            raise ValueError(
                "WeightChange: the changed system must have the same structure as the one that "
                f"runs, got {type(self.changed).__name__} for {type(system).__name__}. Make it "
                "with equinox.tree_at on the model itself."
            )
        return _switch(_inside(t, self), self.changed, system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


def select_units(system: AbstractSystem, **coords: Any) -> Bool[np.ndarray, " unit"]:
    """Mask of the units whose coordinates have these values.

    Parameters
    ----------
    system
        A model with unit coordinates.
    **coords
        For example ``area="PFC"`` or ``ei=-1``; a list means any of its values.

    Raises
    ------
    ValueError
        If the system has no such coordinate, or no unit matches.
    """
    known = system.unit_coords()
    mask = None
    for name, wanted in coords.items():
        if name not in known:
            raise ValueError(f"No unit coordinate {name!r}; this model has {sorted(known)}.")
        here = np.isin(np.asarray(known[name]), np.atleast_1d(wanted))
        mask = here if mask is None else mask & here
    if mask is None or not mask.any():
        raise ValueError(f"No unit has {coords}.")
    return mask


def as_interventions(interventions: Any) -> tuple[AbstractIntervention, ...]:
    """What a user passed, as a tuple."""
    if isinstance(interventions, AbstractIntervention):
        raise TypeError(f"`interventions` is a list, e.g. [{type(interventions).__name__}(...)].")
    for each in interventions:
        if not isinstance(each, AbstractIntervention):
            raise TypeError(f"`interventions` holds a {type(each).__name__}, which is none.")
    return tuple(interventions)


def check_units(
    interventions: Sequence[AbstractIntervention], system: AbstractSystem, state: State, trial: Any
) -> None:
    """Refuse interventions on another number of units than the system shows."""

    def look():
        one, own = jax.tree.map(lambda a: a[0], (state, trial))
        return resolve(system, own).observe(one)

    seen, known = eqx.filter_eval_shape(look), system.variables()
    sizes = {
        seen[name].shape[variable.dims.index("unit")]
        for name, variable in known.items()
        if "unit" in variable.dims
    }
    for each in interventions:
        if not isinstance(each, (Current, Clamp, Silence, Lesion)):
            continue
        n = each.units.shape[0]
        if sizes and n not in sizes:
            raise ValueError(
                f"{type(each).__name__}: `units` is for {n} units, but this "
                f"{type(system).__name__} has {', '.join(map(str, sorted(sizes)))}. "
                "select_units(model, ...) makes a mask that fits."
            )


def _weights(units: Any) -> Float[Array, " unit"]:
    units = np.asarray(_in_order(units, "units"))
    if units.ndim != 1 or not np.isin(units, (0, 1)).all():
        raise ValueError(
            "`units` must be a 0/1 (or boolean) array with one entry per unit, got "
            f"{units.dtype} of shape {units.shape}. select_units(model, ...) makes one."
        )
    return jnp.asarray(units, jnp.result_type(float))


def _in_order(value: Any, name: str) -> Any:
    """Numbers of units as the model counts them: labels of a labelled array say which is which."""
    if getattr(value, "dims", ()):
        # xarray is slow to import, and rarely needed
        from neurodyn.labels import LabelError, in_positions
        from neurodyn.labels.pairing import as_numbers, counts

        dim = str(value.dims[0])
        if dim in value.coords:
            found = value[dim].values
            if as_numbers(found) is not None and not counts(found):
                raise LabelError(
                    f"`{name}` is for units {found.tolist()[:8]}, but a model counts its units "
                    "from 0: pass one entry for each of its units, labelled 0 to n - 1 or not at "
                    f"all, .drop_vars('{dim}')."
                )
        return in_positions(value, dim, what=name).values
    return value


def _together(units: Any, value: Any, name: str) -> tuple[Any, Any]:
    """A labelled mask and what goes with it, of the same units in the same order."""
    if getattr(units, "dims", ()) and getattr(value, "dims", ()):
        from neurodyn.labels import pair

        return pair(units, value, what=("units", name))
    return units, value


def _per_unit(name: str, value: Any, units: Array) -> Array:
    value = jnp.asarray(_in_order(value, name), units.dtype)
    if value.shape not in ((), units.shape):
        raise ValueError(
            f"`{name}` must be one number, or one for each of the {len(units)} units, got shape "
            f"{value.shape}."
        )
    return value


def _window(start: Any, stop: Any) -> tuple[Array, Array]:
    if not float(start) < float(stop):
        raise ValueError(f"The window must have start < stop, got start={start}, stop={stop} ms.")
    dtype = jnp.result_type(float)
    return jnp.asarray(start, dtype), jnp.asarray(stop, dtype)


def _inside(t: Any, window: Any) -> Bool[Array, ""]:
    # Times are rounded products of step and dt: an edge that is a multiple of dt counts as reached.
    t = t + 2 * float(jnp.finfo(t.dtype).eps) * jnp.abs(t)
    return (t >= window.start.astype(t.dtype)) & (t < window.stop.astype(t.dtype))


def _switch(on: Bool[Array, ""], changed: Any, system: Any) -> Any:
    new, _ = eqx.partition(changed, eqx.is_array)
    old, static = eqx.partition(system, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda a, b: jnp.where(on, a, b), new, old), static)


def _cut(system: Any, units: Bool[Array, " unit"], *, incoming: bool) -> Any:
    if not isinstance(system, SupportsCut):
        raise TypeError(
            f"{type(system).__name__} has no `cut` method, so its units cannot be lesioned or "
            "silenced; use Clamp, or WeightChange with a changed copy."
        )
    return system.cut(units, incoming=incoming, outgoing=True)
