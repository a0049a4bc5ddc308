import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import HomeReach

SILENT = {"aim_std": 0.0, "moving_noise_std": 0.0, "staying_noise_std": 0.0}


def test_the_hand_approaches_home_and_sides_in_turn():
    task = HomeReach(n_phases=6, **SILENT)
    targets = np.asarray(task.batch(0, 5).targets)
    for path in targets:
        hand = np.array([0.0, -0.75])
        for start in range(0, 48, 8):
            end = path[start + 7]
            aim = np.array([0.0, -0.75])
            if (start // 8) % 2:
                aim = np.array([np.sign(end[0]) * 0.4, 0.35])
            for t in range(start, start + 8):
                hand = hand + 0.6 * (aim - hand)
                np.testing.assert_allclose(path[t], hand, atol=1e-5)


def test_sides_are_drawn_with_the_hidden_probability():
    task = HomeReach()
    trials = task.validation()
    left = np.asarray(task.left(trials.targets))
    assert left.shape == (513, 32)
    np.testing.assert_allclose(left.mean(1), trials.conditions["fraction_left"], atol=1e-6)
    p_left = np.asarray(trials.conditions["p_left"])
    levels = np.unique(p_left)
    np.testing.assert_allclose(levels, [0.10, 0.21, 0.32, 0.43, 0.54, 0.65, 0.76, 0.87, 0.98])
    for level in levels:
        n = 32 * (p_left == level).sum()
        spread = np.sqrt(level * (1 - level) / n)
        assert abs(left[p_left == level].mean() - level) < 4 * spread
    # One reach says nothing about the next, given the probability.
    middle = left[p_left == levels[4]].astype(float)
    r = np.corrcoef(middle[:, :-1].ravel(), middle[:, 1:].ravel())[0, 1]
    assert abs(r) < 4 / np.sqrt(middle[:, 1:].size)


def test_noise_is_that_of_moving_and_staying():
    options = {"aim_std": 0.0, "moving_noise_std": 0.02, "staying_noise_std": 0.001}
    task = HomeReach(n_phases=2, **options)
    noisy = np.asarray(task.batch(0, 2000, p_left=1.0).targets)
    aim = np.array([-0.4, 0.35])
    drive = noisy[:, 9:] - 0.4 * noisy[:, 8:-1] - 0.6 * aim
    spread = drive.std(0)
    np.testing.assert_allclose(spread[:3], 0.02, rtol=0.1)
    np.testing.assert_allclose(spread[3:], 0.001, rtol=0.1)
    assert np.abs(drive.mean(0)).max() < 4 * 0.02 / np.sqrt(2000)
    aimed = HomeReach(n_phases=2, **(SILENT | {"aim_std": 0.005}))
    ends = np.asarray(aimed.batch(1, 2000, p_left=0.0).targets)[:, -1]
    np.testing.assert_allclose(ends.std(0), 0.005, rtol=0.1)


def test_score():
    task = HomeReach(n_phases=4)
    trials = task.batch(0, 6)
    np.testing.assert_allclose(task.score(trials.targets, trials)["correct"], 1.0)
    mirrored = np.asarray(trials.targets) * np.array([-1.0, 1.0], np.float32)
    np.testing.assert_allclose(task.score(jnp.asarray(mirrored), trials)["correct"], 0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_phases": 1}, "`n_phases`"),
        ({"phase": 0}, "`phase`"),
        ({"p_left": [1.2]}, "`p_left`"),
        ({"p_left": []}, "`p_left`"),
        ({"moving": 9}, "`moving`"),
        ({"omega": 0.0}, "`omega`"),
        ({"omega": 1.5}, "`omega`"),
        ({"moving_noise_std": -0.1}, "`moving_noise_std`"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HomeReach(**options)
