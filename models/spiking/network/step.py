"""One step of a network of spiking neurons."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.random import as_key
from neurodyn.kernels import standard_normal
from neurodyn.models.spiking.network import assemble, delivery
from neurodyn.models.spiking.network import groups as cells
from neurodyn.models.spiking.network.state import NetworkMemory, NetworkX
from neurodyn.models.spiking.synapses.inputs import CurrentInput, SpikeInput
from neurodyn.params.base import value_of
from neurodyn.system import State


def start(network: Any, dt: Any, key: Any) -> State:
    """The state before the first step; `dt` None: the length of the step is unknown."""
    keys = assemble.keys(as_key(key), ("cells", "current", "readout"))
    neurons = cells.start(network.kinds, keys["cells"])
    dtype = neurons[0].v.dtype
    x = NetworkX(neurons, {}, None, None)
    if network.refractory is not None:
        x = x._replace(refractory=jnp.full((network.n_units,), -1.0, dtype))
    solved, exact = {}, {}
    for name, synapse in network.synapses.items():
        (exact if synapse.exact else solved)[name] = synapse.start(network.n_units, dtype)
    memory = NetworkMemory(
        exact,
        {name: each.start(dtype) for name, each in network.projections.items()},
        _drawn_current(network, keys["current"], dtype),
        None,
        jnp.asarray(dt if network.clocked and dt is not None else 0.0, dtype),
    )
    if network.decoder is not None:
        filter, readout = network.decoder.start(dtype, network.n_units, keys["readout"])
        x, memory = x._replace(filter=filter), memory._replace(readout=readout)
    return State(x._replace(synapses=solved), memory)


def current(network: Any, state: State, u: Any = None) -> Float[Array, " unit"]:
    """Current into each unit: synapses, feedback, bias and, if given, the drive."""
    x, m = state
    v = x.v
    total = jnp.zeros_like(v) if network.bias is None else value_of(network.bias)
    for name, synapse in network.synapses.items():
        s = m.synapses[name] if synapse.exact else x.synapses[name]
        part = synapse.current(s, v)
        total = total if part is None else total + part
    if m.current is not None:
        total = total + m.current
    if network.decoder is not None and network.decoder.feedback is not None:
        total = total + network.decoder.z(x.filter, m.readout) @ network.decoder.feedback
    if u is None:
        return total
    if u.input is not None:
        for name, first, last in network.input_channels:
            each = network.inputs[name]
            if isinstance(each, CurrentInput):
                channels = u.input[first:last]
                total = total + assemble.spread(channels, each, network.slices, network.n_units)
    return total if u.current is None else total + u.current


def free(network: Any, state: State, steps: float = 0.0) -> Float[Array, " unit"] | None:
    """1 where a unit integrates, 0 where it is refractory; now, or some steps from now."""
    left = state.x.refractory
    if left is None:
        return None
    return (left <= (0.25 + steps) * state.memory.step).astype(left.dtype)


def crossing(network: Any, state: State) -> Float[Array, " unit"]:
    """Distance of potentials beyond threshold, below it where refractory units must not spike."""
    distance, left = cells.crossing(network.kinds, state.x.cells), state.x.refractory
    if left is None or not any(kind.guarded() for kind in network.kinds):
        return distance
    # The time that was left before the step; towards its end the distance grows to 0.
    left = left + 0.75 * state.memory.step
    return jnp.where(left > 0, jnp.minimum(distance, -left), distance)


def after(network: Any, t, dt, state: State, spikes, u, key) -> State:
    """The state after spikes: arrival, readout, learning, reset, in this order."""
    keys = assemble.keys(key, ("sources", "current", "readout", "projections"))
    events = _events(network, u, dt, keys["sources"])
    still = free(network, state, -1.0)
    (x, m), seen = delivery.deliver(network, state, spikes, events, still, dt)
    m = m._replace(current=_drawn_current(network, keys["current"], x.v.dtype))
    if network.decoder is not None:
        filter, readout = network.decoder.after(
            t, dt, x.filter, m.readout, spikes, u, key=keys["readout"]
        )
        x, m = x._replace(filter=filter), m._replace(readout=readout)
    projections = dict(m.projections)
    for i, (name, each) in enumerate(network.projections.items()):
        if each.rule is None:
            continue
        own = None if key is None else jax.random.fold_in(keys["projections"], i)
        projections[name] = each.learn(
            t,
            dt,
            projections[name],
            seen[name],
            spikes[each.post[0] : each.post[1]],
            State(x, m),
            u,
            key=own,
        )
    return State(_reset(network, x, spikes, m.step), m._replace(projections=projections))


def _events(network, u, dt, key) -> dict[str, Float[Array, " pre"]]:
    """Spikes of inputs and sources in this step."""
    events = {}
    for name, first, last in network.input_channels:
        if isinstance(network.inputs[name], SpikeInput):
            nothing = jnp.zeros((last - first,), dt.dtype)
            events[name] = nothing if u.input is None else u.input[first:last]
    for i, (name, source) in enumerate(network.sources.items()):
        key = as_key(key, needed_for=f"The Poisson source {name!r}")
        events[name] = source.draw(dt, jax.random.fold_in(key, i))
    return events


def _reset(network, x, spikes, step):
    """The integrated state after the reset of units that spiked."""
    if network.detach_reset:
        spikes = jax.lax.stop_gradient(spikes)
    refractory = x.refractory
    if refractory is not None:
        refractory = jnp.where(spikes > 0, _held(network, step), refractory)
    return x._replace(cells=cells.reset(network.kinds, x.cells, spikes), refractory=refractory)


def _held(network: Any, step: Float[Array, ""]) -> Float[Array, " unit"]:
    """Duration for which units are refractory, from the end of the step of their spike."""
    refractory = value_of(network.refractory)
    # As in Brian2, the steps within the period are counted.
    steps = jnp.floor(refractory / jnp.where(step > 0, step, 1) + 1e-3)
    return jnp.where(step > 0, (steps - 1) * step, refractory)


def _drawn_current(network, key, dtype):
    if network.current_noise_std is None:
        return None
    key = as_key(key, needed_for="The random current")
    return network.current_noise_std * standard_normal(key, (network.n_units,), dtype)
