"""Interventions: what an experimenter does to a running system.

An intervention acts at three places of each step: on the system (weights), on the drive (injected
current) and on the state (clamps).

**Units** are given by number, counted from 0 (``[0, 5]``), by name (``["PFC"]``: what a coordinate
of the model's units calls them), or by a mask with one entry for each unit. Whole numbers say which
units; a mask is boolean, or 0 and 1 as decimals. Whole numbers that are 0 and 1 only and name a
unit twice can be nothing else than a mask, and are read as one. :func:`select_units` makes a mask
from numbers and from coordinates of units. For systems without units, such as Lorenz's, units are
the entries of their state.

An intervention that would change nothing is refused before the run: a current into a system that
does not read it, a lesion of one whose units cannot be cut, another value of what no step reads.
"""

import abc
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.common.reprs import brief
from neurodyn.engine.drive import Drive
from neurodyn.engine.units import Chosen, as_mask, as_units, labelled, mask_array, select_units
from neurodyn.params import with_values
from neurodyn.system import AbstractSystem, State

__all__ = [
    "AbstractIntervention",
    "Clamp",
    "Current",
    "Lesion",
    "Silence",
    "SupportsCut",
    "WeightChange",
    "as_mask",
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
        Which units, see :mod:`neurodyn.intervene`.
    amplitude
        Added to their summed input, in its unit: a number, one for each unit that is named, or with
        a mask one for each unit of the model. Systems without a summed input say what it is added
        to.
    start, stop
        Window [ms of the run]; a step belongs to it when it starts inside ``[start, stop)``.
    """

    units: Float[Array, " unit"] | Chosen
    amplitude: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, amplitude, start=-np.inf, stop=np.inf):
        self.units, self.amplitude = _with_values(units, amplitude, "amplitude")
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
        Which units, see :mod:`neurodyn.intervene`.
    value
        What to hold them at, given like the amplitude of :class:`Current`.
    start, stop
        Window [ms of the run]. Values are held at the end of each of its steps, so the first step
        still begins from what was there before.
    field
        Name of the field of ``state.x``; None where ``x`` is a single array.
    """

    units: Float[Array, " unit"] | Chosen
    value: Float[Array, "..."]
    start: Float[Array, ""]
    stop: Float[Array, ""]
    field: str | None = eqx.field(static=True)

    def __init__(self, units, value, start=-np.inf, stop=np.inf, *, field=None):
        self.units, self.value = _with_values(units, value, "value")
        self.start, self.stop = _window(start, stop)
        self.field = field

    def on_system(self, t, system):
        return system

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        hold = _inside(t, self) & (self.units > 0)
        if self.field is None:
            return state._replace(x=self._held(hold, state.x))
        new = self._held(hold, getattr(state.x, self.field))
        # A state that keeps a field in several places says how to change it.
        change = getattr(state.x, f"with_{self.field}", None)
        if change is not None:
            return state._replace(x=change(new))
        return state._replace(x=eqx.tree_at(lambda x: getattr(x, self.field), state.x, new))

    def _held(self, hold, old):
        return jnp.where(hold, self.value.astype(old.dtype), old)


class Silence(AbstractIntervention):
    """Take away the influence of some units on all others and on the readout, in a window."""

    units: Float[Array, " unit"] | Chosen
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, start=-np.inf, stop=np.inf):
        self.units = _units(units)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return _switch(_inside(t, self), _cut(system, self.units > 0, incoming=False), system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


class Lesion(AbstractIntervention):
    """Remove some units: nothing goes in, nothing comes out, in a window (default: always)."""

    units: Float[Array, " unit"] | Chosen
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, units, start=-np.inf, stop=np.inf):
        self.units = _units(units)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return _switch(_inside(t, self), _cut(system, self.units > 0, incoming=True), system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


class WeightChange(AbstractIntervention):
    """Run with another version of the system in a window.

    Several act together, as far as they change different arrays; of the same array the last.

    Parameters
    ----------
    changed
        The system with other values (same structure), e.g. made with ``equinox.tree_at``: one
        number, or an array of the same shape. What no step reads is refused: weights that a rule
        learns are part of the state of a run.
    start, stop
        Window [ms of the run].
    """

    changed: AbstractSystem
    start: Float[Array, ""]
    stop: Float[Array, ""]

    def __init__(self, changed, start=-np.inf, stop=np.inf):
        # The running system is resolved, so its replacement must be too.
        self.changed = with_values(changed)
        self.start, self.stop = _window(start, stop)

    def on_system(self, t, system):
        return _switch(_inside(t, self), eqx.combine(self.changed, system), system)

    def on_drive(self, t, drive):
        return drive

    def on_state(self, t, state):
        return state


def as_interventions(interventions: Any) -> tuple[AbstractIntervention, ...]:
    """What a user passed, as a tuple."""
    if isinstance(interventions, AbstractIntervention):
        raise TypeError(f"`interventions` is a list, e.g. [{type(interventions).__name__}(...)].")
    for each in interventions:
        if not isinstance(each, AbstractIntervention):
            raise TypeError(f"`interventions` holds a {type(each).__name__}, which is none.")
    return tuple(interventions)


def _units(units: Any) -> Float[Array, " unit"] | Chosen:
    found = as_units(units)
    return found if isinstance(found, Chosen) else mask_array(found)


def _with_values(units: Any, value: Any, name: str) -> tuple[Any, Array]:
    """Units and what goes with them, of the same units in the same order."""
    found = as_units(units)
    if isinstance(found, Chosen):
        n, value = len(found.which), _for_chosen(found, value, name)
    else:
        if getattr(units, "dims", ()) and getattr(value, "dims", ()):
            from neurodyn.labels import pair

            units, value = pair(units, value, what=("units", name))
            found = as_units(units)
        mask: Any = found
        n, value = len(mask), labelled(value, name)
    value = jnp.asarray(value, jnp.result_type(float))
    if value.shape not in ((), (n,)):
        raise ValueError(
            f"`{name}` must be one number, or one for each of the {n} units, got shape "
            f"{value.shape}."
        )
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise ValueError(f"`{name}` must be finite, got {np.asarray(value).tolist()}.")
    return found if isinstance(found, Chosen) else mask_array(found), value


def _for_chosen(chosen: Chosen, value: Any, name: str) -> Any:
    """What goes with units that are given by number or name, in their order."""
    if not getattr(value, "dims", ()) or value.dims[0] not in value.coords:
        return getattr(value, "values", value)
    # xarray is slow to import, and rarely needed
    import xarray as xr

    from neurodyn.labels import pair

    which = list(chosen.which)
    named = xr.DataArray(which, {value.dims[0]: which})
    return pair(named, value, what=("units", name))[1].values


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


def check_cut(system: Any) -> None:
    """Refuse a system whose units cannot be disconnected."""
    if not isinstance(system, SupportsCut):
        raise TypeError(
            f"{type(system).__name__} has no `cut` method, so its units cannot be lesioned or "
            "silenced; use Clamp, or WeightChange with a changed copy."
        )


def _cut(system: Any, units: Bool[Array, " unit"], *, incoming: bool) -> Any:
    check_cut(system)
    return system.cut(units, incoming=incoming, outgoing=True)
