"""Delivery of the spikes of one step to synapses, and to potentials that change at once."""

from typing import Any, cast

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.kernels import add_spikes
from neurodyn.models.spiking.network import groups as cells
from neurodyn.models.spiking.network.divided import Divided, add_divided
from neurodyn.models.spiking.network.projection import Connection
from neurodyn.models.spiking.network.state import NetworkX
from neurodyn.models.spiking.network.weights import Dense
from neurodyn.system import State

Named = dict[str, Any]


def deliver(
    network: Any,
    state: State,
    spikes: Float[Array, " unit"],
    events: Named,
    free: Float[Array, " unit"] | None,
    dt: Float[Array, ""],
) -> tuple[State, Named]:
    """The state after arrival, and the spikes that each projection's rule sees.

    Projections without delay, plasticity or rule add to the states of synapses in place where the
    synapse allows it, and the sparse ones share one search for spikes. The others return sums.
    """
    x, m = state
    projections, seen, arrivals = dict(m.projections), {}, {}
    for name, each in network.projections.items():
        if each.at_once:
            continue
        sent = spikes[each.pre[0] : each.pre[1]] if each.source is None else events[each.source]
        arrived, seen[name], projections[name] = each.deliver(projections[name], sent, dt)
        arrived = jnp.pad(arrived, (each.reaches[0], network.n_units - each.reaches[1]))
        before = arrivals.get(each.synapse)
        arrivals[each.synapse] = arrived if before is None else before + arrived
    added, arrivals = _added(network, state, spikes, arrivals)
    x, exact = _receive(network, x, m.synapses, added, arrivals, free, dt)
    return State(x, m._replace(synapses=exact, projections=projections)), seen


def _added(network, state, spikes, arrivals) -> tuple[Named, Named]:
    """States of synapses to which all arrivals were added, and sums for the other synapses."""
    at_once = [each for each in network.projections.values() if each.at_once]
    reached = dict.fromkeys(each.synapse for each in at_once)
    whole = {name for name in reached if network.synapses[name].sums and name not in arrivals}
    onto = {
        name: state.x.synapses[name] if name in whole else arrivals.get(name) for name in reached
    }
    sparse = [each for each in at_once if not isinstance(each.weights, Dense)]
    for each in at_once:
        if isinstance(each.weights, Dense):
            onto[each.synapse] = _through_matrix(each, spikes, onto[each.synapse])
    names = list(dict.fromkeys(each.synapse for each in sparse))
    nothing = jnp.zeros((network.n_units,), spikes.dtype)
    states = [nothing if onto[name] is None else onto[name] for name in names]
    places = [names.index(each.synapse) for each in sparse]
    if any(isinstance(each.weights, Divided) for each in sparse):
        states = add_divided(states, spikes, sparse, places)
    else:
        rows = [each.rows(place) for each, place in zip(sparse, places, strict=True)]
        states = add_spikes(states, spikes, rows)
    onto |= dict(zip(names, states, strict=True))
    added = {name: onto[name] for name in reached if name in whole}
    return added, arrivals | {name: onto[name] for name in reached if name not in whole}


def _through_matrix(each: Connection, spikes, onto) -> Float[Array, " unit"]:
    """``onto`` plus the arrivals of a dense projection; None: the arrivals alone."""
    (first, last), n_units = each.post, spikes.shape[0]
    matrix = cast(Dense, each.weights)
    sent = spikes[each.pre[0] : each.pre[1]]
    if onto is None:
        return jnp.pad(matrix.product(sent), (first, n_units - last))
    part = matrix.product(sent, onto[first:last])
    return part if each.n_post == n_units else onto.at[first:last].set(part)


def _receive(network, x: NetworkX, exact, added, arrivals, free, dt) -> tuple[NetworkX, Named]:
    """Synapses after the arrivals, and neurons after the jumps that these cause."""
    solved, exact = x.synapses | added, dict(exact)
    nothing = jnp.zeros_like(x.v)
    jumps: dict[str, Any] = {}
    for name, synapse in network.synapses.items():
        if name in added:
            continue
        arrived = arrivals.get(name, nothing)
        place = exact if synapse.exact else solved
        place[name] = synapse.receive(place[name], arrived, dt)
        own = synapse.kick(arrived) if name in arrivals else None
        if own is not None:
            before = jumps.get(synapse.onto)
            jumps[synapse.onto] = own if before is None else before + own
    x = x._replace(synapses=solved)
    for variable, jump in jumps.items():
        x = x._replace(cells=cells.moved(network.kinds, x.cells, variable, jump, free))
    return x, exact
