import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import ReadySetGo


@pytest.mark.parametrize(("dt", "gain"), [(20.0, 1.0), (10.0, 1.5)])
def test_cues_and_ramp_are_what_the_interval_says(dt, gain):
    task = ReadySetGo(dt, gain=gain, noise_std=0.0, fixation=200.0)
    trials = task.batch(0, 30)
    interval = np.asarray(trials.conditions["interval"], float)
    begin, end = np.arange(task.n_steps) * dt, (np.arange(task.n_steps) + 1) * dt
    for i in range(30):
        ready, start = 200.0, 200.0 + interval[i]
        wanted = gain * interval[i]
        cues = [(begin >= t) & (begin < t + 80.0) for t in (ready, start)]
        np.testing.assert_allclose(trials.inputs[i], np.stack(cues, -1), atol=1e-6)
        stop = start + 1.2 * wanted
        scored = begin < stop - 1e-2
        ramp = np.where(end > start, (end - start) / wanted, 0.0) * scored
        np.testing.assert_allclose(trials.mask[i, :, 0], scored)
        np.testing.assert_allclose(trials.targets[i, :, 0], ramp, atol=1e-5)
        np.testing.assert_allclose(trials.epochs["measure"][i], [ready, start], atol=1e-2)
        assert ramp.max() >= 1.19
    np.testing.assert_allclose(trials.conditions["interval_correct"], gain * interval, rtol=1e-6)
    assert task.t0 == -200.0


def test_the_published_prior():
    task = ReadySetGo(dt=1.0)
    np.testing.assert_allclose(task.interval, np.round(np.linspace(494, 847, 11)), atol=0.51)
    with pytest.raises(ValueError, match="not a whole number"):
        ReadySetGo(dt=20.0, interval=np.linspace(494, 847, 11))


def test_the_target_itself_produces_the_right_interval():
    task = ReadySetGo(dt=20.0)
    trials = task.batch(0, 50)
    score = task.score(trials.targets, trials)
    np.testing.assert_allclose(score["produced"], trials.conditions["interval"], atol=0.05)
    np.testing.assert_allclose(score["error"], 0.0, atol=0.05)
    assert (score["correct"] == 1).all()
    np.testing.assert_allclose(score["mse"], 0.0)


@pytest.mark.parametrize(("speed", "correct"), [(0.9, 1.0), (1.3, 0.0), (1.1, 1.0)])
def test_slower_and_faster_ramps(speed, correct):
    task = ReadySetGo(dt=10.0)
    trials = task.batch(1, 20)
    score = task.score(speed * trials.targets, trials)
    np.testing.assert_allclose(
        score["produced"], np.asarray(trials.conditions["interval"]) / speed, rtol=2e-3
    )
    assert (score["correct"] == correct).all()


def test_no_crossing_and_early_crossing():
    task = ReadySetGo()
    trials = task.batch(0, 4)
    flat = task.score(jnp.zeros_like(trials.targets), trials)
    assert np.isnan(flat["produced"]).all()
    assert (flat["correct"] == 0).all()
    # Already beyond the threshold at the set cue: the first step after it counts, as it stands.
    high = task.score(jnp.full_like(trials.targets, 2.0), trials)
    np.testing.assert_allclose(high["produced"], task.dt)


def test_an_ideal_observer_that_times_the_cues():
    task = ReadySetGo()
    trials = task.batch(0, 200)
    onset = [np.asarray(trials.inputs[..., i] > 0.5).argmax(1) for i in (0, 1)]
    measured = (onset[1] - onset[0]) * task.dt
    np.testing.assert_allclose(measured, trials.conditions["interval"], atol=1e-3)


def test_a_given_interval_goes_to_the_nearest_step():
    trials = ReadySetGo(dt=20.0).batch(0, 3, interval=601.0)
    assert trials.conditions["interval"].tolist() == [600.0] * 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReadySetGo(interval=[]), "`interval`"),
        (lambda: ReadySetGo(interval=600.0), "`interval`"),
        (lambda: ReadySetGo(interval=[40.0]), "longer than a cue"),
        (lambda: ReadySetGo(interval=[610.0]), "not a whole number"),
        (lambda: ReadySetGo(gain=0.0), "`gain`"),
        (lambda: ReadySetGo(tolerance=0.0), "`tolerance`"),
        (lambda: ReadySetGo(fixation=0.0), "`fixation`"),
        (lambda: ReadySetGo().batch(0, 2, interval=2000.0), "must lie in"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
