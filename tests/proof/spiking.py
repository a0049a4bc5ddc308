"""A throw-away spiking system that uses every part of the interface at once.

Leaky integrate-and-fire units in two populations, a sparse projection with a delay of its own on
each connection, exponential synapses, and a readout trained by recursive least squares whose output
is fed back: all inside one scan.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.system import AbstractSpiking, State, Variable


@jax.custom_jvp
def heaviside(x):
    return (x >= 0).astype(x.dtype)


@heaviside.defjvp
def _surrogate(primals, tangents):
    (x,), (dx,) = primals, tangents
    return heaviside(x), dx / (1 + 10 * jnp.abs(x)) ** 2


class Potential(NamedTuple):
    v: Any


class Memory(NamedTuple):
    ring: Any  # (delay, unit) input that is under way
    head: Any  # slot that arrives next
    synapse: Any  # (unit,) decaying input
    trace: Any  # (unit,) filtered spikes, what is read out
    decoder: Any  # (unit, output)
    P: Any  # (unit, unit) inverse correlation of the traces


class TwoPopulations(AbstractSpiking):
    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    ring_size: int = eqx.field(static=True)
    pre: Any
    post: Any
    weight: Any
    delay: Any  # [steps]
    feedback: Any
    bias: Any
    tau: Any
    tau_synapse: Any
    tau_trace: Any

    def __init__(self, n_excitatory, n_inhibitory, *, seed=0):
        rng = np.random.default_rng(seed)
        n = n_excitatory + n_inhibitory
        sign = np.where(np.arange(n) < n_excitatory, 1.0, -4.0)
        self.pre, self.post = (
            jnp.asarray(i, jnp.int32) for i in np.nonzero(rng.random((n, n)) < 0.1)
        )
        self.n_inputs, self.n_outputs, self.n_units = 0, 1, n
        size = len(self.pre)
        self.delay = jnp.asarray(rng.integers(1, 16, size), jnp.int32)
        self.ring_size = 16
        self.weight = jnp.asarray(0.15 * sign[np.asarray(self.pre)] * rng.random(size))
        self.feedback = jnp.asarray(rng.uniform(-1, 1, n))
        self.bias = jnp.asarray(rng.uniform(0.9, 1.6, n))
        self.tau, self.tau_synapse, self.tau_trace = (jnp.asarray(t) for t in (10.0, 5.0, 20.0))

    def initial_state(self, *, dt, trial=None, key=None):
        n = self.n_units
        v = jax.random.uniform(key, (n,), self.bias.dtype)
        zeros = jnp.zeros_like(v)
        ring = jnp.zeros((self.ring_size, n), v.dtype)
        head = jnp.zeros((), jnp.int32)
        decoder, P = jnp.zeros((n, 1), v.dtype), 1e3 * jnp.eye(n, dtype=v.dtype)
        return State(Potential(v), Memory(ring, head, zeros, zeros, decoder, P))

    def readout(self, state):
        return state.memory.trace @ state.memory.decoder

    def drift(self, t, state, u):
        drive = self.bias + state.memory.synapse + self.feedback * self.readout(state)[0]
        return Potential((drive - state.x.v) / self.tau)

    def diffusion(self, t, state, u):
        return None

    def crossing(self, state):
        return state.x.v - 1

    def spike(self, crossing):
        return heaviside(crossing)

    def after(self, t, dt, state, spikes, u, *, key):
        m = state.memory
        slot = (m.head + self.delay) % self.ring_size
        ring = m.ring.at[slot, self.post].add(self.weight * spikes[self.pre])
        synapse = m.synapse * jnp.exp(-dt / self.tau_synapse) + ring[m.head]
        ring = ring.at[m.head].set(jnp.zeros_like(synapse))
        v = state.x.v * (1 - spikes)
        trace = m.trace * jnp.exp(-dt / self.tau_trace) + spikes * (dt / self.tau_trace)
        # Recursive least squares; the gate multiplies the correction and chooses no branch.
        gain = m.P @ trace
        gain = gain / (1 + trace @ gain)
        gate, error = u.gate[0], trace @ m.decoder - u.target
        P = m.P - gate * gain[:, None] * (trace @ m.P)[None, :]
        decoder = m.decoder - gate * gain[:, None] * error[None, :]
        head = (m.head + 1) % self.ring_size
        return State(Potential(v), Memory(ring, head, synapse, trace, decoder, P))

    def observe(self, state):
        return {"voltage": state.x.v, "decoder": state.memory.decoder}

    def variables(self):
        return {
            "voltage": Variable(("unit",), "mV", "membrane potential", "voltage"),
            "decoder": Variable(("unit", "output"), "1", "readout weights", "weight"),
        }

    def unit_coords(self):
        return {}
