"""Checks that a network can run at a step, or in continuous time."""

from typing import Any

import numpy as np

from neurodyn.models.spiking.synapses.delta import Delta
from neurodyn.models.spiking.synapses.inputs import SpikeInput
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse
from neurodyn.params.base import value_of
from neurodyn.params.laws import is_concrete


def check_step(network: Any, dt: float) -> None:
    """Raise ValueError if the step is too long for a part of the network."""
    for kind in network.kinds:
        _check_constants(type(kind).__name__, kind, dt)
    for name, synapse in network.synapses.items():
        if not synapse.exact:
            _check_constants(f"synapse {name!r}", synapse, dt)
    for name, each in network.projections.items():
        delay = None if each.delay is None else value_of(each.delay)
        if delay is None or not is_concrete(delay):
            continue
        lost = (np.asarray(delay) > 0) & (np.asarray(delay) < 0.5 * dt * (1 - 1e-6))
        if lost.any():
            raise ValueError(
                f"Projection {name!r} has delays below half a step (dt={dt:g} ms), the shortest "
                f"{np.asarray(delay)[lost].min():g} ms: use a shorter dt, or no delay."
            )
    for name, source in network.sources.items():
        rate = value_of(source.rate)
        if is_concrete(rate) and float(rate.max()) * dt / 1000 > 1:
            raise ValueError(
                f"Source {name!r} fires at {float(rate.max()):g} Hz, more than once in a step of "
                f"{dt:g} ms: use a shorter dt."
            )


def check_jumps(network: Any) -> None:
    """Raise ValueError if spikes are to move a variable that their targets do not have."""
    for name, each in network.projections.items():
        synapse, first = network.synapses[each.synapse], 0
        for kind in network.kinds:
            reached = each.post[0] < first + kind.n and first < each.post[1]
            if reached and synapse.onto not in kind.variables():
                raise ValueError(
                    f"Projection {name!r}: synapse {each.synapse!r} moves {synapse.onto!r}, but "
                    f"{type(kind).__name__} has the variables {list(kind.variables())}."
                )
            first += kind.n


def check_continuous(network: Any) -> None:
    """Refuse continuous time where a part of the network advances in steps only."""
    parts = [
        f"synapse {n!r} (use exact=False)"
        for n, s in network.synapses.items()
        if s.exact and not isinstance(s, Delta)
    ]
    parts += [
        f"the delay of projection {n!r}"
        for n, p in network.projections.items()
        if p.delay is not None
    ]
    parts += [f"the rule of projection {n!r}" for n, p in network.projections.items() if p.rule]
    parts += [
        f"the spikes of input {n!r}"
        for n, each in network.inputs.items()
        if isinstance(each, SpikeInput)
    ]
    parts += [f"source {n!r}" for n in network.sources]
    parts += ["the random current"] if network.current_noise_std is not None else []
    if network.decoder is not None and network.decoder.filter.exact:
        parts.append("the filter of the readout (use one with exact=False)")
    if network.decoder is not None and network.decoder.rule is not None:
        parts.append("the rule of the readout")
    if parts:
        raise ValueError(
            f"In continuous time (nd.solve) there are no steps for {', '.join(parts)}: use "
            "nd.integrate or nd.simulate."
        )


def _check_constants(what: str, part: Any, dt: float) -> None:
    for field in part.time_constants:
        tau = value_of(getattr(part, field))
        if is_concrete(tau) and not bool((np.asarray(tau) >= dt * (1 - 1e-6)).all()):
            raise ValueError(
                f"`{field}` of {what} must not be below the step dt={dt:g} ms, got "
                f"{float(tau.min()):g} ms: use a shorter dt"
                + (", or exact=True." if isinstance(part, AbstractSynapse) else ".")
            )
