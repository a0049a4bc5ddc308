"""A recorded series as a task: runs start where it starts, and have the labels of what it says."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, models, params, tasks
from neurodyn.training import NextStep, SparseTeacherForcing, Supervised

C, S = np.cos(0.1), np.sin(0.1)
R = np.array([[C, -S], [S, C]])


def turned(n, start=(1.0, 0.0)):
    """A rotating vector, in closed form."""
    angle = 0.1 * np.arange(n) + np.arctan2(*start[::-1])
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rotation(n_inputs=0, **options):
    """The map of that series."""
    return models.ALRNN(
        n_inputs, 2, 2, n_relu=0, A=np.diag(R), W=R.T - np.diag(np.diag(R)), key=0, **options
    )


def series(n, time):
    return xr.DataArray(
        turned(n), {"time": ("time", time, {"units": "ms"})}, ("time", "output"), name="x"
    )


def test_an_exact_model_is_scored_as_exact_and_labelled_as_the_series():
    task = tasks.Windows(turned(500), length=50, dt=10.0)
    run = nd.simulate(rotation(), task, n_trials=5, key=0)
    np.testing.assert_allclose(run.mse, 0, atol=1e-10)
    np.testing.assert_allclose(run.correct, 1)
    # The first sample is at 0; sample k of the run is sample k + 1 of its window.
    np.testing.assert_array_equal(run.time, 10.0 * np.arange(1, 51))
    window = task.trials(0, 5, start=run.start.values)
    labels.check(window)
    assert float(window.time[0]) == 0
    np.testing.assert_allclose(run.outputs, window.targets.sel(time=run.time), atol=1e-5)
    for i, start in enumerate(run.start.values):
        expected = turned(500)[start + (run.time.values / 10).astype(int)]
        np.testing.assert_allclose(run.outputs[i], expected, atol=1e-5)
    given = nd.simulate(rotation(), task.validation(), dt=10.0)
    np.testing.assert_array_equal(given.time, run.time)


def test_training_compares_with_what_comes_after_the_first_sample():
    task = tasks.Windows(turned(300), length=20, dt=10.0)
    model, trials = rotation(), task.validation()
    with pytest.raises(ValueError, match=r"series to predict: pass objective=.*TeacherForcing"):
        nd.fit(model, task, steps=1, key=0)
    fit = nd.fit(model, task, objective=Supervised(), steps=1, key=0, progress=False)
    # One step of Adam moves each weight by the learning rate, away from exact.
    assert float(fit.history.validation_mse[-1]) < 0.01
    found = Supervised().evaluate(model, task, trials, None, key=None)
    np.testing.assert_allclose(found["mse"], 0, atol=1e-10)
    forced = SparseTeacherForcing(1000).evaluate(model, task, trials, None, key=None)
    np.testing.assert_allclose(found["mse"], forced["mse"], atol=1e-10)


def test_inputs_act_in_the_step_that_they_are_given_for():
    rng = np.random.default_rng(0)
    s, x = rng.normal(size=(80, 1)), [np.array([1.0, 0.0])]
    for t in range(79):
        x.append(R @ x[-1] + np.array([0.5, -0.2]) * s[t, 0])
    task = tasks.Windows(np.array(x), 10, inputs=s)
    model = rotation(1, C=np.array([[0.5, -0.2]]))
    run = nd.simulate(model, task, n_trials=4, key=0)
    assert run.sizes["time"] == 10
    np.testing.assert_allclose(run.mse, 0, atol=1e-8)


def test_each_subject_runs_with_its_own_rows():
    other = np.stack([turned(60), turned(60)[:, ::-1]])
    W = params.Indexed(
        2,
        by="subject",
        init=lambda key, shape, dtype: jnp.asarray(
            [R.T - np.diag(np.diag(R)), R - np.diag(np.diag(R))], dtype
        ),
    )
    model = models.ALRNN(0, 2, 2, n_relu=0, A=np.diag(R), W=W, key=0)
    run = nd.simulate(model, tasks.Windows(other, 20), n_trials=8, key=0)
    assert set(run.subject.values) == {0, 1}
    np.testing.assert_allclose(run.mse, 0, atol=1e-9)


def test_models_without_a_start_run_through_the_whole_window():
    task = tasks.Windows(turned(60), 9, dt=10.0)
    run = nd.simulate(models.CTRNN(0, 4, 2, key=0), task, n_trials=3, key=0)
    np.testing.assert_array_equal(run.time, 10.0 * np.arange(10))
    targets = task.batch(0, 3, start=run.start.values).targets
    np.testing.assert_allclose(run.mse, ((run.outputs - targets) ** 2).mean(("time", "output")))


def test_networks_that_read_the_series_are_sent_to_their_objective():
    task = tasks.Windows(turned(60), 9, dt=10.0)
    network = models.CTRNN(2, 4, 2, key=0)
    for series in (task, tasks.Sequences(turned(60)[None])):
        with pytest.raises(ValueError, match="NextStep"):
            nd.fit(network, series, steps=1, key=0)
    with pytest.raises(ValueError, match=r"analysis\.forecast"):
        nd.simulate(network, task, n_trials=2, key=0)
    NextStep().check(network, task)


def test_a_variational_network_reads_the_sequences():
    x = np.random.default_rng(0).normal(size=(3, 9, 2)).astype(np.float32)
    model = models.VRNN(2, 4, 1, key=0)
    task = tasks.Sequences([x[0], x[1], x[2, :5]], dt=20.0)
    run = nd.simulate(model, task.validation(), dt=20.0, key=0)
    read = nd.simulate(model, np.swapaxes(x, 0, 1), dt=20.0, key=0)
    np.testing.assert_array_equal(run.n_valid, [9, 9, 5])
    expected = read.outputs.where(labels.valid(run))
    np.testing.assert_allclose(run.outputs, expected, atol=1e-5)


# --- a run from one sample -------------------------------------------------------------------


@pytest.mark.parametrize("t0", [0.0, 10.0, -250.0, 1e7 + 0.1])
def test_a_free_run_agrees_with_the_series_by_label(t0):
    recording = series(200, t0 + 10.0 * np.arange(200))
    run = nd.simulate(rotation().starting_from(recording.isel(time=0)), n_steps=150, dt=10.0)
    a, b = labels.match(run.outputs.isel(trial=0), recording, "time", join="inner")
    assert a.sizes["time"] == 150
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_sample_without_time_is_the_first_of_an_unlabelled_series():
    recording = series(200, labels.time_axis(200, 10.0))
    run = nd.simulate(rotation().starting_from(turned(1)[0]), n_steps=150, dt=10.0)
    difference = run.outputs.isel(trial=0) - recording
    assert difference.sizes["time"] == 150
    assert float(abs(difference).max()) < 1e-5


def test_inputs_have_a_clock_of_their_own():
    model = rotation(1).starting_from(turned(1)[0])
    run = nd.simulate(model, np.zeros((5, 1, 1), np.float32), dt=10.0)
    np.testing.assert_array_equal(run.time, 10.0 * np.arange(1, 6))
    np.testing.assert_array_equal(nd.simulate(rotation(), n_steps=2, dt=10.0).time, [10.0, 20.0])


def test_the_time_of_the_start_is_saved_and_old_files_have_none(tmp_path, monkeypatch):
    recording = series(3, 1e6 + 0.5 * np.arange(3))
    model = rotation().starting_from(recording.isel(time=1))
    nd.save(tmp_path / "model.nd", model)
    assert nd.load(tmp_path / "model.nd").start_time(0.5) == 1e6 + 0.5

    from neurodyn.io import modules

    written = modules.encode(rotation(), arrays := {}, "model")
    del written["fields"]["clock"]
    old = modules.decode(json.loads(json.dumps(written)), arrays)
    assert old.start_time(10.0) == 0
    assert old.starting_from([1.0, 0.0]).start_time(10.0) == 10.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.isel(time=0).assign_coords(time=((), 0.01, {"units": "s"})),
        lambda x: x.isel(time=0).assign_coords(time=np.timedelta64(10, "ms")),
        lambda x: x.isel(time=0).assign_coords(time=np.nan),
    ],
)
def test_a_sample_at_no_time_in_ms_is_refused(wrong):
    with pytest.raises(ValueError, match="at one time in ms"):
        rotation().starting_from(wrong(series(3, 10.0 * np.arange(3))))


def test_a_start_in_steps_is_followed_by_steps():
    start = series(3, 1.0 + np.arange(3)).isel(time=1)
    start["time"].attrs["units"] = "1"
    run = nd.simulate(rotation().starting_from(start), n_steps=2, dt=1.0)
    assert run.time.attrs["units"] == "1"
    np.testing.assert_array_equal(run.time, [3.0, 4.0])
