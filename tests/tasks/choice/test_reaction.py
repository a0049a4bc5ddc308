"""Choice tasks in reaction-time mode: no go cue, and the first response counts."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.tasks.choice.choice import AbstractChoiceTask
from tests.conformance.test_tasks import marks, same

KINDS = {
    "PerceptualDecision": "stimulus",
    "ContextDecision": "stimulus",
    "ContrastDecision": "stimulus",
    "DelayMatchToSample": "test",
}
EVERY = pytest.mark.parametrize("name", KINDS)
N = 8


def reacting(name, **options):
    return getattr(tasks, name)(react=True, **options)


@EVERY
def test_trials(name):
    epoch = KINDS[name]
    cued, task = getattr(tasks, name)(), reacting(name, noise_std=0.0)
    trials = task.batch(0, N)
    # The stimulus takes the place of what followed it; the network has the same channels.
    assert (task.n_steps, task.n_inputs) == (cued.n_steps, cued.n_inputs)
    assert list(trials.epochs)[-1] == epoch
    assert "decision" not in trials.epochs
    onset, stop = np.asarray(trials.epochs[epoch] / task.dt).round().astype(int).T
    assert (stop == task.n_steps).all()
    inputs, step = np.asarray(trials.inputs), np.arange(task.n_steps)
    assert (inputs[..., 0] == 1).all()  # no go cue
    shown = inputs[np.arange(N), onset]
    np.testing.assert_array_equal(inputs[:, -1], shown)
    after = step >= onset[:, None] + task.grace
    right = np.asarray(trials.conditions["choice_correct"])[:, None]
    np.testing.assert_array_equal(trials.targets[..., 0], np.where(after, right + 1, 0))
    held = step < onset[:, None]
    np.testing.assert_array_equal(trials.mask[..., 0], np.where(held, 1.0, np.where(after, 1.0, 0)))


@EVERY
def test_scores(name):
    """By hand: early, right, wrong, right and then wrong, none, and the targets themselves."""
    task = reacting(name, noise_std=0.0)
    trials = task.batch(1, N)
    onset = int(trials.epochs[KINDS[name]][0, 0] / task.dt)
    right = np.asarray(trials.conditions["choice_correct"])
    classes = np.zeros((N, task.n_steps), int)
    classes[0, onset - 1] = right[0] + 1  # the sample that holds at onset: before anything acted
    classes[1, onset:] = right[1] + 1
    classes[2, onset + 9 :] = 2 - right[2]
    classes[3, onset + 4], classes[3, onset + 5 :] = right[3] + 1, 2 - right[3]
    classes[5:] = np.asarray(trials.targets)[5:, :, 0]
    outputs = 4 * jnp.asarray(np.eye(3, dtype=np.float32)[classes])
    each, gradient, scores = marks(task, outputs, trials)
    assert np.isfinite(each).all()
    assert np.isfinite(gradient).all()
    grace = task.grace * task.dt
    rt = [0, 20, 200, 100, np.nan, *[grace + 20] * 3]
    np.testing.assert_allclose(scores["rt"], rt)
    np.testing.assert_array_equal(scores["early"], [1, *[0] * 7])
    np.testing.assert_array_equal(scores["correct"], [0, 1, 0, 1, 0, 1, 1, 1])
    chosen = np.where([1, 1, 0, 1, 0, 1, 1, 1], right, 1 - right)
    np.testing.assert_array_equal(scores["choice"], np.where(np.arange(N) == 4, -1, chosen))
    before = onset - 1 if onset else 0
    np.testing.assert_allclose(scores["fixation"][0], before / max(onset, 1), rtol=1e-6)
    np.testing.assert_array_equal(scores["fixation"][1:], 1)
    # What follows the first response changes the loss, and not the scores.
    moved = outputs.at[3, onset + 6 :].set(0.0)
    assert same(scores, task.score(moved, trials))


def test_lengths_that_are_drawn_and_runs():
    task = reacting("PerceptualDecision", stimulus=(400.0, 800.0), grace=60.0, dt=20.0)
    trials = task.batch(0, N)
    n = np.asarray(trials.n_valid)
    assert set(trials.conditions) >= {"stimulus_duration"}
    late = jnp.zeros((N, task.n_steps, 3)).at[:, :, 0].set(1.0)
    late = jnp.where(jnp.arange(task.n_steps)[None, :, None] >= n[:, None, None], 1 - late, late)
    assert np.isnan(task.score(late, trials)["rt"]).all()  # after the trial there is no response
    run = nd.simulate(models.CTRNN(3, 4, 3, key=0), task, n_trials=5, key=0, progress=False)
    assert {"rt", "early", "choice", "correct"} <= set(run.coords)
    assert run["rt"].attrs["units"] == "ms"
    assert run.attrs["evidence"] == task.trials(0, 2).attrs["evidence"] == "coherence"


def test_files(tmp_path):
    task = reacting("ContextDecision", delay=None)
    nd.save(tmp_path / "t.nd", task)
    assert nd.load(tmp_path / "t.nd").react
    assert not nd.load("tests/tasks/version_1/decision.nd").react
    assert "react" in {f.name for f in dataclasses.fields(task)}


class Plain(AbstractChoiceTask):
    """A choice task that names no epoch to react to."""

    default_durations = {"stimulus": 100.0, "decision": 300.0}  # noqa: RUF012
    align = "stimulus"
    choices = ("a", "b")
    align_event = "stimulus onset"
    reference = ()
    input_names = ("fixation", "a")
    output_names = ("fixation", "a", "b")

    def __init__(self, react=False):
        self._set_design(20.0, (None, None), 0.0, 100.0, None, 5.0, react)

    def sample(self, key, **conditions):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: reacting("PerceptualDecision", delay=100.0),
            "there is no `delay`.*`stimulus` how",
        ),
        (lambda: reacting("ContextDecision", decision=300.0), "there is no `decision`"),
        (lambda: reacting("DelayMatchToSample", decision=(1.0, 2.0)), "ends with the test"),
        (lambda: reacting("PerceptualDecision", stimulus=100.0, grace=100.0), "than the stimulus"),
        (lambda: tasks.PerceptualDecision(react="yes"), "`react` must be True or False"),
        (lambda: Plain(react=True), "Plain has no reaction-time mode.*`reacts_to`"),
    ],
)
def test_refusals(make, said):
    with pytest.raises(ValueError, match=said):
        make()
