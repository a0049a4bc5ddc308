"""A throw-away variational system: a posterior of its own for every sequence and step."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.system import AbstractMap, State, Variable
from neurodyn.task import Trial

pytestmark = pytest.mark.slow
N_SEQUENCES, STEPS, LATENT, UNITS = 6, 12, 2, 5


class Layer(NamedTuple):
    d: Any
    z: Any
    noise: Any
    kl: Any


class Variational(AbstractMap):
    """``z ~ N(mu_p(d) ; A_seq,t)``, ``d' = tanh(d W + z V)``, with the KL of each step observed."""

    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    A: Any  # posterior mean (latent,) and log std (latent,) of each sequence and step
    W: Any
    V: Any
    prior: Any
    C: Any

    def __init__(self, key):
        self.n_inputs, self.n_outputs = 0, 3
        keys = jax.random.split(key, 5)
        spec = params.Indexed(N_SEQUENCES, init=params.Normal(0.0, 1.0))
        self.A = spec.build((STEPS, 2 * LATENT), keys[0])
        self.W = 0.5 * jax.random.normal(keys[1], (UNITS, UNITS))
        self.V = jax.random.normal(keys[2], (LATENT, UNITS))
        self.prior = jax.random.normal(keys[3], (UNITS, LATENT))
        self.C = jax.random.normal(keys[4], (UNITS, 3))

    def initial_state(self, *, dt, trial=None, key=None):
        z = jnp.zeros(LATENT)
        return State(Layer(jnp.zeros(UNITS), z, z, jnp.zeros(())), memory=jnp.zeros((), jnp.int32))

    def update(self, state, u, *, key):
        mean, log_std = jnp.split(self.A[state.memory], 2)
        prior = state.x.d @ self.prior
        noise = jax.random.normal(key, (LATENT,))
        z = mean + jnp.exp(log_std) * noise
        kl = 0.5 * ((mean - prior) ** 2 + jnp.exp(2 * log_std) - 1 - 2 * log_std).sum()
        d = jnp.tanh(state.x.d @ self.W + z @ self.V)
        return State(Layer(d, z, noise, kl), memory=state.memory + 1)

    def readout(self, state):
        return state.x.d @ self.C

    def observe(self, state):
        return state.x._asdict()

    def variables(self):
        return {
            "d": Variable(("unit",), "1", "deterministic units", "hidden"),
            "z": Variable(("latent",), "1", "latent", "latent"),
            "noise": Variable(("latent",), "1", "noise", "latent"),
            "kl": Variable((), "1", "KL divergence from the prior", "statistic"),
        }

    def unit_coords(self):
        return {}


def trials(items):
    n = len(items)
    blank = jnp.zeros((n, STEPS, 3))
    inputs = jnp.zeros((n, STEPS, 0))
    return Trial(inputs, blank, blank, {}, {}, item=jnp.asarray(items, jnp.int32))


def run(model, items):
    return integrate(
        model,
        dt=1.0,
        n_steps=STEPS,
        n_trials=len(items),
        trial=trials(items),
        key=0,
        save=Save(variables=("d", "z", "noise", "kl")),
    )


def test_every_trial_follows_its_own_posterior(key, x64):
    model = Variational(key)
    items = [4, 0, 4, 2]
    got = run(model, items)
    W, V, C, P = (np.asarray(a) for a in (model.W, model.V, model.C, model.prior))
    for b, item in enumerate(items):
        A, d = np.asarray(model.A.values)[item], np.zeros(UNITS)
        for k in range(STEPS):
            mean, log_std = A[k, :LATENT], A[k, LATENT:]
            prior = d @ P
            kl = 0.5 * ((mean - prior) ** 2 + np.exp(2 * log_std) - 1 - 2 * log_std).sum()
            d = np.tanh(d @ W + (mean + np.exp(log_std) * got.variables["noise"][k, b]) @ V)
            np.testing.assert_allclose(got.variables["d"][k, b], d, rtol=1e-9)
            np.testing.assert_allclose(got.variables["kl"][k, b], kl, rtol=1e-9)
            np.testing.assert_allclose(got.outputs[k, b], d @ C, rtol=1e-9)
    # Two trials of one sequence share the posterior and differ in their noise.
    assert (got.variables["noise"][:, 0] != got.variables["noise"][:, 2]).all()


def test_only_the_rows_in_the_batch_get_a_gradient(key):
    model = Variational(key)

    @eqx.filter_jit
    @eqx.filter_grad
    def elbo(model):
        got = run(model, [4, 0])
        return (got.outputs**2).mean() + got.variables["kl"].mean()

    gradient = elbo(model)
    touched = np.asarray(jnp.abs(gradient.A.values).sum((1, 2)) > 0)
    assert touched.tolist() == [True, False, False, False, True, False]
    assert (np.abs(gradient.W) > 0).any()


def test_missing_items_are_an_error_that_says_so(key):
    nameless = trials([0, 1])
    nameless = eqx.tree_at(lambda t: t.item, nameless, None)
    with pytest.raises(ValueError, match="set `item`"):
        integrate(Variational(key), dt=1.0, n_steps=STEPS, n_trials=2, trial=nameless, key=0)
