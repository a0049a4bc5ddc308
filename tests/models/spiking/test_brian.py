"""Spike for spike what Brian2 gives, in double precision, with the same scheme and arrays."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from neurodyn.kernels import backends
from neurodyn.models import spiking
from neurodyn.models.spiking.plasticity import PairSTDP
from tests.models.spiking import brian, networks

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BACKENDS = ["xla", *(["compiled"] if backends.obstacle() is None else [])]


@pytest.fixture(autouse=True)
def double(x64):
    """All in double precision."""


@pytest.mark.parametrize("dt", [0.5, 0.1, pytest.param(0.01, marks=pytest.mark.slow)])
def test_a_regular_spiking_cell_spikes_at_the_same_steps(dt):
    cell = spiking.Network(spiking.Izhikevich2003(1, "RS"), bias=10.0)
    save = Save(("v", "u"), outputs=None, spikes="dense")
    run = integrate(cell, dt=dt, n_steps=round(1000 / dt), save=save)
    steps, v, u = brian.regular_spiking(dt)
    assert len(steps) == 23
    np.testing.assert_array_equal(np.flatnonzero(run.spikes[:, 0]), steps)
    # Brian2 samples the start of a step, which is the end of the one before.
    np.testing.assert_allclose(run.variables["v"][:-1, 0], v[1:], atol=1e-9)
    np.testing.assert_allclose(run.variables["u"][:-1, 0], u[1:], atol=1e-9)


@pytest.fixture(scope="module")
def small():
    """400 units with strong connections, and what Brian2 makes of them with each kind of delay."""
    p = networks.arrays(320, 80, gain=8.0)
    rng = np.random.default_rng(1)
    delays = {"none": None, "one": 1.5, "each": 0.5 * rng.integers(0, 17, p["W"].shape)}
    return p, delays, {k: brian.two_currents(p, 0.5, 400, d) for k, d in delays.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("format", "delay"),
    [("dense", "none"), ("csr", "none"), ("dense", "one"), ("csr", "one"), ("csr", "each")],
)
def test_a_network_spikes_at_the_same_steps(small, format, delay, backend, monkeypatch):
    p, delays, expected = small
    monkeypatch.setenv("NEURODYN_KERNELS", backend)
    jax.clear_caches()  # the backend is chosen when a program is compiled
    network = networks.two_currents(p, format=format, delay=delays[delay])
    found = networks.spikes(network, 0.5, 400)
    assert expected[delay].shape[1] > 1000
    np.testing.assert_array_equal(found, expected[delay])


def test_delays_matter(small):
    _, _, expected = small
    spikes = [{tuple(spike) for spike in found.T.tolist()} for found in expected.values()]
    for a, b in itertools.combinations(spikes, 2):
        assert len(a ^ b) > 0.5 * len(a)


def big(format, delay=None):
    p = networks.arrays(3200, 800)
    late = None
    if delay is not None:
        late = 0.5 * np.random.default_rng(1).integers(1, 21, p["W"].shape) * delay
    network = networks.two_currents(p, format=format, delay=late)
    return networks.spikes(network, 0.5, 600), brian.two_currents(p, 0.5, 600, late)


def test_four_thousand_units_spike_at_the_same_steps():
    found, expected = big("csr")
    assert expected.shape[1] == 13_760
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("format", "delay"), [("csr", None), ("dense", None), ("csr", 1.0)])
def test_four_thousand_units_in_every_form(format, delay, backend, monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", backend)
    jax.clear_caches()
    found, expected = big(format, delay)
    assert expected.shape[1] > 10_000
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_the_network_of_2003_has_the_rates_of_brian2():
    with jax.enable_x64(False):  # in single precision only statistics can agree
        network = spiking.izhikevich2003_network(published=False)
        found = [networks.spikes(network, 0.5, 2000, key=k) for k in range(3)]
    resolved = params.with_values(network)
    p = {name: np.asarray(getattr(resolved.kinds[0], name), float) for name in "abcd"}
    p |= {"W": np.asarray(resolved.projections["recurrent"].weights.values, float)}
    p |= {"sigma": np.asarray(resolved.noise, float)}
    expected = brian.network_of_2003(p, 0.5, 2000)

    def rates(spikes):
        late = spikes[1, spikes[0] >= 400]  # the first 200 ms may hold a burst
        return np.array([(late < 800).sum() / 800, (late >= 800).sum() / 200]) / 0.8

    ours = np.array([rates(s) for s in found])
    np.testing.assert_allclose(ours.mean(0), rates(expected), rtol=0.1)


def weights(n, scale, seed=0):
    rng = np.random.default_rng(seed)
    return scale * rng.random((n, n)) * (rng.random((n, n)) < 0.3)


def test_integrate_and_fire_units_with_refractoriness_and_jumps():
    n, dt, steps = 40, 0.1, 2000
    rng = np.random.default_rng(2)
    W, v0 = weights(n, 1.0), -60 + 10 * rng.random(n)
    drive = 8 + 6 * rng.random(n)
    expected = brian.coupled(
        "dv/dt = (-60 - v + drive)/(20*ms) : 1 (unless refractory)\ndrive : 1",
        threshold="v >= -50",
        reset="v = -60",
        refractory=2 * brian.b2.ms,
        on_pre="v_post += w*int(not_refractory_post)",
        W=W,
        dt=dt,
        steps=steps,
        start={"v": v0, "drive": drive},
    )
    network = spiking.Network(
        spiking.Population(spiking.LIF(n, v0=v0), refractory=2.0),
        synapses={"jump": spiking.Delta()},
        projections={"all": spiking.Projection("all", "all", "jump", W=W)},
        bias=drive,
    )
    assert expected.shape[1] > 200
    np.testing.assert_array_equal(networks.spikes(network, dt, steps), expected)


def test_refractoriness_that_is_no_multiple_of_the_step():
    periods, dt, steps = np.array([0.5, 1.0, 2.0, 2.1, 2.4, 2.9, 2.9999, 3.0]), 1.0, 400
    n = len(periods)
    W, drive = weights(n, 3.0), np.full(n, 40.0)
    expected = brian.coupled(
        "dv/dt = (-60 - v + drive)/(20*ms) : 1 (unless refractory)\ndrive : 1\nperiod : second",
        threshold="v >= -50",
        reset="v = -60",
        refractory="period",
        on_pre="v_post += w*int(not_refractory_post)",
        W=W,
        dt=dt,
        steps=steps,
        start={"v": np.full(n, -60.0), "drive": drive, "period": periods * brian.b2.ms},
    )
    network = spiking.Network(
        spiking.Population(spiking.LIF(n), refractory=periods),
        synapses={"jump": spiking.Delta()},
        projections={"all": spiking.Projection("all", "all", "jump", W=W)},
        bias=drive,
    )
    assert len(np.unique(np.bincount(expected[1]))) > 2
    np.testing.assert_array_equal(networks.spikes(network, dt, steps), expected)


def test_adaptive_exponential_units_with_conductances():
    n, dt, steps = 30, 0.1, 2500
    rng = np.random.default_rng(3)
    W, v0 = weights(n, 4.0, 1), -70.6 + 15 * rng.random(n)
    drive = 600 + 400 * rng.random(n)
    expected = brian.coupled(
        """dv/dt = (30*(-70.6 - v) + 60*exp((v + 50.4)/2) - w_ + drive + g*(0 - v))/281/ms : 1
        dw_/dt = (4*(v + 70.6) - w_)/(144*ms) : 1
        dg/dt = -g/(5*ms) : 1
        drive : 1""",
        threshold="v >= -30",
        reset="v = -70.6; w_ += 80.5",
        on_pre="g_post += w",
        W=W,
        dt=dt,
        steps=steps,
        start={"v": v0, "drive": drive},
    )
    network = spiking.Network(
        spiking.AdEx(n, v0=v0, v_peak=-30.0),
        synapses={"ampa": spiking.Exponential(5.0, reversal=0.0)},
        projections={"all": spiking.Projection("all", "all", "ampa", W=params.Fixed(W))},
        bias=drive,
    )
    assert expected.shape[1] > 100
    np.testing.assert_array_equal(networks.spikes(network, dt, steps), expected)


@pytest.mark.parametrize("format", ["dense", "csr"])
def test_spikes_act_and_teach_when_they_arrive(format):
    rng = np.random.default_rng(4)
    pre, dt, delay = (rng.random((800, 12)) < 0.05).astype(float), 0.5, 6.0
    W = np.where(rng.random((12, 4)) < 0.7, 6 * rng.random((12, 4)), 0)
    names = {"a_plus": 0.5, "a_minus": 0.3, "w_max": 8.0}
    expected, last = brian.learning(pre, W, dt, delay, names)
    network = spiking.Network(
        spiking.LIF(4),
        inputs={"train": spiking.SpikeInput(12)},
        synapses={"g": spiking.Exponential(5.0)},
        projections={
            "p": spiking.Projection(
                "train",
                "all",
                "g",
                W=W,
                connect=spiking.Pairs(*np.nonzero(W)),
                delay=delay,
                rule=PairSTDP(**names, tau_plus=15.0, tau_minus=30.0),
                format=format,
            )
        },
    )
    save = Save(("W_p",), outputs=None, spikes="packed")
    run = integrate(network, jnp.asarray(pre), dt=dt, save=save)
    when, _, unit = unpack_spikes(np.asarray(run.spikes)[:, None], 4)
    order = np.lexsort((unit, when))
    assert expected.shape[1] > 20
    np.testing.assert_array_equal(np.stack([when, unit])[:, order], expected)
    np.testing.assert_allclose(run.variables["W_p"][-1], last, atol=1e-10)
    assert np.abs(last - W).max() > 1


def test_short_term_plasticity_releases_the_same():
    times, dt, steps = np.array([5.0, 25.0, 30.0, 32.5, 80.0, 300.0]), 0.5, 800
    expected = brian.short_term(0.3, 200.0, 600.0, times, dt, steps)
    network = spiking.Network(
        spiking.LIF(1, tau=1.0, threshold=1e6),
        inputs={"train": spiking.SpikeInput(1)},
        synapses={"sum": spiking.Exponential(1e12, exact=True)},
        projections={
            "plastic": spiking.Projection(
                "train", "all", "sum", W=1.0, short_term=spiking.TsodyksMarkram(0.3, 200.0, 600.0)
            )
        },
    )
    train = np.zeros((steps, 1))
    train[np.round(times / dt).astype(int)] = 1
    run = integrate(network, jnp.asarray(train), dt=dt, save=Save(("sum",), outputs=None))
    np.testing.assert_allclose(run.variables["sum"][:, 0], expected, rtol=1e-6)


def test_the_published_network_equals_the_published_program():
    network = spiking.izhikevich2003_network(80, 20, key=3)
    a, b, c, d = (np.asarray(getattr(network.kinds[0], name).value()) for name in "abcd")
    S = 4 * np.asarray(network.projections["recurrent"].weights.matrix())  # 100 units are few
    network = eqx.tree_at(
        lambda m: (m.projections["recurrent"].weights.values.raw, m.current_noise_std),
        network,
        (jnp.asarray(S), None),
    )
    sigma = np.r_[np.full(80, 5.0), np.full(20, 2.0)]
    noise = np.random.default_rng(0).normal(size=(500, 100)) * sigma
    save = Save(outputs=None, spikes="dense")
    run = integrate(network, Drive(current=jnp.asarray(noise)), dt=1.0, save=save)
    v = np.full(100, -65.0)
    u = b * v
    fired_at = []
    for current in noise:
        fired = v >= 30
        fired_at.append(fired)
        v = np.where(fired, c, v)
        u = np.where(fired, u + d, u)
        current = current + S[fired].sum(0)
        for _ in range(2):
            v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + a * (b * v - u)
    # The program finds a spike at the beginning of the step after.
    np.testing.assert_array_equal(np.asarray(run.spikes)[:-1] > 0, np.array(fired_at)[1:])
    assert np.sum(fired_at) > 300
