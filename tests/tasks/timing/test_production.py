"""Intervals that are produced after cues: when cues come, what the ramp does, what passes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks

N = 200
MADE = {
    "CueSetGo": lambda: tasks.CueSetGo(noise_std=None),
    "OneTwoThreeGo": lambda: tasks.OneTwoThreeGo(noise_std=None),
    "MeasureWaitGo": lambda: tasks.MeasureWaitGo(noise_std=None),
}
#: Input of each channel: the epochs at whose start it shows a pulse, its size and duration [ms].
PULSES = {
    "CueSetGo": [(("production",), 1, 40)],
    "OneTwoThreeGo": [(("first", "second", "production"), 1, 100)],
    "MeasureWaitGo": [(("measure",), 10, 10), (("wait",), 10, 10), (("production",), 10, 10)],
}
RANGES = {
    "CueSetGo": {"fixation": None, "cue": (1000, 3000)},
    "OneTwoThreeGo": {"fixation": (400, 400)},
    "MeasureWaitGo": {"fixation": (100, 190), "wait": (150, 150)},
}


@pytest.fixture(scope="module", params=MADE)
def case(request):
    task = MADE[request.param]()
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    return request.param, task, trials, eqx.filter_jit(task.score)


def test_cues_and_epochs(case):
    name, task, trials, _ = case
    begin = np.arange(task.n_steps) * task.dt
    pulsed = trials.inputs[..., -len(PULSES[name]) :]
    for channel, (epochs, size, lasts) in enumerate(PULSES[name]):
        on = np.zeros((N, task.n_steps), bool)
        for epoch in epochs:
            start = trials.epochs[epoch][:, :1].astype(float) - 1e-3
            on |= (begin >= start) & (begin < start + lasts)
        np.testing.assert_array_equal(pulsed[..., channel], size * on)
    wanted = trials.conditions["interval_correct"]
    for epoch in {"first", "second", "measure"} & set(trials.epochs):
        np.testing.assert_allclose(np.diff(trials.epochs[epoch])[:, 0], wanted, atol=1e-2)
    for epoch, span in RANGES[name].items():
        lasted = np.diff(trials.epochs[epoch])[:, 0].astype(float)
        if span is not None:
            assert (lasted.min() >= span[0] - 1e-2, lasted.max() <= span[1] + 1e-2) == (True, True)
            if span[0] < span[1]:
                assert lasted.mean() == pytest.approx(np.mean(span), rel=0.05)
    # Time 0 is where the task says.
    at = {"set onset": "production", "first flash": "first", "trial start": "fixation"}
    starts = trials.epochs[at[task.align_event]][:, 0]
    np.testing.assert_allclose(starts, -task.t0, atol=1e-3)
    if name == "CueSetGo":
        shown = trials.inputs[..., :2]
        on = begin >= trials.epochs["cue"][:, :1].astype(float) - 1e-3
        on &= begin < trials.epochs["production"][:, 1:].astype(float) - 1e-3
        np.testing.assert_array_equal(shown[..., 0] > 0, on & (wanted == 800)[:, None])
        np.testing.assert_array_equal(shown[..., 1] > 0, on & (wanted == 1500)[:, None])
        assert (wanted == 800).mean() == pytest.approx(0.5, abs=0.15)
        assert trials.epochs["cue"][:, 0].min() >= 500


def test_the_target_crosses_when_the_interval_is_over(case):
    name, task, trials, score = case
    end = (np.arange(task.n_steps) + 1) * task.dt
    start = trials.epochs["production"].astype(float)
    wanted = trials.conditions["interval_correct"].astype(float)
    low, high = (-0.5, 0.5) if name == "MeasureWaitGo" else (0, 1)
    share = np.clip((end - start[:, :1]) / wanted[:, None], 0, None)
    scored = end <= start[:, 1:] + 1e-2
    ramp = np.where(scored, low + (high - low) * share, 0)
    np.testing.assert_allclose(trials.targets[..., 0], ramp, atol=1e-4)
    np.testing.assert_array_equal(trials.mask[..., 0], scored)
    assert (ramp.max(axis=1) >= high + 0.13 * (high - low)).all()
    found = score(trials.targets, trials)
    np.testing.assert_allclose(found["produced"], wanted, atol=0.05)
    assert (np.asarray(found["correct"]) == 1).all()


def test_one_interval_for_all(case):
    """What passes if the same interval is produced whatever was shown."""
    name, task, trials, score = case
    intervals = np.asarray(task.interval)
    tolerance = float(task.tolerance)

    def passes(same):
        return float((np.abs(same - intervals) <= tolerance * intervals).mean())

    assert max(passes(s) for s in np.arange(50, 2000, 1.0)) == pytest.approx(task.chance)
    same = {"CueSetGo": 800, "OneTwoThreeGo": 800, "MeasureWaitGo": 150}[name]
    (expected,) = task.shortcuts.values()
    assert passes(same) == pytest.approx(expected)
    # The same by outputs: they cross the threshold after one interval in every trial.
    end = (np.arange(task.n_steps) + 1) * task.dt
    low, high = task.rise
    start = trials.epochs["production"][:, :1].astype(float)
    outputs = low + (high - low) * (end - start) / same
    found = score(jnp.asarray(outputs[..., None], jnp.float32), trials)
    np.testing.assert_allclose(found["produced"], same, atol=0.1)
    wanted = trials.conditions["interval_correct"]
    np.testing.assert_array_equal(found["correct"], np.abs(same - wanted) <= tolerance * wanted)


def test_noise_and_other_durations():
    task = tasks.OneTwoThreeGo(10.0, interval=[300.0], flash=50.0, fixation=100.0, noise_std=0.02)
    assert task.n_steps == 10 + 30 + 30 + 36
    noise = np.asarray(task.batch(0, N).inputs)[:, :10]
    assert noise.std() == pytest.approx(0.02 * np.sqrt(2 * 100 / 10), rel=0.05)
    given = tasks.OneTwoThreeGo().batch(0, 3, interval=690.0)
    assert given.conditions["interval_correct"].tolist() == [680.0] * 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.CueSetGo(interval=[810.0, 30.0]), "not a whole number"),
        (lambda: tasks.CueSetGo(interval=[40.0]), "longer than a cue"),
        (lambda: tasks.CueSetGo(interval=[800.0, 800.0]), "all must differ"),
        (lambda: tasks.CueSetGo(tolerance=0.0), "`tolerance`"),
        (lambda: tasks.CueSetGo().batch(0, 2, cue=2), "takes the codes"),
        (lambda: tasks.OneTwoThreeGo(flash=0.0), "at least one step"),
        (lambda: tasks.OneTwoThreeGo(noise_std=-1.0), "`noise_std`"),
        (lambda: tasks.OneTwoThreeGo().batch(0, 2, interval=2000.0), "must lie in"),
        (lambda: tasks.MeasureWaitGo(wait=(155.0, 160.0)), "not a whole number"),
        (lambda: tasks.MeasureWaitGo(interval=[]), "`interval`"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
