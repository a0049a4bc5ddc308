"""Steps of a batch that no trial has are left out of a training step."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models, tasks
from neurodyn.common.parts import Parts
from neurodyn.training import BPTT, Supervised, fit
from neurodyn.training.shortening import in_fewest_steps, step_counts

YANG = tasks.Yang2019(rules=("reactgo", "dm1"))  # 50 to 149 steps


def used(trials):
    """Steps that a function is called with, and what does not depend on them."""
    n = jnp.asarray(trials.inputs.shape[1], jnp.int32)
    return n, trials.targets.shape[1], jnp.sum(trials.mask), jnp.sum(trials.inputs)


def test_programs_are_few_and_none_is_short():
    assert step_counts(209) == [72, 103, 147, 209]
    assert step_counts(64) == [64]
    assert step_counts(91) == [64, 91]
    assert step_counts(92) == [65, 92]
    assert step_counts(3000)[0] > 1000


@pytest.mark.parametrize("rule", ["reactgo", "dm1"])
def test_the_smallest_program_that_covers_the_batch_is_taken(rule):
    run = eqx.filter_jit(lambda trials: in_fewest_steps(used, trials)[::2])
    for seed in range(5):
        trials = YANG.batch(seed, 4, rule=YANG.code(rule))
        n, weights = run(trials)
        assert n == min(k for k in step_counts(YANG.n_steps) if k >= trials.length)
        np.testing.assert_allclose(weights, np.sum(trials.mask), rtol=1e-6)


def test_gradients_are_those_of_the_whole_buffer(x64):
    task = tasks.Yang2019(rules=("reactgo", "dm1"))
    model = models.CTRNN(task.n_inputs, 6, task.n_outputs, activation="softplus", key=0)
    trials = task.batch(0, 3, rule=task.code("dm1"))
    key = jax.random.key(0)

    def gradient(trials):
        return BPTT()(Supervised())(model, task, trials, (), key=key)

    short, whole = eqx.filter_jit(lambda t: (in_fewest_steps(gradient, t), gradient(t)))(trials)
    assert trials.length <= step_counts(task.n_steps)[-2]
    for a, b in zip(jax.tree.leaves(short), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_members_that_are_trained_together_take_one_program():
    keys = jax.random.split(jax.random.key(0), 3)

    def taken(key):
        trials = YANG.batch(key, 4)
        return in_fewest_steps(used, trials)[0], trials.length

    steps, lengths = eqx.filter_jit(jax.vmap(taken))(keys)
    assert len(set(lengths.tolist())) == 3
    assert set(steps.tolist()) == {min(k for k in step_counts(YANG.n_steps) if k >= max(lengths))}


def test_trials_scored_at_the_last_step_keep_their_targets():
    task = tasks.NParity([2], length=100)
    n, targets, *_ = in_fewest_steps(used, task.batch(0, 4))
    assert (n, targets) == (100, 1)


def test_sessions_keep_all_steps():
    """Their trials lie at steps of the buffer, where a shorter one has none."""
    trials = YANG.batch(0, 2, rule=YANG.code("reactgo"))
    assert in_fewest_steps(used, trials)[0] < YANG.n_steps
    edges = jnp.array([[0, 100, YANG.n_steps]] * 2, jnp.int32)
    whole = replace(trials, parts=Parts(edges, {}, {}, 100, False))
    assert in_fewest_steps(used, whole)[0] == YANG.n_steps


class WholeBuffer(tasks.Yang2019):
    """A loss that takes the number of steps from the task."""

    def loss(self, outputs, trials):
        weight = jnp.arange(self.n_steps, dtype=jnp.float32)[None, :, None]
        return jnp.mean(weight * trials.mask * (outputs - trials.targets) ** 2, axis=(1, 2))


def test_a_loss_over_all_steps_is_told_how_many_there_are():
    task = WholeBuffer(rules=("reactgo", "dm1"))
    model = models.CTRNN(task.n_inputs, 4, task.n_outputs, key=0)
    with pytest.raises(TypeError) as raised:
        fit(model, task, steps=1, evaluate=False, key=0)
    assert raised.value.__notes__[0].startswith("The trials here have the first 74 of 149 steps")
