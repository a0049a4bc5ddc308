"""Limit cycles and their phase responses against analytic ones and SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from neurodyn import analysis, labels, models
from neurodyn.system import State
from tests.analysis.equilibria.flows import AbstractSeen


class Clock(AbstractSeen):
    """The radial isochron clock: r' = a r (1 - r**2), angle' = w, with an input on x."""

    a: float = 0.02
    w: float = 0.1
    n_inputs: int = 1
    n_outputs: int = 1

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.array([1.0, 0.0]))

    def drift(self, t, state, u):
        x, y = state.x
        grow = self.a * (1 - x**2 - y**2)
        return jnp.stack([grow * x - self.w * y + u.input[0], grow * y + self.w * x])


def test_radial_isochron_clock():
    cycle = analysis.limit_cycle(Clock(), [0.3, 0.4], duration=500.0, n=32)
    labels.check(cycle)
    period = 2 * np.pi / 0.1
    assert float(cycle["period"]) == pytest.approx(period, rel=1e-9)
    expected = [1.0, np.exp(-2 * 0.02 * period)]
    np.testing.assert_allclose(cycle["multiplier_real"], expected, rtol=1e-7)
    assert cycle["stability"].item() == "stable"
    phase = cycle["phase"].values
    np.testing.assert_allclose(
        cycle["state"], np.stack([np.cos(phase), np.sin(phase)], 1), atol=1e-8
    )
    response = analysis.phase_response(Clock(), cycle.isel(phase=slice(None, None, -1)))
    labels.check(response)
    gradient = np.stack([-np.sin(phase), np.cos(phase)], 1)
    np.testing.assert_allclose(response["phase_response"], gradient, atol=1e-7)
    np.testing.assert_allclose(response["input_response"], gradient[:, :1], atol=1e-7)
    assert response.attrs["error"] < 1e-8


def test_van_der_pol_against_scipy():
    def rate(t, x):
        return [x[1], (1 - x[0] ** 2) * x[1] - x[0]]

    def top(t, x):
        return x[1]

    top.direction = -1
    options = {"rtol": 1e-10, "atol": 1e-12, "events": top}
    run = scipy.integrate.solve_ivp(rate, (0, 100), [2.0, 0.1], **options)
    times = run.t_events[0]
    system = models.reference.VanDerPol(mu=1.0)
    cycle = analysis.limit_cycle(system, [2.0, 0.0], duration=100.0, n=32)
    period = float(cycle["period"])
    assert period == pytest.approx(times[-1] - times[-2], abs=1e-7)
    assert period == pytest.approx(6.6632868593, abs=1e-8)
    # The only other multiplier is the exponential of the integral of the divergence.
    divergence = (1 - cycle["state"].values[:, 0] ** 2).mean() * period
    assert float(cycle["multiplier_real"][1]) == pytest.approx(np.exp(divergence), rel=1e-4)
    # The response by pushing, and waiting for later tops.
    response = analysis.phase_response(system, cycle)["phase_response"].values
    for k in (5, 20):
        tops = []
        for push in (-1e-4, 1e-4):
            z = cycle["state"].values[k] + [0, push]
            tops.append(scipy.integrate.solve_ivp(rate, (0, 40), z, **options).t_events[0][-1])
        shift = (tops[0] - tops[1]) / 2e-4 * 2 * np.pi / period
        assert response[k, 1] == pytest.approx(shift, abs=1e-5)


def test_what_has_no_cycle_is_refused():
    neuron = models.reference.FitzHughNagumo(I=0.0)
    with pytest.raises(ValueError, match="comes to rest"):
        analysis.limit_cycle(neuron, [-1.0, -0.5])
    with pytest.raises(TypeError, match="is a map"):
        analysis.limit_cycle(models.reference.Henon(), [0.1, 0.1])
    with pytest.raises(TypeError, match="spikes"):
        analysis.limit_cycle(models.spiking.Network(models.spiking.LIF(2), key=0), [0.0, 0.0])
    with pytest.raises(ValueError, match="period must be"):
        analysis.limit_cycle(neuron, [-1.0, -0.5], period=-1.0)
    cycle = analysis.limit_cycle(Clock(), [1.0, 0.0], period=60.0, n=32)
    with pytest.raises(ValueError, match="no cycle of the system"):
        analysis.phase_response(Clock(w=0.12), cycle)
    with pytest.raises(ValueError, match="come back"):
        analysis.phase_response(Clock(), cycle.assign(stability=((), "unstable")))
