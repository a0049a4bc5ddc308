"""Networks learn their tasks, by the task's own score on its fixed validation set.

`python -m tests.reference.learning` prints these numbers with their spread.
"""

import jax
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, tasks
from tests.reference import learning


@pytest.mark.slow
def test_flip_flop_is_learnt_in_seconds():
    learnt = learning.flip_flop(steps=250, n_networks=3)
    # Outputs of zero have an MSE of 1; the last pulse of a channel is up to 2 s back.
    assert (learnt.scores["mse"] < 0.05).all()
    assert (learnt.scores["bits right"] > 0.99).all()


@pytest.mark.slow
def test_flip_flop_holds_bits_longer_than_it_was_trained_to():
    learnt = learning.flip_flop()
    assert len(learnt.scores["mse"]) >= 3
    assert (learnt.scores["mse"] < 0.05).all()
    assert (learnt.scores["mse, trials of 6 s"] < 0.05).all()


@pytest.mark.slow
def test_perceptual_decision_is_right_where_evidence_is_strong():
    learnt = learning.perceptual_decision()
    assert len(learnt.scores["correct at 51.2 %"]) >= 3
    for level in ("51.2", "25.6"):
        assert (learnt.scores[f"correct at {level} %"] >= 0.9).all()
    # Without evidence a coin says what is right, 57 times: within three standard deviations.
    assert np.abs(learnt.scores["correct at 0 %"].mean() - 0.5) < 0.2


@pytest.mark.slow
def test_context_decision_is_right_in_both_contexts():
    learnt = learning.context_decision()
    for context in ("motion", "colour"):
        correct = learnt.scores[f"correct, {context} context"]
        assert len(correct) >= 3
        assert (correct >= 0.9).all()


@pytest.mark.parametrize("tau", [100.0, nd.params.Bounded(20.0, 500.0, init=100.0)])
def test_a_network_has_the_same_bits_alone_and_in_ensembles(tau):
    """With the fast kernel, noise and the default optimiser, at sizes 1, 2 and 3."""
    task = tasks.PerceptualDecision(dt=20.0)

    def train(size, key=4):
        return nd.fit(
            lambda k: models.CTRNN(
                task.n_inputs, 17, task.n_outputs, tau=tau, noise_std=0.05, key=k
            ),
            task,
            steps=12,
            batch_size=16,
            evaluate_every=6,
            ensemble=size,
            progress=False,
            key=key,
        )

    alone = train(None, key=jax.random.fold_in(jax.random.key(4), 0))
    expected = [np.asarray(x).tobytes() for x in _arrays(alone.model)]
    for size in (1, 2, 3):
        fit = train(nd.training.Seeds(size, how="map"))
        assert [np.asarray(x).tobytes() for x in _arrays(fit.model[0])] == expected
        for name, values in alone.history.data_vars.items():
            np.testing.assert_array_equal(fit.history[name][0], values)


def _arrays(model):
    return [x for x in jax.tree.leaves(model) if isinstance(x, jax.Array)]
