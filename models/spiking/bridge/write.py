"""A neurodyn network as a Brian2 Network."""

from __future__ import annotations

from typing import Any

import diffrax
import numpy as np

from neurodyn.engine.drive import Drive, as_drive
from neurodyn.models.spiking.bridge.neuron_group import GroupWriter, Kind, valid_name
from neurodyn.models.spiking.bridge.neurons import equations_of
from neurodyn.models.spiking.bridge.synapses import receptor_of, written
from neurodyn.models.spiking.cells.schemes import Izh2003
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.weights import CSR
from neurodyn.models.spiking.synapses.inputs import SpikeInput
from neurodyn.params import with_values
from neurodyn.params.base import value_of


def write(network: Any, inputs: Any, *, dt: float, variables: Any, key: Any) -> Any:
    """See :func:`neurodyn.io.to_brian2`."""
    import brian2 as b2

    if not isinstance(network, Network):
        raise TypeError(
            f"to_brian2 translates a spiking.Network, got {type(network).__name__}; of a model "
            "that wraps one, pass the network inside."
        )
    network.check_step(dt)
    network = with_values(network).sized(dt)
    state = network.initial_state(dt=dt, key=key)
    izh2003 = _check_supported(network)
    drive = None if inputs is None else _checked(network, inputs)
    kinds = _kinds(network)
    receptors = {name: receptor_of(valid_name(name), s) for name, s in network.synapses.items()}
    clock = {"dt": float(dt) * b2.ms}
    groups = [
        GroupWriter(b2, network, kind, receptors, drive, clock, izh2003).group(
            state.x.cells[k], state.x
        )
        for k, kind in enumerate(kinds)
    ]
    senders = _senders(b2, network, drive, clock)
    parts: list[Any] = [*groups, *senders.values()]
    for name, each in network.projections.items():
        parts += _synapses(b2, name, each, network, kinds, groups, senders, receptors, clock)
    parts += _monitors(b2, kinds, groups, variables, clock)
    return b2.Network(*parts)


def _check_supported(network: Network) -> bool:
    """Whether the scheme is that of 2003; raises ValueError for parts without counterpart."""
    if not isinstance(network.solver, (diffrax.Euler, Izh2003)):
        raise ValueError(
            f"Brian2: the scheme {type(network.solver).__name__} has no counterpart; 'euler' and "
            "'izh2003' have."
        )
    if network.decoder is not None and (
        network.decoder.feedback is not None or network.decoder.rule is not None
    ):
        raise ValueError(
            "Brian2: a readout that learns or feeds back cannot be translated. A readout that only "
            "listens is left out: it follows from the spikes."
        )
    for name, each in network.projections.items():
        if each.rule is not None:
            raise ValueError(
                f"Brian2: the rule {type(each.rule).__name__} of projection {name!r} cannot be "
                "translated; build the network without it."
            )
    izh2003 = isinstance(network.solver, Izh2003)
    if izh2003 and network.refractory is not None:
        raise ValueError("Brian2: the scheme 'izh2003' is not translated with refractory periods.")
    return izh2003


def _checked(network: Network, inputs: Any) -> Drive:
    """The drive of the network, ``(time, input)``, as NumPy arrays."""
    drive = as_drive(inputs)
    values = None if drive.input is None else np.asarray(drive.input, float)
    current = None if drive.current is None else np.asarray(drive.current, float)
    for what, array, n in (("inputs", values, network.n_inputs), ("current", current, None)):
        wanted = network.n_units if n is None else n
        if array is not None and (array.ndim != 2 or array.shape[1] != wanted):
            raise ValueError(
                f"Brian2 runs one trial: `{what}` must be (time, {wanted}), got {array.shape}."
            )
    return Drive(input=values, current=current)


def _kinds(network: Network) -> list[Kind]:
    kinds, first = [], 0
    for k, neuron in enumerate(network.kinds):
        name = "cells" if len(network.kinds) == 1 else f"cells_{k}"
        kinds.append(Kind(name, first, first + neuron.n, neuron, equations_of(neuron)))
        first += neuron.n
    return kinds


def _senders(b2: Any, network: Network, drive: Drive | None, clock: dict) -> dict[str, Any]:
    """Groups of inputs and sources that send spikes."""
    senders = {}
    for name, first, stop in network.input_channels:
        each = network.inputs[name]
        if isinstance(each, SpikeInput):
            if drive is None or drive.input is None:
                raise ValueError(f"Brian2: the spikes of input {name!r} are needed: pass `inputs`.")
            counts = drive.input[:, first:stop]
            step, unit = np.nonzero(counts)
            if not np.isin(counts, (0, 1)).all():
                raise ValueError(
                    f"Brian2 lets a unit of a SpikeGeneratorGroup spike once in a step; input "
                    f"{name!r} has other counts than 0 and 1."
                )
            senders[name] = b2.SpikeGeneratorGroup(
                each.n, unit, step * clock["dt"], name=valid_name(name), **clock
            )
    for name, source in network.sources.items():
        if source.trains > 1:
            raise ValueError(
                f"Brian2: source {name!r} sums {source.trains} trains in each unit, which a "
                "PoissonGroup cannot; give each train a unit of its own."
            )
        rates = np.broadcast_to(np.asarray(value_of(source.rate), float), (source.n,))
        senders[name] = b2.PoissonGroup(source.n, rates * b2.Hz, name=valid_name(name), **clock)
    return senders


def _synapses(b2, name, each, network, kinds, groups, senders, receptors, clock) -> list[Any]:
    """The Synapses of one projection: one for each pair of groups that it connects."""
    values = np.asarray(value_of(each.weights.values), float)
    if isinstance(each.weights, CSR):
        pre, post = np.asarray(each.weights.pre), np.asarray(each.weights.post)
    else:
        pre, post = np.nonzero(values)
        values = values[pre, post]
    delay = None if each.delay is None else np.asarray(value_of(each.delay), float)
    if delay is not None:
        delay = np.broadcast_to(delay, values.shape)
    post = post + each.post[0]
    sides: list[tuple[Any, int, int]] = [(senders.get(each.source), 0, each.n_pre)]
    if each.source is None:
        pre = pre + each.pre[0]
        sides = [(g, k.first, k.stop) for g, k in zip(groups, kinds, strict=True)]
    on_pre, extra = receptors[each.synapse].on_pre, {}
    model = "weight : 1"
    if each.short_term is not None:
        model, on_pre, extra = _short_term(each.short_term, on_pre)
    found = []
    for source, low, high in sides:
        for group, kind in zip(groups, kinds, strict=True):
            mine = (pre >= low) & (pre < high) & (post >= kind.first) & (post < kind.stop)
            if not mine.any():
                continue
            synapses = b2.Synapses(
                source,
                group,
                model,
                on_pre=on_pre,
                name=valid_name(name) if not found else f"{valid_name(name)}_{len(found)}",
                **clock,
            )
            synapses.connect(i=pre[mine] - low, j=post[mine] - kind.first)
            synapses.weight = values[mine]
            for field, start in extra.items():
                setattr(synapses, field, start)
            if delay is not None:
                synapses.delay = delay[mine] * b2.ms
            found.append(synapses)
    return found


def _short_term(short_term: Any, on_pre: str) -> tuple[str, str, dict[str, float]]:
    """Terminals of Tsodyks and Markram; in Brian2 each synapse has its own."""
    U, depression = (written(value_of(x)) for x in (short_term.U, short_term.depression))
    model = f"weight : 1\ndresources/dt = (1 - resources)/({depression}*ms) : 1 (event-driven)\n"
    start = {"resources": 1.0}
    if short_term.facilitation is None:
        release = [f"released = {U}*resources"]
    else:
        facilitation = written(value_of(short_term.facilitation))
        model += f"dused/dt = ({U} - used)/({facilitation}*ms) : 1 (event-driven)\n"
        release = [f"used += {U}*(1 - used)", "released = resources*used"]
        start["used"] = float(U)
    arrival = on_pre.replace("+= weight", "+= weight*released")
    return model, "\n".join([*release, "resources -= released", arrival]), start


def _monitors(b2, kinds, groups, variables, clock) -> list[Any]:
    found = []
    for kind, group in zip(kinds, groups, strict=True):
        suffix = kind.name.removeprefix("cells")
        found.append(b2.SpikeMonitor(group, name=f"spikes{suffix}"))
        if variables:
            unknown = sorted(set(variables) - set(group.variables))
            if unknown:
                own = [n for n in group.equations.names if n not in group.equations.parameter_names]
                raise ValueError(f"Brian2: there are no variables {unknown} in {kind.name}: {own}.")
            found.append(
                b2.StateMonitor(
                    group, list(variables), record=True, name=f"states{suffix}", **clock
                )
            )
    return found
