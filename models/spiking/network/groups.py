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
    """Rates of change; the potentials of refractory units do not change."""
    found = []
    for kind, cell, own in _each(kinds, cells):
        rate = kind.drift(cell, own(current))
        found.append(rate if free is None else rate._replace(v=rate.v * own(free)))
    return tuple(found)


def with_v(kinds: Kinds, cells: Cells, new: Callable[[Any, Callable], Any]) -> Cells:
    """The state with the potentials ``new(v, own)``; ``own`` selects the units of one kind."""
    return tuple(cell._replace(v=new(cell.v, own)) for _, cell, own in _each(kinds, cells))


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
