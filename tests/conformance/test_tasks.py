"""Tests that every task in `neurodyn.tasks` must pass."""

import functools
import inspect
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn
from neurodyn import labels, models, tasks
from neurodyn.models import reference
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks import parts
from neurodyn.tasks.base import VALIDATION_SEED, AbstractDrawnTask
from neurodyn.tasks.mixtures.transitions import Blocks
from neurodyn.tasks.parts import AbstractEpochTask

BIB = Path(neurodyn.__file__).parent / "references.bib"
#: Trials in a batch: the same everywhere, so that each task is compiled once.
N = 6
#: The tasks; other public names are functions.
NAMES = [name for name in tasks.__all__ if inspect.isclass(getattr(tasks, name))]
EVERY = pytest.mark.parametrize("name", NAMES)


def delayed_response(dt: float = 20.0, **options) -> AbstractEpochTask:
    """Point in a direction that was seen before a delay of unknown length."""
    hold = ("fixation", "stimulus", "delay")
    return tasks.EpochTask(
        dt,
        epochs={"fixation": 300, "stimulus": (200, 400), "delay": [200, 400], "response": 300},
        align="stimulus",
        conditions={"theta": parts.directions(8)},
        inputs={
            "fixation": parts.during(*hold),
            "ring": parts.during("stimulus", value=parts.ring("theta", 8)),
        },
        outputs={"ring": parts.during("response", value=parts.ring("theta", 8))},
        weights={"response": 5.0},
        noise=0.01,
        score=parts.direction("ring", "theta"),
        nearest=True,
        **options,
    )


#: Tasks over stored items or other tasks have no default ones; and long sequences are slow without
#: compilation.
STORED = {
    "EpochTask": delayed_response,
    "Session": lambda dt=20.0: tasks.Session(
        tasks.ContrastDecision(dt),
        3,
        Blocks.priors("side", ("left", "right"), opening=0),
        previous="choice_correct",
    ),
    "Mixture": lambda dt=20.0: tasks.Mixture(
        {"decide": tasks.PerceptualDecision(dt), "match": tasks.DelayMatchToSample(dt)}
    ),
    "HomeReach": lambda **options: tasks.HomeReach(**{"n_phases": 8} | options),
    "Attractor": lambda **options: tasks.Attractor(reference.Henon(), 700, length=9, **options),
    "Windows": lambda **options: tasks.Windows(
        np.random.default_rng(0).normal(size=(300, 2)), 20, **options
    ),
    "StoredTrials": lambda dt=20.0: tasks.StoredTrials(
        np.random.default_rng(0).standard_normal((600, 5, 2)),
        np.random.default_rng(1).integers(0, 3, (600, 5)),
        dt=dt,
    ),
    "Sequences": lambda **options: tasks.Sequences(
        np.random.default_rng(0).standard_normal((512, 5, 2)), **options
    ),
}


def make(name: str, **options) -> AbstractTask:
    return STORED.get(name, getattr(tasks, name))(**options)


@functools.cache
def default(name: str) -> AbstractTask:
    """The task as tests share it; arrays of a module cannot be changed."""
    return make(name)


@functools.cache
def batch(name: str) -> Trial:
    """Its first trials, as NumPy arrays, so that looking at them compiles nothing."""
    return jax.tree.map(np.asarray, default(name).batch(0, N))


@functools.cache
def validation(name: str) -> Trial:
    """Its validation set, as NumPy arrays."""
    return jax.tree.map(np.asarray, default(name).validation())


@eqx.filter_jit
def marks(task: AbstractTask, outputs, trials: Trial):
    """Loss, its gradient and scores: one program, where operations by themselves would be many."""

    def loss(outputs):
        each = task.loss(outputs, trials)
        return each.sum(), each

    gradient, each = jax.grad(loss, has_aux=True)(outputs)
    return each, gradient, task.score(outputs, trials)


def floats(trials: Trial) -> set:
    """Types of its numbers that are no integers."""
    leaves = jax.tree.leaves(trials)
    return {np.dtype(a.dtype) for a in leaves if jnp.issubdtype(a.dtype, jnp.floating)}


def same(a, b) -> bool:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


def outputs_like(task: AbstractTask, trials: Trial, value=None):
    shape = (*trials.targets.shape[:-1], task.n_outputs)
    if value is not None:
        return jnp.full(shape, value, trials.inputs.dtype)
    return np.random.default_rng(9).normal(size=shape).astype(trials.inputs.dtype)


@EVERY
def test_shapes_and_dtypes(name):
    task, trials = default(name), batch(name)
    scored = 1 if task.scored == "last" else task.n_steps
    assert trials.inputs.shape == (N, task.n_steps, task.n_inputs)
    assert trials.targets.shape[:2] == (N, scored)
    assert trials.mask.shape == trials.targets.shape
    assert trials.inputs.dtype == trials.mask.dtype == jnp.float32
    assert trials.targets.dtype in (jnp.float32, jnp.int32)
    if trials.targets.dtype == jnp.float32:
        assert trials.targets.shape[-1] == task.n_outputs
    else:
        assert task.n_outputs % trials.targets.shape[-1] == 0
    assert len(task.input_names) == len(set(task.input_names)) == task.n_inputs
    assert len(task.output_names) == len(set(task.output_names)) == task.n_outputs
    # Trials carry their step, so that a run of them needs no `dt`.
    for drawn in (trials, validation(name)):
        assert (drawn.dt, drawn.time_unit) == (task.dt, task.units().get("time", "ms"))
    for value in trials.conditions.values():
        assert value.shape == (N,)
        assert value.dtype in (jnp.float32, jnp.int32)
    for interval in trials.epochs.values():
        assert interval.shape == (N, 2)
        assert (interval[:, 0] <= interval[:, 1]).all()
        assert (interval >= 0).all()
        assert (interval <= task.n_steps * task.dt).all()


@EVERY
def test_float64(name, x64):
    task = make(name)
    trials = eqx.filter_eval_shape(task.batch, 0, N)  # types are known before it is compiled
    assert floats(trials) == {np.dtype(np.float64)}
    outputs = outputs_like(task, trials)
    assert eqx.filter_eval_shape(task.loss, outputs, trials).dtype == jnp.float64
    assert eqx.filter_eval_shape(task.score, outputs, trials)["correct"].dtype == jnp.float64


@pytest.mark.thorough
@EVERY
def test_a_float32_task_stays_float32_beside_float64(name):
    task = default(name)
    with jax.enable_x64(True):
        trials = eqx.filter_eval_shape(task.batch, 0, N)
    assert floats(trials) == {np.dtype(np.float32)}


@EVERY
def test_everything_is_finite_and_scored_somewhere(name):
    task = default(name)
    trials = jax.tree.map(np.asarray, task.batch(1, N))
    for leaf in jax.tree.leaves(trials):
        assert np.isfinite(leaf).all()
    assert (trials.mask >= 0).all()
    assert (trials.mask.sum((1, 2)) > 0).all()


@EVERY
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_same_key_same_bits(name, seed):
    task = default(name)
    assert same(task.batch(seed, N), task.batch(jax.random.key(seed), N))


@pytest.mark.thorough
@EVERY
def test_trials_do_not_depend_on_how_many_there_are(name):
    """Where the validation set is a batch like others, its first trials are a smaller batch."""
    task = default(name)
    own = type(task).validation
    if own is AbstractDrawnTask.validation or isinstance(task, tasks.Yang2019):
        key, many = VALIDATION_SEED, validation(name)
        few = task.batch(key, N, **{c: many.conditions[c][:N] for c in task.condition_table()})
    else:
        few, many = batch(name), jax.tree.map(np.asarray, task.batch(0, N + 3))
    assert same(few, jax.tree.map(lambda a: a[:N] if a.ndim else a, many))


@EVERY
def test_different_keys_differ(name):
    task = default(name)
    first, second = task.batch(0, N), task.batch(1, N)
    assert not same((first.inputs, first.targets), (second.inputs, second.targets))


@pytest.mark.thorough
@EVERY
def test_sample_can_be_jitted_and_vmapped(name):
    """Many trials at once are what each of them is alone."""
    task = default(name)
    keys = jax.random.split(jax.random.key(0), N)
    drawn = isinstance(task, AbstractDrawnTask)
    if drawn:  # a batch is a map over such keys, and is compiled already
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), np.arange(N, dtype="u4"))

    @eqx.filter_jit
    def draw(task, keys):
        return None if drawn else eqx.filter_vmap(task.sample)(keys), task.sample(keys[2])

    trials, one = draw(task, keys)
    trials = batch(name) if drawn else trials
    assert trials.inputs.shape == (N, task.n_steps, task.n_inputs)
    for a, b in zip(jax.tree.leaves(trials), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(np.asarray(a)[2], b, rtol=2e-6, atol=2e-6)


@EVERY
def test_new_numbers_do_not_recompile(name):
    task, traces = default(name), 0

    @jax.jit
    def step(arrays, key):
        nonlocal traces
        traces += 1
        t = eqx.combine(arrays, static)
        trials = t.batch(key, N)
        outputs = outputs_like(t, trials, 0.1)
        return t.loss(outputs, trials), t.score(outputs, trials), t.validation()

    arrays, static = eqx.partition(task, eqx.is_array)
    assert jax.tree.leaves(arrays), "numbers of the task must be arrays"
    assert not [x for x in jax.tree.leaves(static) if isinstance(x, (float, int))]
    for seed in range(3):
        floats_moved = jax.tree.map(
            lambda a: np.asarray(a) * (1 + a.dtype.type(0.01 * seed)) if a.dtype.kind == "f" else a,
            arrays,
        )
        step.trace(floats_moved, jax.random.key(seed))  # what a call would compile
    assert traces == 1


@EVERY
def test_loss_and_score(name):
    task, trials = default(name), batch(name)
    outputs = outputs_like(task, trials)
    each, gradient, scores = marks(task, outputs, trials)
    assert each.shape == (N,)
    assert np.isfinite(each).all()
    assert (each > 0).all()
    assert scores["correct"].shape == (N,)
    assert ((scores["correct"] >= 0) & (scores["correct"] <= 1)).all()
    assert all(value.shape[0] == N for value in scores.values())
    coded = task.labels()
    if "choice" in scores:
        assert set(np.unique(scores["choice"])) <= set(coded["choice"])
    units = task.units()
    assert all(units[k] == "ms" for k in ("rt",) if k in scores)
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).sum((1, 2)) > 0).all()


@EVERY
def test_what_is_not_scored_does_not_count(name):
    task, trials = default(name), batch(name)
    outputs = outputs_like(task, trials)
    heads = trials.mask.shape[-1]
    spared = np.repeat(np.asarray(trials.mask) == 0, task.n_outputs // heads, axis=-1)
    moved = np.where(spared, outputs + 3, outputs)
    each, others = (marks(task, shown, trials)[0] for shown in (outputs, moved))
    np.testing.assert_array_equal(each, others)


@EVERY
def test_validation_is_fixed_and_balanced(name):
    task = default(name)
    first, second = validation(name), make(name).validation()
    assert same(first, second)
    assert task.rows(first)[1].inputs.shape[0] >= 512
    table = task.condition_table()
    if table:
        rows = np.stack([np.asarray(first.conditions[k], float) for k in table], axis=1)
        found, counts = np.unique(rows, axis=0, return_counts=True)
        wanted = np.unique(np.stack([np.asarray(c, float) for c in table.values()], 1), axis=0)
        np.testing.assert_allclose(found, wanted)
        assert len(set(counts)) == 1


@EVERY
def test_conditions_that_are_given_are_used(name):
    task = default(name)
    table = task.condition_table()
    if table:
        several = {column: np.resize(values, (N,)) for column, values in table.items()}
        one = {column: values[-1] for column, values in table.items()}
        for given in (several, one):
            trials = task.batch(0, N, **given)
            for column, values in given.items():
                expected = np.broadcast_to(values, (N,))
                np.testing.assert_allclose(trials.conditions[column], expected)
        for column, values in table.items():
            with pytest.raises(ValueError, match=f"{column}.*{N} values"):
                task.batch(0, N, **{column: np.resize(values, (3,))})
    for draw in (lambda **kw: task.batch(0, N, **kw), lambda **kw: task.sample(key0(), **kw)):
        with pytest.raises(ValueError, match="nonsense"):
            draw(nonsense=1)


def key0():
    return jax.random.key(0)


@EVERY
def test_bad_calls_are_refused(name):
    task = default(name)
    with pytest.raises(ValueError, match="`n` must be a whole number >= 1"):
        task.batch(0, 0)
    with pytest.raises(ValueError, match="key="):
        task.batch(None, 3)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="`dt`"):
            make(name, dt=bad)


@EVERY
def test_trials_follow_the_labelling_convention(name, tmp_path):
    task = default(name)
    ds = task.trials(0, N)
    labels.check(ds)
    task, trials = task.rows(task.batch(0, N))
    rows = len(trials.inputs)
    n = task.n_steps if trials.length is None else int(trials.length)
    if task.n_inputs:
        assert ds.inputs.dims == ("trial", "time", "input")
        # After the last epoch of a trial there is nothing, whatever the buffer holds.
        stops = [np.asarray(interval)[:, 1] for interval in trials.epochs.values()]
        end = np.max(stops, axis=0) if trials.n_valid is not None else np.full(rows, np.inf)
        there = np.arange(1, n + 1) * task.dt <= end[:, None] + 1e-3
        expected = np.where(there[..., None], trials.inputs[:, :n], np.nan)
        np.testing.assert_array_equal(ds.inputs, expected)
    assert ds.sizes["trial"] == rows
    np.testing.assert_allclose(ds.time, task.t0 + np.arange(1, n + 1) * task.dt)
    assert set(trials.conditions) <= set(ds.coords)
    assert ds.attrs["task"] == type(task).__name__
    for epoch in trials.epochs:
        assert f"epoch_{epoch}" in ds.attrs or f"{epoch}_start" in ds.coords
    ds.to_netcdf(tmp_path / "trials.nc", engine="h5netcdf")


@EVERY
def test_names_its_papers(name):
    task = default(name)
    entries = set(re.findall(r"^@\w+\{(\w+),", BIB.read_text(), re.M))
    assert task.reference or name in STORED
    assert set(task.reference) <= entries


def test_the_bibliography_is_well_formed():
    text = BIB.read_text()
    assert text.count("{") == text.count("}")
    keys = re.findall(r"^@\w+\{(\w+),", text, re.M)
    assert len(keys) == len(set(keys))
    for entry in re.split(r"^@", text, flags=re.M)[1:]:
        for field in ("author", "title", "year"):
            assert re.search(rf"^  {field} = \{{.+\}},$", entry, re.M), entry.split(",")[0]


@pytest.mark.thorough
@EVERY
def test_defaults_fit_any_step(name):
    # Rules have the durations that were published, so that other steps are refused.
    odd = () if name == "Yang2019" else (7.0,)
    for dt in (1.0, 10.0, 50.0, *odd):
        task = make(name, dt=dt)
        trial = eqx.filter_eval_shape(task.sample, jax.random.key(0))
        assert trial.inputs.shape == (task.n_steps, task.n_inputs)


@EVERY
def test_labels_of_trials_are_exact_numbers(name):
    """Users group and join by them: 0.032, not 0.03200000151991844, whatever was compiled."""
    task = default(name)
    ds = task.trials(0, N)
    trials = task.batch(0, N)
    for label, coord in ds.coords.items():
        if coord.dims != ("trial",) or coord.dtype.kind != "f":
            continue
        assert coord.dtype == np.float64, label
        if label not in trials.conditions:
            continue
        np.testing.assert_allclose(coord, trials.conditions[label], rtol=1e-6)
        shortest = {float(str(np.float32(x))) for x in coord.values}
        counted = 360 * np.arange(8) / 8 if label == "angle" else ()
        assert set(coord.values) <= {*shortest, *counted}, label


def test_labels_are_the_numbers_of_the_settings():
    levels = (1 / 32, 0.05, 0.256, 0.512)
    decision = tasks.PerceptualDecision(dt=20.0, coherence=(*levels, *(-c for c in levels)))
    assert set(np.abs(decision.trials(0, 40).coherence.values)) == set(levels)
    reach = tasks.CenterOut(dt=20.0, n_targets=7)
    trials = reach.trials(0, 40)
    np.testing.assert_array_equal(trials.angle, 360 * trials.direction.values / 7)
    model = models.CTRNN(reach.n_inputs, 4, reach.n_outputs, key=0)
    run = neurodyn.simulate(model, reach, n_trials=20, key=0)
    np.testing.assert_array_equal(run.angle, 360 * run.direction.values / 7)
    for task in (tasks.ReadySetGo(dt=0.3 * 20), tasks.CenterOut(dt=0.7)):
        drawn = task.trials(0, 20)
        times = [
            c for c in drawn.coords.values() if c.dims == ("trial",) and c.attrs["units"] == "ms"
        ]
        for coord in times:
            steps = np.rint(coord.values / task.dt)
            np.testing.assert_allclose(coord, steps * task.dt, rtol=1e-13, err_msg=coord.name)
