"""A Brian2 Network as a neurodyn network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.groups import Group, read_group
from neurodyn.models.spiking.bridge.methods import check_device, check_linear, scheme_of
from neurodyn.models.spiking.bridge.projections import (
    read_poisson_input,
    read_projections,
    written_variables,
)
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.synapses.delta import Delta
from neurodyn.models.spiking.synapses.exponential import DoubleExponential, Exponential
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.params import Fixed


def read(net: Any, namespace: Mapping[str, Any], scheme: Any) -> Network:
    """See :func:`neurodyn.io.from_brian2`."""
    import brian2 as b2

    objects = sorted(_checked(b2, net), key=lambda each: _natural(each.name))
    of = {
        cls: [o for o in objects if isinstance(o, cls)]
        for cls in (b2.NeuronGroup, b2.Synapses, b2.PoissonInput)
    }
    written = written_variables(b2, of[b2.NeuronGroup], of[b2.Synapses], of[b2.PoissonInput])
    groups = {o.name: read_group(b2, o, namespace, written[o.name]) for o in of[b2.NeuronGroup]}
    if scheme is None:
        scheme = scheme_of(of[b2.NeuronGroup], namespace)
    inputs, sources = _senders(b2, objects, namespace)
    for name, group in groups.items():
        for array, (channels, weight) in group.inputs.items():
            W = weight[None] if channels == 1 else np.diag(weight)
            own = array if len(groups) == 1 else f"{array}_{name}"
            inputs[own] = CurrentInput(channels, name, Fixed(W))
    synapses, names = _synapses(groups)
    if any(name == "jump" or name.startswith("jump_") for name in synapses):
        raise ValueError(
            "from_brian2: the name 'jump' is reserved for jumps of variables: rename the variable."
        )
    projections = {}
    for each in of[b2.Synapses]:
        projections |= read_projections(b2, each, groups, names, namespace)
    for each in of[b2.PoissonInput]:
        sources[each.name], projections[each.name] = read_poisson_input(
            b2, each, groups, names, namespace
        )
    for projection in projections.values():
        jump, _, onto = projection.synapse.partition("_")
        if jump == "jump" and projection.synapse not in synapses:
            synapses[projection.synapse] = cast(Any, Delta)(onto=onto or "v")

    def given(field: str) -> Any:
        values = {name: getattr(group, field) for name, group in groups.items()}
        return {name: value for name, value in values.items() if value is not None} or None

    network = Network(
        {name: group.population for name, group in groups.items()},
        synapses=synapses,
        projections=projections,
        inputs=inputs,
        sources=sources,
        bias=given("bias"),
        noise=given("noise"),
        current_noise_std=given("current_noise_std"),
        scheme=scheme,
    )
    check_linear(network, float(of[b2.NeuronGroup][0].clock.dt) * 1e3)
    return network


def _natural(name: str) -> list[Any]:
    """A key by which cells_2 comes before cells_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _checked(b2: Any, net: Any) -> list[Any]:
    """The objects that are read; raises ValueError for objects that would be lost."""
    known = (b2.NeuronGroup, b2.Synapses, b2.SpikeGeneratorGroup, b2.PoissonGroup, b2.PoissonInput)
    watching = (b2.StateMonitor, b2.PopulationRateMonitor, b2.EventMonitor, b2.SpikeMonitor)
    check_device(b2, net)
    found = [each for each in net.objects if isinstance(each, known)]
    parts = {part.name for each in net.objects for part in each.contained_objects}
    for each in net.objects:
        refused = not isinstance(each, (*known, *watching)) and each.name not in parts
        if refused or isinstance(each, b2.SpatialNeuron):
            raise ValueError(
                f"from_brian2: {each.name} ({type(each).__name__}) has no counterpart here; "
                f"{', '.join(cls.__name__ for cls in known)} have, and monitors are left out."
            )
    if not any(isinstance(each, b2.NeuronGroup) for each in found):
        raise ValueError("from_brian2: the Network has no NeuronGroup.")
    if net.t > 0 * b2.ms:
        raise ValueError(
            f"from_brian2: the Network has run until {net.t}, and spikes on their way would be "
            "lost: read it before it runs, or after `network.restore()`."
        )
    steps = {each.name: float(each.clock.dt) for each in found if isinstance(each, b2.Group)}
    steps = {name: dt for name, dt in steps.items() if not isinstance(net[name], b2.Synapses)}
    if len(set(steps.values())) > 1:
        raise ValueError(f"from_brian2: the groups have different steps [s], {steps}.")
    return found


def _senders(b2: Any, objects: list[Any], namespace: Mapping[str, Any]) -> tuple[dict, dict]:
    """Inputs and sources of spikes."""
    inputs: dict[str, Any] = {}
    sources: dict[str, Poisson] = {}
    for each in objects:
        if isinstance(each, b2.SpikeGeneratorGroup):
            inputs[each.name] = SpikeInput(len(each))
        elif isinstance(each, b2.PoissonGroup):
            rates = each._rates if isinstance(each._rates, str) else "rates"
            try:
                values = exact(Expressions(each, namespace).numbers(rates))
            except ValueError as error:
                raise ValueError(
                    f"from_brian2: the rates of {each.name} must be constant: {error}."
                ) from error
            sources[each.name] = Poisson(len(each), values)
    return inputs, sources


def _synapses(groups: Mapping[str, Group]) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """Synapses by name, and their names by group and variable."""
    kinds: dict[str, dict[tuple[int, bool], list[str]]] = {}
    for name, group in groups.items():
        for variable, receptor in group.receptors.items():
            kind = (len(receptor.times), receptor.reversal is None)
            kinds.setdefault(variable, {}).setdefault(kind, []).append(name)
    synapses, names = {}, {}
    for variable, found in kinds.items():
        for members in found.values():
            name = variable.removeprefix("g_") + (f"_{members[0]}" if len(found) > 1 else "")
            names |= {(group, variable): name for group in members}
            first = groups[members[0]].receptors[variable]
            columns = [*first.times, *([] if first.reversal is None else [first.reversal])]
            values = []
            for k in range(len(columns)):
                # Units without this receptor get values that have no effect.
                parts = [
                    _columns(group.receptors[variable])[k]
                    if each in members
                    else np.full(group.population.n, columns[k][0])
                    for each, group in groups.items()
                ]
                whole = np.concatenate(parts)
                values.append(whole[0] if (whole == whole[0]).all() else whole)
            times, reversal = values[: len(first.times)], values[len(first.times) :]
            make = Exponential if len(times) == 1 else DoubleExponential
            synapses[name] = make(*times, reversal=reversal[0] if reversal else None)
    return synapses, names


def _columns(receptor: Any) -> list[np.ndarray]:
    return [*receptor.times, *([] if receptor.reversal is None else [receptor.reversal])]
