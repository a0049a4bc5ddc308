"""Strategies that answer a task without some of what it is about, and what they score."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neurodyn import tasks

N = 2000


@functools.cache
def drawn(name: str, **options):
    """The task, many trials of it, and their conditions, as tests share them."""
    task = getattr(tasks, name)(**options)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    return task, trials, trials.conditions


def during(task, trials, *names):
    """Steps of epochs, (trial, time), by the definition in words."""
    begin = np.arange(task.n_steps) * task.dt
    inside = np.zeros((N, task.n_steps), bool)
    for name in names:
        if name in trials.epochs:  # else it is left out
            start, stop = trials.epochs[name].astype(float).T
            inside |= (begin >= start[:, None] - 1e-3) & (begin < stop[:, None] - 1e-3)
    return inside


def scores(task, trials, named):
    """Scores of the classes that are named at each step, (trial, time)."""
    outputs = 4.0 * jnp.asarray(np.eye(task.n_outputs, dtype=np.float32)[named])
    found = eqx.filter_jit(task.score)(outputs, trials)
    return {name: np.asarray(values) for name, values in found.items()}


def answered(task, trials, choice):
    """Mean score of a system that holds fixation and then answers ``choice``; -1 holds on."""
    last = during(task, trials, task.timeline.names[-1])
    named = np.where(last, np.asarray(choice)[:, None] + 1, 0)
    return scores(task, trials, named)["correct"].mean()


def near(found, expected, n=N, what="share"):
    """Within four standard errors of as many answers that are right or wrong."""
    error = np.sqrt(expected * (1 - expected) / n)
    assert abs(found - expected) < 4 * error + 1e-6, (what, found, expected)


def check(task, **found):
    """Each shortcut that the task names has the score that was found for it."""
    assert set(found) == {name.replace(" ", "_") for name in task.shortcuts}
    for name, expected in task.shortcuts.items():
        near(found[name.replace(" ", "_")], expected, what=name)


def check_targets(task, trials):
    """Targets, weights and the fixation cue of a choice after a go cue, and that they score 1."""
    right, last = trials.conditions["choice_correct"], during(task, trials, "decision")
    np.testing.assert_array_equal(trials.targets[..., 0], np.where(last, right[:, None] + 1, 0))
    # 5 weighs the decision, of which the first 100 ms are not scored.
    late = last & (np.cumsum(last, axis=1) > 100 / task.dt)
    hold = during(task, trials, *task.timeline.names[:-1])
    np.testing.assert_array_equal(trials.mask[..., 0], 1.0 * hold + 5.0 * late)
    np.testing.assert_array_equal(trials.inputs[..., 0], 1.0 * hold)
    found = scores(task, trials, trials.targets[..., 0])
    assert (found["correct"] == 1).all()
    assert (found["fixation"] == 1).all()
    if task.evidence:
        signed = trials.conditions[task.evidence] != 0
        assert signed.mean() > 0.9
        if not isinstance(task, tasks.ProbabilisticReasoning):
            above = trials.conditions[task.evidence][signed] > 0
            np.testing.assert_array_equal(right[signed], above)


def check_stimuli(task, trials, shown, std):
    """What is shown besides noise of a standard deviation in each step."""
    noise = trials.inputs[..., 1:] - shown
    assert abs(noise.mean()) < 4 * std / np.sqrt(noise.size) + 1e-6
    np.testing.assert_allclose(noise.std(), std, rtol=0.01, atol=1e-6)
