"""Stored sequences as a task."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neurodyn import labels, tasks

X = np.random.default_rng(0).standard_normal((4, 6, 2))


def test_items_are_the_sequences_and_say_which_they_are():
    task = tasks.Sequences(X, conditions={"theta": [0.1, 0.2, 0.3, 0.4], "kind": [0, 1, 1, 0]})
    trials = task.validation()
    np.testing.assert_allclose(trials.targets, X, rtol=1e-6)
    np.testing.assert_array_equal(trials.item, np.arange(4))
    np.testing.assert_allclose(trials.conditions["theta"], [0.1, 0.2, 0.3, 0.4])
    assert trials.conditions["kind"].dtype == np.int32
    assert trials.length is None
    assert trials.inputs.shape == (4, 6, 0)
    one = eqx.filter_jit(task.item)(jnp.asarray(2))
    np.testing.assert_array_equal(one.targets, trials.targets[2])


def test_batches_draw_sequences():
    task = tasks.Sequences(X)
    drawn = task.batch(0, 200)
    assert set(np.asarray(drawn.item).tolist()) == {0, 1, 2, 3}
    np.testing.assert_allclose(drawn.targets, X[np.asarray(drawn.item)], rtol=1e-6)
    chosen = task.batch(0, 2, item=[3, 1])
    np.testing.assert_array_equal(chosen.item, [3, 1])
    np.testing.assert_array_equal(task.sample(None, item=2).item, 2)
    with pytest.raises(ValueError, match="0 to 3"):
        task.batch(0, 2, item=[4, 0])


def test_lengths_end_the_weight_and_allow_anything_beyond():
    x = X.copy()
    x[1, 4:] = np.nan
    task = tasks.Sequences(x, lengths=[6, 4, 6, 6])
    trials = task.validation()
    np.testing.assert_array_equal(trials.mask.sum((1, 2)), [12, 8, 12, 12])
    assert np.isfinite(trials.targets).all()
    assert int(trials.length) == 6
    assert int(task.batch(0, 1, item=1).length) == 4


def test_arrays_with_labels_bring_names_step_lengths_and_conditions():
    array = xr.DataArray(
        np.moveaxis(X, -1, 1),
        dims=("trial", "output", "time"),
        coords={
            "output": ["x", "y"],
            "time": 20.0 * np.arange(1, 7),
            "direction": ("trial", [0, 1, 2, 3]),
            "n_valid": ("trial", [6, 6, 5, 6]),
        },
    )
    task = tasks.Sequences(array, dt=None)
    assert task.output_names == ("x", "y")
    assert task.dt == 20.0
    np.testing.assert_array_equal(task.lengths, [6, 6, 5, 6])
    np.testing.assert_array_equal(task.conditions["direction"], [0, 1, 2, 3])
    ds = task.trials(0, 3)
    labels.check(ds)
    assert ds.output.values.tolist() == ["x", "y"]


def test_loss_and_score():
    task = tasks.Sequences(X)
    trials = task.validation()
    assert np.asarray(task.loss(trials.targets, trials)).max() == 0
    np.testing.assert_allclose(task.score(trials.targets, trials)["correct"], 1)
    mean = jnp.asarray(np.broadcast_to(X.mean(1, keepdims=True), X.shape), jnp.float32)
    score = task.score(mean, trials)
    np.testing.assert_allclose(score["correct"], 0, atol=1e-5)
    np.testing.assert_allclose(score["mse"], X.var(1).mean(-1), rtol=1e-5)


def test_bad_data_is_refused_with_the_fix():
    holed = X.copy()
    holed[2, 3, 0] = np.nan
    for call, match in [
        (lambda: tasks.Sequences(holed), "step 3 of sequence 2.*lengths="),
        (lambda: tasks.Sequences(X[0]), r"data\[None\]"),
        (lambda: tasks.Sequences(X, lengths=[6, 6, 6]), "each of the 4"),
        (lambda: tasks.Sequences(X, lengths=[6, 6, 6, 7]), "between 1 and the 6"),
        (lambda: tasks.Sequences(X, lengths=[6.0, 6, 6, 6]), "whole number"),
        (lambda: tasks.Sequences(X, dt=0.0), "`dt`"),
        (lambda: tasks.Sequences(X, names=["a", "a"]), "each of the 2 outputs"),
        (lambda: tasks.Sequences(X, conditions={"a": [1, 2]}), "condition 'a'"),
        (lambda: tasks.Sequences(xr.DataArray(X, dims=("a", "b", "c"))), "trial, time"),
        (lambda: tasks.Sequences(X).batch(0, 0), "`n` must be a whole number >= 1"),
        (lambda: tasks.Sequences(X).batch(0, 2, theta=1), "theta"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()


def test_trials_say_which_sequence_they_are_on_its_clock():
    time = 510.0 + 10.0 * np.arange(6)
    data = xr.DataArray(X, {"trial": list("dbca"), "time": time}, ("trial", "time", "output"))
    task = tasks.Sequences(data)
    drawn = task.trials(0, 6)
    np.testing.assert_allclose(drawn.targets, data.sel(trial=drawn.sequence), rtol=1e-6)
    np.testing.assert_array_equal(drawn.time, time)
    np.testing.assert_array_equal(drawn.trial, np.arange(6))
    every = task.trials(0, 4, item=np.arange(4))
    np.testing.assert_array_equal(every.trial, list("dbca"))
    # Pieces of one recording begin at different times.
    cut = tasks.Sequences([data[0, :2], data[0, 3:]]).trials(0, 2, item=[1, 0])
    np.testing.assert_array_equal(cut.sequence, ["d", "d"])
    np.testing.assert_array_equal(cut.start_time, [530.0, 500.0])
    np.testing.assert_array_equal(cut.time, [10.0, 20.0, 30.0])


def test_steps_stay_steps():
    assert tasks.Sequences(X).trials(0, 2).time.attrs["units"] == "1"
    short = tasks.Sequences(X, lengths=[6, 3, 6, 6]).trials(0, 2)
    assert short.valid_until.attrs["units"] == "1"
    assert labels.valid(short).sum("time").max() == 6
    assert tasks.Sequences(X, dt=10.0).trials(0, 2).time.attrs["units"] == "ms"
