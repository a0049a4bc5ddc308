"""The subtractive reset against loops that are written out, solutions, and Brian2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import io
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.engine.solve import solve
from neurodyn.models import spiking

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
DENSE = Save(("v",), outputs=None, spikes="dense")
BETA, THETA, DT = 0.9, 1.3, 0.5


def in_steps(n, **options):
    """A LIF in the units of networks that are written in steps."""
    given = {"v_rest": 0.0, "threshold": THETA, "soft_reset": True} | options
    return spiking.LIF(n, tau=DT / (1 - BETA), R=1 / (1 - BETA), **given)


def network(neuron, **options):
    inputs = {"input": spiking.CurrentInput(neuron.n, W=np.eye(neuron.n))}
    return spiking.Network(neuron, inputs=inputs, **options)


def test_the_loops_of_surrogate_libraries(x64, tmp_path):
    current = np.random.default_rng(0).gamma(1.0, 0.4, (200, 5))
    current[50] = 4.0  # spikes in successive steps
    # Subtracted one step later and not decayed, as snnTorch does by default; or at once.
    for late, v_reset in ((True, THETA * (1 - 1 / BETA)), (False, 0.0)):
        u, s, spikes, potentials = np.zeros(5), np.zeros(5), [], []
        for x in current:
            u = BETA * u + x - (THETA * s if late else 0)
            s = (u > THETA) * 1.0
            u = u if late else u - THETA * s
            spikes.append(s)
            potentials.append(u if not late else u - THETA * s / BETA)
        model = network(in_steps(5, v_reset=v_reset))
        run = integrate(model, current, dt=DT, save=DENSE)
        np.testing.assert_array_equal(run.spikes, spikes)
        np.testing.assert_allclose(run.variables["v"], potentials, atol=1e-12)
        assert (np.array(spikes)[1:] * np.array(spikes)[:-1]).sum() > 10
    nd.save(tmp_path / "soft.nd", model)
    again = integrate(nd.load(tmp_path / "soft.nd"), current, dt=DT, save=DENSE)
    np.testing.assert_array_equal(again.spikes, run.spikes)
    mixed = spiking.Network({"a": spiking.LIF(2), "b": in_steps(3), "c": in_steps(2, v_reset=0.0)})
    assert [(kind.n, kind.soft_reset) for kind in mixed.kinds] == [(2, False), (5, True)]


def test_gradients_pass_through_the_subtraction(x64):
    """By the chain rule, with the surrogate in the place of the derivative of a spike."""
    current = np.array([0.9, 0.9, 0.9, 0.2])[:, None]

    def last(scale):
        model = network(in_steps(1, v_reset=0.0))
        return integrate(model, scale * current, dt=DT, save=DENSE).variables["v"][-1, 0]

    u = du = 0.0
    for (x,) in current:
        u, du = BETA * u + x, BETA * du + x
        slope = 0.1 / (1 + abs(u - THETA) / 10) ** 2  # the default surrogate
        u, du = u - THETA * (u > THETA), du - THETA * slope * du
    np.testing.assert_allclose(jax.grad(last)(jnp.array(1.0)), du, rtol=1e-10)


def test_solved_events(x64):
    drive, W = 15.0, 35.0  # a kick of three and a half times the distance to threshold
    first = 20 * np.log(drive / (drive - 10))
    soft = spiking.LIF(1, soft_reset=True)
    populations = {"at_once": soft, "held": spiking.Population(soft, refractory=3.0)}
    kicks = {k: spiking.Projection("source", k, "kick", W=W) for k in populations}
    model = spiking.Network(
        {"source": spiking.LIF(1), **populations},
        bias=np.array([drive, 0.0, 0.0]),
        synapses={"kick": spiking.Delta()},
        projections=kicks,
    )
    run = solve(model, None, np.array([50.0]), max_events=20)
    steps = integrate(model, dt=0.1, n_steps=290, save=DENSE)
    times, units = (np.asarray(x) for x in (run.spikes.time, run.spikes.unit))
    np.testing.assert_allclose(times[units == 0], [first, 2 * first], rtol=1e-5)
    # After the kick v is 25 mV above the reset, and each spike takes 10 mV.
    for unit, late in ((1, [0, 0, 0]), (2, [0, 3, 6])):
        np.testing.assert_allclose(times[units == unit][:3], first + np.array(late), atol=1e-3)
        own = np.flatnonzero(steps.spikes[:, unit])
        apart = [0, 1, 2] if unit == 1 else [0, 30, 60]
        np.testing.assert_array_equal(own - own[0], apart)


def test_brian2_writes_and_reads_it(x64):
    from tests.models.spiking import brian

    b2, n, dt = brian.b2, 3, 0.1
    brian.prepare()
    group = b2.NeuronGroup(
        n,
        "dv/dt = (drive - v)/(10*ms) : 1 (unless refractory)\ndrive : 1 (constant)",
        threshold="v > 1.5",
        reset="v -= 1.5",
        refractory=0.5 * b2.ms,
        method="euler",
        dt=dt * b2.ms,
    )
    group.drive, group.v = [1.6, 4.0, 40.0], [0, 0, 5]
    kick = b2.Synapses(group, group, on_pre="v_post += 4.0")
    kick.connect(i=1, j=0)
    monitor = b2.SpikeMonitor(group)
    net = b2.Network(group, kick, monitor)
    model = io.from_brian2(net)
    net.run(100 * b2.ms)
    expected = brian.spikes_of(monitor, dt)
    assert len(expected[0]) > 100
    assert model.kinds[0].soft_reset
    found = np.argwhere(np.asarray(integrate(model, dt=dt, n_steps=1000, save=DENSE).spikes)).T
    np.testing.assert_array_equal(found, expected)
    written = io.to_brian2(model, dt=dt)
    written.run(100 * b2.ms)
    np.testing.assert_array_equal(brian.spikes_of(written["spikes"], dt), expected)
