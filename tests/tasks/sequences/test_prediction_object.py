"""The multi-event expectation task: outcomes, windows, blocks and scores."""

import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import PredictionObject

TASK = PredictionObject(dt=5.0)


def test_events_come_as_often_as_they_should():
    trials = TASK.batch(0, 2000, probability=0.3)
    assert abs(float((trials.conditions["event"] == 0).mean()) - 0.3) < 4 * np.sqrt(0.21 / 2000)
    always = TASK.batch(1, 50, probability=1.0).conditions["event"]
    assert (always == 0).all()


def test_a_trial_shows_its_event_and_only_that():
    trials = TASK.batch(0, 2, event=np.array([0, 1]), latency_a=150.0, latency_b=300.0)
    time = TASK.t0 + 5.0 * np.arange(TASK.n_steps)
    inputs = np.asarray(trials.inputs)
    np.testing.assert_array_equal(time[inputs[0, :, 0] > 0], np.arange(0.0, 50.0, 5.0))
    np.testing.assert_array_equal(time[inputs[0, :, 1] > 0], np.arange(150.0, 200.0, 5.0))
    np.testing.assert_array_equal(time[inputs[1, :, 2] > 0], np.arange(300.0, 350.0, 5.0))
    assert not inputs[0, :, 2].any()
    assert not inputs[1, :, 1].any()
    labelled = time + 5.0
    for i, latency in enumerate((150.0, 300.0)):
        bump = np.exp(-(((labelled - latency) / 40) ** 2) / 2)
        np.testing.assert_allclose(trials.targets[i, :, i], bump, atol=1e-5)
        gate = np.abs(labelled - latency) <= 250
        np.testing.assert_array_equal(trials.mask[i, :, i] > 0, gate)
        assert not np.asarray(trials.mask[i, :, 1 - i]).any()


def test_the_cue_alone_asks_for_the_expectation():
    trials = TASK.batch(0, 1, probability=0.7, shown=0)
    assert not np.asarray(trials.inputs[..., 1:]).any()
    np.testing.assert_allclose(trials.targets[0].max(0), [0.7, 0.3], atol=1e-3)
    assert (trials.mask == 1).all()


def test_sessions_go_through_their_blocks():
    blocks = [{"probability": 0.9}, {"latency_a": 300.0}, {"probability": 0.1, "latency_b": 500.0}]
    got = TASK.session(0, blocks, n_trials=4).conditions
    np.testing.assert_allclose(got["probability"], np.repeat([0.9, 0.9, 0.1], 4), rtol=1e-6)
    np.testing.assert_allclose(got["latency_a"], np.repeat([200.0, 300.0, 300.0], 4))
    np.testing.assert_allclose(got["latency_b"], np.repeat([400.0, 400.0, 500.0], 4))
    with pytest.raises(ValueError, match="probability"):
        TASK.session(0, [{"latency_a": 100.0}])
    with pytest.raises(ValueError, match="nonsense"):
        TASK.session(0, [{"probability": 0.5, "nonsense": 1.0}])


def test_scores_of_the_expectation_itself_and_of_a_late_one():
    trials = TASK.batch(0, 3, probability=np.array([0.2, 0.5, 0.8]), shown=0)
    got = TASK.score(trials.targets, trials)
    np.testing.assert_allclose(got["error"], 0, atol=1e-6)
    np.testing.assert_allclose(got["correct"], 1, atol=1e-6)
    np.testing.assert_allclose(got["amplitude_a"], [0.2, 0.5, 0.8], atol=1e-5)
    np.testing.assert_allclose(got["amplitude_b"], [0.8, 0.5, 0.2], atol=1e-5)
    late = TASK.score(jnp.roll(trials.targets, 2, axis=1), trials)
    np.testing.assert_allclose(late["timing_a"], 2 * TASK.dt, atol=0.2)
    flat = TASK.score(jnp.full_like(trials.targets, 0.3), trials)
    assert (np.abs(flat["timing_a"]) > 100).all()
    nothing = TASK.score(jnp.zeros_like(trials.targets), trials)
    power = np.sqrt(np.square(trials.targets).mean((1, 2)))
    np.testing.assert_allclose(nothing["error"], power, rtol=1e-5)
    assert np.isnan(nothing["timing_a"]).all()


def test_events_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="latency_b"):
        PredictionObject(latency_b=690.0)
    with pytest.raises(ValueError, match=r"'probability' must lie in \[0, 1\]"):
        TASK.batch(0, 2, probability=1.5)
