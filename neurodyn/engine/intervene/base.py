"""The interface of interventions, and the window in which most of them act."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from neurodyn.common.reprs import brief
from neurodyn.engine.units import shapes_of
from neurodyn.system import AbstractSystem, Drive, State


@dataclass(frozen=True)
class Target:
    """The system that an intervention is about to act on.

    Attributes
    ----------
    system
        The system.
    state, trial
        Those of the batch that runs, or None.
    dt
        Step [ms].
    """

    system: AbstractSystem
    state: State | None
    trial: PyTree
    dt: Any

    @cached_property
    def shapes(self) -> tuple[Any, Any]:
        """Shapes of the variables that the system shows, and of its ``x``."""
        return shapes_of(self.system, self.state, self.trial, self.dt)


class AbstractIntervention(eqx.Module):
    """A manipulation of a running system.

    :meth:`on_system`, :meth:`on_drive` and :meth:`on_state` are called at every step with the time
    of its start [ms]; each returns its last argument, changed or not. Override those that change
    something, and :meth:`replaced` to give the system other parameters.
    """

    __repr__ = brief

    def bound(self, target: Target) -> "AbstractIntervention":
        """The intervention for this system; called before each compiled call.

        Override it to look up units by number or name, or to refuse a system.
        """
        del target
        return self

    def window(self) -> tuple[float, float] | None:
        """Times [ms of the run] between which it acts; None: not known, or always."""
        return None

    def acts(self, t: Any) -> Bool[Array, ""] | bool:
        """Whether :meth:`replaced` holds in the step that starts at ``t`` [ms]; default: in all."""
        del t
        return True

    def replaced(self, system: AbstractSystem) -> AbstractSystem | None:
        """The system with other arrays in the place of some; None (default): it replaces none.

        It runs in the steps in which the intervention :meth:`acts`. Arrays are replaced before any
        intervention changes the system by :meth:`on_system`, whatever their order, so that a unit
        that is cut stays cut. An array is refused that is replaced though no step reads it.

        Parameters
        ----------
        system
            The system with the values of its parameters.

        Examples
        --------
        >>> import equinox as eqx, jax.numpy as jnp, neurodyn as nd
        >>> class Gain(nd.intervene.AbstractIntervention):
        ...     factor: jax.Array
        ...
        ...     def replaced(self, system):
        ...         return eqx.tree_at(lambda m: m.W_out, system, self.factor * system.W_out)
        >>> model = nd.models.CTRNN(1, 4, 1, key=0)
        >>> run = nd.integrate(
        ...     model, jnp.ones((5, 1)), dt=1.0, interventions=[Gain(jnp.array(0.0))]
        ... )
        >>> float(abs(run.outputs).max())
        0.0
        """
        del system
        return None

    def on_system(self, t: Any, system: AbstractSystem) -> AbstractSystem:
        """The system that runs in this step."""
        del t
        return system

    def on_drive(self, t: Any, drive: Drive) -> Drive:
        """The drive of one trial in this step."""
        del t
        return drive

    def on_state(self, t: Any, state: State) -> State:
        """The state of one trial after this step."""
        del t
        return state


class AbstractWindowed(AbstractIntervention):
    """An intervention that acts in the steps that start inside ``[start, stop)``.

    Attributes
    ----------
    start, stop
        Window [ms of the run]; numbers, or arrays as :func:`window_edges` makes them, so that
        another window compiles nothing.
    """

    start: eqx.AbstractVar[Any]
    stop: eqx.AbstractVar[Any]

    def window(self) -> tuple[float, float]:
        return float(self.start), float(self.stop)

    def acts(self, t: Any) -> Bool[Array, ""]:
        """Whether it acts in the step that starts at ``t`` [ms]."""
        # Times are rounded products of step and dt, so an edge that is a multiple of dt counts as
        # reached a little early.
        t = t + 2 * float(jnp.finfo(t.dtype).eps) * jnp.abs(t)
        return (t >= jnp.asarray(self.start, t.dtype)) & (t < jnp.asarray(self.stop, t.dtype))


def window_edges(start: Any, stop: Any) -> tuple[Array, Array]:
    """Both edges of a window as arrays.

    Raises
    ------
    ValueError
        If `start` is not before `stop`.
    """
    if not float(start) < float(stop):
        raise ValueError(f"The window must have start < stop, got start={start}, stop={stop} ms.")
    dtype = jnp.result_type(float)
    return jnp.asarray(start, dtype), jnp.asarray(stop, dtype)


def switched(on: Bool[Array, ""] | bool, changed: Any, system: Any) -> Any:
    """The changed system where ``on`` is true, else the system itself."""
    new, _ = eqx.partition(changed, eqx.is_array)
    old, static = eqx.partition(system, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda a, b: jnp.where(on, a, b), new, old), static)


def as_interventions(interventions: Any) -> tuple[AbstractIntervention, ...]:
    """The interventions of a user as a tuple.

    Raises
    ------
    TypeError
        If one of them is no intervention, or one stands alone instead of in a list.
    """
    if isinstance(interventions, AbstractIntervention):
        raise TypeError(f"`interventions` is a list, e.g. [{type(interventions).__name__}(...)].")
    for each in interventions:
        if not isinstance(each, AbstractIntervention):
            raise TypeError(
                f"`interventions` holds a {type(each).__name__}, which is no intervention; see "
                "nd.intervene."
            )
    return tuple(interventions)
