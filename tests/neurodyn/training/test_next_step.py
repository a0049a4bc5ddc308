"""Training to predict the next step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import fit, models, params, tasks, training
from neurodyn.engine.drive import Drive
from neurodyn.task import Trial


def circles(n=4, steps=10):
    phase = np.linspace(0, 2 * np.pi, n, endpoint=False)[:, None] + 0.6 * np.arange(steps)
    targets = jnp.asarray(np.stack([np.cos(phase), np.sin(phase)], -1), jnp.result_type(float))
    return Trial(jnp.zeros((n, steps, 0)), targets, jnp.ones_like(targets), {}, {})


def test_loss_against_a_loop(x64):
    model, trials = models.LSTM(2, 3, 2, key=0), circles()
    mask = trials.mask.at[1, 4].set(0.0)
    # What is not scored later may be anything, but is still read.
    trials = eqx.tree_at(lambda t: t.mask, trials, mask)
    task = tasks.Lissajous(period=10, n_curves=1)
    objective = training.NextStep()
    objective.check(model, task)
    loss, _, _ = objective(model, task, trials, None, key=jax.random.key(0))
    own, total, n = params.with_values(model), 0.0, 0.0
    for b in range(4):
        state = own.initial_state(dt=1.0)
        for t in range(9):
            state = own.update(state, Drive(input=trials.targets[b, t]), key=None)
            weight = float(mask[b, t + 1, 0])
            total += weight * float(((own.readout(state) - trials.targets[b, t + 1]) ** 2).sum())
            n += 2 * weight
    np.testing.assert_allclose(loss, total / n, rtol=1e-10)


def test_a_network_learns_to_predict_curves():
    task = tasks.Lissajous(period=12, n_curves=2)
    got = fit(
        models.LSTM(2, 16, 2, key=0),
        task,
        objective=training.NextStep(noise=0.01),
        optimizer=optax.adam(1e-2),
        steps=150,
        batch_size=8,
        evaluate_every=150,
        progress=False,
        key=0,
    )
    assert got.history["validation_mse"][-1] < 0.02


def test_models_that_do_not_read_the_sequence_are_refused():
    task = tasks.Lissajous()
    with pytest.raises(ValueError, match="2 inputs and 2 outputs"):
        training.NextStep().check(models.LSTM(1, 3, 2, key=0), task)
    with pytest.raises(ValueError, match="noise"):
        training.NextStep(noise=-1.0)
