"""A network of Izhikevich neurons learns to decide."""

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

import neurodyn as nd
from neurodyn import tasks
from neurodyn.models import spiking


@pytest.mark.slow
def test_izhikevich_neurons_learn_a_perceptual_decision():
    task = tasks.PerceptualDecision(
        dt=1.0,
        coherence=(-0.512, -0.256, 0.256, 0.512),
        fixation=50.0,
        stimulus=600.0,
        decision=100.0,
        grace=20.0,
    )
    network = spiking.recurrent_network(
        task.n_inputs,
        100,
        task.n_outputs,
        neuron=spiking.Izhikevich2003(100, "RS"),
        W=nd.params.Normal(0.0, 0.1),
        U=nd.params.Normal(0.0, 3.0),
        bias=3.0,
        filter=spiking.Exponential(300.0, exact=True),
        surrogate=spiking.FastSigmoid(10.0, 0.0003),
        detach_reset=True,
        scheme="izh2003",
        key=0,
    )
    before = nd.simulate(network, task, n_trials=500, key=7, save=())
    schedule = optax.cosine_decay_schedule(1e-2, 600)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
    fit = nd.fit(
        network, task, optimizer=optimizer, steps=600, batch_size=32, evaluate=False, key=1
    )
    after = nd.simulate(fit.model, task, n_trials=500, key=7, save=())
    assert float(before.correct.mean()) < 0.6
    assert float(after.correct.mean()) >= 0.9
    # All of the network is trained, not the readout alone.
    for part in ("projections", "inputs", "bias"):
        assert not np.array_equal(*(_numbers(getattr(m, part)) for m in (network, fit.model)))


def _numbers(part) -> np.ndarray:
    leaves = jax.tree.leaves(eqx.filter(part, eqx.is_inexact_array))
    return np.concatenate([np.ravel(leaf) for leaf in leaves])
