"""One scan runs spikes, delays, synapses and online learning, exactly as a plain loop does."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from tests.proof.spiking import TwoPopulations

pytestmark = pytest.mark.slow
DT, STEPS = 0.5, 3_000


@pytest.fixture(scope="module")
def learning():
    """A network that learns to produce a sine for two thirds of the run, then goes on alone."""
    with jax.enable_x64(True):
        model = TwoPopulations(80, 20)
        t = np.arange(STEPS) * DT
        target = np.sin(2 * np.pi * t / 250)[:, None]
        gate = (t < 1_000).astype(float)[:, None]
        drive = Drive(target=jnp.asarray(target), gate=jnp.asarray(gate))
        save = Save(variables=("voltage", "decoder"), spikes="dense")
        run = integrate(model, drive, dt=DT, key=0, save=save)
    return model, target, gate, run


def plain_loop(model, v, target, gate):
    """The same network, one step after the other, in NumPy."""
    pre, post, delay = (np.asarray(a) for a in (model.pre, model.post, model.delay))
    weight, feedback, bias = (np.asarray(a) for a in (model.weight, model.feedback, model.bias))
    n = len(bias)
    arriving = [np.zeros(n) for _ in range(STEPS + 16)]
    synapse, trace, decoder, P = np.zeros(n), np.zeros(n), np.zeros(n), 1e3 * np.eye(n)
    spikes, outputs = np.zeros((STEPS, n)), np.zeros(STEPS)
    for k in range(STEPS):
        v = v + DT * (bias + synapse + feedback * (trace @ decoder) - v) / 10.0
        fired = v >= 1
        spikes[k] = fired
        for e in np.flatnonzero(fired[pre]):
            arriving[k + delay[e]][post[e]] += weight[e]
        synapse = synapse * np.exp(-DT / 5.0) + arriving[k]
        v[fired] = 0.0
        trace = trace * np.exp(-DT / 20.0) + fired * DT / 20.0
        if gate[k, 0]:
            error = trace @ decoder - target[k, 0]
            g = P @ trace / (1 + trace @ P @ trace)
            P = P - np.outer(g, trace @ P)
            decoder = decoder - g * error
        outputs[k] = trace @ decoder
    return spikes, outputs


def test_spike_for_spike_equal_to_a_plain_loop(learning):
    model, target, gate, run = learning
    with jax.enable_x64(True):
        start = jax.random.split(jax.random.fold_in(jax.random.key(0), 0))[0]
        v = np.array(model.initial_state(dt=DT, key=start).x.v)
    spikes, outputs = plain_loop(model, v, target, gate)
    assert spikes.sum() > 2_000
    np.testing.assert_array_equal(run.spikes, spikes)
    np.testing.assert_allclose(run.outputs[:, 0], outputs, atol=1e-8)


def test_learns_the_target_and_stops_learning_when_told(learning):
    _, target, _, run = learning
    learnt = np.asarray(run.outputs)[:2_000, 0]
    # Without learning the output is 0 and the error 0.71.
    assert np.sqrt(np.mean((learnt - target[:2_000, 0]) ** 2)) < 0.3
    assert np.corrcoef(learnt, target[:2_000, 0])[0, 1] > 0.9
    decoder = np.asarray(run.variables["decoder"])
    np.testing.assert_array_equal(decoder[2_001:], np.broadcast_to(decoder[2_000], (999, 100, 1)))


def test_batch_packed_spikes_and_pieces_of_a_run_change_nothing(learning):
    model, target, gate, run = learning
    with jax.enable_x64(True):
        drive = Drive(target=jnp.asarray(target[:600]), gate=jnp.asarray(gate[:600]))
        two = jax.tree.map(lambda a: jnp.stack([a, -a], axis=1), drive)
        two = Drive(target=two.target, gate=jnp.abs(two.gate))
        packed = integrate(model, two, dt=DT, key=0, save=Save(spikes="packed"))
        steps, trials, units = unpack_spikes(np.asarray(packed.spikes), 100)
        first = np.zeros((600, 100))
        first[steps[trials == 0], units[trials == 0]] = 1
        np.testing.assert_array_equal(first, run.spikes[:600])
        assert not np.array_equal(packed.outputs[:, 0], packed.outputs[:, 1])

        early = jax.tree.map(lambda a: a[:250], drive)
        late = jax.tree.map(lambda a: a[250:], drive)
        one = integrate(model, early, dt=DT, key=0, save=Save(spikes="dense"))
        rest = integrate(
            model, late, dt=DT, key=0, save=Save(spikes="dense"), state=one.final_state, start=250
        )
        joined = np.concatenate([one.spikes, rest.spikes])
        np.testing.assert_array_equal(joined, run.spikes[:600])


def test_surrogate_gradient_reaches_the_recurrent_weights():
    model = TwoPopulations(40, 10)
    drive = Drive(target=jnp.ones((200, 1)), gate=jnp.ones((200, 1)))

    def loss(weight):
        changed = eqx.tree_at(lambda m: m.weight, model, weight)
        return (integrate(changed, drive, dt=DT, key=0).outputs ** 2).mean()

    gradient = np.asarray(jax.grad(loss)(model.weight))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
