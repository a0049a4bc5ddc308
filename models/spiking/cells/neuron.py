"""The contract of a neuron model: the equations of n units, with a parameter per unit.

A new neuron is one file: a NamedTuple for its state, whose first field is the membrane potential
``v``, and a final class that implements :class:`AbstractNeuron`.

Parameters are declared as fields with their defaults. Each may be given as a number, an array
``(unit,)``, a law of :mod:`neurodyn.params` that is drawn once, or a parameter, which is then
trained; numbers, arrays and laws stay fixed. Initial values may be laws, which are then drawn anew
for every trial.
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.arrays import as_array
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.params import AbstractDistribution, AbstractParameter, Fixed, as_parameter
from neurodyn.params.base import changed, numbers_of, value_of
from neurodyn.system import Variable

#: A declared parameter: kept as an array ``Float[Array, " unit"]`` or a parameter.
PerUnit = Any
#: Declared initial values: kept as `Initial`.
Start = Any


class AbstractNeuron(eqx.Module):
    """The equations of ``n`` units without any connections.

    Attributes
    ----------
    n
        Number of units.
    cell_type
        Name of the type of each unit.
    parameters
        Names of the fields that hold a value for each unit.
    current_units
        Units of the current that :meth:`drift` takes.
    time_constants
        Names of the fields that no step may exceed [ms].
    """

    n: int = eqx.field(static=True)
    cell_type: eqx.AbstractVar[Any]
    parameters: eqx.AbstractClassVar[tuple[str, ...]]
    current_units: eqx.AbstractClassVar[str]
    time_constants: eqx.AbstractClassVar[tuple[str, ...]]

    __repr__ = brief

    def _bind(
        self,
        names: Sequence[str],
        initial: Sequence[str],
        key: Any,
        *,
        positive: Sequence[str] = (),
        types: Mapping[str, Any] | None = None,
    ) -> None:
        """Bind the declared fields with these names; for use in ``__post_init__`` only.

        Of a neuron with published types, a parameter that is None is that of the type.
        """
        self.n = whole("n", self.n, 1)
        self.cell_type = (
            (type(self).__name__,) * self.n
            if types is None
            else type_names(self.cell_type, list(types), self.n)
        )
        for name, own in zip(names, split(key, len(names)), strict=True):
            value = getattr(self, name)
            value = column(types, self.cell_type, name) if value is None else value
            above = 0.0 if name in positive else None
            setattr(self, name, per_unit(name, value, self.n, own, above=above))
        for name in initial:
            value = getattr(self, name)
            if value is not None and not isinstance(value, AbstractDistribution):
                value = per_unit(name, value, self.n, None)
            setattr(self, name, Initial((value,), (self.n,)))

    def alike(self, other: Any) -> bool:
        """Whether units of another neuron follow the same equations with other parameters."""
        return type(other) is type(self)

    @abc.abstractmethod
    def start(self, key: PRNGKeyArray | None) -> Any:
        """State before the first step: a NamedTuple of arrays on ``unit`` with ``v`` first."""

    @abc.abstractmethod
    def drift(self, cell: Any, current: Float[Array, " unit"]) -> Any:
        """Rate of change of the state [per ms] under a current into each unit."""

    @abc.abstractmethod
    def crossing(self, cell: Any) -> Float[Array, " unit"]:
        """Distance of ``v`` beyond its threshold [mV]; a unit spikes where it is >= 0."""

    @abc.abstractmethod
    def reset(self, cell: Any, spikes: Float[Array, " unit"]) -> Any:
        """State after the spikes of a step."""

    @abc.abstractmethod
    def variables(self) -> dict[str, Variable]:
        """Labels of the fields of the state."""

    def units_of_current(self) -> str:
        """Units of the current; by default those of the class."""
        return self.current_units

    def held(self) -> tuple[str, ...]:
        """Fields of the state that stand still in a refractory period; by default ``v``."""
        return ("v",)

    def guarded(self) -> bool:
        """Whether refractory units must be kept from spiking; by default the held ``v`` does it."""
        return False


class Joined(AbstractParameter):
    """Parameters of several populations, one after the other along ``unit``.

    Parameters
    ----------
    of
        The bound parameters, or arrays.
    """

    trained: ClassVar = ("of",)
    of: tuple[Any, ...]

    def draw(self, shape, key, dtype=None):
        """Refused: the populations draw their parameters before they are joined."""
        raise ValueError("Joined is made of bound parameters, and cannot be drawn.")

    def value(self) -> Array:
        """All values."""
        return jnp.concatenate([value_of(part) for part in self.of])


class Initial(eqx.Module):
    """Initial values of units: numbers, learned parameters, or laws drawn for every trial.

    Attributes
    ----------
    parts
        One for each population; None: the default of the neuron.
    sizes
        Number of units in each.
    """

    parts: tuple[Any, ...]
    sizes: tuple[int, ...] = eqx.field(static=True)

    __repr__ = brief

    def draw(
        self, name: str, own: Float[Array, " unit"], key: PRNGKeyArray | None
    ) -> Float[Array, " unit"]:
        """Initial values of one trial; ``own`` are those used where none were given."""
        pieces, first = [], 0
        for i, (part, n) in enumerate(zip(self.parts, self.sizes, strict=True)):
            if isinstance(part, AbstractDistribution):
                key = as_key(key, needed_for=f"The initial {name} of the units")
                pieces.append(part(jax.random.fold_in(key, i), (n,), own.dtype))
            else:
                pieces.append(own[first : first + n] if part is None else part)
            first += n
        return pieces[0] if len(pieces) == 1 else jnp.concatenate(pieces)


def split(key: Any, n: int) -> list[PRNGKeyArray | None]:
    """Keys for ``n`` parts; without a key, none."""
    key = as_key(key)
    return [None] * n if key is None else list(jax.random.split(key, n))


def per_unit(
    name: str, value: Any, n: int, key: PRNGKeyArray | None, *, above: float | None = None
) -> Any:
    """Bind values for each unit; numbers stay fixed, a parameter is taken as it is.

    Laws of :mod:`neurodyn.params` are drawn once, here.
    """
    spec = as_parameter(value) if isinstance(value, AbstractParameter) else Fixed(value)
    if key is None and spec.random:
        as_key(None, needed_for=f"`{name}`")
    try:
        bound = spec.build((n,), as_key(0) if key is None else key)
    except (ValueError, TypeError) as error:
        raise type(error)(f"`{name}` ({n} units): {error}") from error
    numbers = numbers_of(bound)
    if above is not None and numbers is not None and not (numbers > above).all():
        raise ValueError(f"`{name}` must be above {above:g}, got {float(numbers.min()):g}.")
    return bound


def type_names(cell_type: Any, known: Sequence[str], n: int) -> tuple[str, ...]:
    """Name of the type of each unit.

    Raises
    ------
    ValueError
        If a name is not known, or there are more or fewer names than units.
    """
    names = (cell_type,) * n if isinstance(cell_type, str) else tuple(map(str, cell_type))
    if len(names) != n:
        raise ValueError(
            f"`cell_type` must be one name, or one for each of the {n} units, got {len(names)}."
        )
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"Unknown cell types {unknown}; there are {', '.join(known)}.")
    return names


def column(table: Any, names: Sequence[str], field: str) -> np.ndarray:
    """One parameter of each unit out of a table of types."""
    return np.array([getattr(table[name], field) for name in names], float)


def join(neurons: Sequence[AbstractNeuron]) -> Any:
    """One neuron object for the units of several of the same kind, in this order."""
    if len(neurons) == 1:
        return neurons[0]
    joined = {}
    for field in dataclasses.fields(neurons[0]):
        values = [getattr(neuron, field.name) for neuron in neurons]
        if field.name == "n":
            joined["n"] = sum(values)
        elif isinstance(values[0], Initial):
            parts = tuple(part for value in values for part in value.parts)
            joined[field.name] = Initial(parts, tuple(s for v in values for s in v.sizes))
        elif field.name in neurons[0].parameters:
            joined[field.name] = join_parameters(values)
        elif isinstance(values[0], bool):
            joined[field.name] = any(values)
        else:
            joined[field.name] = tuple(item for value in values for item in value)
    return changed(neurons[0], **joined)


def join_parameters(values: Sequence[Any]) -> Any:
    """Parameters of several populations as one; fixed where all are."""
    if all(isinstance(value, Fixed) for value in values):
        parts = [numbers_of(value) for value in values]
        if any(part is None for part in parts):
            return Fixed(raw=jnp.concatenate([value.raw for value in values]))
        return Fixed(raw=as_array(np.concatenate(parts), parts[0].dtype))
    return Joined(tuple(values))


@jax.custom_jvp
def where_spiked(
    spikes: Float[Array, " unit"], new: Float[Array, " unit"], old: Float[Array, " unit"]
) -> Float[Array, " unit"]:
    """``new`` where a unit spiked, else ``old``, bit for bit; differentiable in the spikes."""
    return jnp.where(spikes > 0, new, old)


@where_spiked.defjvp
def _where_spiked_jvp(primals, tangents):
    spikes, new, old = primals
    d_spikes, d_new, d_old = tangents
    change = jnp.where(spikes > 0, d_new, d_old) + d_spikes * (new - old)
    return where_spiked(spikes, new, old), change
