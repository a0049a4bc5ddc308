"""The adaptive driver against SciPy and exact solutions."""

import sys

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurodyn as nd
from neurodyn import models, params
from neurodyn.system import AbstractFlow, State
from tests.neurodyn.flows import LIF, OU, RATE, Forced, Leaky, Walk


@pytest.fixture(autouse=True)
def _failed_checks_give_nan(monkeypatch):
    """Let the checks inside solvers give NaN, because no cache holds a program that may raise.

    Tests of interventions and of spiking cells solve with the checks as users have them.
    """
    monkeypatch.setattr("equinox._errors.EQX_ON_ERROR", "nan")


class Robertson(AbstractFlow):
    """Robertson's chemical reactions (1966), rates over eleven decades."""

    n_inputs: int = 1
    n_outputs: int = 3

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.array([1.0, 0.0, 0.0]))

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return RATE

    def unit_coords(self):
        return {}

    def drift(self, t, state, u):
        return jnp.array(robertson(t, state.x))

    def diffusion(self, t, state, u):
        return None


def robertson(t, y):
    a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [-a + b, a - b - c, c]


def reference(f, y0, ts, **options):
    options = {"rtol": 1e-11, "atol": 1e-13} | options
    return solve_ivp(f, (0, ts[-1]), y0, t_eval=ts, **options).y.T


def network():
    """A network in double precision, and its right-hand side in NumPy."""
    model = models.CTRNN(2, 7, 3, tau=jnp.linspace(20.0, 90.0, 7), b=0.1, key=0)
    own = nd.params.with_values(model)
    W, U, b, tau = (np.asarray(getattr(own, n), float) for n in ("W", "U", "b", "tau"))
    return model, lambda x, u: (np.tanh(x @ W + u @ U + b) - x) / tau


def test_smooth_system_to_tolerance(x64):
    ts = np.linspace(1.0, 40.0, 14)
    run = nd.solve(Forced(), ts=ts, save=nd.Save(("rate",)))
    expected = reference(lambda t, y: [y[1], -y[0] + np.cos(0.5 * t)], [1, 0], ts)
    np.testing.assert_allclose(run.variables["rate"], expected, atol=1e-5)
    np.testing.assert_allclose(run.outputs, expected, atol=1e-5)
    np.testing.assert_array_equal(run.ts, ts)
    tight = diffrax.PIDController(rtol=1e-10, atol=1e-12)
    run = nd.solve(Forced(), ts=ts, stepsize_controller=tight, solver=diffrax.Dopri8())
    np.testing.assert_allclose(run.outputs, expected, atol=1e-9)
    assert bool(run.stats["finite"])


def test_held_inputs_that_jump(x64):
    model, f = network()
    inputs = np.asarray(jax.random.normal(jax.random.key(3), (6, 2, 2)))
    ts = np.arange(1.0, 181.0)
    options = {"dt": 30.0, "stepsize_controller": diffrax.PIDController(rtol=1e-9, atol=1e-11)}
    run = nd.solve(model, inputs, ts, save=nd.Save(("rate",)), **options)
    for trial in range(2):
        x, pieces = np.zeros(7), []
        for u in inputs[:, trial]:
            piece = reference(lambda t, x, u=u: f(x, u), x, np.arange(1.0, 31.0))
            x = piece[-1]
            pieces.append(piece)
        np.testing.assert_allclose(
            run.variables["rate"][:, trial], np.concatenate(pieces), atol=2e-8
        )


def test_steps_land_on_jumps(x64):
    # A step every 50 ms: with its jumps known to the controller no step is wasted on finding them.
    levels = np.repeat([0.0, 5.0, -5.0, 5.0], 50)[:, None]
    run = nd.solve(Leaky(jnp.array([10.0])), levels, [200.0], dt=1.0)
    blind = nd.solve(
        Leaky(jnp.array([10.0])),
        lambda t: jnp.asarray(levels)[jnp.clip(t.astype(int), 0, 199)],
        [200.0],
    )
    exact = 0.0
    for level in (0.0, 5.0, -5.0, 5.0):
        exact = level + (exact - level) * np.exp(-5)
    assert float(run.outputs[-1, 0]) == pytest.approx(exact, abs=1e-6)
    assert int(run.stats["steps"]) < int(blind.stats["steps"])


def test_callable_inputs_and_batches(x64):
    run = nd.solve(Leaky(jnp.array([10.0])), lambda t: jnp.sin(t / 20.0)[None], [50.0, 200.0])
    expected = reference(lambda t, x: (np.sin(t / 20) - x) / 10, [0.0], [50.0, 200.0])
    np.testing.assert_allclose(run.outputs, expected, atol=1e-6)
    many = nd.solve(Forced(), ts=[3.0], n_trials=4)
    assert many.outputs.shape == (1, 4, 2)
    np.testing.assert_array_equal(many.outputs[:, 0], many.outputs[:, 3])


def test_agrees_with_the_fixed_clock(x64):
    model, _ = network()
    inputs = jax.random.normal(jax.random.key(0), (20, 3, 2), jnp.float64)
    solved = nd.solve(model, inputs, np.arange(1, 21) * 5.0, dt=5.0)
    fixed = nd.integrate(model, inputs, dt=5.0, solver=diffrax.Tsit5())
    np.testing.assert_allclose(solved.outputs, fixed.outputs, atol=1e-6)
    last = nd.solve(model, inputs, [100.0], dt=5.0, save=nd.Save(outputs="last"))
    np.testing.assert_allclose(last.outputs[0], solved.outputs[-1], atol=1e-6)


def test_starts_from_a_state(x64):
    ts = np.array([2.0, 5.0])
    model = Leaky(jnp.array([10.0, 30.0]))
    run = nd.solve(
        model,
        jnp.zeros((1, 1)),
        ts,
        dt=5.0,
        state=State(jnp.array([3.0, -2.0])),
        save=nd.Save(("rate",)),
    )
    expected = np.array([3.0, -2.0]) * np.exp(-ts[:, None] / np.array([10.0, 30.0]))
    np.testing.assert_allclose(run.variables["rate"], expected, atol=1e-6)


def test_stiff_system(x64):
    ts = np.array([0.4, 40.0, 4000.0, 40_000.0])
    run = nd.solve(
        Robertson(),
        ts=ts,
        solver=diffrax.Kvaerno5(),
        stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-11),
        dt0=1e-4,
    )
    expected = reference(robertson, [1, 0, 0], ts, method="Radau", rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(run.outputs, expected, rtol=1e-5, atol=1e-10)
    # An explicit solver is held to steps of some 1e-3 ms by the fastest reaction.
    assert int(run.stats["steps"]) < 3000


@pytest.mark.parametrize("double", [False, True])
def test_spike_times_against_the_exact_formula(double):
    # From reset, v = I (1 - exp(-t / tau)) reaches 1 after tau log(I / (I - 1)).
    drive = np.array([1.5, 2.0])
    with jax.enable_x64(double):
        run = nd.solve(LIF(jnp.asarray(drive)), ts=[40.0, 100.0], max_events=64)
        spikes = run.spikes
        n = int(spikes.count)
        time, unit = np.asarray(spikes.time)[:n], np.asarray(spikes.unit)[:n]
    period = 10 * np.log(drive / (drive - 1))
    assert n == int((100 / period).astype(int).sum())
    assert np.all(np.diff(time) >= 0)
    for i, p in enumerate(period):
        expected = p * np.arange(1, int(100 / p) + 1)
        np.testing.assert_allclose(time[unit == i], expected, atol=1e-5 if double else 2e-3)
    assert np.all(np.isinf(np.asarray(spikes.time)[n:]))
    assert np.all(np.asarray(spikes.unit)[n:] == -1)
    assert run.final_state.memory["count"].tolist() == [np.sum(unit == 0), np.sum(unit == 1)]
    # The state between spikes, too.
    phase = 40.0 % period
    np.testing.assert_allclose(run.outputs[0], drive * (1 - np.exp(-phase / 10)), atol=1e-3)


def test_simultaneous_spikes_are_all_found(x64):
    run = nd.solve(LIF(jnp.array([1.5, 1.5])), ts=[50.0], max_events=20)
    n = int(run.spikes.count)
    assert n == 2 * int(50 / (10 * np.log(3)))
    assert sorted(np.asarray(run.spikes.unit)[:n].tolist()) == [0] * (n // 2) + [1] * (n // 2)


def test_gradient_against_finite_differences(x64):
    inputs = jax.random.normal(jax.random.key(1), (5, 2, 1), jnp.float64)

    @eqx.filter_jit
    @jax.value_and_grad
    def loss(tau, inputs, adjoint):
        run = nd.solve(
            Leaky(tau),
            inputs,
            np.arange(1.0, 6.0) * 10,
            dt=10.0,
            adjoint=adjoint,
            stepsize_controller=diffrax.PIDController(rtol=1e-10, atol=1e-12),
        )
        return jnp.sum(run.outputs**2)

    h, plain = 1e-3, diffrax.RecursiveCheckpointAdjoint()
    above, below = (loss(jnp.array([tau]), inputs, plain)[0] for tau in (30 + h, 30 - h))
    for adjoint in (plain, diffrax.DirectAdjoint()):
        _, grad = loss(jnp.array([30.0]), inputs, adjoint)
        np.testing.assert_allclose(grad[0], (above - below) / (2 * h), rtol=1e-6)


def test_noise_on_a_constant_step():
    model = OU(jnp.array(5.0), jnp.array(0.3))
    options = {
        "solver": diffrax.ShARK(),
        "stepsize_controller": diffrax.ConstantStepSize(),
        "dt0": 0.5,
        "n_trials": 60,
        "save": nd.Save(("rate",)),
    }
    run = nd.solve(model, ts=np.arange(1, 9) * 15.0, key=0, **options)
    again = nd.solve(model, ts=np.arange(1, 9) * 15.0, key=0, **options)
    values = np.asarray(run.variables["rate"])[1:]
    np.testing.assert_array_equal(values, again.variables["rate"][1:])
    # 1680 independent values: the standard error of their deviation is 1.7 %.
    assert values.std() == pytest.approx(0.3, rel=0.07)


def test_under_jit_failures_are_reported_in_stats(x64):
    @eqx.filter_jit
    def reached(max_steps):
        return nd.solve(Forced(), ts=[50.0], max_steps=max_steps).stats["reached"]

    assert float(reached(4)) < 50.0
    assert float(reached(4096)) == 50.0


def stopped_at(error):
    return float(str(error.value).split("t = ")[1].split(" of")[0])


def test_a_trial_that_needs_too_many_steps_is_named(x64):
    # A unit of 0.1 ms at rest may take long steps, one that follows jumps may not.
    inputs = np.zeros((100, 2, 1))
    inputs[20:, 1, 0] = np.resize([1.0, -1.0], 80)
    model = Leaky(jnp.array([0.1]))
    with pytest.raises(nd.SolveError, match=r"trial 1 stopped at t = .* of 100 ms \(1 trials") as e:
        nd.solve(model, inputs, [100.0], dt=1.0, max_steps=300)
    assert 20 < stopped_at(e) < 100


FAILS = {
    "steps": (
        lambda: nd.solve(Forced(), ts=[50.0], max_steps=4),
        r"trial 0 stopped at t = .* of 50 ms.*Kvaerno5",
    ),
    "events": (
        lambda: nd.solve(LIF(jnp.array([1.5, 2.0])), ts=[100.0], max_events=5),
        r"max_events=5 spikes: trial 0 stopped at t = .*Raise max_events",
    ),
    "blows up": (
        lambda: nd.solve(Leaky(jnp.array([-0.01])), jnp.ones((1, 1)), [50.0], dt=50.0),
        "Loosen the tolerances",
    ),
}


@pytest.mark.parametrize("case", FAILS)
def test_failures_say_where_and_what_to_do(case, x64):
    call, match = FAILS[case]
    with pytest.raises(nd.SolveError, match=f"(?s){match}"):
        call()


def test_one_trace_however_often_inputs_change():
    driver = sys.modules["neurodyn.engine.solve"]
    before = None
    for n, dt0 in ((1, 0.5), (3, 0.4), (0, 0.3), (9, 0.2)):
        inputs = np.zeros((10, 2, 1), np.float32)
        inputs[:n:2] = 1.0
        nd.solve(Leaky(jnp.full(1, 20.0)), inputs, [100.0], dt=10.0, dt0=dt0)
        traces = driver._solve_all._cached._cache_size()
        before = traces if before is None else before
        assert traces == before


BAD = {
    "map": (lambda: nd.solve(Walk(), ts=[1.0]), TypeError, "needs a flow"),
    "events": (
        lambda: nd.solve(LIF(jnp.array([1.5, 2.0])), ts=[1.0]),
        ValueError,
        "max_events",
    ),
    "no times": (lambda: nd.solve(Forced()), ValueError, "increasing times"),
    "times go back": (lambda: nd.solve(Forced(), ts=[2.0, 1.0]), ValueError, "increasing"),
    "negative time": (lambda: nd.solve(Forced(), ts=[-1.0, 1.0]), ValueError, "increasing"),
    "no dt": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.ones((3, 1)), [1.0]),
        ValueError,
        "pass `dt=`",
    ),
    "inputs": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.ones((3, 2)), [1.0], dt=1.0),
        ValueError,
        "with 1 inputs",
    ),
    "beyond the inputs": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.ones((3, 1)), [4.0], dt=1.0),
        ValueError,
        "inputs end at 3 ms",
    ),
    "NaN": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.full((3, 1), jnp.nan), [1.0], dt=1.0),
        ValueError,
        "NaN",
    ),
    "no key": (
        lambda: nd.solve(OU(jnp.array(5.0), jnp.array(1.0)), ts=[1.0], dt0=0.1),
        ValueError,
        "pass `key=`",
    ),
    "noise on adaptive steps": (
        lambda: nd.solve(OU(jnp.array(5.0), jnp.array(1.0)), ts=[1.0], key=0, dt0=0.1),
        ValueError,
        "ConstantStepSize",
    ),
    "what only the fixed clock records": (
        lambda: nd.solve(Forced(), ts=[1.0], save=nd.Save(every=2)),
        ValueError,
        "records at the times",
    ),
    "adjoint of spikes": (
        lambda: nd.solve(
            LIF(jnp.array([1.5, 2.0])),
            ts=[1.0],
            max_events=9,
            adjoint=diffrax.RecursiveCheckpointAdjoint(),
        ),
        ValueError,
        "cannot be differentiated backwards",
    ),
    "contradiction": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.ones((3, 2, 1)), [1.0], dt=1.0, n_trials=5),
        ValueError,
        "contradicts",
    ),
    "ragged drive": (
        lambda: nd.solve(
            Leaky(jnp.ones(1)),
            nd.Drive(input=jnp.ones((3, 2, 1)), target=jnp.ones((2, 2, 1))),
            [1.0],
            dt=1.0,
        ),
        ValueError,
        "same leading",
    ),
    "negative dt": (
        lambda: nd.solve(Leaky(jnp.ones(1)), jnp.ones((3, 1)), [1.0], dt=-1.0),
        ValueError,
        "`dt` must be",
    ),
    "indexed parameter": (
        lambda: nd.solve(
            models.CTRNN(1, 3, 1, b=params.Indexed(4), key=0), jnp.zeros((5, 1)), [1.0], dt=1.0
        ),
        ValueError,
        "pass `trial=`",
    ),
    "noise needs a step": (
        lambda: nd.solve(OU(jnp.array(5.0), jnp.array(1.0)), ts=[1.0], key=0),
        ValueError,
        "dt0=",
    ),
    "unknown variable": (
        lambda: nd.solve(Forced(), ts=[1.0], save=nd.Save(("voltage",))),
        ValueError,
        "no variables",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_fix(case):
    call, error, match = BAD[case]
    with pytest.raises(error, match=match):
        call()
