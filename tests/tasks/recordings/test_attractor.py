"""Trajectories of known systems: accurate, independent, labelled."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurodyn as nd
from neurodyn import tasks
from neurodyn.models import ALRNN, reference
from tests.neurodyn.flows import OU


@pytest.fixture(scope="module")
def lorenz():
    return tasks.Attractor(reference.Lorenz63(), 400, dt=0.02, length=20, transient=100, key=1)


def test_samples_follow_the_equations(lorenz):
    """From each sample, SciPy arrives at the next one."""

    def rhs(t, x):
        return [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]

    x = lorenz.raw(lorenz.test.values[0].astype(np.float64))
    for k in (0, 150, 398):
        end = solve_ivp(rhs, (0, 0.02), x[k], rtol=1e-10, atol=1e-10).y[:, -1]
        np.testing.assert_allclose(end, x[k + 1], atol=2e-4)  # of values kept in single precision


def test_sets_are_standardised_alike_and_independent(lorenz):
    train, test = lorenz.train.values[0], lorenz.test.values[0]
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-4)
    assert np.abs(test.std(0) - 1).max() > 1e-3
    assert np.linalg.norm(train[:, None] - test[None, ::40], axis=2).min() > 1e-3
    wings = lorenz.standardised(reference.Lorenz63().equilibria())
    np.testing.assert_allclose(lorenz.raw(wings), reference.Lorenz63().equilibria(), atol=1e-4)


def test_trajectories_are_labelled(lorenz):
    train = lorenz.train
    assert train.dims == ("trial", "time", "output")
    assert train["output"].values.tolist() == ["x", "y", "z"]
    assert train["time"].values[-1] == pytest.approx(8.0)
    assert train["time"].attrs["units"] == "ms"
    made = {"system": "Lorenz63", "solver": "Tsit5", "rtol": 1e-8, "transient": 100, "dt": 0.02}
    assert made.items() <= train.attrs.items()


def test_validation_is_on_the_test_set(lorenz):
    windows = np.asarray(lorenz.validation().targets)
    assert windows.shape == (512, 21, 3)
    np.testing.assert_array_equal(windows[0], lorenz.test.values[0, :21])


def test_pieces_of_a_long_run_fit_together_and_time_goes_on():
    """The drive of the Duffing oscillator has the right phase after the first piece."""
    task = tasks.Attractor(reference.Duffing(), 60, dt=0.25, length=5, transient=990)
    x = task.raw(task.train.values[0].astype(np.float64))
    for k in (5, 30):
        t = 0.25 * (991 + k)

        def rhs(t, x):
            return [x[1], 0.5 * np.cos(1.2 * t) - 0.3 * x[1] + x[0] - x[0] ** 3]

        end = solve_ivp(rhs, (t, t + 0.25), x[k], rtol=1e-10, atol=1e-10).y[:, -1]
        np.testing.assert_allclose(end, x[k + 1], atol=1e-5)


def test_maps():
    task = tasks.Attractor(reference.Henon(), 300, length=10, standardise=False)
    x = task.train.values[0].astype(np.float64)
    np.testing.assert_allclose(x[1:, 0], 1 - 1.4 * x[:-1, 0] ** 2 + x[:-1, 1], atol=1e-5)
    assert task.train["time"].attrs["units"] == "1"


def test_observation_noise_has_its_size_on_both_sets():
    clean, noisy = (
        tasks.Attractor(reference.Henon(), 3000, noise_std=s, standardise=False) for s in (0.0, 0.1)
    )
    for a, b in ((clean.train, noisy.train), (clean.test, noisy.test)):
        size = (b - a).std("time") / clean.train.std("time")
        np.testing.assert_allclose(size, 0.1, rtol=0.06)


def test_other_numbers_do_not_compile_anew():
    """Tasks that differ in numbers alone have one structure, as compiled functions see it."""
    a, b = (
        tasks.Attractor(reference.Henon(), 300, length=10, noise_std=s, transient=n)
        for s, n in ((0.05, 900), (0.06, 901))
    )
    static = [eqx.partition(task, eqx.is_array)[1] for task in (a, b)]
    assert jax.tree.structure(static[0]) == jax.tree.structure(static[1])
    assert eqx.tree_equal(*static)
    assert b.train.attrs["noise_std"] == 0.06
    assert b.train.attrs["transient"] == 901


def test_dynamical_noise_runs_on_a_fixed_clock():
    task = tasks.Attractor(reference.VanDerPol(noise=0.3), 200, dt=0.1, length=10, transient=50)
    assert task.train.attrs["solver"] == "Euler"
    assert np.isfinite(task.train).all()


def test_a_flow_of_ones_own_keeps_its_noise():
    """It only has `diffusion`, not the attribute `noise` of the reference systems."""
    flow = OU(jnp.array(5.0), jnp.array(1.0), n_inputs=0)
    task = tasks.Attractor(flow, 400, dt=0.5, length=10, transient=50, standardise=False)
    assert task.train.attrs["solver"] == "Euler"
    # 40 times the time constant: its stationary deviation, to three standard errors of the mean
    # square, which is 2 tau / T of the variance squared, of two units.
    mean_square = float(np.square(task.train).mean())
    assert abs(mean_square - 1) < 3 * np.sqrt(2 * 5.0 / 200.0 / 2)


def test_a_model_trains_on_it(lorenz):
    fit = nd.fit(
        ALRNN(0, 4, 3, n_relu=1, key=0),
        lorenz,
        objective=nd.training.SparseTeacherForcing(5),
        steps=2,
        batch_size=4,
        evaluate=False,
        progress=False,
        key=0,
    )
    assert np.isfinite(fit.history["loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 1}, "`n_samples`"),
        ({"dt": 0.0}, "`dt`"),
        ({"transient": -1}, "`transient`"),
        ({"noise_std": -0.1}, "`noise_std`"),
        ({"system": reference.Henon(spread=0.0)}, "start alike"),
        ({"system": reference.Henon(spread=5.0)}, "diverge"),
        ({"system": reference.Logistic(r=0.5)}, "stand still"),
        ({"system": reference.Henon(), "solver": diffrax.Euler()}, "takes its own steps"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    arguments = {"system": reference.Henon(), "n_samples": 300, "length": 10} | options
    with pytest.raises((ValueError, TypeError), match=message):
        tasks.Attractor(**arguments)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="map or a flow"):
        tasks.Attractor(jnp.zeros(3))


def test_windows_are_found_again_in_the_trajectories():
    task = tasks.Attractor(reference.Henon(), 200, length=5, n_trials=2)
    run = nd.simulate(ALRNN(0, 2, 2, n_relu=1, key=0), task, n_trials=3, key=0)
    assert run.time.attrs["units"] == task.train.time.attrs["units"] == "1"
    trials = task.trials(0, 4)
    found = task.train.sel(trial=trials.recording, time=trials.start_time + 3.0)
    np.testing.assert_array_equal(trials.targets.sel(time=3.0), found)
