"""Patterns to generate, against formulas and an independent integration."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurodyn.tasks import Lorenz, OdeToJoy, Sines
from neurodyn.tasks.timing.pattern import clock_signal


def test_sines_multiply():
    task = Sines(dt=2.0, frequencies=(4.0, 6.0), duration=500.0, amplitude=1.5)
    got = task.batch(0, 1, start=30.0).targets[0, :, 0]
    t = (30.0 + 2.0 * np.arange(1, 251)) / 1000
    expected = 1.5 * np.sin(2 * np.pi * 4 * t) * np.sin(2 * np.pi * 6 * t)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_melody_has_its_notes_in_order():
    targets = np.asarray(OdeToJoy(dt=5.0).batch(0, 1, start=0.0).targets[0])
    quarters = targets.reshape(16, 50, 5)
    names = np.array(list("CDEFG"))
    peaks = names[quarters.max(1).argmax(1)]
    assert "".join(peaks[:12]) == "EEFGGFEDCCDE"
    assert ((targets > 1e-6).sum(1) <= 1).all()
    np.testing.assert_allclose(quarters[0].max(), 1, atol=1e-3)


def test_the_orbit_is_one_of_the_lorenz_system(x64):
    task = Lorenz(dt=1.0, unit_time=100.0, duration=150.0, scale=1.0)
    got = np.asarray(task.batch(0, 1, start=40.0).targets[0]) + np.array([0.0, 0.0, 25.0])

    def flow(_, v):
        x, y, z = v
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    times = np.arange(150) / 100
    peer = solve_ivp(flow, (0, 1.5), got[0], "RK45", times, rtol=1e-9, atol=1e-9).y.T
    np.testing.assert_allclose(got, peer, atol=0.02)


def test_a_clock_has_one_pulse_at_a_time():
    got = np.asarray(clock_signal(jnp.arange(0.0, 200.0), jnp.asarray(100.0), 4))
    assert ((got > 1e-4).sum(1) <= 1).all()
    np.testing.assert_allclose(got[:100], got[100:], atol=1e-5)
    np.testing.assert_allclose(got[:25, 0], np.sin(np.pi * np.arange(25) / 25), atol=1e-5)
    np.testing.assert_allclose(got.max(0), 1, atol=1e-2)


def test_trials_longer_than_the_orbit_are_refused():
    with pytest.raises(ValueError, match="half of the stored orbit"):
        Lorenz(unit_time=1.0, duration=1000.0)
