"""The variables of a network and their labels."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from neurodyn.models.spiking.network.weights import Dense
from neurodyn.system import Variable

#: Fields of a network that :func:`parts` describes.
PARTS = ("names", "sizes", "signs", "cell_type", "kinds", "input_channels", "projections")


def parts(network: Any) -> list[str]:
    """The populations and projections of a network, in words."""
    said = [
        f"{n:,} {network.cell_type[units.start]} in {name!r}"
        for (name, units), n in zip(network.slices.items(), network.sizes, strict=True)
    ]
    for name, each in network.projections.items():
        weights = each.weights
        n = each.n_pre * each.n_post if isinstance(weights, Dense) else weights.indices.size
        said.append(f"{n:,} synapses in {name!r}")
    return said


def cell_labels(kinds: Sequence[Any]) -> dict[str, Variable]:
    """Variables that neurons of every kind have."""
    known = [kind.variables() for kind in kinds]
    common = [name for name in known[0] if all(name in each for each in known)]
    labels = {}
    for name in common:
        units = {each[name].units for each in known}
        first = known[0][name]
        labels[name] = first if len(units) == 1 else first._replace(units="1")
    return labels


def cell_variables(kinds: Sequence[Any], cells: Sequence[Any]) -> dict[str, Array]:
    """Their values on all units."""
    values = {name: [getattr(cell, name) for cell in cells] for name in cell_labels(kinds)}
    return {n: v[0] if len(v) == 1 else jnp.concatenate(v) for n, v in values.items()}


def current_units(kinds: Sequence[Any]) -> str:
    """Units of the current, where all kinds agree."""
    units = {kind.units_of_current() for kind in kinds}
    return units.pop() if len(units) == 1 else "1"


def observe(network: Any, state: Any) -> dict[str, Array]:
    """Values of the variables in a state."""
    x, m = state
    seen = cell_variables(network.kinds, x.cells)
    seen["I"] = network.current(state)
    for name, synapse in network.synapses.items():
        trace = synapse.trace(m.synapses[name] if synapse.exact else x.synapses[name])
        if trace is not None:
            seen[name] = trace
    if network.decoder is not None:
        seen["rate"] = network.decoder.rate(x.filter, m.readout)
        if m.readout.W is not None:
            seen["decoder"] = m.readout.W
    for name, each in network.projections.items():
        if each.rule is not None:
            seen[f"W_{name}"] = _matrix(each, m.projections[name].W, network.n_units)
    return seen


def variables(network: Any) -> dict[str, Variable]:
    """Labels of :func:`observe`."""
    units = current_units(network.kinds)
    labels = cell_labels(network.kinds)
    labels["I"] = Variable(("unit",), units, "current from within the network", "current")
    for name, synapse in network.synapses.items():
        label = synapse.variable(name, units)
        if label is not None:
            labels[name] = label
    if network.decoder is not None:
        labels["rate"] = Variable(("unit",), "1/ms", "filtered spikes", "rate")
        if network.decoder.rule is not None:
            labels["decoder"] = Variable(("unit", "output"), "1", "readout weights", "weight")
    for name, each in network.projections.items():
        if each.rule is not None:
            pre = "presynaptic" if each.source is None else "channel"
            labels[f"W_{name}"] = Variable((pre, "unit"), "1", f"weights of {name}", "weight")
    return labels


def _matrix(each: Any, W: Array, n: int) -> Array:
    """Weights of a projection between all units of the network, or from a source to all units."""
    rows = (each.pre[0], n - each.pre[1]) if each.source is None else (0, 0)
    return jnp.pad(each.with_values(W).matrix(), (rows, (each.post[0], n - each.post[1])))
