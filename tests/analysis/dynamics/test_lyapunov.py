"""Lyapunov exponents against theory, published numbers and a plain NumPy loop."""

import warnings

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from neurodyn import analysis, labels, models
from neurodyn.engine.integrate import integrate
from neurodyn.models import reference
from neurodyn.system import AbstractFlow, AbstractMap, State, Variable
from tests.neurodyn.flows import LIF


class Linear(AbstractFlow):
    """dx = A x, with a noise that has no bearing on exponents, and inputs that have none either."""

    A: Float[Array, "unit unit"]
    noise: float | None = eqx.field(static=True, default=None)
    n_inputs: int = eqx.field(static=True, default=1)
    n_outputs: int = eqx.field(static=True, default=1)

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.ones(self.A.shape[0], self.A.dtype))

    def readout(self, state):
        return state.x[:1]

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return {"rate": Variable(("unit",), "1", "rate", "rate")}

    def unit_coords(self):
        return {}

    def drift(self, t, state, u):
        return self.A @ state.x if u.input is None else self.A @ state.x + u.input[0]

    def diffusion(self, t, state, u):
        return None if self.noise is None else jnp.full_like(state.x, self.noise)


class Delayed(AbstractMap):
    """x' = a x_{t-2} with the past in `memory`, and a counter there that is no dimension."""

    a: float = eqx.field(static=True, default=0.5)
    n_inputs: int = eqx.field(static=True, default=0)
    n_outputs: int = eqx.field(static=True, default=1)

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.ones(1), (jnp.ones(1), jnp.zeros((), jnp.int32)))

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return {"rate": Variable(("unit",), "1", "rate", "rate")}

    def unit_coords(self):
        return {}

    def update(self, state, u, *, key):
        past, count = state.memory
        return State(self.a * past, (state.x, count + 1))


def exponents(*args, **options):
    return analysis.lyapunov(*args, **options)["lyapunov"].values[0]


# --- known values ----------------------------------------------------------------------------


def test_linear_flow_has_the_real_parts_of_its_eigenvalues():
    A = np.array([[-0.5, 2.0, 0.3], [-2.0, -0.5, 0.0], [0.0, 0.0, -3.0]])
    result = exponents(Linear(jnp.asarray(A)), n_steps=4000, dt=0.01)
    np.testing.assert_allclose(result, [-0.5, -0.5, -3.0], rtol=1e-3)
    np.testing.assert_allclose(result.sum(), np.trace(A), rtol=1e-6)


@pytest.mark.parametrize("noise", [None, 0.3])
def test_inputs_and_noise_are_held(noise):
    """What is added to a linear system does not change how deviations grow."""
    system = Linear(jnp.asarray([[-0.5, 0.2], [0.0, -1.0]]), noise)
    inputs = np.random.default_rng(0).normal(size=(1200, 2, 1))
    result = analysis.lyapunov(
        system, inputs, n_steps=1000, dt=0.02, transient=200, key=None if noise is None else 0
    )
    expected = np.log(1 - 0.02 * np.array([0.5, 1.0])) / 0.02 if noise else [-0.5, -1.0]
    np.testing.assert_allclose(result["lyapunov"], [expected] * 2, rtol=2e-3)


def test_logistic():
    assert exponents(reference.Logistic(), n_steps=50_000)[0] == pytest.approx(np.log(2), rel=0.01)
    stable = exponents(reference.Logistic(r=2.8), n_steps=100)
    np.testing.assert_allclose(stable, np.log(0.8), rtol=1e-6)


def test_henon_equals_published_values_and_its_determinant():
    system = reference.Henon()
    result = analysis.lyapunov(system, n_steps=100_000)
    got = result["lyapunov"].values[0]
    np.testing.assert_allclose(got, system.exponents(), rtol=0.01)
    assert got.sum() == pytest.approx(np.log(0.3), abs=1e-6)
    off = np.abs(got - system.exponents())
    assert (off < 5 * result["standard_error"].values[0] + 1e-4).all()


def test_lorenz63_equals_published_values_and_its_divergence():
    system = reference.Lorenz63()
    result = analysis.lyapunov(system, n_steps=100_000, dt=0.02, every=2)
    got = result["lyapunov"].values[0]
    largest, zero, smallest = system.exponents()
    assert got[0] == pytest.approx(largest, rel=0.01)
    assert got[1] == pytest.approx(zero, abs=0.01)
    assert got[2] == pytest.approx(smallest, rel=0.01)
    assert got.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)
    assert result["kaplan_yorke"].item() == pytest.approx(2.062, abs=0.005)


def test_limit_cycle_has_a_zero_and_its_floquet_exponent():
    """mu = 1: the other exponent is the mean divergence around the cycle, from SciPy."""
    from scipy.integrate import solve_ivp

    def rhs(t, x):
        return [x[1], (1 - x[0] ** 2) * x[1] - x[0], 1 - x[0] ** 2]

    start = solve_ivp(rhs, (0, 100), [2.0, 0.0, 0.0], rtol=1e-10, atol=1e-10).y[:2, -1]
    period = 6.6632868593
    mean = solve_ivp(rhs, (0, period), [*start, 0.0], rtol=1e-10, atol=1e-10).y[2, -1] / period
    result = analysis.lyapunov(reference.VanDerPol(), n_steps=10_000, dt=0.05)
    np.testing.assert_allclose(result["lyapunov"][0], [0.0, mean], atol=0.01)
    assert result["kaplan_yorke"].item() == 1.0


def test_synchronous_oscillators():
    system = reference.Kuramoto(6, K=0.3, omega=0.1)
    got = exponents(system, n_steps=6000, dt=0.1, transient=3000)
    np.testing.assert_allclose(got, system.exponents(), atol=2e-3)


# --- how it is computed ----------------------------------------------------------------------


def test_equals_a_plain_loop_over_jacobians():
    """The same trajectory, every Jacobian formed, QR by NumPy."""
    with jax.enable_x64(True):
        system = reference.Henon()
    x, frame, logs = np.asarray(system.start), np.eye(2), []
    for k in range(50):
        J = np.array([[-2 * 1.4 * x[0], 1.0], [0.3, 0.0]])
        x = np.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
        frame, r = np.linalg.qr(J @ frame)
        logs += [np.log(np.abs(np.diag(r)))] if k >= 30 else []
    got = exponents(system, n_steps=20, transient=30)
    np.testing.assert_allclose(got, np.mean(logs, 0), rtol=1e-6)


def test_fewer_exponents_are_the_largest_of_all():
    system = reference.Lorenz96(6)
    options = {"dt": 0.02, "n_steps": 2000, "transient": 500}
    every = exponents(system, **options)
    few = analysis.lyapunov(system, n_exponents=2, **options)
    np.testing.assert_allclose(few["lyapunov"].values[0], every[:2], rtol=0.05, atol=0.02)
    assert np.isnan(few["kaplan_yorke"].item())


def test_decompositions_may_be_rarer():
    system = reference.Lorenz63()
    often, rarely = (exponents(system, n_steps=4000, dt=0.01, every=n) for n in (1, 10))
    np.testing.assert_allclose(often, rarely, rtol=1e-5, atol=1e-6)


def test_memory_counts_and_annihilated_directions_are_minus_infinity():
    got = analysis.lyapunov(Delayed(), n_steps=100, transient=10)
    np.testing.assert_allclose(got["lyapunov"], [[np.log(0.5) / 2] * 2], rtol=1e-6)
    got = analysis.lyapunov(Delayed(0.0), n_steps=100, transient=10)
    assert (got["lyapunov"].values == -np.inf).all()
    assert got["status"].item() == "ok"
    assert got["kaplan_yorke"].item() == 0.0


def test_noise_is_that_of_a_run():
    """The noisy trajectory is integrate's: a perturbed run keeps the distance that it predicts."""
    with jax.enable_x64(True):
        system = reference.Lorenz63(noise=1.0)
        x = system.start[None]
        nearby = [
            integrate(
                system, dt=0.002, n_steps=400, n_trials=1, key=3, state=State(s)
            ).final_state.x
            for s in (x, x + 1e-9)
        ]
        growth = np.log(np.linalg.norm(nearby[1] - nearby[0]) / np.sqrt(3e-18)) / 0.8
    held = analysis.lyapunov(
        system, n_steps=400, dt=0.002, transient=0, n_trials=1, key=3, state=State(x)
    )
    sums = held["lyapunov"].values[0]
    assert sums.min() <= growth <= sums.max() + 3.0
    other = analysis.lyapunov(
        system, n_steps=400, dt=0.002, transient=0, n_trials=1, key=4, state=State(x)
    )
    assert not np.allclose(sums, other["lyapunov"].values[0], rtol=1e-3)


def test_batches_and_labels():
    system = reference.Henon()
    many = analysis.lyapunov(system, n_steps=400, n_trials=3, key=0)
    labels.check(many)
    assert many["lyapunov"].dims == ("trial", "exponent")
    assert many["running"].dims == ("trial", "time", "exponent")
    assert many["lyapunov"].attrs["units"] == "1"
    assert analysis.lyapunov(system, n_steps=40, dt=2.0)["lyapunov"].attrs["units"] == "1/ms"
    np.testing.assert_allclose(many["running"][:, -1], many["lyapunov"])
    fewer = analysis.lyapunov(system, n_steps=400, n_trials=2, key=0)
    np.testing.assert_allclose(fewer["lyapunov"], many["lyapunov"][:2], rtol=1e-9)


def test_divergence_is_reported_and_the_others_go_on():
    start = np.array([[0.1, 0.1], [5.0, 5.0]])
    result = analysis.lyapunov(
        reference.Henon(), n_steps=400, n_trials=2, state=State(jnp.asarray(start))
    )
    assert result["status"].values.tolist() == ["ok", "diverged"]
    assert np.isnan(result["lyapunov"].values[1]).all()
    assert np.isnan(result["kaplan_yorke"].values[1])
    assert np.isfinite(result["lyapunov"].values[0]).all()


@pytest.mark.parametrize("cell", [models.GRU, pytest.param(models.LSTM, marks=pytest.mark.slow)])
def test_networks_with_inputs_have_the_exponents_of_their_jacobians(cell):
    """All Jacobians are formed, and decomposed by NumPy."""
    with jax.enable_x64(True):
        model = cell(2, 4, 1, key=0)
        inputs = np.random.default_rng(1).normal(size=(60, 2))
        result = analysis.lyapunov(model, inputs, n_steps=40, transient=20)
        state = model.initial_state(dt=1.0)
        flat, unravel = jax.flatten_util.ravel_pytree(state)

        @jax.jit
        def step(x, u):
            end = integrate(model, u[None], dt=1.0, state=unravel(x)).final_state
            return jax.flatten_util.ravel_pytree(end)[0]

        logs, frame, jacobian = [], np.eye(flat.size), jax.jit(jax.jacfwd(step))
        for k, u in enumerate(inputs):
            frame, r = np.linalg.qr(jacobian(flat, u) @ frame)
            flat = step(flat, u)
            logs += [np.log(np.abs(np.diag(r)[:2]))] if k >= 20 else []
    assert result["status"].item() == "ok"
    assert result.sizes["exponent"] == flat.size
    # Past states in memory make directions that shrink to nothing: they are left out. The second
    # direction still remembers a little of the frame that it started from.
    first, second = np.mean(logs, 0)
    assert result["lyapunov"].values[0, 0] == pytest.approx(first, rel=1e-4)
    assert result["lyapunov"].values[0, 1] == pytest.approx(second, rel=1e-2)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": None}, "pass `dt=`"),
        ({"dt": -1.0}, "positive number of ms"),
        ({"n_steps": 0}, "`n_steps` must be a whole number"),
        ({"n_steps": 30, "every": 4}, "multiple of every=4"),
        ({"n_steps": 10}, "at least 20"),
        ({"n_exponents": 4}, "from 1 to 3"),
        ({"transient": -1}, "`transient` must be"),
        ({"inputs": np.zeros((5, 0))}, r"transient \+ n_steps"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        analysis.lyapunov(reference.Lorenz63(), **({"n_steps": 40, "dt": 0.01} | options))


def test_noise_needs_a_key():
    with pytest.raises(ValueError, match="has noise"):
        analysis.lyapunov(reference.Lorenz63(noise=0.1), n_steps=40, dt=0.01)


def test_what_is_no_smooth_system_is_refused():
    with pytest.raises(TypeError, match="spikes"):
        analysis.lyapunov(LIF(jnp.ones(2)), n_steps=40, dt=0.1)
    with pytest.raises(TypeError, match="must be a map or a flow"):
        analysis.lyapunov(3, n_steps=40)


@pytest.mark.parametrize(
    ("spectrum", "options", "expected"),
    [
        ([0.0, 0.906, -14.572], {}, 2 + 0.906 / 14.572),
        ([-1.0, -2.0], {}, 0.0),
        ([0.0, -1.0], {}, 1.0),
        ([-1e-6, -1.0], {"zero": 1e-4}, 1.0),
        ([0.5, 0.1], {}, 2.0),
        ([0.5, 0.1], {"complete": False}, np.nan),
        ([1.0, -np.inf], {}, 1.0),
        ([np.nan, 1.0], {}, np.nan),
    ],
)
def test_kaplan_yorke(spectrum, options, expected):
    got = analysis.kaplan_yorke_dimension(spectrum, **options)
    np.testing.assert_allclose(got, expected)


# --- resting at a fixed point ------------------------------------------------------------------

#: Two units that turn and grow about 0 until the tanh holds them: a limit cycle.
TURNING = 1.5 * np.array([[1.0, -1.0], [1.0, 1.0]])


def test_a_network_that_rests_at_its_unstable_fixed_point_says_so():
    model = models.CTRNN(0, 2, 0, tau=50.0, W=TURNING, key=0)
    options = {"n_steps": 4000, "dt": 5.0, "transient": 2000}
    with pytest.warns(UserWarning, match="1 of 1 trials of this CTRNN rest exactly.*initial="):
        rest = analysis.lyapunov(model, **options)
    assert rest["status"].values.tolist() == ["unstable fixed point"]
    # Of the linear flow about 0: (1.5 - 1) / tau twice.
    np.testing.assert_allclose(rest["lyapunov"][0], 0.01, rtol=1e-4)
    away = State(jnp.array([[0.1, 0.0], [0.0, 0.0]]))
    with pytest.warns(UserWarning, match="1 of 2 trials"):
        both = analysis.lyapunov(model, state=away, n_trials=2, **options)
    assert both["status"].values.tolist() == ["ok", "unstable fixed point"]
    assert abs(float(both["lyapunov"][0, 0])) < 1e-4
    assert float(both["lyapunov"][0, 1]) < -1e-3


@pytest.mark.parametrize("r", [0.5, 4.0])
def test_only_an_unstable_fixed_point_is_told_apart(r):
    # The fixed point 0 of the logistic map has the multiplier r.
    logistic = reference.Logistic(r=r, start=(0.0,))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = analysis.lyapunov(logistic, n_steps=40, transient=5)
    assert bool(seen) == (r > 1)
    assert result["status"].item() == ("unstable fixed point" if r > 1 else "ok")
    assert float(result["lyapunov"][0, 0]) == pytest.approx(np.log(r), rel=1e-6)
