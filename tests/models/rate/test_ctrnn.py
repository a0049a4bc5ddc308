"""The CTRNN against exact solutions, a NumPy loop, finite differences and its own two paths."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.intervene import Current, Lesion
from neurodyn.engine.record import Save
from neurodyn.engine.solve import solve
from neurodyn.models import CTRNN

RATES = Save(variables=("rate",))
FORMS = ("rate", "current")


def keep(t, state, u):
    """A force that changes nothing, which sends a run down the generic path."""
    return state


def inputs(shape=(40, 5, 3), seed=0):
    dtype = jnp.result_type(float)
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def uncoupled(n, **options):
    return CTRNN(0, n, 0, W=0.0, **options, key=0)


# --- dynamics ----------------------------------------------------------------------------------


def test_uncoupled_unit_relaxes_exponentially():
    tau = np.array([20.0, 100.0, 300.0], np.float32)
    model = uncoupled(3, tau=tau, activation="identity", b=0.5, initial=2.0)
    exact = 0.5 + 1.5 * np.exp(-np.arange(1, 101)[:, None] * 5.0 / tau)
    fine = integrate(model, dt=5.0, n_steps=100, solver=diffrax.Tsit5(), save=RATES)
    np.testing.assert_allclose(fine.variables["rate"], exact, atol=1e-5)
    euler = integrate(model, dt=5.0, n_steps=100, save=RATES).variables["rate"]
    steps = 0.5 + 1.5 * (1 - 5.0 / tau) ** np.arange(1, 101)[:, None]
    np.testing.assert_allclose(euler, steps, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("generic", [True, False])
def test_follows_the_equations_written_in_numpy(form, generic, x64):
    model = CTRNN(3, 17, 2, form=form, activation="tanh", b=0.1, initial=0.2, key=1)
    model = eqx.tree_at(lambda m: m.tau, model, jnp.linspace(20.0, 200.0, 17))
    x = inputs()
    run = integrate(model, x, dt=10.0, save=RATES, force=keep if generic else None)
    W, U, b, C, c = (np.asarray(a) for a in (model.W, model.U, model.b, model.W_out, model.b_out))
    x = np.asarray(x)
    a = 10.0 / np.linspace(20.0, 200.0, 17)
    h = np.full((5, 17), 0.2)
    for k in range(40):
        if form == "rate":
            h = h + a * (np.tanh(h @ W + x[k] @ U + b) - h)
            r = h
        else:
            h = h + a * (np.tanh(h) @ W + x[k] @ U + b - h)
            r = np.tanh(h)
        np.testing.assert_allclose(run.variables["rate"][k], r, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(run.outputs[k], r @ C + c, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Noise in the rate form")
@pytest.mark.parametrize(
    ("form", "activation"),
    [
        ("rate", "tanh"),
        ("current", "tanh"),
        ("rate", "relu"),
        ("current", "softplus"),
        ("rate", "leaky_relu"),
        ("current", "retanh"),
    ],
)
def test_both_paths_agree_with_gradients(form, activation, x64):
    model = CTRNN(3, 16, 2, form=form, activation=activation, noise_std=0.1, key=2)
    assert model.can_fuse == (activation != "retanh")
    x = inputs((61, 4, 3))

    def loss(model, force):
        run = integrate(model, x, dt=10.0, key=3, force=force, save=RATES)
        return (run.outputs**2).mean() + run.variables["rate"].mean()

    graded = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    fast, fast_grad = graded(model, None)
    slow, slow_grad = graded(model, keep)
    assert fast == pytest.approx(float(slow), rel=1e-10)
    for a, b in zip(jax.tree.leaves(fast_grad), jax.tree.leaves(slow_grad), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_rectified_rates_are_about_what_the_rectifier_gives_and_the_builder_is_warned(level):
    run = {"dt": 5.0, "key": 0, "save": RATES}
    with pytest.warns(UserWarning, match='below zero.*form="current"'):
        model = uncoupled(400, tau=50.0, activation="relu", b=level, noise_std=0.1)
    rate = integrate(model, n_steps=200, n_trials=10, **run).variables["rate"]
    # Normal about the level, of the deviation of Euler's steps with alpha = 0.1. With correlations
    # over 10 samples, 800 000 of them are as good as 40 000, known to 0.0025.
    deviation = 0.1 / np.sqrt(0.95)
    assert float((rate[100:] < 0).mean()) == pytest.approx(norm.cdf(-level / deviation), abs=0.01)
    model = uncoupled(400, tau=50.0, form="current", activation="relu", b=level, noise_std=0.1)
    rate = integrate(model, n_steps=200, n_trials=10, **run).variables["rate"]
    assert float(rate.min()) == 0.0


def test_both_paths_agree_in_single_precision():
    model = CTRNN(3, 33, 2, noise_std=0.1, key=2)
    x = inputs((101, 4, 3))
    fast = integrate(model, x, dt=10.0, key=3)
    slow = integrate(model, x, dt=10.0, key=3, force=keep)
    np.testing.assert_allclose(fast.outputs, slow.outputs, atol=2e-5)


@pytest.mark.parametrize("form", FORMS)
def test_gradient_of_tau_and_weights_against_finite_differences(form, x64):
    model = CTRNN(2, 6, 1, form=form, tau=params.Bounded(10.0, 300.0, init=60.0), key=4)
    x = inputs((50, 3, 2))

    def loss(model):
        return (integrate(model, x, dt=5.0).outputs ** 2).mean()

    gradient = eqx.filter_jit(eqx.filter_grad(loss))(model)
    loss = eqx.filter_jit(loss)
    rng = np.random.default_rng(0)
    for where in (lambda m: m.tau.raw, lambda m: m.W, lambda m: m.U, lambda m: m.W_out):
        at, slope = np.asarray(where(model)), np.asarray(where(gradient))
        direction = rng.normal(size=at.shape)
        up = eqx.tree_at(where, model, jnp.asarray(at + 1e-5 * direction))
        down = eqx.tree_at(where, model, jnp.asarray(at - 1e-5 * direction))
        numeric = (float(loss(up)) - float(loss(down))) / 2e-5
        assert float((slope * direction).sum()) == pytest.approx(numeric, rel=1e-6)


# --- noise -------------------------------------------------------------------------------------


@pytest.mark.parametrize("generic", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_noise_has_the_stated_stationary_std_whatever_tau(form, generic):
    tau = np.array([20.0, 50.0, 200.0], np.float32)
    sigma = np.array([0.5, 1.0, 2.0], np.float32)
    model = uncoupled(3, tau=tau, form=form, activation="identity", noise_std=sigma)
    zeros = jnp.zeros((1_500, 200, 0))
    save = Save(variables=("rate",))
    run = integrate(model, zeros, dt=10.0, key=0, save=save, force=keep if generic else None)
    std = np.asarray(run.variables["rate"])[400:].std(axis=(0, 1))
    expected = sigma / np.sqrt(1 - 10.0 / (2 * tau))  # Euler; sigma itself as dt vanishes
    np.testing.assert_allclose(std, expected, rtol=0.02)
    fine = integrate(model, zeros[:800], dt=1.0, key=1, save=Save(variables=("rate",)))
    std = np.asarray(fine.variables["rate"])[400:, :, :2].std(axis=(0, 1))
    np.testing.assert_allclose(std, sigma[:2], rtol=0.05)


@pytest.mark.parametrize("generic", [True, False])
def test_noise_inside_the_nonlinearity(generic):
    """Each step draws ``phi(b + sigma sqrt(2 / alpha) xi)``, whose moments are known."""
    sigma, level, alpha = 0.3, -0.2, 0.2
    model = uncoupled(
        50, tau=50.0, activation="relu", b=level, noise_std=sigma, noise_at="drive"
    )  # does not warn, because rates stay at 0 or above
    zeros = jnp.zeros((400, 40, 0))
    run = integrate(model, zeros, dt=10.0, key=0, save=RATES, force=keep if generic else None)
    rate = np.asarray(run.variables["rate"])[100:]
    spread = sigma * np.sqrt(2 / alpha)
    below, density = norm.cdf(level / spread), spread * norm.pdf(level / spread)
    mean = level * below + density  # of a rectified normal variable
    variance = (level**2 + spread**2) * below + level * density - mean**2
    assert rate.min() >= 0
    assert rate.mean() == pytest.approx(mean, rel=0.01)
    assert rate.var() == pytest.approx(variance * alpha / (2 - alpha), rel=0.03)


def test_noise_of_the_drive_is_that_of_the_state_in_a_linear_network(x64):
    def outputs(noise_at, force=None):
        options = {"activation": "identity", "noise_std": 0.1, "noise_at": noise_at}
        model = CTRNN(3, 16, 2, tau=params.Bounded(20.0, 500.0, 60.0), **options, key=2)

        def loss(model):
            run = integrate(model, inputs((31, 4, 3)), dt=10.0, key=3, force=force)
            return (run.outputs**2).mean(), run.outputs

        return eqx.filter_jit(eqx.filter_grad(loss, has_aux=True))(model)

    state_gradient, state = outputs("state")
    for force in (None, keep):
        gradient, driven = outputs("drive", force)
        np.testing.assert_allclose(driven, state, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradient.W, state_gradient.W, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(gradient.tau.raw, state_gradient.tau.raw, rtol=1e-6, atol=1e-12)


def test_noise_of_the_drive_is_refused_where_it_means_nothing():
    with pytest.raises(ValueError, match=r'form="rate".*leave `noise_at` out'):
        CTRNN(3, 8, 2, form="current", noise_at="drive", key=0)
    with pytest.raises(ValueError, match='must be "state"'):
        CTRNN(3, 8, 2, noise_at="input", key=0)
    model = CTRNN(3, 8, 2, noise_std=0.1, noise_at="drive", key=0)
    with pytest.raises(ValueError, match="key"):
        integrate(model, inputs(), dt=10.0)
    with pytest.raises(ValueError, match=r"chooses its own steps: use nd\.integrate"):
        solve(model, inputs(), [10.0], dt=10.0, key=0)


def test_zero_noise_is_no_noise():
    x = inputs()
    silent = integrate(CTRNN(3, 8, 2, key=0), x, dt=10.0)
    zero = integrate(CTRNN(3, 8, 2, noise_std=0.0, key=0), x, dt=10.0, key=0)
    np.testing.assert_allclose(silent.outputs, zero.outputs, atol=1e-6)


def test_noise_needs_a_key():
    with pytest.raises(ValueError, match="key"):
        integrate(CTRNN(3, 8, 2, noise_std=0.1, key=0), inputs(), dt=10.0)


# --- initial state -----------------------------------------------------------------------------


def test_fixed_initial_state_is_not_trained_and_a_learned_one_is():
    x = inputs()

    def loss(model):
        return (integrate(model, x, dt=10.0).outputs ** 2).mean()

    fixed = CTRNN(3, 8, 2, initial=0.3, key=0)
    learned = CTRNN(3, 8, 2, initial=params.Free(0.3), key=0)
    assert loss(fixed) == loss(learned)
    assert not params.trainable(fixed).initial.raw
    assert params.trainable(learned).initial
    assert (eqx.filter_grad(loss)(fixed).initial.raw == 0).all()
    assert (eqx.filter_grad(loss)(learned).initial != 0).all()


def test_random_initial_state_is_drawn_for_every_trial():
    model = CTRNN(3, 50, 2, W=0.0, U=0.0, tau=1e9, initial=params.Uniform(0.0, 0.1), key=0)
    x = inputs((1, 200, 3))
    start = np.asarray(integrate(model, x, dt=1.0, key=0, save=RATES).variables["rate"][0])
    assert start.min() >= 0
    assert start.max() <= 0.1
    assert start.mean() == pytest.approx(0.05, abs=0.002)
    assert len(np.unique(start[:, 0])) == 200
    again = integrate(model, x, dt=1.0, key=0, save=RATES).variables["rate"][0]
    np.testing.assert_array_equal(start, again)
    other = integrate(model, x, dt=1.0, key=1, save=RATES).variables["rate"][0]
    assert (start != np.asarray(other)).mean() > 0.99
    with pytest.raises(ValueError, match="initial state of this CTRNN"):
        integrate(model, x, dt=1.0)


def test_initial_state_of_each_sequence():
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    model = CTRNN(0, 3, 1, W=0.0, tau=1e9, initial=params.Indexed(4, init=rows), key=0)

    class Trial(eqx.Module):
        item: jax.Array

    run = integrate(
        model, dt=1.0, n_steps=1, n_trials=2, trial=Trial(jnp.asarray([2, 0])), save=RATES
    )
    np.testing.assert_allclose(run.variables["rate"][0], rows[[2, 0]], atol=1e-5)


# --- interventions and labels ------------------------------------------------------------------


def test_injected_current_adds_to_the_summed_input():
    x = inputs()
    for form in FORMS:
        model = CTRNN(3, 8, 2, form=form, key=0)
        shifted = eqx.tree_at(lambda m: m.b, model, model.b + jnp.linspace(0.0, 0.7, 8))
        current = jnp.broadcast_to(jnp.linspace(0.0, 0.7, 8), (40, 5, 8))
        run = integrate(model, Drive(input=x, current=current), dt=10.0)
        expected = integrate(shifted, x, dt=10.0).outputs
        np.testing.assert_allclose(run.outputs, expected, atol=1e-5)
        by_hand = Current(np.ones(8), np.linspace(0.0, 0.7, 8))
        run = integrate(model, x, dt=10.0, interventions=(by_hand,))
        np.testing.assert_allclose(run.outputs, expected, atol=1e-5)


@pytest.mark.parametrize("W", [None, params.Dale(0.75), params.LowRank(2), params.Masked(0.5)])
def test_cut_units_neither_hear_nor_speak(W):
    model = CTRNN(3, 8, 2, W=W, b=0.1, key=0)
    units = np.arange(8) < 2
    cut = params.with_values(model.cut(units))
    whole = params.with_values(model)
    np.testing.assert_array_equal(cut.W[:2], 0)
    np.testing.assert_array_equal(cut.W[:, :2], 0)
    np.testing.assert_array_equal(cut.U[:, :2], 0)
    np.testing.assert_array_equal(cut.W_out[:2], 0)
    np.testing.assert_array_equal(cut.W[2:, 2:], whole.W[2:, 2:])
    np.testing.assert_array_equal(cut.U[:, 2:], whole.U[:, 2:])
    np.testing.assert_array_equal(cut.b, whole.b)
    deaf = params.with_values(model.cut(units, outgoing=False))
    np.testing.assert_array_equal(deaf.W[:2, 2:], whole.W[:2, 2:])
    np.testing.assert_array_equal(deaf.W[:, :2], 0)
    mute = params.with_values(model.cut(units, incoming=False))
    np.testing.assert_array_equal(mute.W[2:, :2], whole.W[2:, :2])
    np.testing.assert_array_equal(mute.W[:2], 0)


def test_lesion_is_the_same_as_running_the_cut_model():
    model = CTRNN(3, 8, 2, W=params.Dale(0.75), key=0)
    units = np.arange(8) % 3 == 0
    x = inputs()
    lesioned = integrate(model, x, dt=10.0, interventions=(Lesion(units),), save=RATES)
    cut = integrate(model.cut(units), x, dt=10.0, save=RATES)
    np.testing.assert_allclose(lesioned.variables["rate"], cut.variables["rate"], atol=1e-5)


def test_unit_coordinates():
    areas = {"V1": 5, "PFC": 3}
    W = params.Dale(0.6, params.Blocks(areas, between={("V1", "PFC"): params.Free()}))
    model = CTRNN(3, 8, 2, W=W, tau=np.linspace(20, 90, 8), key=0)
    coords = model.unit_coords()
    assert coords["area"].tolist() == ["V1"] * 5 + ["PFC"] * 3
    assert coords["ei"].tolist() == [1, 1, 1, -1, -1, 1, 1, -1]
    np.testing.assert_allclose(coords["tau"], np.linspace(20, 90, 8), rtol=1e-6)
    assert params.with_values(model).unit_coords()["ei"].tolist() == coords["ei"].tolist()
    assert CTRNN(3, 8, 2, areas=areas, key=0).unit_coords()["area"].tolist()[5] == "PFC"
    assert set(CTRNN(3, 8, 2, key=0).unit_coords()) == {"tau"}


# --- construction ------------------------------------------------------------------------------


def test_default_taus_are_trained_and_given_numbers_are_not():
    model = CTRNN(3, 8, 2, key=0)
    np.testing.assert_allclose(params.with_values(model).tau, 100.0, rtol=1e-5)
    assert params.trainable(model).tau.raw
    assert not params.trainable(CTRNN(3, 8, 2, tau=50.0, key=0)).tau.raw


def test_sizes_of_zero_run():
    run = integrate(CTRNN(0, 4, 0, key=0), dt=10.0, n_steps=3, save=RATES)
    assert run.outputs.shape == (3, 0)
    assert run.variables["rate"].shape == (3, 4)


def test_numbers_do_not_recompile():
    x = inputs()

    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def run(model):
        return integrate(model, x, dt=10.0, key=0).outputs

    for i in range(1, 5):
        law = params.Uniform(0.0, 0.1 * i)
        run(CTRNN(3, 8, 2, tau=20.0 * i, noise_std=0.1 * i, initial=law, b=0.1 * i, key=i))


@pytest.mark.parametrize("dt", [30.0, 120.0])
def test_step_longer_than_a_time_constant_is_refused(dt):
    model = CTRNN(3, 8, 2, tau=np.array([100.0] * 7 + [25.0], np.float32), key=0)
    with pytest.raises(ValueError, match=rf"dt={dt:g} ms.*shortest is 25 ms"):
        integrate(model, inputs(), dt=dt)
    integrate(model, inputs(), dt=25.0)


def test_lower_bound_of_tau_may_equal_the_step():
    model = CTRNN(3, 4, 2, tau=params.Bounded(0.3, 9.0, init=1.0), key=0)
    at_bound = eqx.tree_at(lambda m: m.tau.raw, model, jnp.full(4, -1e3))
    at_bound.check_step(0.3)
    with pytest.raises(ValueError, match="below the step"):
        at_bound.check_step(0.31)


REFUSED = {
    "no key": ({"key": None}, ValueError, "key"),
    "units": ({"n_units": 0}, ValueError, "`n_units` must be a whole number >= 1, got 0"),
    "form": ({"form": "update"}, ValueError, "LeakyRNN"),
    "activation": ({"activation": "tan"}, ValueError, "Unknown activation 'tan'"),
    "activation type": ({"activation": jnp.ones(2)}, TypeError, "plain function"),
    "negative tau": ({"tau": -1.0}, ValueError, "`tau` must be above 0 ms in every unit, got -1"),
    "NaN tau": ({"tau": np.nan}, ValueError, "`tau` .* NaN"),
    "tau shape": ({"tau": np.ones(3)}, ValueError, r"`tau` .*\(3,\).*\(8,\)"),
    "W shape": ({"W": np.ones((8, 7))}, ValueError, r"`W` .*\(8, 7\).*\(8, 8\)"),
    "negative noise": ({"noise_std": -0.1}, ValueError, "`noise_std` .*>= 0, got -0.1"),
    "initial": ({"initial": "random"}, ValueError, "params.Uniform"),
    "initial function": ({"initial": jax.nn.initializers.zeros}, ValueError, "params.Uniform"),
    "areas": ({"areas": {"a": 3}}, ValueError, "8 units.*got 3"),
    "areas against W": (
        {"areas": ["x"] * 8, "W": params.Blocks({"a": 4, "b": 4})},
        ValueError,
        "contradicts",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name):
    options, error, message = REFUSED[name]
    options = {"n_inputs": 3, "n_units": 8, "n_outputs": 2, "key": 0} | options
    with pytest.raises(error, match=message):
        CTRNN(**options)


def test_cut_refuses_a_mask_of_the_wrong_size():
    with pytest.raises(ValueError, match=r"the 8 units of this CTRNN.*shape \(3,\)"):
        CTRNN(3, 8, 2, key=0).cut(np.ones(3, bool))
