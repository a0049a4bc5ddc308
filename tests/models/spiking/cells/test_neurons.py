"""Neurons against their equations in NumPy, published behaviour and analytic solutions."""

import functools

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.engine.solve import solve
from neurodyn.models import spiking
from neurodyn.models.spiking.plasticity import RLS, PairSTDP
from tests.models.spiking import networks

#: With a peak that can be solved to: the upstroke goes to infinity.
ADEX = functools.partial(spiking.AdEx, v_peak=-20.0)


def run(neuron, current, dt=0.1, duration=500.0, **options):
    network = spiking.Network(neuron, bias=current, **options)
    save = Save(("v",), outputs=None, spikes="dense")
    return integrate(network, dt=dt, n_steps=round(duration / dt), save=save)


def books_cells(current, dt, steps):
    """The seven cells of the book, each with its own rules, one after the other."""

    def cubic(v):
        return 0.0 if v < -55 else 0.025 * (v + 55) ** 3

    #        C    k     vr   vt  peak          a      U(v)                      c            after
    cells = {
        "RS": (100, 0.7, -60, -40, 0.03, lambda v: -2 * (v + 60), 35, -50, lambda u: u + 100),
        "IB": (150, 1.2, -75, -45, 0.01, lambda v: 5 * (v + 75), 50, -56, lambda u: u + 130),
        "CH": (50, 1.5, -60, -40, 0.03, lambda v: v + 60, 25, -40, lambda u: u + 150),
        "LTS": (
            100,
            1.0,
            -56,
            -42,
            0.03,
            lambda v: 8 * (v + 56),
            40,
            -53,
            lambda u: min(u + 20, 670),
        ),
        "FS": (20, 1.0, -55, -40, 0.2, cubic, 25, -45, lambda u: u),
        "TC": (
            200,
            1.6,
            -60,
            -50,
            0.01,
            lambda v: (15 if v < -65 else 0) * (v + 60),
            35,
            -60,
            lambda u: u + 10,
        ),
        "RTN": (
            40,
            0.25,
            -65,
            -45,
            0.015,
            lambda v: (10 if v < -65 else 2) * (v + 65),
            0,
            -55,
            lambda u: u + 50,
        ),
    }
    slope = {"LTS": (-0.1, 0.04), "TC": (0.1, -0.1)}
    spikes = np.zeros((steps, len(cells)))
    for i, (name, (C, k, vr, vt, a, U, peak, c, after)) in enumerate(cells.items()):
        of_peak, of_c = slope.get(name, (0.0, 0.0))
        v, u = float(vr), 0.0
        for t in range(steps):
            v, u = (
                v + dt * (k * (v - vr) * (v - vt) - u + current[t, i]) / C,
                u + dt * a * (U(v) - u),
            )
            if v >= peak + of_peak * u:
                spikes[t, i] = 1
                v, u = c + of_c * u, after(u)
    return list(cells), spikes


def test_all_types_of_2007_follow_the_book(x64):
    steps, dt = 8000, 0.1
    # Depolarised, then hyperpolarised far below -65 mV, then released: both slopes are passed.
    level = np.repeat([0.0, 1.0, -1.0, 0.5], steps // 4)
    current = level[:, None] * np.array([150.0, 400.0, 300.0, 300.0, 200.0, 400.0, 150.0])
    names, expected = books_cells(current, dt, steps)
    network = spiking.Network(spiking.Izhikevich2007(7, names))
    save = Save(outputs=None, spikes="dense")
    got = integrate(network, Drive(current=jnp.asarray(current)), dt=dt, save=save)
    assert (expected.sum(0) >= 2).all()
    # Over spikes the fast-spiking cell multiplies the last bit that NumPy rounds differently.
    fast, others = names.index("FS"), [i for i, name in enumerate(names) if name != "FS"]
    np.testing.assert_array_equal(got.spikes[:, others], expected[:, others])
    np.testing.assert_array_equal(got.spikes[:3000, fast], expected[:3000, fast])
    released = got.spikes[6000:, fast].sum()
    assert abs(released - expected[6000:, fast].sum()) <= 1


def test_published_types_of_2003_behave_as_their_names_say():
    cells = spiking.Izhikevich2003(7, list(spiking.CELL_TYPES_2003))
    spikes = np.asarray(run(cells, 10.0).spikes)
    rate = dict(zip(spiking.CELL_TYPES_2003, spikes.sum(0) / 0.5, strict=True))
    assert rate["FS"] > 3 * rate["RS"] > 0
    gaps = {n: np.diff(np.flatnonzero(spikes[:, i])) for i, n in enumerate(rate)}
    # Chattering cells fire bursts: most intervals are a small part of the longest.
    assert np.median(gaps["CH"]) < 0.2 * gaps["CH"].max()
    # Regular spiking cells adapt: the first interval is the shortest.
    assert gaps["RS"][0] == gaps["RS"].min() < gaps["RS"][-1]


def test_rate_of_integrate_and_fire_units_is_the_analytic_one(x64):
    current, refractory = 12.0, 3.0
    unit = spiking.Population(spiking.LIF(1), refractory=refractory)
    expected = refractory + 20 * np.log(current / (current - 10))  # interval [ms]
    run_ = solve(spiking.Network(unit, bias=current), None, [400.0], max_events=200, dt0=0.1)
    times = np.asarray(run_.spikes.time)[: int(run_.spikes.count)]
    # Refractoriness ends inside a step of the solver, which costs some of its accuracy.
    np.testing.assert_allclose(np.diff(times), expected, rtol=5e-4)
    clocked = run(unit, current, dt=0.01, duration=400.0)
    steps = np.flatnonzero(np.asarray(clocked.spikes)[:, 0])
    np.testing.assert_allclose(np.diff(steps).mean() * 0.01, expected, rtol=5e-3)


@pytest.mark.parametrize(
    ("neuron", "current"),
    [(spiking.Izhikevich2003, 10.0), (ADEX, 800.0)],
)
def test_root_found_spikes_are_the_limit_of_short_steps(neuron, current, x64):
    exact = solve(spiking.Network(neuron(1), bias=current), None, [150.0], max_events=50)
    exact = np.asarray(exact.spikes.time)[: int(exact.spikes.count)]
    assert len(exact) >= 3

    def late(dt):
        steps = np.flatnonzero(np.asarray(run(neuron(1), current, dt, 150.0).spikes)[:, 0])
        assert len(steps) == len(exact)
        return np.abs((steps + 1) * dt - exact).max()

    coarse, fine = late(0.02), late(0.005)
    assert fine < 0.5
    assert fine < coarse / 2


def test_a_runge_kutta_scheme_is_closer_than_euler_between_spikes(x64):
    quiet = spiking.Izhikevich2003(1, v0=-55.0)
    finest = run(quiet, 0.0, dt=0.001, duration=20.0).variables["v"][-1, 0]
    euler = run(quiet, 0.0, dt=0.5, duration=20.0).variables["v"][-1, 0]
    heun = run(quiet, 0.0, dt=0.5, duration=20.0, scheme=diffrax.Heun()).variables["v"][-1, 0]
    assert abs(heun - finest) < 0.2 * abs(euler - finest)


@pytest.mark.parametrize(
    ("surrogate", "shape"),
    [
        (spiking.FastSigmoid, lambda x: 1 / (1 + np.abs(x)) ** 2),
        (spiking.Triangle, lambda x: np.maximum(1 - np.abs(x), 0)),
        (spiking.Gaussian, lambda x: np.exp(-(x**2) / 2)),
        (spiking.Arctan, lambda x: 1 / (1 + (np.pi * x / 2) ** 2)),
        (spiking.Sigmoid, lambda x: 1 / np.cosh(x / 2) ** 2),
    ],
)
def test_surrogate_derivatives_have_the_shape_and_size_they_say(surrogate, shape):
    x = jnp.linspace(-12.0, 12.0, 25)
    made = params.with_values(surrogate(4.0))
    np.testing.assert_array_equal(made(x), x >= 0)
    slope = jax.vmap(jax.grad(lambda x: made(x[None])[0]))(x)
    np.testing.assert_allclose(slope, shape(np.asarray(x) / 4) / 4, rtol=1e-5)
    tall = params.with_values(surrogate(4.0, height=2.0))
    np.testing.assert_allclose(jax.grad(lambda x: tall(x[None])[0])(0.0), 2.0, rtol=1e-6)


def test_the_reset_can_be_left_out_of_gradients(x64):
    def change(detach):
        network = spiking.Network(
            spiking.LIF(1, v0=-51.0), bias=params.Free(20.0), detach_reset=detach
        )

        def last(network):
            save = Save(("v",), outputs=None)
            return integrate(network, dt=0.5, n_steps=8, save=save).variables["v"][-1, 0]

        value, gradient = eqx.filter_value_and_grad(last)(network)
        return float(value), float(gradient.bias[0])

    (v, through), (v_detached, around) = change(False), change(True)
    assert v == v_detached
    assert through != around
    # Around the reset, v after it follows the leak alone: dv/dI = sum of (1 - dt/tau)^k dt/tau.
    fired = np.flatnonzero(np.asarray(run(spiking.LIF(1, v0=-51.0), 20.0, 0.5, 4.0).spikes))
    since = 8 - 1 - fired[-1]
    np.testing.assert_allclose(around, 1 - (1 - 0.5 / 20) ** since, rtol=1e-9)


def test_heterogeneous_and_drawn_parameters():
    drawn = spiking.Izhikevich2003(50, a=params.Uniform(0.02, 0.1), d=np.arange(50.0), key=0)
    a = np.asarray(drawn.a.value())
    assert ((a >= 0.02) & (a < 0.1)).all()
    assert np.ptp(a) > 0.05
    np.testing.assert_array_equal(drawn.d.value(), np.arange(50.0))
    both = spiking.Network({"a": drawn, "b": spiking.Izhikevich2003(2, b=params.Free(0.25))})
    assert len(both.kinds) == 1
    np.testing.assert_array_equal(params.with_values(both).kinds[0].a[:50], drawn.a.value())
    trained = [x for x in jax.tree.leaves(params.trainable(both)) if x]
    assert len(trained) == 1


def test_what_needs_steps_is_refused_in_continuous_time():
    network = spiking.Network(
        spiking.LIF(1),
        inputs={"train": spiking.SpikeInput(2)},
        synapses={"s": spiking.Exponential(5.0, exact=True)},
        projections={"p": spiking.Projection("train", "all", "s", W=1.0, rule=PairSTDP())},
        readout=spiking.Readout(1, W=1.0, rule=RLS(1.0)),
        current_noise_std=1.0,
    )
    message = (
        r"no steps for synapse 's'.*rule of projection 'p'.*spikes of input 'train'.*"
        r"random current.*filter.*rule of the readout"
    )
    with pytest.raises(ValueError, match=message):
        solve(network, None, [10.0], max_events=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spiking.Izhikevich2003(2, "XX"), r"Unknown cell types \['XX'\]; there are RS"),
        (lambda: spiking.Izhikevich2003(2, ["RS"]), r"one for each of the 2 units, got 1"),
        (lambda: spiking.Izhikevich2003(0), r"`n` must be a whole number >= 1"),
        (lambda: spiking.Izhikevich2003(2, a=[1.0, 2.0, 3.0]), r"`a` \(2 units\)"),
        (lambda: spiking.Izhikevich2003(2, a=params.Uniform(0.0, 1.0)), r"`a` draws random"),
        (lambda: spiking.Izhikevich2007(1, C=0.0), r"`C` must be above 0"),
        (lambda: spiking.LIF(1, v_reset=-40.0), r"`v_reset` must be below `threshold`"),
        (lambda: spiking.AdEx(1, tau_w=-1.0), r"`tau_w` must be above 0"),
        (lambda: spiking.Population(spiking.LIF(1), ei=2), r"`ei` is 1 .excitatory.*got 2"),
        (lambda: spiking.Population(spiking.LIF(1), refractory=-1.0), r"`refractory`"),
        (lambda: spiking.Triangle(0.0), r"`width` must be above 0"),
        (lambda: spiking.Network(spiking.LIF(1), scheme="rk45"), r"Unknown scheme 'rk45'"),
        (lambda: spiking.Network(spiking.LIF(1), noise=-1.0), r"`noise` must be at least 0"),
        (lambda: spiking.Network(spiking.LIF(1), bias={"E": 1.0}), r"unknown populations \['E'\]"),
        (lambda: networks.spikes(spiking.Network(spiking.LIF(1)), 30.0, 5), r"`tau` of LIF must"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
