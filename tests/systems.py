"""Throw-away systems and tasks, as small as they can be, for tests of the engine."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.params import Bounded, Free, Indexed
from neurodyn.system import AbstractFlow, AbstractMap, State, Variable
from neurodyn.task import AbstractDataTask, AbstractTask, Trial

RATE = {"rate": Variable(("unit",), "1", "rate", "rate")}


class Leaky(AbstractFlow):
    """A leaky tanh network; tau is bounded and trained."""

    W: Float[Array, "unit unit"]
    U: Float[Array, "input unit"]
    V: Float[Array, "unit output"]
    tau: eqx.Module
    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(self, n_inputs=1, n_units=8, n_outputs=1, *, key=0):
        k = jax.random.split(jax.random.key(key) if isinstance(key, int) else key, 4)
        self.W = jax.random.normal(k[0], (n_units, n_units)) / jnp.sqrt(1.0 * n_units)
        self.U = jax.random.normal(k[1], (n_inputs, n_units))
        self.V = jax.random.normal(k[2], (n_units, n_outputs)) / jnp.sqrt(1.0 * n_units)
        self.tau = Bounded(20.0, 200.0, init=50.0).build((n_units,), k[3])
        self.n_inputs, self.n_outputs = n_inputs, n_outputs

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(self.W.shape[0], self.W.dtype))

    def readout(self, state):
        return state.x @ self.V

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def drift(self, t, state, u):
        return (jnp.tanh(state.x @ self.W + u.input @ self.U) - state.x) / self.tau

    def diffusion(self, t, state, u):
        return None


class Variational(AbstractMap):
    """A latent a per sequence (mean and log deviation) is sampled and drives a small network."""

    a: eqx.Module
    W: Float[Array, "unit unit"]
    V: Float[Array, "unit output"]
    n_inputs: int = eqx.field(static=True, default=1)
    n_outputs: int = eqx.field(static=True, default=1)

    def __init__(self, n_sequences, *, n_units=6, by="sequence", key=0):
        k = jax.random.split(jax.random.key(key), 3)
        init = jax.nn.initializers.normal(0.1)
        self.a = Indexed(n_sequences, by=by, init=init).build((2, n_units), k[0])
        self.W = Free(jax.nn.initializers.normal(0.3)).build((n_units, n_units), k[1])
        self.V = Free(jax.nn.initializers.normal(0.3)).build((n_units, 1), k[2])
        self.n_inputs = self.n_outputs = 1

    def initial_state(self, *, dt, trial=None, key=None):
        z = self.a[0] + jnp.exp(self.a[1] - 3) * jax.random.normal(key, self.a[0].shape)
        return State(z)

    def readout(self, state):
        return state.x @ self.V

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def update(self, state, u, *, key):
        return State(0.8 * state.x + 0.2 * jnp.tanh(state.x @ self.W))


class PiecewiseLinear(AbstractMap):
    """A piecewise-linear map of the first units' readout: z' = A z + W relu(z) + h."""

    A: Float[Array, " unit"]
    W: Float[Array, "unit unit"]
    h: Float[Array, " unit"]
    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(self, n_units=5, n_outputs=2, *, key=0):
        k = jax.random.key(key)
        self.A = jnp.full(n_units, 0.9)
        self.W = 0.05 * jax.random.normal(k, (n_units, n_units))
        self.h = jnp.zeros(n_units)
        self.n_inputs, self.n_outputs = 1, n_outputs

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros_like(self.h))

    def readout(self, state):
        return state.x[: self.n_outputs]

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def update(self, state, u, *, key):
        return State(self.A * state.x + jax.nn.relu(state.x) @ self.W + self.h)


def _regression_loss(outputs, trials):
    error = trials.mask * jnp.square(outputs - trials.targets)
    return jnp.sum(error, axis=(1, 2)) / jnp.sum(trials.mask, axis=(1, 2))


def _regression_score(outputs, trials):
    error = jnp.max(jnp.abs(outputs - trials.targets), axis=(1, 2))
    return {
        "correct": (error < 0.5).astype(outputs.dtype),
        "choice": (outputs[:, -1, 0] > 0).astype(jnp.int32),
        "mse": _regression_loss(outputs, trials),
    }


class Filter(AbstractTask):
    """Follow a held random level, low-pass filtered; ``gain`` sets how large the levels are."""

    gain: Float[Array, ""]
    dt: float = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    n_inputs: int = eqx.field(static=True, default=1)
    n_outputs: int = eqx.field(static=True, default=1)
    t0: float = eqx.field(static=True, default=0.0)
    align_event: str = eqx.field(static=True, default="start")
    scored: str = eqx.field(static=True, default="every")
    reference: ClassVar[tuple[str, ...]] = ()
    output_names: ClassVar[tuple[str, ...]] = ("filtered",)

    def __init__(self, *, gain=1.0, dt=10.0, n_steps=20, n_inputs=1, scored="every"):
        self.gain = jnp.asarray(gain, jnp.result_type(float))
        self.dt, self.n_steps, self.n_inputs, self.scored = dt, n_steps, n_inputs, scored
        self.n_outputs, self.t0, self.align_event = 1, 0.0, "start"

    def sample(self, key, **conditions):
        level = self.gain * jax.random.uniform(key, (), self.gain.dtype, -1.0, 1.0)
        inputs = jnp.broadcast_to(level, (self.n_steps, self.n_inputs))
        k = jnp.arange(1, self.n_steps + 1, dtype=inputs.dtype)
        targets = (0.5 * level * (1 - jnp.exp(-k * self.dt / 60.0)))[:, None]
        targets = targets[-1:] if self.scored == "last" else targets
        return Trial(inputs, targets, jnp.ones_like(targets), {"level": level}, {})

    def batch(self, key, n, **conditions):
        key = jax.random.key(key) if isinstance(key, int) else key
        return jax.vmap(lambda i: self.sample(jax.random.fold_in(key, i)))(jnp.arange(n))

    def loss(self, outputs, trials):
        return _regression_loss(outputs, trials)

    def score(self, outputs, trials):
        return _regression_score(outputs, trials)

    def validation(self):
        return self.batch(jax.random.key(77), 32)

    @property
    def input_names(self):
        return tuple(f"level_{i}" for i in range(self.n_inputs))


class Sequences(AbstractDataTask):
    """Stored sequences to be produced without input; subjects alternate."""

    data: Float[Array, "item time output"]
    subject: Int[Array, " item"]
    n_items: int = eqx.field(static=True)
    dt: float = eqx.field(static=True, default=1.0)
    n_steps: int = eqx.field(static=True, default=0)
    n_inputs: int = eqx.field(static=True, default=1)
    n_outputs: int = eqx.field(static=True, default=1)
    t0: float = eqx.field(static=True, default=0.0)
    align_event: str = eqx.field(static=True, default="start")
    scored: str = eqx.field(static=True, default="every")
    reference: ClassVar[tuple[str, ...]] = ()

    def __init__(self, n_items=10, n_steps=15, n_outputs=1):
        phase = jnp.linspace(0.0, 6.0, n_items)[:, None, None]
        time = jnp.linspace(0.0, 6.0, n_steps)[None, :, None]
        channel = jnp.arange(1.0, 1.0 + n_outputs)[None, None, :]
        self.data = jnp.sin(phase + time * channel)
        self.subject = jnp.arange(n_items, dtype=jnp.int32) % 2
        self.n_items, self.n_steps, self.n_outputs = n_items, n_steps, n_outputs
        self.dt, self.n_inputs, self.t0 = 1.0, 1, 0.0
        self.align_event, self.scored = "start", "every"

    input_names: ClassVar[tuple[str, ...]] = ("none",)

    def item(self, i):
        targets = self.data[i]
        inputs = jnp.zeros((self.n_steps, 1), targets.dtype)
        conditions = {"subject": self.subject[i]}
        return Trial(inputs, targets, jnp.ones_like(targets), conditions, {}, None, i)

    def sample(self, key, **conditions):
        return self.item(jax.random.randint(key, (), 0, self.n_items))

    def batch(self, key, n, **conditions):
        return jax.vmap(self.item)(jax.random.randint(key, (n,), 0, self.n_items))

    def loss(self, outputs, trials):
        return _regression_loss(outputs, trials)

    def score(self, outputs, trials):
        return _regression_score(outputs, trials)

    def validation(self):
        return jax.vmap(self.item)(jnp.arange(self.n_items))

    @property
    def output_names(self):
        return tuple(f"x{i}" for i in range(self.n_outputs))
