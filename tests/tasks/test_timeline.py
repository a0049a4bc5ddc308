import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn.common.checks import number, numbers
from neurodyn.task import Trial
from neurodyn.tasks.base import factorial, input_noise, last_steps
from neurodyn.tasks.timeline import Timeline, whole_steps

DEFAULTS = {"wait": 100.0, "cue": 200.0, "delay": 0.0, "go": 300.0}


def build(dt=20.0, align="cue", may_be_zero=("wait", "delay"), **given):
    durations = dict.fromkeys(DEFAULTS) | given
    return Timeline.build(dt, align, durations, DEFAULTS, may_be_zero=may_be_zero)


def test_fixed_epochs():
    line = build()
    assert (line.n_steps, line.lead, line.t0, line.drawn) == (30, 5, -100.0, {})
    schedule = line.draw(jax.random.key(0), {})
    np.testing.assert_array_equal(schedule.edges, [0, 5, 15, 15, 30])
    np.testing.assert_array_equal(np.flatnonzero(schedule.during("cue")), np.arange(5, 15))
    np.testing.assert_array_equal(
        np.flatnonzero(schedule.during("wait", "go", skip=3)), [3, 4, *range(18, 30)]
    )
    intervals = schedule.intervals(jnp.float32)
    assert {k: v.tolist() for k, v in intervals.items()} == {
        "wait": [0.0, 100.0],
        "cue": [100.0, 300.0],
        "go": [300.0, 600.0],
    }


@pytest.mark.parametrize(("dt", "steps"), [(1.0, 600), (7.0, 86), (30.0, 20), (1000.0, 3)])
def test_defaults_go_to_the_nearest_step(dt, steps):
    line = build(dt)
    expected = [max(round(v / dt), int(v > 0)) for v in DEFAULTS.values()]
    assert list(line.longest) == expected
    assert line.n_steps == sum(expected) == steps


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_drawn_epochs_keep_the_event_in_place(seed):
    line = build(align="delay", cue=(100.0, 400.0), delay=(0.0, 200.0))
    schedule = line.draw(jax.random.key(seed), {})
    edges = np.asarray(schedule.edges)
    assert edges[0] == 0
    assert edges[2] == line.lead == 25
    steps = np.diff(edges)
    assert 5 <= steps[0] <= 20
    assert 5 <= steps[1] <= 20
    assert 0 <= steps[2] <= 10
    assert steps[3] == 15
    assert edges[-1] <= line.n_steps
    found = schedule.conditions(jnp.float32)
    assert set(found) == set(line.drawn) == {"cue_duration", "delay_duration"}
    assert float(found["cue_duration"]) == steps[1] * 20.0


def test_drawn_durations_are_uniform_and_can_be_given():
    line = build(delay=(0.0, 80.0))
    draw = jax.vmap(lambda k: line.draw(k, {}).edges)
    steps = np.diff(draw(jax.random.split(jax.random.key(0), 4000)), axis=1)[:, 2]
    counts = np.bincount(steps, minlength=5)
    assert len(counts) == 5
    assert abs(counts - 800).max() < 5 * np.sqrt(800)
    given_edges = line.draw(jax.random.key(0), {"delay_duration": 60.0}).edges
    assert np.diff(given_edges)[2] == 3


def test_durations_are_drawn_from_choices():
    line = build(cue=[40.0, 100.0, 400.0])
    assert (line.n_steps, line.drawn) == (40, {"cue_duration": (40.0, 400.0)})
    steps = np.diff(jax.vmap(lambda k: line.draw(k, {}).edges)(jax.random.split(key0(), 3000)))
    found, counts = np.unique(steps[:, 1], return_counts=True)
    np.testing.assert_array_equal(found, [2, 5, 20])
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)
    assert int(line.draw(key0(), {"cue_duration": 100.0}).edges[2]) == 10
    assert hash(line) != hash(build(cue=(40.0, 400.0)))


def test_a_trial_that_begins_at_time_0_may_begin_with_a_range():
    line = build(align="wait", wait=(0.0, 200.0))
    assert (line.t0, line.n_steps) == (0.0, 35)
    edges = jax.vmap(lambda k: line.draw(k, {}).edges)(jax.random.split(key0(), 500))
    assert np.unique(edges[:, 1]).tolist() == list(range(11))
    np.testing.assert_array_equal(np.diff(edges)[:, 1:], [[10, 0, 15]] * 500)
    assert int(line.draw(key0(), {"wait_duration": 60.0}).n_valid()) == 28


def test_the_last_step_is_that_of_the_trial():
    def last(**ends):
        trials = Trial(
            np.zeros((3, 9, 1)), np.zeros((3, 9, 1)), np.zeros((3, 9, 1)), {}, {}, **ends
        )
        return last_steps(trials, 9).tolist()

    assert last() == [8, 8, 8]
    assert last(length=jnp.asarray(5)) == [4, 4, 4]
    assert last(n_valid=jnp.asarray([3, 9, 5])) == [2, 8, 4]


def key0():
    return jax.random.key(0)


@pytest.mark.parametrize(
    ("durations", "message"),
    [
        ({"cue": 10.0}, "`cue` must last at least one step"),
        ({"cue": 0.0}, "at least one step"),
        ({"cue": 30.0}, "`cue` = 30 ms is not a whole number of steps of 20 ms: take 20 or 40"),
        ({"delay": -20.0}, "at least 0 ms"),
        ({"cue": float("nan")}, "at least one step"),
        ({"cue": (200.0, 100.0)}, "list of choices"),
        ({"cue": (100.0, 110.0)}, "not a whole number"),
        ({"wait": (0.0, 100.0)}, "first epoch"),
        ({"wait": [0.0, 100.0]}, "first epoch.*the start of `cue`"),
        ({"cue": [40.0, 30.0]}, "whole number of steps"),
        ({"cue": []}, "list of choices"),
        ({"cue": (40.0, 60.0, 80.0)}, "list of choices"),
    ],
)
def test_bad_durations_are_refused(durations, message):
    with pytest.raises(ValueError, match=message):
        build(**durations)


def test_whole_steps_bear_with_rounding():
    assert whole_steps("x", 0.3, 0.1) == 3
    assert whole_steps("x", 1e5, 0.1) == 1_000_000


def test_timelines_are_hashable_values():
    assert build() == build()
    assert hash(build()) == hash(build())
    assert build() != build(10.0)


@pytest.mark.parametrize("dt", [5.0, 20.0])
def test_input_noise_has_the_stated_effect_whatever_the_step(dt):
    """In a leaky unit of time constant noise_tau the standard deviation is sigma."""
    sigma, tau, n = 0.3, 100.0, 200_000
    noise = input_noise(jax.random.key(0), (n, 1), jnp.float32(sigma), jnp.float32(tau), dt)
    u, alpha = np.asarray(noise[:, 0], np.float64), dt / tau
    np.testing.assert_allclose(u.std(), sigma * np.sqrt(2 * tau / dt), rtol=0.02)
    x, trace = 0.0, np.empty(n)
    for k in range(n):
        x += alpha * (u[k] - x)
        trace[k] = x
    # Euler's steps of that size make it larger by this factor, exactly.
    expected = sigma / np.sqrt(1 - alpha / 2)
    np.testing.assert_allclose(trace[1000:].std(), expected, rtol=0.03)


def test_factorial_crosses_levels():
    table = factorial(a=jnp.array([1.0, 2.0]), b=jnp.array([0, 1, 2]))
    assert table["a"].tolist() == [1, 1, 1, 2, 2, 2]
    assert table["b"].tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("value", [[], [[1.0]], 1.0, ["a"], [np.nan], [2.0], [-2.0], None])
def test_bad_lists_of_numbers_are_refused(value):
    with pytest.raises(ValueError, match="`x` must be"):
        numbers("x", value, low=-1, high=1)


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, [1.0], "1", None])
def test_bad_numbers_are_refused(value):
    with pytest.raises(ValueError, match="`x` must be"):
        number("x", value, above=0)
