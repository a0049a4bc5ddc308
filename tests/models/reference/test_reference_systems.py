"""Reference systems against equations written a second time, and what is known of them."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.signal import find_peaks

import neurodyn as nd
from neurodyn.engine.drive import Drive
from neurodyn.models import reference
from neurodyn.system import AbstractMap, State

NAMES = reference.__all__


def lorenz96(x, F=8.0):
    n = len(x)
    return [(x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + F for i in range(n)]


def hodgkin_huxley(x, I=10.0):
    V, m, h, n = x
    a_m, b_m = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 4 * np.exp(-(V + 65) / 18)
    a_h, b_h = 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))
    a_n, b_n = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10)), 0.125 * np.exp(-(V + 65) / 80)
    current = 120 * m**3 * h * (V - 50) + 36 * n**4 * (V + 77) + 0.3 * (V + 54.387)
    return [
        I - current,
        a_m * (1 - m) - b_m * m,
        a_h * (1 - h) - b_h * h,
        a_n * (1 - n) - b_n * n,
    ]


def wilson_cowan(x, P=1.25):
    def s(x, a, theta):
        return 1 / (1 + np.exp(-a * (x - theta))) - 1 / (1 + np.exp(a * theta))

    E, I = x
    k_E, k_I = s(1e6, 1.3, 4.0), s(1e6, 2.0, 3.7)
    return [
        (-E + (k_E - E) * s(16 * E - 12 * I + P, 1.3, 4.0)) / 10,
        (-I + (k_I - I) * s(15 * E - 3 * I, 2.0, 3.7)) / 10,
    ]


def kuramoto(theta, omega, K=2.0):
    return [w + K * np.mean([np.sin(b - a) for b in theta]) for a, w in zip(theta, omega)]


#: Right-hand sides, or next states, with the default parameters.
EQUATIONS = {
    "Duffing": lambda x: [x[1], 0.5 * np.cos(1.2 * 0.7) - 0.3 * x[1] + x[0] - x[0] ** 3],
    "FitzHughNagumo": lambda x: [
        x[0] - x[0] ** 3 / 3 - x[1] + 0.5,
        0.08 * (x[0] + 0.7 - 0.8 * x[1]),
    ],
    "Henon": lambda x: [1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]],
    "HindmarshRose": lambda x: [
        x[1] - x[0] ** 3 + 3 * x[0] ** 2 - x[2] + 3.25,
        1 - 5 * x[0] ** 2 - x[1],
        0.006 * (4 * (x[0] + 1.6) - x[2]),
    ],
    "HodgkinHuxley": hodgkin_huxley,
    "Kuramoto": lambda x: kuramoto(x, 0.5 * np.tan(np.pi * (np.arange(1, 21) / 21 - 0.5))),
    "Logistic": lambda x: [4 * x[0] * (1 - x[0])],
    "Lorenz63": lambda x: [
        10 * (x[1] - x[0]),
        x[0] * (28 - x[2]) - x[1],
        x[0] * x[1] - 8 / 3 * x[2],
    ],
    "Lorenz96": lorenz96,
    "Roessler": lambda x: [-x[1] - x[2], x[0] + 0.2 * x[1], 0.2 + x[2] * (x[0] - 5.7)],
    "VanDerPol": lambda x: [x[1], (1 - x[0] ** 2) * x[1] - x[0]],
    "WilsonCowan": wilson_cowan,
}


#: The two-state example of Wilson & Cowan 1972, figure 4.
HYSTERESIS = reference.WilsonCowan(
    P=0.0, c_1=12.0, c_2=4.0, c_3=13.0, c_4=11.0, a_E=1.2, theta_E=2.8, a_I=1.0, theta_I=4.0
)


def rates(system, x, t=0.7, u=None):
    state = State(jnp.asarray(x, system.start.dtype))
    if isinstance(system, AbstractMap):
        return np.asarray(system.update(state, Drive(), key=None).x)
    return np.asarray(system.drift(jnp.asarray(t, system.start.dtype), state, Drive(u)))


@pytest.mark.parametrize("name", NAMES)
def test_equations_are_those_written_by_hand(name, x64):
    system = getattr(reference, name)()
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = np.asarray(system.start) + 0.3 * rng.standard_normal(system.start.shape)
        np.testing.assert_allclose(rates(system, x), EQUATIONS[name](x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_moves_at_equilibria(name, x64):
    options = {"Duffing": {"gamma": 0.0}}.get(name, {})
    system = getattr(reference, name)(**options)
    points = system.equilibria()
    assert points.shape[1] == system.start.shape[0]
    assert len(points) > 0 or name == "Kuramoto"
    for x in points:
        still = x if isinstance(system, AbstractMap) else 0 * x
        np.testing.assert_allclose(rates(system, x), still, atol=1e-7)


@pytest.mark.parametrize(
    ("system", "count"),
    [
        (lambda: reference.Lorenz63(rho=0.5), 1),
        (lambda: reference.Roessler(c=0.1), 0),
        (lambda: reference.Henon(a=-1.0), 0),
        (lambda: reference.Duffing(), 0),
        (lambda: HYSTERESIS, 3),
    ],
)
def test_number_of_equilibria_depends_on_parameters(system, count):
    assert len(system().equilibria()) == count


def test_time_unit_stretches_time():
    slow, fast = reference.Lorenz63(time_unit=1000.0), reference.Lorenz63()
    np.testing.assert_allclose(rates(slow, [1.0, 2.0, 3.0]) * 1000, rates(fast, [1.0, 2.0, 3.0]))
    np.testing.assert_allclose(slow.exponents() * 1000, fast.exponents())
    assert reference.Lorenz63(rho=20.0).exponents() is None


@pytest.mark.parametrize("name", ["FitzHughNagumo", "HindmarshRose", "HodgkinHuxley", "VanDerPol"])
def test_a_current_adds_to_the_first_equation(name):
    system = getattr(reference, name)()
    first = 1 if name == "VanDerPol" else 0
    change = rates(system, system.start, u=jnp.array([0.5])) - rates(system, system.start)
    np.testing.assert_allclose(change, 0.5 * np.eye(len(change))[first], atol=1e-5)


def peaks(system, duration, dt, start):
    """Times and heights of the maxima of the first variable."""
    n = round(duration / dt)
    run = nd.integrate(system, dt=dt, n_steps=n, solver=diffrax.Heun())
    ts, x = dt * np.arange(1, n + 1), np.asarray(run.outputs)[:, 0]
    at = find_peaks(x)[0]
    at = at[ts[at] > start]
    return ts[at], x[at]


def test_van_der_pol_has_its_period(x64):
    ts, _ = peaks(reference.VanDerPol(), 100.0, 0.002, 50.0)
    np.testing.assert_allclose(np.diff(ts).mean(), 6.66328686, atol=1e-3)


def test_hodgkin_huxley_fires_as_scipy_says(x64):
    """At 10 uA/cm2, about 68 Hz; below 6 it rests."""
    ts, height = peaks(reference.HodgkinHuxley(), 160.0, 0.01, 60.0)
    rate = 1000 / np.diff(ts[height > 0]).mean()
    peer = solve_ivp(
        lambda t, x: hodgkin_huxley(x),
        (0, 160),
        [-65.0, 0.0529, 0.5961, 0.3177],
        t_eval=np.arange(60, 160, 0.02),
        rtol=1e-7,
        atol=1e-7,
    )
    at = find_peaks(peer.y[0], height=0)[0]
    np.testing.assert_allclose(rate, 1000 / np.diff(peer.t[at]).mean(), rtol=1e-3)
    assert 60 < rate < 75
    _, height = peaks(reference.HodgkinHuxley(I=3.0), 160.0, 0.01, 60.0)
    assert (height < 0).all()


@pytest.mark.parametrize(("I", "fires"), [(0.28, False), (0.36, True), (1.40, True), (1.50, False)])
def test_fitzhugh_nagumo_fires_between_two_currents(I, fires):
    run = nd.integrate(reference.FitzHughNagumo(I=I), dt=0.1, n_steps=9000)
    spread = np.ptp(np.asarray(run.outputs)[-1500:, 0])
    assert (spread > 0.5) == fires


def test_hindmarsh_rose_bursts():
    ts, x = peaks(reference.HindmarshRose(), 1000.0, 0.05, 300.0)
    gaps = np.diff(ts[x > 0])
    assert (gaps < 20).sum() > 3
    assert (gaps > 50).sum() > 3


def test_wilson_cowan_oscillates():
    run = nd.integrate(reference.WilsonCowan(), dt=0.5, n_steps=1000)
    assert np.ptp(np.asarray(run.outputs)[-200:, 0]) > 0.1


@pytest.mark.parametrize("K", [0.4, 2.0, 4.0])
def test_kuramoto_synchronises_above_its_critical_coupling(K):
    system = reference.Kuramoto(800, K=K)
    run = nd.integrate(system, dt=0.05, n_steps=1500, save=nd.Save(("order",), every=10))
    expected = np.sqrt(1 - 1.0 / K) if K > 1 else 0.0
    order = np.asarray(run.variables["order"])[75:].mean()
    np.testing.assert_allclose(order, expected, atol=0.02 if K > 1 else 0.08)


@pytest.mark.parametrize("name", NAMES)
def test_starts_differ_where_there_is_a_key(name):
    system = getattr(reference, name)()
    x = system.initial_state(dt=1.0).x
    np.testing.assert_array_equal(x, system.start)
    moved = system.initial_state(dt=1.0, key=jax.random.key(0)).x
    assert (moved != x).any()


def test_noise_spreads_trials():
    system = reference.Lorenz63(noise=0.1, spread=0.0)
    run = nd.integrate(system, dt=0.001, n_steps=10, n_trials=500, key=0)
    spread = np.asarray(run.outputs)[-1].std(0)
    np.testing.assert_allclose(spread, 0.1 * np.sqrt(0.01), rtol=0.15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: reference.Lorenz63(sigma=np.nan), "`sigma` must be finite"),
        (lambda: reference.Lorenz63(start=(1.0, 2.0)), "`start` must be 3 numbers"),
        (lambda: reference.Lorenz63(time_unit=0.0), "`time_unit` must be above 0"),
        (lambda: reference.Lorenz96(3), "`n` must be a whole number >= 4"),
        (lambda: reference.Lorenz96(True), "whole number"),
        (lambda: reference.Logistic(r=4.2), "at most 4"),
        (lambda: reference.Roessler(noise=-1.0), "`noise` must be at least 0"),
        (lambda: reference.Kuramoto(1), "`n` must be a whole number >= 2"),
        (lambda: reference.WilsonCowan(tau_E=-1.0), "`tau_E` must be above 0"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
