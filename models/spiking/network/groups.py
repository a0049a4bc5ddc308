"""The neurons of a network, one kind after another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from neurodyn.models.spiking.cells.neuron import AbstractNeuron

Kinds = Sequence[AbstractNeuron]
Cells = tuple[Any, ...]


def start(kinds: Kinds, key: Any) -> Cells:
    """State of the neurons before the first step."""
    own = [None if key is None else jax.random.fold_in(key, i) for i in range(len(kinds))]
    return tuple(kind.start(k) for kind, k in zip(kinds, own, strict=True))


def rates(kinds: Kinds, cells: Cells, current: Array, free: Array | None) -> Cells:
    """Rates of change; what refractory units hold does not change."""
    found = []
    for kind, cell, own in _each(kinds, cells):
        rate = kind.drift(cell, own(current))
        if free is not None:
            rate = rate._replace(**{name: getattr(rate, name) * own(free) for name in kind.held()})
        found.append(rate)
    return tuple(found)


def noise(kinds: Kinds, cells: Cells, size: Array, free: Array | None) -> Cells:
    """Amplitudes of the noise on the potentials, as a state in which all else is as in `cells`."""
    found = []
    for kind, cell, own in _each(kinds, cells):
        found.append(cell._replace(v=_unheld(kind, "v", own, size, free)))
    return tuple(found)


def moved(kinds: Kinds, cells: Cells, name: str, jump: Array, free: Array | None) -> Cells:
    """The state after jumps of a variable, which units that hold it do not make."""
    found = []
    for kind, cell, own in _each(kinds, cells):
        if name in cell._fields:
            part = _unheld(kind, name, own, jump, free)
            cell = cell._replace(**{name: getattr(cell, name) + part})
        found.append(cell)
    return tuple(found)


def _unheld(kind: Any, name: str, own: Callable, change: Array, free: Array | None) -> Array:
    """A change of a variable, 0 in the units of the kind that hold it."""
    held = free is not None and name in kind.held()
    return own(change) * own(free) if held else own(change)


def crossing(kinds: Kinds, cells: Cells) -> Array:
    """Distance of potentials beyond threshold."""
    parts = [kind.crossing(cell) for kind, cell in zip(kinds, cells, strict=True)]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def reset(kinds: Kinds, cells: Cells, spikes: Array) -> Cells:
    """State after these spikes."""
    return tuple(kind.reset(cell, own(spikes)) for kind, cell, own in _each(kinds, cells))


def _each(kinds: Kinds, cells: Cells) -> Iterator[tuple[AbstractNeuron, Any, Callable]]:
    """Each kind, its state, and a function that takes its part of an array over all units."""
    first = 0
    for kind, cell in zip(kinds, cells, strict=True):
        units = slice(first, first + kind.n)
        yield kind, cell, lambda a, units=units: a if len(kinds) == 1 else a[units]
        first += kind.n
