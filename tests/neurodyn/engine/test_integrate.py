"""The fixed-clock driver against exact solutions, and its promises."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurodyn as nd
from neurodyn import models, params
from neurodyn.engine import noise
from neurodyn.engine.record import unpack_spikes
from neurodyn.engine.run import execute
from tests.neurodyn.flows import LIF, OU, Forced, Leaky, Walk
from tests.rounding import assert_equal_to_rounding
from tests.systems import Sequences


def forced_reference(t_end):
    solution = solve_ivp(
        lambda t, y: [y[1], -y[0] + np.cos(0.5 * t)], (0, t_end), [1, 0], rtol=1e-12, atol=1e-12
    )
    return solution.y[:, -1]


VERY_CHORD = diffrax.VeryChord(rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("solver", "order"),
    [
        (diffrax.Euler(), 1),
        (diffrax.Heun(), 2),
        (diffrax.Midpoint(), 2),
        (diffrax.Ralston(), 2),
        (diffrax.Bosh3(), 3),
        (diffrax.Tsit5(), 5),
        (diffrax.Dopri5(), 5),
        (diffrax.ImplicitEuler(root_finder=VERY_CHORD), 1),
        (diffrax.Kvaerno3(root_finder=VERY_CHORD), 3),
    ],
    ids=lambda p: type(p).__name__ if isinstance(p, diffrax.AbstractSolver) else str(p),
)
def test_order_of_convergence(x64, solver, order):
    reference = forced_reference(10.0)

    def error(n):
        run = nd.integrate(Forced(), n_steps=n, dt=10 / n, solver=solver)
        return float(np.abs(run.final_state.x - reference).max())

    coarse, fine = (25, 50) if order == 5 else (200, 400)
    assert np.log2(error(coarse) / error(fine)) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize("solver", [diffrax.Bosh3(), diffrax.Tsit5(), diffrax.Dopri5()])
def test_fsal_solvers_keep_their_order_on_inputs_that_jump(x64, solver):
    # Held inputs that alternate in sign: the exact answer steps from jump to jump.
    levels = np.array([1.0, -1.0, 0.5, -0.5, 1.0])
    pieces, y = [1, 0], None
    for i, level in enumerate(levels):
        y = solve_ivp(
            lambda t, y, level=level: [y[1], -y[0] + level + np.cos(0.5 * t)],
            (2.0 * i, 2.0 * (i + 1)),
            pieces,
            rtol=1e-12,
            atol=1e-12,
        ).y[:, -1]
        pieces = y

    def error(per_level):
        inputs = jnp.asarray(np.repeat(levels, per_level)[:, None])
        run = nd.integrate(Forced(), inputs, dt=2.0 / per_level, solver=solver)
        return float(np.abs(run.final_state.x - y).max())

    order = 3 if isinstance(solver, diffrax.Bosh3) else 5
    assert np.log2(error(4) / error(8)) > order - 0.4


def test_euler_equals_diffrax_euler(x64):
    run = nd.integrate(Forced(), n_steps=50, dt=0.1)
    peer = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, _: jnp.array([y[1], -y[0] + jnp.cos(0.5 * t)])),
        diffrax.Euler(),
        0.0,
        5.0,
        0.1,
        jnp.array([1.0, 0.0]),
    )
    np.testing.assert_allclose(run.final_state.x, peer.ys[-1], rtol=1e-12)


def test_single_precision_clock_does_not_drift():
    # A leaky unit reaches its exact discrete fixed point and stays there at t = 1e6 ms.
    model = Leaky(jnp.array([50.0]))
    state = nd.State(jnp.array([[0.3]]))
    start = int(1e6 / 0.04)
    inputs = jnp.full((2000, 1, 1), 0.7)
    late = nd.integrate(model, inputs, dt=0.04, start=start, state=state)
    early = nd.integrate(model, inputs, dt=0.04, state=state)
    np.testing.assert_array_equal(late.final_state.x, early.final_state.x)
    expected = 0.7 + (0.3 - 0.7) * (1 - 0.04 / 50) ** 2000
    np.testing.assert_allclose(late.final_state.x, expected, rtol=2e-5)


@pytest.mark.parametrize("dt", [0.5, 2.0, 10.0])
def test_ornstein_uhlenbeck_variance_at_every_dt(dt):
    run = nd.integrate(
        OU(jnp.array(20.0), jnp.array(0.3)),
        jnp.zeros((4000, 64, 4)),
        dt=dt,
        key=0,
        save=nd.Save(("rate",)),
    )
    after = run.variables["rate"][int(200 / dt) :]
    # Euler-Maruyama's own stationary deviation, not the continuous one.
    expected = 0.3 / np.sqrt(1 - dt / 40.0)
    assert float(after.std()) == pytest.approx(expected, rel=0.01)
    decay = np.corrcoef(after[:-1].ravel(), after[1:].ravel())[0, 1]
    assert decay == pytest.approx(1 - dt / 20.0, abs=0.01)


@pytest.mark.parametrize(
    "solver",
    [
        diffrax.EulerHeun(),
        diffrax.Heun(),
        diffrax.ItoMilstein(),
        diffrax.StratonovichMilstein(),
        diffrax.SRA1(),
        diffrax.ShARK(),
        diffrax.SPaRK(),
    ],
    ids=lambda s: type(s).__name__,
)
def test_stochastic_solvers(solver):
    run = nd.integrate(
        OU(jnp.array(20.0), jnp.array(0.3)),
        jnp.zeros((1500, 64, 4)),
        dt=1.0,
        solver=solver,
        key=0,
        save=nd.Save(("rate",)),
    )
    assert float(run.variables["rate"][200:].std()) == pytest.approx(0.3, rel=0.03)


def test_noise_depends_on_key_trial_and_step_only():
    model = OU(jnp.array(20.0), jnp.array(0.3))
    options = {"dt": 1.0, "key": 3, "save": nd.Save(("rate",))}
    whole = nd.integrate(model, jnp.zeros((20, 6, 4)), **options).variables["rate"]
    some = nd.integrate(model, jnp.zeros((20, 2, 4)), first_trial=3, **options)
    assert_equal_to_rounding(some.variables["rate"], whole[:, 3:5], n_steps=20)
    first = nd.integrate(model, jnp.zeros((8, 6, 4)), **options)
    rest = nd.integrate(model, jnp.zeros((12, 6, 4)), start=8, state=first.final_state, **options)
    assert_equal_to_rounding(rest.variables["rate"], whole[8:], n_steps=20)
    other = nd.integrate(model, jnp.zeros((20, 6, 4)), **(options | {"key": 4}))
    assert not np.array_equal(other.variables["rate"], whole)


def test_recording_every_so_many_steps_and_in_a_window():
    model = OU(jnp.array(20.0), jnp.array(0.3))
    inputs = jnp.zeros((20, 3, 4))
    whole = nd.integrate(model, inputs, dt=2.0, key=0, save=nd.Save(("rate",)))
    thin = nd.integrate(model, inputs, dt=2.0, key=0, save=nd.Save(("rate",), every=3))
    assert_equal_to_rounding(thin.variables["rate"], whole.variables["rate"][2::3], n_steps=20)
    np.testing.assert_array_equal(thin.ts, whole.ts[2::3])
    assert_equal_to_rounding(thin.final_state.x, whole.final_state.x, n_steps=20)
    window = nd.Save(("rate",), window=(10.0, 22.0))
    part = nd.integrate(model, inputs, dt=2.0, key=0, save=window)
    assert_equal_to_rounding(part.variables["rate"], whole.variables["rate"][5:11], n_steps=20)
    np.testing.assert_array_equal(part.ts, [12, 14, 16, 18, 20, 22])
    assert_equal_to_rounding(part.final_state.x, whole.final_state.x, n_steps=20)


@pytest.mark.parametrize("dt", [0.1, 0.3, 2.0])
@pytest.mark.parametrize("window", [(0.7, 4.1), (3.3, 6.6), (4.0, np.inf)])
def test_windows_hold_the_samples_inside_them(dt, window):
    # Windows are compared with times in decimal, in which an edge on a step is exactly on it.
    inputs = jnp.zeros((round(12 / dt), 2, 1))
    run = nd.integrate(Leaky(jnp.ones(2) * 9), inputs, dt=dt, save=nd.Save(window=window))
    ts = np.round((np.arange(len(inputs)) + 1) * dt, 9)
    expected = ts[(ts > window[0]) & (ts <= window[1])]
    np.testing.assert_allclose(run.ts, expected, rtol=1e-6)
    assert len(run.outputs) == len(expected)


def test_a_step_draws_different_numbers_for_everything():
    key = jax.random.key(3)
    leaves = {"a": jnp.zeros(5), "b": jnp.zeros(5), "c": jnp.zeros(5)}
    path = noise.Increment(key, leaves, jnp.array(1.0))
    area = path.evaluate(0.0, 1.0, use_levy=True)
    after = jax.random.normal(jax.random.fold_in(key, noise.AFTER), (5,))
    scale = np.sqrt(12.0)
    draws = [*area.W.values(), *(h * scale for h in area.H.values()), after]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert not np.isclose(one, other, rtol=1e-5).any()
    # `split` and `fold_in` agree on small numbers, which is what has to be kept apart.
    used = {noise.AFTER, noise.AREA}
    assert not used & set(range(1_000_000))


def test_rows_of_the_running_trials_are_used(x64):
    sequences = Sequences(4)
    model = models.CTRNN(1, 3, 1, b=params.Indexed(4, init=params.Uniform(-1.0, 1.0)), key=0)
    inputs = jax.random.normal(jax.random.key(0), (6, 2, 1))
    rows = jnp.array([3, 1])
    run = nd.integrate(model, inputs, dt=5.0, trial=jax.vmap(sequences.item)(rows))
    for i, row in enumerate(rows):
        own = eqx.tree_at(lambda m: m.b, model, model.b.values[row])
        np.testing.assert_allclose(
            run.outputs[:, i], nd.integrate(own, inputs[:, i], dt=5.0).outputs, rtol=1e-12
        )


@pytest.mark.parametrize("solver", [diffrax.Euler(), diffrax.Heun()])
def test_a_single_precision_model_stays_so_in_double_precision(solver):
    model = models.CTRNN(1, 3, 1, key=0)
    inputs = jnp.ones((5, 2, 1))
    clamp = nd.intervene.Clamp
    with jax.enable_x64(True):
        held = (clamp(np.array([1, 0, 0]), 0.5), nd.intervene.Current(np.array([0, 1, 0]), 0.5))
        run = nd.integrate(model, inputs, dt=5.0, solver=solver)
        other = nd.integrate(model, inputs, dt=5.0, solver=solver, interventions=held)
        assert run.outputs.dtype == other.outputs.dtype == jnp.float32
        with pytest.raises(TypeError, match=r"convert the inputs with \.astype"):
            nd.integrate(model, np.ones((5, 2, 1)), dt=5.0, solver=solver)


@pytest.mark.parametrize("fused", [True, False])
def test_length_bounds_what_counts(fused):
    model = models.CTRNN(2, 8, 3, activation="tanh" if fused else "elu", key=0)
    assert model.can_fuse == fused
    inputs = jax.random.normal(jax.random.key(0), (30, 4, 2))
    short = nd.integrate(model, inputs[:17], dt=10.0, save=nd.Save(("rate",)))
    bounded = nd.integrate(model, inputs, dt=10.0, length=17, save=nd.Save(("rate",)))
    np.testing.assert_allclose(bounded.outputs[:17], short.outputs, atol=1e-6)
    assert not bounded.outputs[17:].any()
    np.testing.assert_allclose(bounded.final_state.x, short.final_state.x, atol=1e-6)
    last = nd.integrate(model, inputs, dt=10.0, length=17, save=nd.Save(outputs="last"))
    np.testing.assert_allclose(last.outputs[0], short.outputs[-1], atol=1e-6)


def test_fused_and_generic_paths_agree_in_value_and_gradient(x64):
    model = models.CTRNN(3, 17, 2, noise_std=0.1, key=0)
    inputs = jax.random.normal(jax.random.key(1), (333, 5, 3))
    anything = nd.intervene.Current(np.zeros(17), 0.0)  # sends the run down the generic path

    def loss(model, interventions):
        run = nd.integrate(model, inputs, dt=5.0, key=2, interventions=interventions)
        return jnp.mean(run.outputs**2)

    fused, fused_grad = eqx.filter_value_and_grad(loss)(model, ())
    generic, generic_grad = eqx.filter_value_and_grad(loss)(model, (anything,))
    np.testing.assert_allclose(fused, generic, rtol=1e-12)
    for a, b in zip(jax.tree.leaves(fused_grad), jax.tree.leaves(generic_grad), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-14)


def test_gradient_through_time_against_finite_differences(x64):
    inputs = jax.random.normal(jax.random.key(1), (40, 3, 1))

    def loss(tau):
        return jnp.sum(nd.integrate(Leaky(tau), inputs, dt=2.0).outputs ** 2)

    tau = jnp.array([30.0])
    grad = jax.grad(loss)(tau)[0]
    step = 1e-4
    numeric = (loss(tau + step) - loss(tau - step)) / (2 * step)
    np.testing.assert_allclose(grad, numeric, rtol=1e-6)


def test_maps_run_through_the_same_driver():
    inputs = jnp.ones((10, 2, 1))
    run = nd.integrate(Walk(), inputs, dt=1.0, save=nd.Save(("rate",)))
    np.testing.assert_array_equal(run.variables["rate"][:, 0, 0], np.arange(1, 11))
    noisy = nd.integrate(Walk(), inputs, dt=1.0, key=0, save=nd.Save(("rate",)))
    assert float(jnp.std(noisy.variables["rate"][-1])) > 0


def test_spikes_are_recorded_packed_or_dense():
    model = LIF(jnp.array([1.5, 2.0]))
    dense = nd.integrate(model, n_steps=1000, n_trials=3, dt=0.1, save=nd.Save(spikes="dense"))
    packed = nd.integrate(
        model, n_steps=1000, n_trials=3, dt=0.1, save=nd.Save(spikes="packed", every=7)
    )
    steps, trials, units = unpack_spikes(np.asarray(packed.spikes), 2)
    found = np.zeros((1000, 3, 2))
    found[steps, trials, units] = 1
    np.testing.assert_array_equal(found, dense.spikes)
    np.testing.assert_array_equal(
        dense.final_state.memory["count"], np.asarray(dense.spikes.sum(0), int)
    )
    # Interspike interval of the exact solution, to a step.
    exact = 10 * np.log(1.5 / 0.5)
    intervals = np.diff(np.flatnonzero(dense.spikes[:, 0, 0])) * 0.1
    np.testing.assert_allclose(intervals, exact, atol=0.11)


def test_teacher_forcing_replaces_the_state():
    def force(t, state, u):
        return nd.State(jnp.where(t < 5.5, u.target, state.x))

    drive = nd.Drive(input=jnp.zeros((10, 2, 4)), target=jnp.full((10, 2, 4), 3.0))
    model = eqx.tree_at(lambda m: m.std, OU(jnp.array(10.0), jnp.array(0.0)), jnp.array(0.0))
    run = nd.integrate(model, drive, dt=1.0, key=0, force=force, save=nd.Save(("rate",)))
    assert np.all(run.variables["rate"][:5] == 3.0)
    np.testing.assert_allclose(run.variables["rate"][-1], 3.0 * 0.9**5, rtol=1e-5)


def test_callable_inputs_follow_time(x64):
    run = nd.integrate(
        Leaky(jnp.array([10.0])),
        lambda t: jnp.sin(t / 20.0)[None],
        n_steps=4000,
        dt=0.05,
        solver=diffrax.Heun(),
    )
    t, w, tau = 200.0, 1 / 20.0, 10.0
    exact = (np.sin(w * t) - w * tau * np.cos(w * t) + w * tau * np.exp(-t / tau)) / (
        1 + (w * tau) ** 2
    )
    np.testing.assert_allclose(run.final_state.x[0], exact, atol=1e-6)


def test_one_trace_for_new_seeds_inputs_and_parameters():
    traces = 0

    model = models.CTRNN(2, 8, 1, noise_std=0.1, key=0)

    @eqx.filter_jit
    def run(model, inputs, key, dt):
        nonlocal traces
        traces += 1
        return nd.integrate(model, inputs, dt=dt, key=key).outputs

    for seed in range(5):
        scaled = eqx.tree_at(lambda m: m.b, model, model.b + seed)
        inputs = jnp.full((10, 3, 2), float(seed))
        run(scaled, inputs, jax.random.key(seed), jnp.asarray(1.0 + seed))
    assert traces == 1


def test_the_driver_itself_compiles_once():
    model = models.CTRNN(2, 8, 1, noise_std=0.1, key=0)
    before = None
    for seed in range(6):
        scaled = eqx.tree_at(lambda m: m.b, model, model.b + seed)
        nd.integrate(scaled, jnp.full((10, 3, 2), float(seed)), dt=1.0 + seed, key=seed)
        size = execute._cached._cache_size()
        before = size if before is None else before
        assert size == before


BAD = {
    "not a system": (lambda: nd.integrate(object(), n_steps=3, dt=1.0), TypeError, "flow or a map"),
    "wrong inputs": (
        lambda: nd.integrate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 2)), dt=1.0),
        ValueError,
        "1 inputs",
    ),
    "no length": (lambda: nd.integrate(Forced(), dt=1.0), ValueError, "n_steps"),
    "empty": (
        lambda: nd.integrate(Leaky(jnp.ones(2)), jnp.zeros((0, 3, 1)), dt=1.0),
        ValueError,
        "empty",
    ),
    "dt": (lambda: nd.integrate(Forced(), n_steps=3, dt=-1.0), ValueError, "positive"),
    "tau below dt": (
        lambda: nd.integrate(models.CTRNN(1, 3, 1, tau=5.0, key=0), jnp.zeros((4, 1)), dt=10.0),
        ValueError,
        "tau",
    ),
    "no key": (
        lambda: nd.integrate(OU(jnp.array(9.0), jnp.array(1.0)), jnp.zeros((3, 4)), dt=1.0),
        ValueError,
        "key",
    ),
    "unknown variable": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save=nd.Save(("voltage",))),
        ValueError,
        "no variables",
    ),
    "every": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save=nd.Save(every=0)),
        ValueError,
        "whole number >= 1",
    ),
    "window": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save=nd.Save(window=(0.0, 9.0))),
        ValueError,
        "not inside the run",
    ),
    "spikes": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save=nd.Save(spikes="dense")),
        ValueError,
        "does not spike",
    ),
    "every too large": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save=nd.Save(every=4)),
        ValueError,
        "nothing would be recorded",
    ),
    "one name": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save="speed"),
        ValueError,
        "no variables",
    ),
    "no record": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, save={"every": 2}),
        TypeError,
        "neurodyn.Save or names",
    ),
    "length": (
        lambda: nd.integrate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, length=6),
        ValueError,
        "from 1 to the 5 steps",
    ),
    "no steps": (
        lambda: nd.integrate(Forced(), n_steps=0, dt=1.0),
        ValueError,
        "`n_steps` must be a whole number >= 1",
    ),
    "indexed parameter": (
        lambda: nd.integrate(
            models.CTRNN(1, 3, 1, b=params.Indexed(4), key=0), jnp.zeros((5, 2, 1)), dt=1.0
        ),
        ValueError,
        "pass `trial=`",
    ),
    "row out of range": (
        lambda: nd.integrate(
            models.CTRNN(1, 3, 1, b=params.Indexed(4), key=0),
            jnp.zeros((5, 2, 1)),
            dt=1.0,
            trial=jax.vmap(Sequences(9).item)(jnp.array([0, 8])),
        ),
        ValueError,
        "rows 0 to 8",
    ),
    "parts of a step": (
        lambda: nd.integrate(
            OU(jnp.array(9.0), jnp.array(1.0)),
            jnp.zeros((3, 4)),
            dt=1.0,
            key=0,
            solver=diffrax.HalfSolver(diffrax.Heun()),
        ),
        ValueError,
        "drawn for whole steps",
    ),
    "implicit in the noise": (
        lambda: nd.integrate(
            OU(jnp.array(9.0), jnp.array(1.0)),
            jnp.zeros((3, 4)),
            dt=1.0,
            key=0,
            solver=diffrax.ImplicitEuler(root_finder=VERY_CHORD),
        ),
        ValueError,
        "implicit in the noise",
    ),
    "noise solver without noise": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, solver=diffrax.ShARK()),
        ValueError,
        "is for noise",
    ),
    "equations in two parts": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, solver=diffrax.KenCarp4()),
        ValueError,
        "two parts",
    ),
    "state of other trials": (
        lambda: nd.integrate(
            Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, state=nd.State(jnp.zeros((2, 2)))
        ),
        ValueError,
        "each of 3 trials",
    ),
    "state without its name": (
        lambda: nd.integrate(
            Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, state=jnp.zeros((3, 2))
        ),
        TypeError,
        "must be a State",
    ),
    "one intervention": (
        lambda: nd.integrate(
            Leaky(jnp.ones(2)),
            jnp.zeros((5, 3, 1)),
            dt=0.1,
            interventions=nd.intervene.Current(np.ones(2), 1.0),
        ),
        TypeError,
        "is a list",
    ),
    "amplitudes of other units": (
        lambda: nd.intervene.Current(np.ones(2), np.ones(3)),
        ValueError,
        "each of the 2 units",
    ),
    "multistep solver": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, solver=diffrax.ReversibleHeun()),
        ValueError,
        "ReversibleHeun",
    ),
    "implicit without tolerance": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, solver=diffrax.ImplicitEuler()),
        ValueError,
        "tolerance",
    ),
    "not a solver": (
        lambda: nd.integrate(Forced(), n_steps=3, dt=1.0, solver="euler"),
        TypeError,
        "diffrax solver",
    ),
    "ragged drive": (
        lambda: nd.integrate(
            Leaky(jnp.ones(2)),
            nd.Drive(input=jnp.zeros((5, 3, 1)), target=jnp.zeros((4, 3, 1))),
            dt=1.0,
        ),
        ValueError,
        "leading",
    ),
    "contradiction": (
        lambda: nd.integrate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=1.0, n_steps=6),
        ValueError,
        "contradicts",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_fix(case):
    call, error, match = BAD[case]
    with pytest.raises(error, match=match):
        call()
