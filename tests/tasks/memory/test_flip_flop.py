import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn.tasks import FlipFlop


def machine(inputs):
    """What n flip-flops do: a non-zero input sets the state, zero keeps it."""
    state, states = np.zeros(inputs.shape[1]), []
    for u in inputs:
        state = np.where(u != 0, u, state)
        states.append(state)
    return np.array(states)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), n_bits=st.sampled_from([1, 3]))
def test_targets_follow_the_state_machine(seed, n_bits):
    trials = FlipFlop(n_bits=n_bits, rate=4.0).batch(seed, 8)
    inputs = np.asarray(trials.inputs)
    assert set(np.unique(inputs)) <= {-1.0, 0.0, 1.0}
    assert (inputs[:, 0] != 0).all()
    for u, target, mask in zip(inputs, np.asarray(trials.targets), trials.mask, strict=True):
        np.testing.assert_array_equal(target, machine(u))
        np.testing.assert_array_equal(np.asarray(mask), u == 0)


def test_pulses_have_the_stated_rate_and_width():
    task = FlipFlop(dt=10.0, rate=2.0, duration=4000.0, pulse=30.0)
    inputs = np.asarray(task.batch(0, 300).inputs)
    # A bit is in a pulse where one began at this step or in the two before.
    p = 2.0 * 10 / 1000
    np.testing.assert_allclose((inputs[:, 3:] != 0).mean(), 1 - (1 - p) ** 3, rtol=0.05)
    np.testing.assert_allclose((inputs[:, 3:].sum() / (inputs[:, 3:] != 0).sum()), 0.0, atol=0.05)
    first = inputs[:, :3, :]
    assert (first != 0).all()


def test_no_pulses_but_the_first():
    inputs = np.asarray(FlipFlop(rate=0.0, pulse=40.0).batch(0, 5).inputs)
    assert (inputs[:, :2] != 0).all()
    assert (inputs[:, 2:] == 0).all()


def test_score_and_loss():
    task = FlipFlop()
    trials = task.batch(0, 5)
    perfect = task.score(trials.targets, trials)
    np.testing.assert_allclose(perfect["correct"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(perfect["mse"], 0.0)
    half = task.score(0.5 * trials.targets, trials)
    np.testing.assert_allclose(half["mse"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(half["correct"], 1.0, rtol=1e-6)
    opposite = task.score(-trials.targets, trials)
    np.testing.assert_allclose(opposite["correct"], 0.0)
    np.testing.assert_allclose(task.loss(jnp.zeros_like(trials.targets), trials), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bits": 0}, "`n_bits`"),
        ({"n_bits": 1.5}, "`n_bits`"),
        ({"rate": -1.0}, "`rate`"),
        ({"rate": 60.0}, "more than one pulse per step"),
        ({"pulse": 2000.0}, "`pulse` must be shorter"),
        ({"pulse": 30.0}, "not a whole number of steps"),
        ({"duration": 10.0}, "`stimulus` must last at least one step"),
        ({"noise_std": -1.0}, "`noise_std`"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FlipFlop(**options)
