"""Brian2 networks read as ours: the same spikes, in float64, and what is not read."""

import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import io
from neurodyn.engine.drive import spike_counts
from neurodyn.engine.record import Save
from neurodyn.models import spiking
from neurodyn.models.spiking import (
    LIF,
    AdEx,
    Delta,
    DoubleExponential,
    Exponential,
    Izhikevich2003,
    Izhikevich2007,
    Network,
    Population,
    Projection,
)

b2 = pytest.importorskip("brian2")
from tests.models.spiking import brian  # noqa: E402

# Brian2 2.9 calls what pyparsing, numpy and sympy have deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("numpy_target", "x64"),
]


def ours(network, dt, n_steps, inputs=None):
    """Step and unit of each spike."""
    save = Save(variables=(), outputs=None, spikes="dense")
    length = None if inputs is not None else n_steps
    run = nd.integrate(network, inputs, dt=dt, n_steps=length, key=0, save=save)
    return np.argwhere(np.asarray(run.spikes))


def theirs(monitors, dt):
    """Step and unit of each spike; groups one after the other."""
    found, first = [], 0
    for monitor in monitors:
        found.append(np.add(brian.spikes_of(monitor, dt).T, [0, first]))
        first += len(monitor.source)
    spikes = np.concatenate(found)
    return spikes[np.lexsort((spikes[:, 1], spikes[:, 0]))]


def test_a_script_with_two_currents():
    """The network that simulators are compared on, with 200 units and Brian2's own idioms."""
    n, n_e, dt = 200, 160, 0.5
    rng = np.random.default_rng(0)
    r_e, r_i = rng.random(n_e), rng.random(n - n_e)
    b = np.r_[np.full(n_e, 0.2), 0.25 - 0.05 * r_i]
    mask = rng.random((n, n)) < 0.1
    W = 20 * mask * np.r_[0.1 * rng.random((n_e, n)), 0.3 * rng.random((n - n_e, n))]
    names = {"tau_e": 5 * b2.ms, "tau_i": 10 * b2.ms}
    cells = b2.NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
        du/dt = a*(b*v - u)/ms : 1
        dge/dt = -ge/tau_e : 1
        dgi/dt = -gi/tau_i : 1
        I = I0 + ge - gi : 1
        I0 : 1
        a : 1
        b : 1
        c : 1
        d : 1""",
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler",
        dt=dt * b2.ms,
    )
    cells.a = np.r_[np.full(n_e, 0.02), 0.02 + 0.08 * r_i]
    cells.b, cells.d = b, np.r_[8 - 6 * r_e**2, np.full(n - n_e, 2.0)]
    cells.c = np.r_[-65 + 15 * r_e**2, np.full(n - n_e, -65.0)]
    cells.I0, cells.v = 10 * rng.random(n), -65 + 10 * rng.random(n)
    cells.u = b * cells.v[:]
    parts = []
    for own, name in ((slice(0, n_e), "ge"), (slice(n_e, n), "gi")):
        synapses = b2.Synapses(cells[own], cells, "w : 1", on_pre=f"{name} += w", delay=dt * b2.ms)
        pre, post = np.nonzero(mask[own])
        synapses.connect(i=pre, j=post)
        synapses.w = W[own][pre, post]
        parts.append(synapses)
    monitor = b2.SpikeMonitor(cells)
    net = b2.Network(cells, *parts, monitor)
    read = io.from_brian2(net, namespace=names)
    net.run(300 * b2.ms, namespace=names)
    expected = theirs([monitor], dt)
    assert len(expected) > 500
    np.testing.assert_array_equal(ours(read, dt, 600), expected)
    assert isinstance(read.kinds[0], Izhikevich2003)
    assert float(read.synapses["gi"].tau.value()) == 10.0


def test_a_script_in_physical_units():
    """Two groups, conductances, refractory periods, given spikes and an alpha function."""
    El, dt = -60 * b2.mV, 0.1
    E = b2.NeuronGroup(
        20,
        """dv/dt = (El - v + g*(Ee - v) + drive)/tau : volt (unless refractory)
        dg/dt = -g/(5*ms) : 1
        drive : volt""",
        threshold="v > -50*mV",
        reset="v = El",
        refractory=2 * b2.ms,
        method="euler",
        namespace={"tau": 20 * b2.ms, "El": El, "Ee": 0 * b2.mV},
        name="E",
    )
    I = b2.NeuronGroup(
        5,
        """dv/dt = (gL*(EL - v) + gL*DT*exp((v - VT)/DT) - w + s)/C : volt
        dw/dt = (a*(v - EL) - w)/(144*ms) : amp
        ds/dt = (x - s)/(3*ms) : amp
        dx/dt = -x/(3*ms) : amp""",
        threshold="v > 0*mV",
        reset="v = EL; w += 0.0805*nA",
        method="euler",
        namespace={
            "C": 281 * b2.pF,
            "gL": 30 * b2.nS,
            "EL": -70.6 * b2.mV,
            "VT": -50.4 * b2.mV,
            "DT": 2 * b2.mV,
            "a": 4 * b2.nS,
        },
        name="I",
    )
    rng = np.random.default_rng(1)
    E.v, E.drive = El + 10 * rng.random(20) * b2.mV, (11 + 3 * rng.random(20)) * b2.mV
    I.v = -70.6 * b2.mV
    times = np.sort(rng.choice(1500, 40, replace=False)) * dt
    given = b2.SpikeGeneratorGroup(4, np.arange(40) % 4, times * b2.ms, name="given")
    excite = b2.Synapses(E, I, "weight : amp", on_pre="x += 2*weight", name="excite")
    excite.connect(p=0.5)
    excite.weight = "(0.2 + 0.1*rand())*nA"
    excite.delay = "1*ms + 2*ms*rand()"
    back = b2.Synapses(I, E, on_pre="v_post -= 2*mV", name="back")
    back.connect()
    feed = b2.Synapses(given, E, on_pre="g_post += 0.3", name="feed")
    feed.connect()
    monitors = [b2.SpikeMonitor(E), b2.SpikeMonitor(I)]
    net = b2.Network(E, I, given, excite, back, feed, monitors)
    read = io.from_brian2(net)
    net.run(150 * b2.ms)
    expected = theirs(monitors, dt)
    assert np.bincount(expected[:, 1] >= 20).min() > 20
    trains = spike_counts([times[k::4] for k in range(4)], 1500, dt)
    np.testing.assert_array_equal(ours(read, dt, 1500, trains), expected)
    assert read.names == ("E", "I")
    adex = read.kinds[1]
    found = [float(getattr(adex, name).value()[0]) for name in ("C", "g_L", "V_T", "b")]
    assert found == [281, 30, -50.4, 80.5]


def mixed():
    """Two kinds of neuron, coupled with delays through every kind of synapse that is read."""
    rng = np.random.default_rng(0)
    return Network(
        {
            "A": Izhikevich2007(6, C=np.linspace(80, 120, 6)),
            "B": Population(LIF(5), refractory=2.0),
        },
        synapses={
            "ampa": Exponential(5.0),
            "gaba": DoubleExponential(1.0, 10.0, reversal=-80.0, unit_peak=True),
            "fast": Delta(),
        },
        projections={
            "from_A": Projection("A", "all", "ampa", W=2 * rng.random((6, 11)), delay=1.5),
            "from_B": Projection(
                "B", "A", "gaba", W=0.2 * rng.random((5, 6)), delay=rng.uniform(1, 5, (5, 6))
            ),
            "given": Projection("given", "B", "fast", W=4.0),
        },
        inputs={"given": spiking.SpikeInput(3), "bath": spiking.CurrentInput(1, to="A")},
        bias={"A": 300 + 50 * rng.random(6), "B": 11.0},
    )


def test_there_and_back():
    network, dt, steps = mixed(), 0.1, 1000
    rng = np.random.default_rng(2)
    given, bath = 1.0 * (rng.random((steps, 3)) < 0.02), 30 * rng.random((steps, 1))
    inputs = np.concatenate([given, bath], axis=1)
    expected = ours(network, dt, steps, jnp.asarray(inputs))
    assert set(expected[:, 1]) == set(range(11))
    read = io.from_brian2(io.to_brian2(network, inputs, dt=dt))
    assert [type(kind) for kind in read.kinds] == [type(kind) for kind in network.kinds]
    assert set(read.synapses) == {"ampa", "gaba", "jump"}
    # What entered through weights comes back as a current for each unit, 0 for those of B.
    again = np.concatenate([given, np.repeat(bath, 6, axis=1), np.zeros((steps, 5))], axis=1)
    np.testing.assert_array_equal(ours(read, dt, steps, jnp.asarray(again)), expected)


def test_equations_of_their_own_with_a_current_over_time():
    """Morris and Lecar's cell: named like our own variables, in SI units, driven by an array."""
    steps, dt = 800, 0.1
    current = np.linspace(50, 150, steps)[:, None] * np.array([1.0, 0.9, 1.1])
    array = b2.TimedArray(current * b2.pA, dt=dt * b2.ms)
    cells = b2.NeuronGroup(
        3,
        """dx/dt = (gl*(El - x) + gca*m*(Eca - x) + rate*gk*(Ek - x) + stimulus(t, i) + I)/C : volt
        drate/dt = (0.5*(1 + tanh((x - 2*mV)/(30*mV))) - rate)*cosh((x - 2*mV)/(60*mV))/tau : 1
        m = 0.5*(1 + tanh((x + 1.2*mV)/(18*mV))) : 1
        I : amp
        tau : second""",
        threshold="x > 10*mV and rate < 0.4",
        refractory=5 * b2.ms,
        reset="I -= 2*pA",
        method="euler",
        namespace={
            "stimulus": array,
            "gl": 2 * b2.nS, "gca": 4.4 * b2.nS, "gk": 8 * b2.nS, "C": 20 * b2.pF,
            "El": -60 * b2.mV, "Eca": 120 * b2.mV, "Ek": -84 * b2.mV,
        },
    )  # fmt: skip
    cells.x, cells.tau, cells.I = -60 * b2.mV, [20, 25, 30] * b2.ms, [0, 10, 20] * b2.pA
    links = b2.Synapses(cells, cells, on_pre="I += 3*pA", delay=1 * b2.ms)
    links.connect(condition="i != j")
    monitor = b2.SpikeMonitor(cells)
    net = b2.Network(cells, links, monitor)
    read = io.from_brian2(net)
    assert read.variables()["I"].units == "pA"
    assert set(read.variables()) == {"v", "rate_", "I", "I_"}
    net.run(steps * dt * b2.ms)
    expected = theirs([monitor], dt)
    assert len(expected) > 3
    np.testing.assert_array_equal(ours(read, dt, steps, jnp.asarray(current)), expected)
    final = nd.integrate(read, jnp.asarray(current), dt=dt, key=0).final_state.x.cells[0]
    np.testing.assert_allclose(final.v, cells.x / b2.mV, atol=1e-8)
    np.testing.assert_allclose(final.I_, cells.I / b2.pA, atol=1e-12)


def test_terminals_that_tire_there_and_back():
    network = Network(
        {"A": LIF(5), "B": LIF(4)},
        synapses={"g": Exponential(5.0)},
        projections={
            "p": Projection(
                "A",
                "B",
                "g",
                W=np.linspace(1, 20, 20).reshape(5, 4),
                delay=1.0,
                short_term=spiking.TsodyksMarkram(0.3, 100.0, 50.0),
            )
        },
        bias={"A": np.linspace(12, 20, 5), "B": 9.0},
    )
    expected = ours(network, 0.1, 2000)
    assert (expected[:, 1] > 4).sum() > 20
    read = io.from_brian2(io.to_brian2(network, dt=0.1))
    np.testing.assert_array_equal(ours(read, 0.1, 2000), expected)
    assert float(read.projections["p"].weights.values.value().max()) == 20.0


@pytest.mark.parametrize("neuron", [Izhikevich2003, Izhikevich2007, LIF, AdEx])
def test_parameters_come_back(neuron):
    network = Network(neuron(2))
    read = io.from_brian2(io.to_brian2(network, dt=0.1))
    assert type(read.kinds[0]) is neuron
    assert read.bias is None
    for name in neuron.parameters:
        expected = getattr(network.kinds[0], name).value()
        found = getattr(read.kinds[0], name).value()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def cells(model="dv/dt = (10 - v)/(5*ms) : 1", **options):
    given = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": "cells"}
    return b2.NeuronGroup(2, model, **(given | options))


def test_other_parts():
    group = cells("dv/dt = (10 - v)/tau_m + sigma*xi/ms**0.5 : 1")
    source = b2.PoissonGroup(3, "rate", name="noise")
    links = b2.Synapses(source, group, on_pre="v += 0.5")
    links.connect(i=[0, 0, 2], j=[1, 1, 0])
    rate, tau_m, sigma = 40 * b2.Hz, 5 * b2.ms, 0.3
    read = io.from_brian2(b2.Network(group, source, links))
    del rate, tau_m, sigma
    assert float(read.sources["noise"].rate.value()) == 40.0
    np.testing.assert_allclose(read.noise.value(), 0.3, rtol=1e-12)
    W = np.asarray(read.projections[links.name].weights.matrix())
    np.testing.assert_array_equal(W, [[0, 1], [0, 0], [0.5, 0]])
