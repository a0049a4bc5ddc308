"""The contract of a synapse: the action of arriving spikes on the receiving units.

A synapse here is the kinetics of one receptor with a state on every unit of the network;
projections deliver weighted spikes to it. Linear kinetics let all projections that share a receptor
share one state. A new synapse is one file: a final class that implements :class:`AbstractSynapse`.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.params import AbstractParameter, Fixed
from neurodyn.params.base import numbers_of, value_of
from neurodyn.system import Variable


class AbstractSynapse(eqx.Module):
    """Kinetics of one receptor.

    Attributes
    ----------
    exact
        Whether the state is advanced exactly at the end of each step, and kept in
        ``state.memory``; otherwise the solver integrates it in ``state.x``.
    sums
        Whether arrivals are added to its state unchanged: :meth:`receive` is ``s + arrivals``.
    time_constants
        Names of the fields that no step may exceed where the solver integrates it [ms].
    """

    exact: eqx.AbstractVar[bool]
    sums: eqx.AbstractVar[bool]
    time_constants: eqx.AbstractClassVar[tuple[str, ...]]

    #: Variable of the neurons that :meth:`kick` moves.
    onto: ClassVar[str] = "v"

    __repr__ = brief

    @abc.abstractmethod
    def start(self, n: int, dtype: Any) -> PyTree:
        """State before the first step; None without one."""

    def drift(self, s: PyTree) -> PyTree:
        """Rate of change of the state [per ms]; where it is not exact."""

    @abc.abstractmethod
    def receive(self, s: PyTree, arrivals: Float[Array, " unit"], dt: Any) -> PyTree:
        """State at the end of a step in which these summed weights arrived.

        An exact synapse first advances by ``dt`` [ms].
        """

    def current(self, s: PyTree, v: Float[Array, " unit"]) -> Float[Array, " unit"] | None:
        """Current into each unit in this state; by default none."""

    def kick(self, arrivals: Float[Array, " unit"]) -> Float[Array, " unit"] | None:
        """Jump of the variable :attr:`onto` by the arrivals; by default none."""

    def trace(self, s: PyTree) -> Float[Array, " unit"] | None:
        """The recorded variable; by default none."""

    def variable(self, name: str, current_units: str) -> Variable | None:
        """Label of :meth:`trace`."""


def scalar(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """Bind a number shared by all units, or one for each unit; fixed unless it is a spec."""
    spec = value if isinstance(value, AbstractParameter) else Fixed(value)
    given = next((init for init in spec.inits() if not callable(init)), None)
    shape = () if given is None else np.shape(given)
    try:
        bound = spec.build(shape, as_key(0))
    except (ValueError, TypeError) as error:
        raise type(error)(f"`{name}`: {error}") from error
    if value_of(bound).ndim > 1:
        raise ValueError(
            f"`{name}` must be one number or one for each unit, got {value_of(bound).shape}."
        )
    numbers = numbers_of(bound)
    if numbers is None:
        return bound
    if above is not None and not (numbers > above).all():
        raise ValueError(f"`{name}` must be above {above:g}, got {float(numbers.min()):g}.")
    if least is not None and not (numbers >= least).all():
        raise ValueError(f"`{name}` must be at least {least:g}, got {float(numbers.min()):g}.")
    if most is not None and not (numbers <= most).all():
        raise ValueError(f"`{name}` must be at most {most:g}, got {float(numbers.max()):g}.")
    return bound


def check_units(what: str, synapse: AbstractSynapse, n: int) -> None:
    """Refuse parameters that are neither one number nor one for each of ``n`` units."""
    for leaf in jax.tree.leaves(synapse):
        if np.shape(leaf) not in ((), (n,)):
            raise ValueError(
                f"{what} has a parameter of shape {np.shape(leaf)}; it must be one number, or one "
                f"for each of the {n} units of the network."
            )


def labelled(name: str, reversal: Any, current_units: str) -> Variable:
    """Label of a current or a conductance."""
    if reversal is None:
        return Variable(("unit",), current_units, f"current through {name}", "current")
    return Variable(("unit",), f"{current_units}/mV", f"conductance of {name}", "hidden")


def driven(g: Float[Array, " unit"], v: Float[Array, " unit"], reversal: Any) -> Array:
    """The current itself, or that of a conductance."""
    return g if reversal is None else g * (reversal - v)
