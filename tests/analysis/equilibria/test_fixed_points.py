"""Fixed points against analytic ones, an independent root finder and simulation."""

import functools

import numpy as np
import pytest
import scipy.optimize
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, models, params
from neurodyn.analysis import fixed_points, linearise
from neurodyn.system import State
from tests.analysis.equilibria.flows import AbstractSeen


def tanh_network(n, g, **options):
    """N units of ``x' = -x + g tanh(x)``, in units of 10 ms."""
    W = g * np.eye(n, dtype="float32")
    return models.CTRNN(1, n, 1, tau=10.0, W=W, form="current", key=0, **options)


# Zeros of -x + g tanh(x) and the slope there, by bisection to all digits.
@pytest.mark.parametrize(
    ("g", "zero", "slope"), [(1.5, 1.2878394550, -0.605687), (2.0, 1.9150080482, -0.833628)]
)
def test_points_of_a_tanh_unit(g, zero, slope):
    points = fixed_points(tanh_network(1, g), n_starts=64)
    np.testing.assert_allclose(
        np.sort(points["state"].values.ravel()), [-zero, 0, zero], atol=5e-11
    )
    stable = points["state"].values.ravel() != 0
    eigenvalues = 10 * points["eigenvalue_real"].values.ravel()
    np.testing.assert_allclose(eigenvalues[stable], slope, atol=5e-7)
    np.testing.assert_allclose(eigenvalues[~stable], g - 1, rtol=1e-12)
    np.testing.assert_allclose(points["timescale"].values.ravel(), 10 / np.abs(eigenvalues))
    assert points["stability"].values.tolist() == ["stable", "stable", "unstable"]
    assert points.attrs["n_outliers"] == 0
    labels.check(points)


@pytest.mark.parametrize("n", [2, 5])
def test_uncoupled_units_have_three_to_the_n_points(n):
    points = fixed_points(tanh_network(n, 2.0), n_starts=20 * 4**n)
    assert points.sizes["equilibrium"] == 3**n
    index = (points["state"].values.round(6) == 0).sum(1)
    assert points["n_unstable"].values.tolist() == index.tolist()
    assert (index == 0).sum() == 2**n
    assert set(np.abs(points["state"].values).round(8).ravel() + 0.0) == {0.0, 1.91500805}


def test_below_critical_gain_there_is_the_origin_alone():
    W = 0.9 * np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    model = models.CTRNN(1, 6, 1, W=W.astype("float32"), key=0)
    points = fixed_points(model, n_starts=32)
    assert points.sizes["equilibrium"] == 1
    np.testing.assert_allclose(points["state"], 0, atol=1e-12)


@functools.cache
def random_network(seed=3):
    return models.CTRNN(2, 5, 1, W=params.Free(_weights(seed)), tau=20.0, key=seed)


def _weights(seed):
    return (1.8 * np.random.default_rng(seed).standard_normal((5, 5))).astype("float32")


def _weights_of(model, *names):
    model = params.with_values(model)
    return [np.asarray(getattr(model, name), np.float64) for name in names]


def _drift(model, u):
    W, U, b = _weights_of(model, "W", "U", "b")
    return lambda x: (np.tanh(x @ W + u @ U + b) - x) / 20.0


def test_points_equal_those_of_an_independent_root_finder_for_every_input():
    """SciPy's hybrid method from many starts, on equations written by hand in NumPy."""
    model = random_network()
    u = xr.DataArray(
        [[0.0, 0.0], [1.5, -0.5]], {"condition": ["rest", "driven"]}, ("condition", "input")
    )
    u = u.assign_coords(input=["motion", "colour"])
    points = fixed_points(model, u, n_starts=300)
    labels.check(points)
    assert points["input"].values.tolist() == ["motion", "colour"]
    names = analysis.selection(linearise(model, points))["input"]
    assert names.values.tolist() == ["motion", "colour"]
    rng = np.random.default_rng(1)
    for name in ("rest", "driven"):
        drift = _drift(model, u.sel(condition=name).values)
        roots = [scipy.optimize.root(drift, rng.standard_normal(5), tol=1e-13) for _ in range(150)]
        expected = {tuple(r.x.round(7) + 0.0) for r in roots if np.abs(drift(r.x)).max() < 1e-13}
        here = points.isel(equilibrium=np.flatnonzero(points["condition"] == name))
        first = here["growth_rate"].values[:, 0]
        assert (np.lexsort([first, here["n_unstable"].values]) == np.arange(len(first))).all()
        found = {tuple(z.round(7) + 0.0) for z in here["state"].values}
        assert expected
        assert found >= expected
        for z, speed in zip(here["state"].values, here["speed"].values, strict=True):
            assert np.abs(drift(z)).max() < 1e-14
            assert speed == pytest.approx(np.linalg.norm(drift(z)), abs=1e-15)
    assert set(points["condition"].values) == {"rest", "driven"}


def test_derivatives_and_modes_against_differences_and_scipy():
    model = random_network()
    u = np.array([0.5, -1.0])
    states = np.random.default_rng(0).standard_normal((3, 5))
    linear = linearise(model, states, u)
    drift, (W, U, b) = _drift(model, u), _weights_of(model, "W", "U", "b")
    b = b + u @ U
    for i, x in enumerate(states):
        gain = 1 - np.tanh(x @ W + b) ** 2
        expected = (W * gain - np.eye(5)) / 20.0  # (from, to), as the weights
        J = linear["jacobian"].values[i]
        np.testing.assert_allclose(J, expected, rtol=1e-12, atol=1e-15)
        pushed = gain[:, None] * U.T / 20.0
        inward = linear["input_jacobian"].values[i]
        np.testing.assert_allclose(inward, pushed, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(linear["rate"].values[i], drift(x), rtol=1e-12)
        values = linear["eigenvalue_real"].values[i] + 1j * linear["eigenvalue_imag"].values[i]
        reference = scipy.linalg.eigvals(expected)
        np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(reference), atol=1e-14)
        right = linear["right_real"].values[i] + 1j * linear["right_imag"].values[i]
        left = linear["left_real"].values[i] + 1j * linear["left_imag"].values[i]
        np.testing.assert_allclose(expected.T @ right, right * values, atol=1e-13)
        np.testing.assert_allclose(left.T @ right, np.eye(5), atol=1e-12)
        assert (np.diff(linear["growth_rate"].values[i]) <= 1e-12).all()
    np.testing.assert_allclose(
        linear["frequency"].values, np.abs(linear["eigenvalue_imag"].values) / (2 * np.pi) * 1e3
    )


def test_stability_and_timescales_agree_with_simulation():
    """A small push along a mode of a stable point decays at its rate, within 1 %."""
    model = random_network()
    points = fixed_points(model, n_starts=300)
    assert set(points["stability"].values) >= {"stable", "saddle"}
    for which in (0, points.sizes["equilibrium"] - 1):
        point = points.isel(equilibrium=which)
        z = point["state"].values
        real = np.flatnonzero(point["eigenvalue_imag"].values == 0)
        mode = int(real[0])
        v = point["right_real"].values[:, mode]
        drift = _drift(model, np.zeros(2))
        span = 0.5 * float(point["timescale"][mode])
        end = scipy.integrate.solve_ivp(
            lambda t, x: drift(x), (0, span), z + 1e-5 * v, rtol=1e-10, atol=1e-14
        ).y[:, -1]
        grown = (end - z) @ point["left_real"].values[:, mode] / 1e-5
        rate = np.log(abs(grown)) / span
        assert rate == pytest.approx(float(point["growth_rate"][mode]), rel=0.01)


def test_maps_and_states_of_several_parts():
    """Gated networks; an LSTM's step as PyTorch writes it, in NumPy."""
    model = models.LSTM(1, 3, 1, key=1)
    points = fixed_points(model, n_starts=64, dt=5.0)
    assert points["variable"].values.tolist() == ["hidden"] * 3 + ["cell"] * 3
    h, c = np.split(points["state"].values[0], 2)
    W, b, b_in = _weights_of(model, "W", "b", "b_in")
    gates = np.split(h @ W + b + b_in, 4)
    i, f, o = (1 / (1 + np.exp(-gates[k])) for k in (0, 1, 3))
    cell = f * c + i * np.tanh(gates[2])
    np.testing.assert_allclose([*(o * np.tanh(cell)), *cell], [*h, *c], atol=1e-14)
    assert points["timescale"].attrs["units"] == "ms"
    run = nd.simulate(model, np.zeros((400, 1, 1), np.float32), dt=5.0, progress=False)
    last = linearise(model, run.isel(trial=0, time=-1), dt=5.0)
    np.testing.assert_allclose(last["state"], points["state"][0], atol=1e-6)
    np.testing.assert_allclose(last["timescale"], points["timescale"][0], rtol=1e-3)
    gru = fixed_points(models.GRU(1, 3, 1, key=0), starts=np.zeros((4, 3)), n_starts=16)
    assert gru["stability"].values.tolist() == ["stable"]


def test_a_run_gives_starts_by_name_whatever_its_order():
    model = random_network()
    run = nd.simulate(model, np.zeros((20, 8, 2), np.float32), dt=1.0, progress=False, key=0)
    points = fixed_points(model, starts=run, n_starts=64, jitter=2.0)
    again = linearise(model, run.isel(unit=[4, 2, 0, 1, 3], trial=[3, 1]))
    there = linearise(model, run)["jacobian"].isel(trial=[3, 1])
    np.testing.assert_array_equal(again["jacobian"], there)
    assert points.attrs["n_searches"] == 64
    same = linearise(model, points)  # with the inputs of the points
    np.testing.assert_array_equal(same["eigenvalue_real"], points["eigenvalue_real"])


class Circle(AbstractSeen):
    """A flow that never rests: ``x' = 1 + x**2``, slowest at 0."""

    n_inputs: int = 0
    n_outputs: int = 1

    def initial_state(self, *, dt, trial=None, key=None):
        return State(np.zeros(1, np.float32))

    def drift(self, t, state, u):
        return 0.01 * (1e-3 + state.x**2)


def test_systems_without_fixed_points_have_slow_ones():
    none = fixed_points(Circle(), n_starts=32)
    assert none.sizes["equilibrium"] == 0
    slow = fixed_points(Circle(), n_starts=32, slow=1e-4)
    assert slow["kind"].values.tolist() == ["slow"]
    assert float(slow["speed"][0]) == pytest.approx(1e-5, rel=1e-3)
    np.testing.assert_allclose(slow["state"].values, 0, atol=1e-2)
    labels.check(slow)


def test_neutral_modes_last_for_ever_and_results_say_that_infinity_is_meant():
    W = np.diag([1.0, 0.0]).astype("float32")
    line = linearise(models.CTRNN(1, 2, 1, tau=10.0, W=W, key=0), np.zeros(2))
    assert line["timescale"].values.tolist() == [np.inf, 10.0]
    plain = {"tau": 1.0, "activation": "tanh", "b": np.zeros(2), "b_in": np.zeros(2)}
    one_step = linearise(models.LeakyRNN(1, 2, 1, W=W, **plain, key=0), np.zeros(2), dt=5.0)
    assert one_step["growth_rate"].values.tolist() == [0.0, -np.inf]
    flips = np.tile([1.0, -1.0], (4, 10))[..., None]
    flipping = analysis.linear_operator(flips, offset="none", dt=5.0, n_folds=2)
    assert float(flipping["timescale"][0]) > 1e12
    for result in (line, one_step, analysis.selection(line), analysis.non_normality(line)):
        labels.check(result)
    with pytest.raises(labels.LabelError, match="'speed' holds infinite values"):
        labels.check(line.assign(speed=line["speed"] + np.inf).assign_attrs(line.attrs))


class Clocked(Circle):
    def drift(self, t, state, u):
        return -state.x + t


def test_what_has_no_fixed_points_is_refused():
    spiking = models.spiking.Network(models.spiking.LIF(3), key=0)
    with pytest.raises(TypeError, match="spikes"):
        fixed_points(spiking)
    with pytest.raises(ValueError, match="changes with time"):
        fixed_points(Clocked())
    with pytest.raises(ValueError, match="vary in time"):
        fixed_points(random_network(), xr.DataArray(np.zeros((3, 2)), dims=("time", "input")))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        fixed_points(random_network(), np.zeros(3))
    with pytest.raises(ValueError, match="the run has no rate"):
        fixed_points(random_network(), starts=xr.Dataset({n: ("unit", np.zeros(5)) for n in "vw"}))
    with pytest.raises(TypeError, match="method"):
        fixed_points(random_network(), method="enumerate")
    with pytest.raises(ValueError, match="NaN"):
        linearise(random_network(), np.full((2, 5), np.nan))
    with pytest.raises(ValueError, match="n_starts"):
        fixed_points(random_network(), n_starts=0)


def test_results_are_the_same_for_the_same_key_and_survive_a_file(tmp_path):
    first, second = (fixed_points(random_network(), n_starts=50, key=4) for _ in range(2))
    xr.testing.assert_identical(first, second)
    nd.save(tmp_path / "points.nc", first)
    xr.testing.assert_identical(nd.load(tmp_path / "points.nc"), first)
    assert analysis.fixed_points is fixed_points
