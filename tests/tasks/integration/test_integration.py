"""Angle and path integration: what is summed, how it moves, and what strategies score."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import AngleIntegration, PathIntegration

N = 600


@pytest.fixture(scope="module")
def turning():
    """Trials of the published kind, as NumPy arrays."""
    task = AngleIntegration()
    return task, jax.tree.map(np.asarray, task.batch(0, N))


@pytest.fixture(scope="module")
def walking():
    task = PathIntegration()
    return task, jax.tree.map(np.asarray, task.batch(0, N))


def scores(task, outputs, trials):
    found = eqx.filter_jit(task.score)(jnp.asarray(outputs, jnp.float32), trials)
    return {name: np.asarray(value) for name, value in found.items()}


def circle(degrees):
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=-1)


def test_the_direction_is_the_sum_of_the_velocities(turning):
    task, trials = turning
    velocity = trials.inputs[..., 0].astype(float)
    start = trials.conditions["direction_start"].astype(float)
    angle = np.radians(start)[:, None] + velocity.cumsum(axis=1)
    wanted = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    np.testing.assert_allclose(trials.targets, wanted, atol=2e-5)
    # The cue says where it begins, and nothing moves meanwhile.
    np.testing.assert_allclose(trials.inputs[:, 0, 1:], circle(start), atol=1e-5)
    assert (velocity[:, :10] == 0).all()
    assert (trials.inputs[:, 10:, 1:] == 0).all()
    assert (trials.mask[:, :10] == 0).all()
    assert (trials.mask[:, 10:] == 1).all()
    assert (task.t0, task.n_steps) == (-250.0, 500)


def test_the_velocity_is_the_published_process(turning):
    """0.03 randn + 0.8 of the step before: 0.05 rad at 25 ms in the long run."""
    _, trials = turning
    moving = trials.conditions["still_duration"] == 0
    v = trials.inputs[moving, 40:, 0].astype(float)
    assert v.std() == pytest.approx(0.05, rel=0.02)
    assert (v[:, 1:] * v[:, :-1]).mean() / v.var() == pytest.approx(0.8, abs=0.01)
    assert (v[:, 1:] - 0.8 * v[:, :-1]).std() == pytest.approx(0.03, rel=0.01)


def test_half_of_the_heads_stand_still_for_a_while(turning):
    _, trials = turning
    stood = trials.conditions["still_duration"]
    assert (stood > 0).mean() == pytest.approx(0.5, abs=0.06)
    # Uniform up to two thirds of 500 steps of 25 ms.
    assert stood.max() <= 333 * 25
    assert stood[stood > 0].mean() == pytest.approx(333 * 25 / 2, rel=0.1)
    for i in np.flatnonzero(stood)[:50]:
        still = np.flatnonzero(trials.inputs[i, 10:, 0] == 0) + 10
        assert len(still) <= stood[i] / 25
        if len(still) and still[-1] < 400 and still[0] > 10:
            # It starts from rest: the first velocity is a shock of 0.03, not what was before.
            assert abs(trials.inputs[i, still[-1] + 1, 0]) < 5 * 0.03


def test_targets_given_as_outputs_score_1(turning, walking):
    for task, trials in (turning, walking):
        found = scores(task, trials.targets, trials)
        assert (found["correct"] == 1).all()
        np.testing.assert_allclose(found["error"], 0, atol=1e-3)
        np.testing.assert_allclose(found["error_last"], 0, atol=1e-3)


def test_what_strategies_know_of_a_direction(turning):
    task, trials = turning
    rng = np.random.default_rng(0)
    guess = circle(rng.uniform(0, 360, (N, task.n_steps)))
    found = scores(task, guess, trials)
    assert found["error"].mean() == pytest.approx(90, abs=0.5)
    assert found["correct"].mean() == pytest.approx(task.chance, abs=0.005)
    start = circle(trials.conditions["direction_start"])[:, None]
    stays = scores(task, np.broadcast_to(start, guess.shape), trials)
    assert stays["correct"].mean() == pytest.approx(task.shortcuts["stays at the start"], abs=0.03)


def test_blocks_and_rings():
    task = AngleIntegration(20.0, kind="blocks", n_ring=16, motion=2000.0, start=100.0, still=0.0)
    trials = jax.tree.map(np.asarray, task.batch(0, 200))
    v = trials.inputs[:, 5:, 0].astype(float)
    jumps = (np.diff(v, axis=1) != 0).mean()
    assert jumps == pytest.approx(1 - np.exp(-20 / float(task.correlation)), abs=0.01)
    largest = np.radians(float(task.speed)) * 0.025
    assert np.abs(v).max() <= largest
    assert v.std() == pytest.approx(largest / np.sqrt(3), rel=0.05)
    # The input is per 25 ms whatever dt is.
    angle = np.radians(trials.conditions["direction_start"].astype(float))
    angle = np.degrees(angle[:, None] + trials.inputs[..., 0].cumsum(axis=1) * 20 / 25)
    preferred = np.arange(16) * 22.5
    away = (angle[..., None] - preferred + 180) % 360 - 180
    np.testing.assert_allclose(trials.targets, 0.8 * np.exp(-0.5 * (away / 22.5) ** 2), atol=1e-4)
    assert (scores(task, trials.targets, trials)["correct"] == 1).all()


def test_the_position_is_the_sum_of_the_steps(walking):
    task, trials = walking
    moved = trials.inputs[..., :1].astype(float) * 0.02 * trials.inputs[..., 1:]
    np.testing.assert_allclose(trials.targets, moved.cumsum(axis=1), atol=1e-4)
    assert np.abs(trials.targets).max() <= 1.1
    assert trials.targets[:, 100:].std() > 0.3
    # Far from the walls speeds follow a Rayleigh distribution and headings a random walk.
    inside = np.abs(trials.targets).max(axis=2) < 0.9
    free = inside[:, 1:] & inside[:, :-1]
    speed = trials.inputs[:, 1:, 0][free]
    scale = float(task.speed)
    assert speed.mean() == pytest.approx(scale * np.sqrt(np.pi / 2), rel=0.01)
    assert np.square(speed).mean() == pytest.approx(2 * scale**2, rel=0.02)
    heading = np.degrees(np.arctan2(trials.inputs[..., 2], trials.inputs[..., 1]))
    turn = ((np.diff(heading, axis=1) + 180) % 360 - 180)[free]
    assert turn.std() == pytest.approx(np.degrees(11.52) * 0.02, rel=0.02)


def test_walls_reflect_as_mirrors_do(walking):
    """A path that crosses a wall is the mirror image of the free one, at half of its length."""
    from neurodyn.tasks.integration.motion import reflected

    free = np.linspace(-7, 7, 1001)
    folded = np.asarray(reflected(jnp.asarray(free[:, None], jnp.float32), jnp.float32(1.1)))[:, 0]
    position, direction, wanted = 0.0, 1, []
    for _ in range(501):  # from the middle to the right
        wanted.append(position)
        position += direction * 0.014
        if position > 1.1:
            position, direction = 2.2 - position, -1
        if position < -1.1:
            position, direction = -2.2 - position, 1
    np.testing.assert_allclose(folded[500:], wanted, atol=1e-4)
    np.testing.assert_allclose(folded[:501], -np.array(wanted)[::-1], atol=1e-4)


def test_what_strategies_know_of_a_position(walking):
    task, trials = walking
    middle = scores(task, np.zeros_like(trials.targets), trials)["correct"].mean()
    assert middle == pytest.approx(task.chance, abs=0.01)
    assert middle == pytest.approx(task.shortcuts["stays in the middle"], abs=0.01)
    mean = float(task.speed) * np.sqrt(np.pi / 2)
    alike = (mean * 0.02 * trials.inputs[..., 1:]).cumsum(axis=1)
    known = task.shortcuts["takes every step as equally long"]
    assert scores(task, alike, trials)["correct"].mean() == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AngleIntegration(kind="spin"), "`kind` must be one of walk, blocks"),
        (lambda: AngleIntegration(motion=110.0), "not a whole number of steps"),
        (lambda: AngleIntegration(still=1.5), "`still`"),
        (lambda: AngleIntegration(n_ring=2), "`n_ring`"),
        (lambda: AngleIntegration().batch(0, 2, direction_start=400.0), "must lie in"),
        (lambda: PathIntegration(box=0.0), "`box`"),
        (lambda: PathIntegration(noise_std=-1.0), "`noise_std`"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
