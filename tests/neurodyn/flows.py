"""Small systems with known solutions."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.system import AbstractFlow, AbstractMap, AbstractSpiking, State, Variable

RATE = {"rate": Variable(("unit",), "1", "rate", "rate")}


class OU(AbstractFlow):
    """Ornstein-Uhlenbeck units with stationary deviation ``std``, driven by their inputs."""

    tau: Float[Array, ""]
    std: Float[Array, ""]
    n_inputs: int = 4
    n_outputs: int = 2

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(4))

    def readout(self, state):
        return state.x[:2]

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {"area": ["a", "a", "b", "b"]}

    def drift(self, t, state, u):
        z = 0.0 if u.input is None else u.input
        z = z if u.current is None else z + u.current
        return (z - state.x) / self.tau

    def diffusion(self, t, state, u):
        return self.std * jnp.sqrt(2 / self.tau) * jnp.ones_like(state.x)


class Leaky(AbstractFlow):
    """Uncoupled leaky units, without noise."""

    tau: Float[Array, " unit"]
    n_inputs: int = 1
    n_outputs: int = 1

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros_like(self.tau))

    def readout(self, state):
        return state.x[:1]

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {"tau": self.tau}

    def drift(self, t, state, u):
        return (u.input - state.x) / self.tau

    def diffusion(self, t, state, u):
        return None


class Forced(AbstractFlow):
    """A harmonic oscillator with a cosine force, explicit in time."""

    n_inputs: int = 1
    n_outputs: int = 2

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.array([1.0, 0.0]))

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def drift(self, t, state, u):
        force = 0.0 if u.input is None else u.input[0]
        return jnp.array([state.x[1], -state.x[0] + force + jnp.cos(0.5 * t)])

    def diffusion(self, t, state, u):
        return None


class LIF(AbstractSpiking):
    """Two integrate-and-fire cells with constant drive; threshold 1, reset 0, tau 10 ms."""

    drive: Float[Array, " unit"]
    n_inputs: int = 1
    n_outputs: int = 2

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros_like(self.drive), {"count": jnp.zeros(2, jnp.int32)})

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"v": state.x}

    def variables(self):
        return {"v": Variable(("unit",), "mV", "voltage", "voltage")}

    def unit_coords(self):
        return {}

    def drift(self, t, state, u):
        return (self.drive - state.x) / 10.0

    def diffusion(self, t, state, u):
        return None

    def crossing(self, state):
        return state.x - 1.0

    def spike(self, crossing):
        return (crossing >= 0).astype(crossing.dtype)

    def after(self, t, dt, state, spikes, u, *, key):
        count = state.memory["count"] + (spikes > 0).astype(jnp.int32)
        return State(jnp.where(spikes > 0, 0.0, state.x), {"count": count})


class Walk(AbstractMap):
    """A random walk with input."""

    n_inputs: int = 1
    n_outputs: int = 1

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(3))

    def readout(self, state):
        return state.x[:1]

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def update(self, state, u, *, key):
        noise = 0.0 if key is None else jax.random.normal(key, (3,))
        return State(state.x + u.input + noise)
