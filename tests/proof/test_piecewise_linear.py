"""A throw-away piecewise-linear map, trained with teacher forcing of adaptive strength."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.system import AbstractMap, State, Variable

pytestmark = pytest.mark.slow
UNITS, LINEAR, OBSERVED = 6, 4, 2


class AlmostLinear(AbstractMap):
    """``z' = A z + W phi(z) + h`` with ReLU on the last units only; the first ones are observed."""

    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    A: Any
    W: Any
    h: Any

    def __init__(self, key):
        self.n_inputs, self.n_outputs = 0, OBSERVED
        k_a, k_w, k_h = jax.random.split(key, 3)
        self.A = jax.random.uniform(k_a, (UNITS,), minval=0.5, maxval=0.9)
        self.W = 0.3 * jax.random.normal(k_w, (UNITS, UNITS))
        self.h = 0.3 * jax.random.normal(k_h, (UNITS,))

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(UNITS))

    def update(self, state, u, *, key):
        z = state.x
        phi = jnp.concatenate([z[:LINEAR], jax.nn.relu(z[LINEAR:])])
        return State(self.A * z + phi @ self.W + self.h)

    def readout(self, state):
        return state.x[:OBSERVED]

    def observe(self, state):
        return {"z": state.x}

    def variables(self):
        return {"z": Variable(("unit",), "1", "latent state", "latent")}

    def unit_coords(self):
        return {}


class Forcing(eqx.Module):
    """Mix the data into the observed units: all of it every so many steps, or a part always."""

    alpha: Any
    every: int = eqx.field(static=True)

    def __call__(self, t, state, u):
        due = jnp.round(t).astype(jnp.int32) % self.every == 0
        alpha = jnp.where(due, self.alpha, jnp.zeros_like(self.alpha))
        mixed = alpha * u.target + (1 - alpha) * state.x[:OBSERVED]
        return state._replace(x=state.x.at[:OBSERVED].set(mixed))


def data(steps=24, trials=3):
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.normal(size=(steps, trials, OBSERVED)), jnp.result_type(float))


def force(alpha, every=1):
    return Forcing(jnp.asarray(alpha, jnp.result_type(float)), every)


def by_hand(model, target, alpha, every):
    A, W, h = (np.asarray(a) for a in (model.A, model.W, model.h))
    z = np.zeros((target.shape[1], UNITS))
    states = []
    for k in range(len(target)):
        phi = z.copy()
        phi[:, LINEAR:] = np.maximum(phi[:, LINEAR:], 0)
        z = A * z + phi @ W + h
        if (k + 1) % every == 0:
            z[:, :OBSERVED] = alpha * target[k] + (1 - alpha) * z[:, :OBSERVED]
        states.append(z.copy())
    return np.stack(states)


def test_sparse_and_generalised_forcing_follow_a_plain_loop(key, x64):
    model, target = AlmostLinear(key), data()
    for alpha, every in ((1.0, 5), (0.3, 1), (0.0, 1)):
        run = integrate(
            model,
            Drive(target=target),
            dt=1.0,
            force=force(alpha, every),
            save=Save(variables=("z",)),
        )
        expected = by_hand(model, np.asarray(target), alpha, every)
        np.testing.assert_allclose(run.variables["z"], expected, rtol=1e-9, atol=1e-12)


def test_forcing_shortens_the_gradient_through_time(key, x64):
    model, target = AlmostLinear(key), data()

    def last_from_first(alpha):
        def last(start):
            state = State(jnp.zeros((3, UNITS)).at[:, 0].set(start))
            run = integrate(model, Drive(target=target), dt=1.0, state=state, force=force(alpha))
            return run.outputs[-1].sum()

        return abs(float(jax.grad(last)(0.5)))

    assert last_from_first(0.9) < 0.1 * last_from_first(0.0)


def test_a_new_strength_does_not_recompile(key):
    model, target = AlmostLinear(key), data()

    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def loss(model, forcing):
        run = integrate(model, Drive(target=target), dt=1.0, force=forcing)
        return ((run.outputs - target) ** 2).mean()

    losses = [float(loss(model, force(alpha))) for alpha in (0.0, 0.25, 0.5, 1.0)]
    assert losses[-1] < 1e-12
    assert losses == sorted(losses, reverse=True)


def test_predictions_can_be_recorded_before_they_are_forced(key, x64):
    model, target = AlmostLinear(key), data()
    forcing, drive = force(1.0, every=5), Drive(target=target)

    def run(**options):
        return integrate(model, drive, dt=1.0, force=forcing, **options)

    states = by_hand(model, np.asarray(target), 1.0, 5)
    before = np.concatenate([np.zeros((1, 3, UNITS)), states[:-1]])
    free = np.stack([by_hand_once(model, z) for z in before])
    both = Save(variables=("z",))
    got = run(record_forced=False, save=both)
    np.testing.assert_allclose(got.variables["z"], free, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.outputs, free[..., :OBSERVED], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.final_state.x, states[-1], rtol=1e-9, atol=1e-12)
    every = run(record_forced=False, save=Save(variables=("z",), every=5))
    np.testing.assert_allclose(every.variables["z"], free[4::5], rtol=1e-9, atol=1e-12)
    last = run(record_forced=False, save=Save(outputs="last"))
    np.testing.assert_allclose(last.outputs[0], free[-1, :, :OBSERVED], rtol=1e-9, atol=1e-12)


def by_hand_once(model, z):
    A, W, h = (np.asarray(a) for a in (model.A, model.W, model.h))
    phi = z.copy()
    phi[:, LINEAR:] = np.maximum(phi[:, LINEAR:], 0)
    return A * z + phi @ W + h
