import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import CenterOut
from neurodyn.tasks.choice.center_out import minimum_jerk_speed


@pytest.mark.parametrize("options", [{}, {"dt": 10.0, "delay": (300.0, 900.0), "hold": 0.0}])
def test_trials_are_what_the_conditions_say(options):
    task = CenterOut(noise_std=0.0, **options)
    trials = task.batch(0, 40)
    angle = np.deg2rad(45.0 * np.asarray(trials.conditions["direction"]))
    np.testing.assert_allclose(trials.conditions["angle"], np.rad2deg(angle), rtol=1e-5)
    begin = np.arange(task.n_steps) * task.dt
    for i in range(40):
        start = {name: float(e[i, 0]) for name, e in trials.epochs.items()}
        end = max(float(e[i, 1]) for e in trials.epochs.values())
        unit = np.array([np.cos(angle[i]), np.sin(angle[i])])
        shown = (begin >= start["delay"] - 1e-3) & (begin < end - 1e-3)
        wait = begin < start["reaction"] - 1e-3
        expected = np.concatenate([shown[:, None] * unit, wait[:, None]], axis=1)
        np.testing.assert_allclose(trials.inputs[i], expected, atol=1e-5)
        s = np.clip((begin + task.dt - start["movement"]) / 600.0, 0, 1)
        position = 10 * s**3 - 15 * s**4 + 6 * s**5  # Flash & Hogan (1985)
        speed = 30 * s**2 - 60 * s**3 + 30 * s**4
        assert position[-1] == 1
        np.testing.assert_allclose(trials.targets[i], (speed / 1.875)[:, None] * unit, atol=1e-5)
        # Movement onset is at time 0 however long the delay was.
        np.testing.assert_allclose(start["movement"] + task.t0, 0.0, atol=1e-2)
        assert (np.asarray(trials.mask[i]) == (begin < end - 1e-3)[:, None]).all()


def test_speed_profile():
    s = jnp.linspace(0.0, 1.0, 1001)
    speed = np.asarray(minimum_jerk_speed(s))
    assert speed.max() == pytest.approx(1.0)
    assert np.trapezoid(speed, s) == pytest.approx(1 / 1.875, rel=1e-4)
    assert minimum_jerk_speed(jnp.array([-1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 0, 0]


def test_the_time_axis_covers_the_recording():
    task = CenterOut(dt=10.0)
    assert task.t0 <= -800
    assert task.t0 + task.n_steps * task.dt >= 400
    assert task.condition_table()["direction"].tolist() == list(range(8))


def test_score_of_known_reaches():
    task = CenterOut()
    trials = task.batch(0, 16, direction=[*range(8), *range(8)])
    perfect = task.score(trials.targets, trials)
    assert (perfect["correct"] == 1).all()
    np.testing.assert_array_equal(perfect["choice"], trials.conditions["direction"])
    np.testing.assert_allclose(perfect["angle_error"], 0.0, atol=1e-3)
    # 200 ms of reaction, then the first sample faster than a fifth of the peak.
    s = np.arange(1, 31) * 20 / 600
    onset = (np.argmax(16 * (s * (1 - s)) ** 2 > 0.2) + 1) * 20
    np.testing.assert_allclose(perfect["rt"], 200 + onset)
    np.testing.assert_allclose(perfect["mse"], 0.0)

    for turn, shift in ((20.0, 0), (60.0, 1), (-60.0, -1), (180.0, 4)):
        c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        turned = trials.targets @ jnp.asarray([[c, s], [-s, c]], jnp.float32)
        score = task.score(turned, trials)
        expected = (np.asarray(trials.conditions["direction"]) + shift) % 8
        np.testing.assert_array_equal(score["choice"], expected)
        assert (score["correct"] == float(shift == 0)).all()
        np.testing.assert_allclose(np.abs(score["angle_error"]), abs(turn), atol=1e-3)
    still = task.score(jnp.zeros_like(trials.targets), trials)
    assert np.isnan(still["rt"]).all()


def test_an_ideal_observer_reads_the_cue():
    task = CenterOut()
    trials = task.batch(0, 200)
    x, y = np.asarray(trials.inputs[..., :2]).sum(1).T
    read = np.round(np.rad2deg(np.arctan2(y, x)) / 45).astype(int) % 8
    np.testing.assert_array_equal(read, trials.conditions["direction"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CenterOut(n_targets=1), "`n_targets`"),
        (lambda: CenterOut(movement=0.0), "`movement`"),
        (lambda: CenterOut(movement=610.0), "not a whole number"),
        (lambda: CenterOut(noise_std=-1.0), "`noise_std`"),
        (lambda: CenterOut().batch(0, 2, direction=8), "takes the codes"),
        (lambda: CenterOut().batch(0, 2, angle=45.0), "Unknown condition 'angle'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
