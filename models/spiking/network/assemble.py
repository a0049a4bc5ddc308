"""Assembly of a network: names, sizes, connections, and checks that they fit."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.models.spiking.cells.neuron import AbstractNeuron, join, join_parameters, per_unit
from neurodyn.models.spiking.network.draw import draw_weights
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Connection, Projection, checked_delay
from neurodyn.models.spiking.network.weights import measured
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse, check_units
from neurodyn.params import Fixed, as_parameter, only
from neurodyn.params.base import changed, numbers_of, value_of
from neurodyn.params.laws import is_concrete

Slices = Mapping[str, slice]


def keys(key: Any, names: Sequence[str]) -> dict[str, Any]:
    """A key for each purpose; None where there is none."""
    return {n: None if key is None else jax.random.fold_in(key, i) for i, n in enumerate(names)}


def populations_of(populations: Any) -> dict[str, Population]:
    """Populations by name, from any form that the constructor takes."""
    if isinstance(populations, (Population, AbstractNeuron)):
        populations = {"cells": populations}
    example = '{"E": spiking.LIF(80), "I": spiking.LIF(20)}'
    populations = by_name("populations", populations, example)
    if not populations:
        raise ValueError("A network needs at least one population.")
    parts = {}
    for name, part in populations.items():
        if not isinstance(name, str) or not name or name == "all":
            raise ValueError(f'A population is named by a string other than "all", got {name!r}.')
        parts[name] = part if isinstance(part, Population) else Population(part)
    return parts


def by_name(what: str, given: Any, example: str) -> dict[str, Any]:
    """Parts of a network by name; None: no part."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"`{what}` is a dict of parts by name, e.g. {example}, got a {type(given).__name__}."
        )
    return dict(given or {})


def kinds_of(parts: Mapping[str, Population]) -> tuple[tuple[AbstractNeuron, ...], Any]:
    """Neighbouring populations of one kind joined to one neuron object; refractory periods."""
    runs: list[list[AbstractNeuron]] = []
    for part in parts.values():
        if runs and runs[-1][0].alike(part.neuron):
            runs[-1].append(part.neuron)
        else:
            runs.append([part.neuron])
    kinds = tuple(join(run) for run in runs)
    if all(part.refractory is None for part in parts.values()):
        return kinds, None
    dtype = jnp.result_type(float)
    times = [
        jnp.zeros((part.n,), dtype) if part.refractory is None else part.refractory.value()
        for part in parts.values()
    ]
    return kinds, Fixed(raw=jnp.concatenate(times))


def synapses_of(synapses: Any, n: int, taken: Mapping[str, Any]) -> dict[str, AbstractSynapse]:
    """Synapses by name, with parameters that fit the units."""
    synapses = by_name("synapses", synapses, '{"ampa": spiking.Exponential(5.0)}')
    reserved = {*taken, "I", "rate", "decoder", "outputs"}
    for name, synapse in synapses.items():
        if not isinstance(synapse, AbstractSynapse):
            raise TypeError(f"Synapse {name!r} must be a synapse, got {type(synapse).__name__}.")
        if name in reserved:
            raise ValueError(f"{name!r} names a variable of the network; rename the synapse.")
        check_units(f"Synapse {name!r}", synapse, n)
    return dict(sorted(synapses.items()))


def check_names(names: Sequence[str], inputs: Mapping, sources: Mapping) -> None:
    """Raise an error for names used twice, and for inputs and sources of another type."""
    every = [*names, *inputs, *sources]
    twice = sorted({name for name in every if every.count(name) > 1})
    if twice:
        raise ValueError(f"Populations, inputs and sources share the names {twice}.")
    for name, each in inputs.items():
        if not isinstance(each, (CurrentInput, SpikeInput)):
            raise TypeError(
                f"Input {name!r} must be a CurrentInput or SpikeInput, got {type(each).__name__}."
            )
    for name, each in sources.items():
        if not isinstance(each, Poisson):
            raise TypeError(f"Source {name!r} must be a Poisson, got {type(each).__name__}.")


def channels_of(inputs: Mapping[str, Any]) -> tuple[tuple[str, int, int], ...]:
    """First channel of each input and the one after its last, in the order given."""
    edges = np.cumsum([0, *(each.n for each in inputs.values())])
    return tuple(
        (name, int(a), int(b)) for name, a, b in zip(inputs, edges[:-1], edges[1:], strict=True)
    )


def units_of(name: Any, slices: Slices, what: str) -> tuple[int, int]:
    """First unit and the one after the last of a population, or of neighbouring ones."""
    last = max(s.stop for s in slices.values())
    if name == "all":
        return 0, last
    names = (name,) if isinstance(name, str) else tuple(name)
    unknown = [n for n in names if n not in slices]
    if unknown or not names:
        raise ValueError(f"{what}: unknown {unknown or names}; there are {', '.join(slices)}, all.")
    parts = [slices[n] for n in names]
    if any(a.stop != b.start for a, b in itertools.pairwise(parts)):
        raise ValueError(
            f"{what}: {names} must be neighbours in the order of the network, {tuple(slices)}."
        )
    return parts[0].start, parts[-1].stop


def inputs_of(inputs: Mapping, slices: Slices, key: Any) -> dict[str, Any]:
    """Inputs with their weights."""
    bound = {}
    for i, (name, each) in enumerate(inputs.items()):
        bound[name] = each
        if not isinstance(each, CurrentInput):
            continue
        first, last = units_of(each.to, slices, f"Input {name!r}")
        shape = (each.n, last - first)
        if each.W is None:
            if each.n not in (1, last - first):
                raise ValueError(
                    f"Input {name!r}: say with `W=` how {each.n} channels reach {last - first} "
                    "units (by default one channel reaches all, or as many as units one each)."
                )
            ones = Fixed(raw=jnp.ones((last - first,), jnp.result_type(float)))
            bound[name] = CurrentInput(each.n, each.to, ones)
            continue
        own = jax.random.key(0) if key is None else jax.random.fold_in(key, i)
        spec = as_parameter(each.W)
        if key is None and spec.random:
            raise ValueError(f"The weights of input {name!r} are drawn at random: pass `key=`.")
        try:
            bound[name] = CurrentInput(each.n, each.to, spec.build(shape, own))
        except (ValueError, TypeError) as error:
            raise type(error)(f"Input {name!r}, `W` {shape}: {error}") from error
    return dict(sorted(bound.items()))


def spread(channels: Array, each: CurrentInput, slices: Slices, n: int) -> Array:
    """Current into each unit from the channels of an input."""
    first, last = units_of(each.to, slices, "input")
    # Weights with one axis are those of a single channel, or of a channel for each unit.
    current = channels * each.W if each.W.ndim == 1 else channels @ each.W
    return jnp.pad(current, (first, n - last))


def connect(
    projections: Mapping[str, Projection],
    slices: Slices,
    synapses: Mapping[str, AbstractSynapse],
    outside: Mapping[str, Any],
    signs: np.ndarray,
    key: Any,
) -> dict[str, Connection]:
    """Draw all projections."""
    drawn = {}
    for i, (name, each) in enumerate(projections.items()):
        what = f"Projection {name!r}"
        if not isinstance(each, Projection):
            raise TypeError(f"{what} must be a Projection, got {type(each).__name__}.")
        if each.synapse not in synapses:
            raise ValueError(
                f"{what}: unknown synapse {each.synapse!r}; there are "
                f"{', '.join(synapses) or 'none'}."
            )
        source = each.pre if isinstance(each.pre, str) and each.pre in outside else None
        if isinstance(outside.get(source), CurrentInput):
            raise ValueError(f"{what}: {source!r} is an input of currents, which has no spikes.")
        pre = (0, outside[source].n) if source else units_of(each.pre, slices, what)
        post = units_of(each.post, slices, what)
        overlap = source is None and pre[0] < post[1] and post[0] < pre[1]
        own = None if key is None else jax.random.fold_in(key, i)
        try:
            weights, delay = draw_weights(
                each.W,
                each.connect,
                pre[1] - pre[0],
                post[1] - post[0],
                pre[0] - post[0] if overlap else None,
                format=each.format,
                signs=_signs(each, source, signs[pre[0] : pre[1]]),
                delays=each.delay,
                plastic=each.rule is not None,
                key=own,
            )
            delay, longest = checked_delay(delay)
            if each.rule is not None and delay is not None and delay.value().ndim:
                raise ValueError(
                    f"{type(each.rule).__name__} sees spikes as they arrive, which needs one "
                    "`delay` for all synapses; split the projection by its delays."
                )
            if each.rule is not None and is_concrete(value_of(weights.values)):
                values = np.asarray(value_of(weights.values))
                exists = True if weights.exists is None else np.asarray(weights.exists)
                each.rule.check(values[np.broadcast_to(exists, values.shape)])
        except (ValueError, TypeError) as error:
            raise type(error)(f"{what}: {error}") from error
        drawn[name] = Connection(
            measured(weights),
            source,
            pre,
            post,
            each.synapse,
            delay,
            longest,
            None,
            each.short_term,
            each.rule,
        )
    return dict(sorted(drawn.items()))


def _signs(each: Projection, source: str | None, signs: np.ndarray) -> np.ndarray | None:
    if not each.dale:
        return None
    if source is not None:
        raise ValueError("`dale` goes by the sign of a population, and inputs have none.")
    if (signs == 0).any():
        raise ValueError("`dale` needs populations that send with `ei=1` or `ei=-1`.")
    return signs


def on_units(name: str, value: Any, slices: Slices, key: Any, *, low: bool = False) -> Any:
    """Bind a number for each unit, given for all or by population (others get 0)."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        unknown = sorted(set(value) - set(slices))
        if unknown:
            raise ValueError(f"`{name}`: unknown populations {unknown}; there are {list(slices)}.")
        parts = [
            per_unit(
                f"{name} of {population}",
                value.get(population, 0.0),
                s.stop - s.start,
                None if key is None else jax.random.fold_in(key, i),
            )
            for i, (population, s) in enumerate(slices.items())
        ]
        bound = join_parameters(parts)
    else:
        bound = per_unit(name, value, max(s.stop for s in slices.values()), key)
    numbers = numbers_of(bound) if low else None
    if numbers is not None and not (numbers >= 0).all():
        raise ValueError(f"`{name}` must be at least 0, got {float(numbers.min()):g}.")
    return bound


def cut(network: Any, kept: Array, *, incoming: bool, outgoing: bool) -> Any:
    """A copy of the network without the connections of units that are not kept."""
    projections = {
        name: each.only(kept, incoming=incoming, outgoing=outgoing)
        for name, each in network.projections.items()
    }
    network = changed(network, projections=projections)
    if incoming:
        inputs = {
            name: _cut_input(each, kept, network.slices) for name, each in network.inputs.items()
        }
        network = changed(network, inputs=inputs)
    if outgoing and network.decoder is not None:
        network = changed(network, decoder=network.decoder.only(kept))
    return network


def _cut_input(each: Any, kept: Array, slices: Slices) -> Any:
    if not isinstance(each, CurrentInput):
        return each
    first, last = units_of(each.to, slices, "input")
    return CurrentInput(each.n, each.to, only(each.W, kept[first:last], name="W"))
