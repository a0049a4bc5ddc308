"""Sessions: one run through many trials, and a row for each of them."""

import functools

import equinox as eqx
import jax
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.common.random import as_key, fold_in
from neurodyn.simulation.parts import by_part
from neurodyn.tasks.mixtures.transitions import Blocks
from tests.systems import Filter

SIDES = ("left", "right")
TRIALS, SESSIONS = 40, 4


@functools.cache
def session():
    """Trials of different lengths, with blocks and the right choice of the trial before."""
    task = tasks.ContrastDecision(decision=(200.0, 300.0), noise_std=0.0)
    blocks = Blocks.priors("side", SIDES, length=10, opening=5)
    return tasks.Session(task, TRIALS, blocks, previous="choice_correct")


@functools.cache
def drawn():
    """Sessions as `simulate(..., key=1)` draws them."""
    return jax.tree.map(np.asarray, session().batch(fold_in(as_key(1), 0), SESSIONS))


@functools.cache
def ran():
    return nd.simulate(network(), session(), n_trials=SESSIONS, key=1)


@functools.cache
def network():
    return models.CTRNN(session().n_inputs, 5, session().n_outputs, noise_std=0.1, key=0)


@eqx.filter_jit
def marks(task, outputs, trials):
    """Loss, scores and their summary, in one program."""
    scores = task.score(outputs, trials)
    return task.loss(outputs, trials), scores, task.summary(scores, trials)


def as_outputs(task, targets):
    return 9 * np.eye(task.n_outputs, dtype=np.float32)[targets[..., 0]]


def test_trials_follow_each_other_without_a_gap():
    trials, task = drawn(), session().task
    edges = np.asarray(trials.parts.edges)
    ends = np.asarray(trials.parts.epochs["decision"])[..., 1] / task.dt
    np.testing.assert_allclose(np.diff(edges), ends)
    np.testing.assert_array_equal(trials.n_valid, edges[:, -1])
    assert trials.inputs.shape == (SESSIONS, TRIALS * task.n_steps, 5)
    assert not trials.mask[0, edges[0, -1] :].any()
    assert not trials.inputs[0, edges[0, -1] :].any()
    given = trials.parts.conditions
    for i in range(TRIALS):
        rows = trials.inputs[0, edges[0, i] : edges[0, i + 1]]
        side, contrast = given["side"][0, i], given["contrast"][0, i]
        np.testing.assert_array_equal(rows[5:25, 1 + side], np.full(20, contrast))
        assert not rows[:, 2 - side].any()
        before = np.zeros(2) if i == 0 else np.eye(2)[given["choice_correct"][0, i - 1]]
        np.testing.assert_array_equal(rows[:, 3:], np.tile(before, (len(rows), 1)))


def test_runs_have_a_row_for_each_trial():
    run, trials = ran(), drawn()
    nd.labels.check(run)
    assert run.sizes["trial"] == SESSIONS * TRIALS
    assert run.sizes["time"] == session().task.n_steps
    assert run.attrs["align_event"] == "stimulus onset"
    assert run.attrs["evidence"] == "signed_contrast"
    np.testing.assert_array_equal(run.session, np.repeat(np.arange(SESSIONS), TRIALS))
    np.testing.assert_array_equal(run.trial_in_session, np.tile(np.arange(TRIALS), SESSIONS))
    for name in ("side", "contrast", "block", "trial_in_block"):
        np.testing.assert_allclose(run[name], trials.parts.conditions[name].ravel(), rtol=1e-6)
    assert {"choice", "rt", "correct"} <= set(run.coords)
    assert nd.labels.roles.conditions(run) == ["side", "contrast"]
    # Put together again, the rows are the run in one piece: nothing is reset in between.
    whole = nd.simulate(network(), session().batch(fold_in(as_key(1), 0), SESSIONS), key=1)
    for i in range(SESSIONS):
        rows = run.isel(trial=run.session.values == i)
        joined = [row.values[:n] for row, n in zip(rows.rate, rows.n_valid.values, strict=True)]
        n = int(trials.n_valid[i])
        np.testing.assert_array_equal(np.concatenate(joined), whole.rate[i, :n])
    chunked = nd.simulate(network(), session(), n_trials=SESSIONS, key=1, chunk=2)
    xr.testing.assert_allclose(chunked, run, atol=1e-5)


def test_the_task_shows_the_same_rows():
    ds = session().trials(fold_in(as_key(1), 0), SESSIONS)
    nd.labels.check(ds)
    np.testing.assert_array_equal(ds.block, ran().block)
    np.testing.assert_array_equal(ds.n_valid, ran().n_valid)
    first = drawn().inputs[0, : int(ds.n_valid[0])]
    np.testing.assert_array_equal(ds.inputs[0, : len(first)], first)
    assert ds.inputs[0, len(first) :].isnull().all()


def test_loss_and_scores_are_those_of_the_trials():
    task, trials = session(), drawn()
    outputs = np.random.default_rng(0).normal(size=(*trials.mask.shape[:2], 3)).astype(np.float32)
    loss, scores, _ = jax.tree.map(np.asarray, marks(task, outputs, trials))
    edges, expected = np.asarray(trials.parts.edges), []
    for a, b in zip(edges[1, :-1], edges[1, 1:], strict=True):
        logits, mask = outputs[1, a:b].astype(float), trials.mask[1, a:b, 0]
        right = trials.targets[1, a:b, 0]
        surprise = np.log(np.exp(logits).sum(1)) - logits[np.arange(b - a), right]
        expected.append((mask * surprise).sum() / mask.sum())
    assert loss[1] == pytest.approx(np.mean(expected), rel=1e-5)
    assert scores["each_choice"].shape == (SESSIONS, TRIALS)
    np.testing.assert_allclose(scores["correct"], scores["each_correct"].mean(1), rtol=1e-6)
    last = outputs[1, edges[1, 1:] - 1].argmax(1) - 1
    np.testing.assert_array_equal(scores["each_choice"][1], last)
    _, perfect, means = marks(task, as_outputs(task, trials.targets), trials)
    np.testing.assert_array_equal(perfect["each_correct"], 1)
    assert (means["correct"], means["fixation"]) == (1, 1)


def test_an_observer_of_the_blocks_is_right_at_contrast_0():
    """0.8 where a block says which side is likely, 0.5 before the first block; unseen otherwise."""
    task = tasks.ContrastDecision(fixation=20.0, stimulus=20.0, decision=40.0, contrast=(0.0, 1.0))
    given = tasks.Session(task, 600, Blocks.priors("side", SIDES))
    rows = eqx.filter_jit(lambda key: given.batch(key, 20).parts.conditions)(jax.random.key(0))
    found = {name: np.asarray(values).ravel() for name, values in rows.items()}
    dark, opening = found["contrast"] == 0, found["block"] == 2
    right = found["side"] == found["block"]
    assert right[dark & ~opening].mean() == pytest.approx(0.8, abs=0.02)
    assert found["side"][dark & opening].mean() == pytest.approx(0.5, abs=0.05)
    # Who only repeats what was right the trial before: 0.8 * 0.8 + 0.2 * 0.2, but for the switches.
    again = found["side"][1:] == found["side"][:-1]
    within = (found["trial_in_block"][1:] > 0) & ~opening[1:]
    assert again[within].mean() == pytest.approx(0.68, abs=0.02)


def test_sessions_of_a_mixture_take_turns():
    mixed = tasks.Mixture({"short": Filter(), "long": Filter(n_steps=30)})
    given = tasks.Session(mixed, 6, Blocks.schedule("task", ("short", "long")), previous="task")
    assert given.input_names[-2:] == ("previous_task_0", "previous_task_1")
    trials = given.batch(0, 2)
    which = np.asarray(trials.parts.conditions["task"])
    assert (np.abs(np.diff(which)) == 1).all()
    np.testing.assert_array_equal(np.diff(trials.parts.edges), np.where(which, 30, 20))
    _, _, means = marks(given, trials.targets, trials)
    assert means["correct_short"] == means["correct_long"] == means["correct_min"] == 1
    run = given.trials(0, 2)
    assert run.task.values.tolist() == which.ravel().tolist()
    # Tasks that last equally long are joined as they are; nothing follows anything.
    plain = tasks.Session(Filter(), 3).batch(0, 2)
    assert plain.n_valid is None
    assert plain.inputs.shape == (2, 60, 1)


def test_sessions_train_and_are_saved(tmp_path):
    given = tasks.Session(Filter(), 30, previous="level")
    validation = given.validation()
    assert validation.inputs.shape[0] * 30 >= 512
    model = models.CTRNN(given.n_inputs, 4, given.n_outputs, key=0)
    fit = nd.fit(model, given, steps=2, batch_size=2, key=0)
    assert np.isfinite(fit.history.validation_correct).all()
    nd.save(tmp_path / "session.nd", session())
    again = nd.load(tmp_path / "session.nd").batch(fold_in(as_key(1), 0), SESSIONS)
    np.testing.assert_array_equal(again.inputs, drawn().inputs)


def test_spikes_go_to_the_trial_they_fall_into():
    trials = drawn()
    edges = np.asarray(trials.parts.edges)
    steps = np.array([edges[0, 1] - 1, edges[0, 1], edges[1, -1] - 1, edges[1, -1]])
    plan = nd.simulation.plan.Plan(
        session(), trials, trials, None, 20.0, session().n_steps, SESSIONS, 0.0, "session start",
        {"trial": xr.Variable("trial", np.arange(SESSIONS))},
    )  # fmt: skip
    spikes = {
        "spike_time": (steps + 1) * 20.0,
        "spike_trial": np.array([0, 0, 1, 1]),
        "spike_unit": np.array([3, 4, 5, 6]),
    }
    _, cut = by_part(plan, spikes)
    assert cut["spike_unit"].tolist() == [3, 4, 5]  # the last one is after its session
    assert cut["spike_trial"].tolist() == [0, 1, 2 * TRIALS - 1]
    last = (edges[1, -1] - edges[1, -2]) * 20.0 - 100.0
    assert cut["spike_time"].tolist() == [edges[0, 1] * 20.0 - 100.0, -80.0, last]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda task: tasks.Session(tasks.NParity(2, n_heads=2), 5),
            "at its last step only",
        ),
        (lambda task: tasks.Session(tasks.Session(task, 5), 5), "not sessions"),
        (lambda task: tasks.Session(task, 1), "`n_trials` must be a whole number >= 2"),
        (lambda task: tasks.Session(task, 5, "blocks"), "`transition` must be one of"),
        (lambda task: tasks.Session(tasks.ContrastDecision, 5), "must be a task.*the class itself"),
        (lambda task: tasks.Session(task, 5, previous="choice"), "inputs are drawn before it runs"),
        (
            lambda task: tasks.Session(task, 5, Blocks.priors("place", SIDES)),
            "no condition 'place'.*it has side, contrast",
        ),
        (
            lambda task: tasks.Session(task, 5, Blocks.priors("side", ("up", "down"))),
            "names of the values of 'side', which are left, right",
        ),
        (
            lambda task: tasks.Session(task, 5, Blocks.priors("side", SIDES)).batch(0, 2, side=1),
            "Unknown condition 'side'",
        ),
    ],
)
def test_bad_sessions_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(session().task)


@pytest.mark.parametrize("save", [nd.Save(every=2), nd.Save(window=(0.0, 100.0))])
def test_records_that_cannot_be_cut_are_refused(save):
    with pytest.raises(ValueError, match=r"cut into their trials.*task.batch\(key, n\)"):
        nd.simulate(network(), session(), n_trials=SESSIONS, key=1, save=save)
