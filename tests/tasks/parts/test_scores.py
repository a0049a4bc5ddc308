"""Scores of parts against loops over trials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks
from neurodyn.tasks.parts import (
    choice,
    choices,
    direction,
    directions,
    during,
    interval,
    on_circle,
    one_hot,
    ramp,
    ring,
    uniform,
    within,
)
from neurodyn.tasks.parts.circle import direction_of

DT, N = 20.0, 64


def saccade(value, **options):
    """Look to a direction, or hold fixation if nothing is due."""
    return tasks.EpochTask(
        DT,
        epochs={"stimulus": 100, "response": (100, 200)},
        conditions={"theta": uniform(0, 360), "due": (0, 1)},
        inputs={"ring": during("stimulus", value=ring("theta"))},
        outputs={
            "fixation": during("stimulus", value=0.8)
            + during("response", value=lambda c: jnp.where(c["due"] == 1, 0.0, 0.8)),
            "ring": during("response", value=value),
        },
        score=direction("ring", "theta", fixation="fixation", due="due", tolerance=30.0),
        **options,
    )


@pytest.mark.parametrize("value", [ring("theta", 32), on_circle("theta")], ids=["ring", "point"])
def test_a_direction_is_read_at_the_last_step_of_each_trial(value):
    task = saccade(value)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    scores = task.score(trials.targets, trials)
    np.testing.assert_array_equal(scores["correct"], 1)
    due = trials.conditions["due"] == 1
    np.testing.assert_allclose(np.asarray(scores["error"])[due], 0, atol=1e-3)
    assert np.isnan(np.asarray(scores["error"])[~due]).all()
    shown = np.random.default_rng(0).normal(size=trials.targets.shape).astype(np.float32)
    scores = jax.tree.map(np.asarray, task.score(shown, trials))
    n = shown.shape[2] - 1
    for i in range(N):
        last = trials.n_valid[i] - 1
        preferred = np.exp(2j * np.pi * np.arange(n) / n) if n > 2 else np.array([1, 1j])
        away = np.rad2deg(np.angle(preferred @ shown[i, last, 1:])) % 360
        assert scores["direction"][i] == pytest.approx(away, abs=2e-3)
        error = abs((away - trials.conditions["theta"][i] + 180) % 360 - 180)
        held = shown[i, last, 0] > 0.5
        assert scores["correct"][i] == (held if not due[i] else (not held and error < 30))
        assert scores["fixation"][i] == pytest.approx(np.mean(shown[i, :5, 0] > 0.5))
    assert "direction" not in task.summary(scores, trials)
    assert task.units()["direction"] == task.units()["theta"] == "deg"


def test_the_population_vector_of_a_bump_is_its_direction():
    row = ring("theta").row({"theta": jnp.asarray(np.rad2deg(1.234))}, jnp.float32)
    assert float(direction_of(0.05 + row)) == pytest.approx(np.rad2deg(1.234), abs=1e-3)


def go_no_go():
    return tasks.EpochTask(
        DT,
        epochs={"stimulus": 100, "decision": (100, 200), "rest": 100},
        conditions={"cue": ("nogo", "go")},
        inputs={"cue": during("stimulus", value=one_hot("cue", 2))},
        outputs=choices("go", when="decision", correct=lambda c: c["cue"] - 1),
        weights={"rest": 0.0},
        score=choice("decision", lambda c: c["cue"] - 1),
    )


def test_a_choice_is_read_at_the_end_of_the_decision_and_may_be_none():
    task = go_no_go()
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    assert set(np.unique(trials.targets)) == {0, 1}
    right = np.eye(2, dtype=np.float32)[trials.targets[..., 0]]
    np.testing.assert_array_equal(task.score(right, trials)["correct"], 1)
    shown = np.random.default_rng(0).normal(size=right.shape).astype(np.float32)
    scores = jax.tree.map(np.asarray, task.score(shown, trials))
    for i in range(N):
        start, stop = (trials.epochs["decision"][i] // DT).astype(int)
        named = shown[i].argmax(1) - 1
        assert scores["choice"][i] == named[stop - 1]
        assert scores["correct"][i] == (named[stop - 1] == trials.conditions["cue"][i] - 1)
        first = next((t for t in range(start, stop) if named[t] >= 0), None)
        rt = np.nan if first is None else (first + 1 - start) * DT
        np.testing.assert_equal(scores["rt"][i], np.float32(rt))
        assert scores["fixation"][i] == pytest.approx(np.mean(named[:start] < 0))
    assert task.labels()["choice"] == {-1: "none", 0: "go"}
    # Who never goes is right on half of the trials, and so is who always goes.
    balanced = task.validation()
    for code in (0, 1):
        never = np.broadcast_to(np.eye(2, dtype=np.float32)[code], (*balanced.targets.shape[:2], 2))
        assert float(task.score(never, balanced)["correct"].mean()) == 0.5


def produce():
    """Produce an interval that a cue names, by a ramp to 1."""
    return tasks.EpochTask(
        DT,
        epochs={"cue": 100, "production": "interval", "after": 200},
        conditions={"interval": (400, 600, 1000)},
        inputs={"cue": during("cue", value="interval")},
        outputs={
            "ramp": ramp("production", over="interval")
            + during("after")
            + ramp("after", over="interval")
        },
        score=interval("interval", tolerance=0.1),
    )


def test_an_interval_is_produced_by_a_crossing():
    task = produce()
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    wanted = trials.conditions["interval"].astype(float)
    lasts = np.diff(trials.epochs["production"], axis=1)[:, 0]
    np.testing.assert_array_equal(lasts, wanted)
    np.testing.assert_array_equal(trials.n_valid, (300 + wanted) / DT)
    for late, right in ((1.0, 1), (1.08, 1), (1.12, 0), (0.93, 1), (0.89, 0)):
        scores = task.score(trials.targets / np.float32(late), trials)
        np.testing.assert_allclose(scores["produced"], late * wanted, rtol=1e-5)
        np.testing.assert_allclose(scores["error"], (late - 1) * wanted, atol=0.01)
        np.testing.assert_array_equal(scores["correct"], right)
    assert np.isnan(task.score(0 * trials.targets, trials)["rt"]).all()
    assert task.units()["produced"] == task.units()["interval"] == "ms"


def test_a_tolerance_holds_in_the_epochs_and_outputs_that_count():
    task = tasks.EpochTask(
        DT,
        epochs={"a": 100, "b": 100},
        conditions={"x": (1.0, 2.0)},
        inputs={"x": during("a", value="x")},
        outputs={"y": during("b", value="x"), "z": during("a")},
        grace={"b": 40},
        link="sigmoid",
        score=within("b", tolerance=0.2, output="y"),
    )
    trials = task.batch(0, 8)
    target = np.clip(np.asarray(trials.targets), 1e-4, 0.9)
    shown = np.log(target / (1 - target))
    away = np.asarray(task.score(shown, trials)["error"])
    np.testing.assert_allclose(away, np.asarray(trials.conditions["x"]) - 0.9, atol=1e-5)
    moved = shown.copy()
    moved[:, :7] = 5  # not scored, or another epoch
    moved[..., 1] = 5
    np.testing.assert_array_equal(task.score(moved, trials)["error"], away)
    np.testing.assert_array_equal(
        task.score(shown, trials)["correct"], np.asarray(trials.conditions["x"]) == 1
    )


def test_scores_refuse_what_there_is_not():
    task = saccade(ring("theta"))
    trials = task.batch(0, 4)
    with pytest.raises(ValueError, match="no group of outputs 'bump', only fixation, ring"):
        direction("bump", "theta")(task, trials.targets, trials)
    with pytest.raises(ValueError, match="no condition 'phi'; this task has due, resp"):
        direction("ring", "phi")(task, trials.targets, trials)
    with pytest.raises(ValueError, match="`due` needs `fixation`"):
        direction("ring", "theta", due="due")
    with pytest.raises(ValueError, match="no epoch 'go', only response, stimulus"):
        choice("go", "due")(task, trials.targets, trials)
    with pytest.raises(ValueError, match="`tolerance` must be above 0"):
        within(tolerance=0)
    assert directions(4).tolist() == [0, 90, 180, 270]
