"""Mixtures: each trial is one of its own task, whatever else is mixed in."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.tasks.mixtures.columns import ONE, ZERO, arranged
from neurodyn.tasks.mixtures.merging import evenly
from tests.systems import Filter

N = 6


@functools.cache
def choices(**options):
    """Two tasks of classes: the same channels and choices under other names and meanings."""
    decide = tasks.PerceptualDecision(stimulus=200.0)
    match = tasks.DelayMatchToSample(delay=(200.0, 400.0))
    return tasks.Mixture({"decide": decide, "match": match}, **options)


@functools.cache
def movements(**options):
    """Two tasks of numbers, one of them as users write theirs."""
    reach = tasks.CenterOut(noise_std=0.0, delay=(300.0, 500.0))
    return tasks.Mixture({"follow": Filter(dt=20.0, n_steps=30), "reach": reach}, **options)


@functools.cache
def rules():
    """Rules that share a task with reaches, whose directions are codes and not degrees."""
    yang = tasks.Yang2019(rules=("fdgo", "dmcgo"), noise_std=0)
    return tasks.Mixture({"rules": yang, "reach": tasks.CenterOut(noise_std=0.0)})


def given(task, seed=0, n=N):
    """Trials of all tasks in turn, drawn in one program."""
    which = np.arange(n) % len(task.names)
    return jax.tree.map(np.asarray, task.batch(seed, n, task=which))


def outputs_for(task, trials, seed=0):
    shape = (*trials.targets.shape[:2], task.n_outputs)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def only(trials, k):
    """The trials of one task, without the padding of the others."""
    mine = trials.conditions["task"] == k
    return jax.tree.map(lambda a: a[mine] if np.ndim(a) else a, trials)


def own(task, k, trials):
    """Trials of task ``k`` and its outputs, put together here from names alone."""
    one, trials = task.tasks[k], only(trials, k)
    ins = [task.input_names.index(name) for name in one.input_names]
    outs = [task.output_names.index(name) for name in one.output_names]
    classes = trials.targets.dtype.kind == "i"
    targets = trials.targets[:, : one.n_steps]
    if classes:
        targets = np.array([outs.index(c) for c in targets.ravel()]).reshape(targets.shape)
    like = jax.eval_shape(one.sample, jax.random.key(0))
    kept = {
        "inputs": trials.inputs[:, : one.n_steps, ins],
        "targets": targets.astype(trials.targets.dtype) if classes else targets[..., outs],
        "mask": trials.mask[:, : one.n_steps, slice(None) if classes else outs],
        "conditions": {
            name: trials.conditions.get(f"{task.names[k]}_{name}", trials.conditions.get(name))
            for name in like.conditions
        },
        "epochs": {name: trials.epochs[name] for name in like.epochs},
        "n_valid": trials.n_valid if like.n_valid is not None else None,
    }
    return nd.task.Trial(**kept), outs


def test_channels_are_shared_or_private():
    task = choices()
    assert task.input_names == (
        *("fixation", "evidence_0", "evidence_1", "stimulus_0", "stimulus_1"),
        *("task_decide", "task_match"),
    )
    assert task.output_names == ("fixation", "choice_0", "choice_1", "nonmatch", "match")
    private = choices(inputs="private", outputs="private")
    assert private.input_names[:4] == (
        *("decide_fixation", "decide_evidence_0", "decide_evidence_1", "match_fixation"),
    )
    assert private.n_outputs == 6
    assert private._layout.parts[1].outputs == (3, 4, 5)
    x = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(arranged(x, [1, 2, ZERO, 0, ONE])[1], [4, 5, 0, 3, 1])
    assert arranged(x, []).shape == (2, 0)


@eqx.filter_jit
def marks(task, outputs, trials):
    """Loss and its gradient, scores and their summary: one program for all tests of a task."""
    gradient = jax.grad(lambda o: task.loss(o, trials).sum())(outputs)
    scores = task.score(outputs, trials)
    return task.loss(outputs, trials), gradient, scores, task.summary(scores, trials)


@pytest.mark.parametrize("make", [choices, movements])
def test_a_trial_is_one_of_its_task(make):
    task, trials = make(), given(make())
    outputs = outputs_for(task, trials)
    loss, gradient, scores, _ = jax.tree.map(np.asarray, marks(task, outputs, trials))
    assert np.isfinite(gradient).all()
    for k, one in enumerate(task.tasks):
        mine, outs = own(task, k, trials)
        rows = trials.conditions["task"] == k
        shown = outputs[rows][:, : one.n_steps, outs]
        own_loss, _, own_scores, _ = marks(one, shown, mine)
        np.testing.assert_allclose(loss[rows], own_loss, rtol=2e-6)
        for name, value in own_scores.items():
            named = f"{task.names[k]}_{name}"
            found = scores[named if named in scores else name]
            np.testing.assert_allclose(found[rows], value, rtol=1e-5, atol=1e-5)
            if named in scores:
                assert np.isnan(found[~rows]).all()
        np.testing.assert_array_equal(trials.inputs[rows, 0, -2:], np.tile(np.eye(2)[k], (3, 1)))
        foreign = np.delete(np.arange(task.n_outputs), outs)
        assert not gradient[rows][:, :, foreign].any()
        assert not gradient[rows][:, one.n_steps :].any()
        absent = {n for n in trials.conditions if n not in mine.conditions} - {"task"}
        for name in absent - {f"{task.names[k]}_{n}" for n in mine.conditions}:
            code = trials.conditions[name].dtype.kind == "i"
            assert (trials.conditions[name][rows] == (-1 if code else 0)).all()


def test_a_batch_is_of_one_task_and_is_what_the_task_draws():
    task = movements()
    drawn = [task.batch(seed, N) for seed in range(6)]
    which = [np.unique(trials.conditions["task"]) for trials in drawn]
    assert {len(found) for found in which} == {1}
    assert {int(found[0]) for found in which} == {0, 1}
    k = task.code("reach")
    trials = task.batch(0, N, task=k)
    alone = task.tasks[k].batch(jax.random.split(jax.random.key(0))[1], N)
    assert int(trials.length) == task.tasks[k].n_steps
    assert int(task.batch(0, N, task=0).length) == 30
    mine, _ = own(task, k, jax.tree.map(np.asarray, trials))
    for name in ("inputs", "targets", "mask", "n_valid"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(alone, name))
    held = task.batch(0, N, task=k, direction=3, delay_duration=400.0)
    assert (held.conditions["direction"] == 3).all()
    assert (held.conditions["delay_duration"] == 400).all()


def test_one_branch_runs_in_a_batch():
    """Trials come out of one switch, or of a choice between the trials of all tasks."""

    def switches(jaxpr, shape):
        for eqn in jaxpr.eqns:
            yield eqn.primitive.name == "cond" and shape in [v.aval.shape for v in eqn.outvars]
            for value in eqn.params.values():
                if hasattr(value, "jaxpr"):
                    yield from switches(value.jaxpr, shape)

    def switched(task):
        traced = jax.make_jaxpr(lambda key: task.batch(key, N).inputs)(jax.random.key(0))
        return any(switches(traced.jaxpr, (N, task.n_steps, task.n_inputs)))

    assert switched(choices())
    assert not switched(choices(per="trial"))


def test_the_targets_as_outputs_are_right():
    for task in (choices(), movements()):
        trials = given(task)
        outputs = trials.targets
        if trials.targets.dtype.kind == "i":
            outputs = 9 * np.eye(task.n_outputs, dtype=np.float32)[trials.targets[..., 0]]
        _, _, scores, means = marks(task, outputs, trials)
        np.testing.assert_array_equal(scores["correct"], 1)
        names = {f"correct_{name}" for name in task.names} | {"correct", "correct_min"}
        assert all(means[name] == 1 for name in names)


def test_rules_and_reaches():
    """A task that shares draws in a batch, has logits as outputs and sums up its own rules."""
    task = rules()
    conditions = {"rule", "direction1", "reach_direction", "delay_duration"}
    assert conditions <= set(task._layout.conditions)
    assert task._layout.parts[0].scores["direction"] == "rules_direction"
    held = {"rule": task.tasks[0].code("dmcgo"), "reach_direction": 3}
    trials = jax.tree.map(np.asarray, task.batch(0, N, task=0, **held))
    assert (trials.conditions["rule"] == held["rule"]).all()
    assert np.ptp(trials.n_valid) == 0
    assert trials.n_valid[0] == trials.length < task.n_steps
    with pytest.raises(ValueError, match="'direction'; this task takes: task, "):
        task.batch(0, N, direction=3)
    targets = np.clip(trials.targets, 1e-6, 1 - 1e-6)
    _, _, scores, _ = marks(task, np.log(targets / (1 - targets)), trials)
    np.testing.assert_array_equal(scores["correct"], 1)
    trials.conditions["rule"] = np.where(np.arange(N) < 2, 0, held["rule"])
    right = scores | {"correct": (trials.conditions["rule"] > 0).astype(np.float32)}
    means = eqx.filter_jit(task.summary)(right, trials)
    # The worst rule, not the mean of the rules, is what the task of rules contributes.
    assert means["correct_rules"] == pytest.approx(4 / 6)
    assert (means["correct_fdgo"], means["correct_dmcgo"], means["correct_min"]) == (0, 1, 0)
    assert "rules_direction" not in means  # as the rules themselves leave it out


def test_validation_has_as_many_trials_of_each_task():
    trials = choices().validation()
    which = np.asarray(trials.conditions["task"])
    assert np.bincount(which).tolist() == [512, 512]
    for name, rows in (("coherence", which == 0), ("sample_stimulus", which == 1)):
        _, counts = np.unique(np.asarray(trials.conditions[name])[rows], return_counts=True)
        assert np.ptp(counts) <= 1


def test_picks_stand_for_the_whole():
    for n, rows in ((520, 10), (512, 8), (1280, 20)):
        picks = evenly(n, 512)
        assert len(set(picks)) == 512
        counts = np.bincount(picks % rows)  # a list that repeats
        assert np.ptp(counts) <= 1
        sorted_counts = np.bincount(picks * rows // n)  # a list that is sorted
        assert np.ptp(sorted_counts) <= 6


def test_tasks_come_as_often_as_they_are_weighted_without_compiling_anew():
    task, traces = choices(per="trial", weights=(1.0, 3.0)), 0

    @eqx.filter_jit
    def drawn(task, key):
        nonlocal traces
        traces += 1
        return jax.vmap(lambda key: task.sample(key).conditions["task"])(
            jax.random.split(key, 3000)
        )

    assert np.mean(drawn(task, jax.random.key(0))) == pytest.approx(0.75, abs=0.03)
    for weights, expected in (((1.0, 0.0), 0), ((0.0, 2.0), 1)):
        moved = eqx.tree_at(lambda t: t.weights, task, jnp.asarray(weights))
        assert (drawn(moved, jax.random.key(1)) == expected).all()
    assert traces == 1


def test_runs_are_labelled_by_their_task(tmp_path):
    task = choices()
    model = models.CTRNN(task.n_inputs, 8, task.n_outputs, key=0)
    run = nd.simulate(model, task, repeats=N // 2, key=0, save=())
    assert run.task.values.tolist() == [0, 0, 0, 1, 1, 1]
    assert nd.labels.roles.conditions(run) == ["task"]
    assert '"task": {"0": "decide", "1": "match"}' in run.attrs["labels"]
    assert '"0": "negative (decide), nonmatch (match)"' in run.attrs["labels"]
    assert (run.match.values[:3] == -1).all()
    ends = run.outputs.notnull().all("output").sum("time")
    np.testing.assert_array_equal(ends, run.n_valid)
    nd.save(tmp_path / "task.nd", task)
    again = nd.load(tmp_path / "task.nd")
    pairs = zip(*(jax.tree.leaves(given(t, 3)) for t in (task, again)), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    reach = movements().trials(0, N, task=1)
    assert reach.angle.attrs["units"] == "deg"
    np.testing.assert_array_equal(reach.angle, 45.0 * reach.direction.values)


def test_mixtures_of_mixtures_and_of_tasks_of_users():
    inner = tasks.Mixture({"slow": Filter(gain=0.5), "fast": Filter(gain=2.0)})
    task = tasks.Mixture({"pair": inner, "single": Filter(n_steps=30)})
    assert task.input_names == ("level_0", "task_slow", "task_fast", "task_pair", "task_single")
    trials = given(task, n=4)
    assert set(trials.conditions["pair_task"][::2]) <= {0, 1}
    assert (trials.conditions["pair_task"][1::2] == -1).all()
    assert task.labels()["pair_task"] == {0: "slow", 1: "fast", -1: "none"}
    assert task.batch(0, 4, task=0, pair_task=1).conditions["pair_task"].tolist() == [1] * 4
    _, _, scores, means = marks(task, trials.targets, trials)
    assert (scores["correct"] == 1).all()
    assert {"correct_slow", "correct_single", "correct_min"} <= set(means)
    with pytest.raises(ValueError, match=r"an input 'task_slow'.*another name"):
        tasks.Mixture({"slow": inner, "single": Filter()})


class Numbers(Filter):
    """A user's task whose sizes are plain numbers, which JAX counts among its leaves."""

    n_steps: int
    dt: float


def test_sizes_may_be_numbers_among_the_leaves():
    other = Filter(dt=20.0, n_steps=5)
    mixtures = {n: tasks.Mixture({"a": Numbers(dt=20.0, n_steps=n), "b": other}) for n in (7, 11)}
    steps = {n: mixture.n_steps for n, mixture in mixtures.items()}
    assert steps == {7: 7, 11: 11}
