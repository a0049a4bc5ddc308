"""Objectives: the supervised one against formulas, and one that carries something along."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.system import AbstractMap
from neurodyn.training import AbstractObjective, Supervised, fit
from tests.systems import RATE, Filter, Leaky, PiecewiseLinear, Sequences


def states_by_hand(model, inputs, dt):
    """Explicit Euler in NumPy, (trial, time, unit)."""
    W, U = np.asarray(model.W, float), np.asarray(model.U, float)
    tau, x, out = np.asarray(params.with_values(model).tau, float), 0.0, []
    for u in np.swapaxes(np.asarray(inputs, float), 0, 1):
        x = x + dt / tau * (np.tanh(x @ W + u @ U) - x) if out else dt / tau * np.tanh(u @ U)
        out.append(x)
    return np.stack(out, 1)


@pytest.fixture
def run():
    model, task = Leaky(), Filter()
    trials = task.batch(4, 16)
    return model, task, trials, states_by_hand(model, trials.inputs, task.dt)


def test_supervised_loss_and_penalties(run):
    model, task, trials, x = run
    mse = np.mean((x @ np.asarray(model.V, float) - np.asarray(trials.targets)) ** 2)
    objective = Supervised(rate_penalty=0.5, weight_penalty=2.0)
    loss, metrics, aux = objective(model, task, trials, None, key=jax.random.key(0))
    weights = sum(np.mean(np.square(w)) for w in (model.W, model.U, model.V))
    assert aux is None
    np.testing.assert_allclose(metrics["task_loss"], mse, rtol=1e-5)
    np.testing.assert_allclose(metrics["rate"], np.mean(x**2), rtol=1e-5)
    np.testing.assert_allclose(metrics["weight"], weights, rtol=1e-5)
    np.testing.assert_allclose(loss, mse + 0.5 * np.mean(x**2) + 2 * weights, rtol=1e-5)


def test_steps_beyond_the_length_do_not_count(run):
    model, task, trials, x = run
    short = eqx.tree_at(
        lambda t: (t.length, t.mask),
        trials,
        (jnp.asarray(7, jnp.int32), trials.mask.at[:, 7:].set(0.0)),
        is_leaf=lambda x: x is None,
    )
    _, metrics, _ = Supervised(rate_penalty=1.0)(model, task, short, None, key=jax.random.key(0))
    np.testing.assert_allclose(metrics["rate"], np.mean(x[:, :7] ** 2), rtol=1e-5)


def test_weight_penalty_acts_on_what_the_model_sees():
    key = jax.random.key(0)
    spec = params.Masked(np.eye(8, dtype=int), params.Free(jax.nn.initializers.normal(1.0)))
    model = eqx.tree_at(lambda m: m.W, Leaky(), spec.build((8, 8), key))
    model = eqx.tree_at(lambda m: m.U, model, params.Fixed(model.U).build(model.U.shape, key))
    _, metrics, _ = Supervised(weight_penalty=1.0)(
        model, Filter(), Filter().batch(0, 2), None, key=key
    )
    W = np.asarray(params.with_values(model).W)
    assert (W[~np.eye(8, dtype=bool)] == 0).all()
    np.testing.assert_allclose(
        metrics["weight"], np.mean(W**2) + np.mean(np.square(model.V)), rtol=1e-6
    )


def test_penalties_are_checked():
    for bad in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="number >= 0"):
            Supervised(rate_penalty=bad)
    with pytest.raises(
        ValueError, match=r"'voltage', which Leaky does not have; it has \['rate'\]"
    ):
        fit(
            Leaky(),
            Filter(),
            objective=Supervised(rate_penalty=1.0, variable="voltage"),
            steps=1,
            key=0,
        )


class Forced(AbstractMap):
    """A map whose state is drawn towards the target before each step."""

    inner: PiecewiseLinear
    alpha: jax.Array
    n_inputs: int = 1
    n_outputs: int = 2

    def initial_state(self, *, dt, trial=None, key=None):
        return self.inner.initial_state(dt=dt, trial=trial, key=key)

    def readout(self, state):
        return self.inner.readout(state)

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def update(self, state, u, *, key):
        n = self.n_outputs
        seen = (1 - self.alpha) * state.x[:n] + self.alpha * u.target
        return self.inner.update(state._replace(x=state.x.at[:n].set(seen)), u, key=key)


class Generalised(AbstractObjective):
    """Generalised teacher forcing; its strength follows the size of the Jacobian."""

    def check(self, model, task):
        if model.n_outputs != task.n_outputs:
            raise ValueError("n_outputs of the map and of the data differ")

    def init(self, model, task, *, key):
        return jnp.ones(())

    def __call__(self, model, task, trials, aux, *, key):
        targets = jnp.swapaxes(trials.targets, 0, 1)
        before = jnp.concatenate([jnp.zeros_like(targets[:1]), targets[:-1]])
        drive = Drive(input=jnp.swapaxes(trials.inputs, 0, 1), target=before)
        run = integrate(Forced(model, jax.lax.stop_gradient(aux)), drive, dt=task.dt)
        loss = jnp.mean(task.loss(jnp.swapaxes(run.outputs, 0, 1), trials))
        size = jnp.max(jnp.abs(model.A)) + jnp.linalg.norm(model.W)
        needed = jnp.maximum(0.0, 1 - 1 / size)
        alpha = jnp.where(needed > aux, needed, 0.9 * aux + 0.1 * needed)
        return loss, {"alpha": aux}, alpha

    def evaluate(self, model, task, trials, aux, *, key):
        run = integrate(model, jnp.swapaxes(trials.inputs, 0, 1), dt=task.dt)
        return {"loss": jnp.mean(task.loss(jnp.swapaxes(run.outputs, 0, 1), trials)), "alpha": aux}


def test_an_adaptive_coefficient_lives_in_aux():
    done = fit(
        PiecewiseLinear(),
        Sequences(12, n_outputs=2),
        objective=Generalised(),
        optimizer=optax.adam(1e-2),
        steps=60,
        batch_size=4,
        sampler="shuffle",
        key=0,
    )
    alpha = done.history.alpha.values
    assert alpha[0] == 1
    np.testing.assert_allclose(
        alpha[1], 0.9 + 0.1 * max(0, 1 - 1 / size_of(PiecewiseLinear())), rtol=1e-5
    )
    assert alpha[-1] < 0.7
    assert done.history.loss[-10:].mean() < 0.7 * done.history.loss[:10].mean()
    np.testing.assert_array_equal(
        done.history.validation_alpha[:-1], alpha[done.history.evaluation[:-1]]
    )


def size_of(model):
    return float(jnp.max(jnp.abs(model.A)) + jnp.linalg.norm(model.W))


def test_what_is_carried_along_keeps_its_shape():
    class Drifts(AbstractObjective):
        def check(self, model, task):
            pass

        def init(self, model, task, *, key):
            return jnp.ones(())

        def __call__(self, model, task, trials, aux, *, key):
            return jnp.sum(model.V), {}, jnp.ones(2)

        def evaluate(self, model, task, trials, aux, *, key):
            return {}

    with pytest.raises(ValueError, match="must keep its shapes"):
        fit(Leaky(), Filter(), objective=Drifts(), steps=1, key=0)
