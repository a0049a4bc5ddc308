"""FORCE inside a network: against the published loop, cut in two, and in the experiment."""

import jax
import numpy as np

from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.experiments.force_sine import force_network
from neurodyn.experiments.force_sine.settings import Settings
from neurodyn.params import with_values
from neurodyn.tasks import Sines
from tests.rounding import assert_equal_to_rounding

N, STEPS, DT = 60, 1500, 0.04
#: So small a network needs more drive to be active.
SETTINGS = Settings(before=0, learn=1, after=0, frequency=20.0, coupling=1.5e4)


def by_hand(net, v, target, *, n_steps):
    """The published loop, in NumPy: one line for one of the script's."""
    W, feedback = net["W"], net["feedback"]
    n = len(v)
    u, current, h, r, hr = (np.zeros(n) for _ in range(5))
    phi, P, z = np.zeros(n), 2.0 * np.eye(n), 0.0
    rise, decay = np.exp(-DT / 2), np.exp(-DT / 20)
    spikes, outputs = np.zeros((n_steps, n), bool), np.zeros(n_steps)
    for k in range(n_steps):
        drive = current + feedback * z + 1000.0
        v, u = (
            v + DT * (2.5 * (v + 60) * (v + 19.2) - u + drive) / 250.0,
            u + DT * 0.01 * (-2.0 * (v + 60) - u),
        )
        fired = v >= 30
        current, h = current * rise + h * DT, h * decay + (fired @ W) / 40
        r, hr = r * rise + hr * DT, hr * decay + fired / 40
        z = phi @ r
        if k % 20 == 0:
            gain = P @ r
            phi = phi - gain * (z - target[k])
            P = P - np.outer(gain, gain) / (1 + r @ gain)
        v, u = np.where(fired, -65.0, v), u + 200.0 * fired
        spikes[k], outputs[k] = fired, z
    return spikes, outputs, phi


def test_equals_the_published_loop(x64):
    network = force_network(SETTINGS, N, 3)
    target = Sines(DT, frequencies=20.0, duration=STEPS * DT).batch(0, 1, start=0.0).targets[0]
    run = integrate(network, Drive(target=target), dt=DT, save=Save(spikes="dense"))
    own = {
        "W": np.asarray(network.projections["recurrent"].weights.matrix()),
        "feedback": np.asarray(network.decoder.feedback.value())[0],
    }
    v0 = np.asarray(with_values(network).initial_state(dt=DT).x.v)
    spikes, outputs, phi = by_hand(own, v0, np.asarray(target)[:, 0], n_steps=STEPS)
    assert spikes.sum() > 3 * N
    np.testing.assert_array_equal(np.asarray(run.spikes) > 0, spikes)
    np.testing.assert_allclose(run.outputs[:, 0], outputs, atol=1e-8)
    np.testing.assert_allclose(run.final_state.memory.readout.W[:, 0], phi, atol=1e-8)
    assert np.ptp(outputs) > 1  # it does learn: the weights begin at zero


def test_goes_on_where_it_was_cut():
    network = force_network(SETTINGS, N, 3)
    target = Sines(DT, frequencies=20.0, duration=STEPS * DT).batch(0, 1, start=0.0).targets[0]
    save = Save(outputs="last")
    whole = integrate(network, Drive(target=target), dt=DT, save=save)
    half = STEPS // 2
    part = integrate(network, Drive(target=target[:half]), dt=DT, save=save)
    rest = integrate(
        network, Drive(target=target[half:]), dt=DT, state=part.final_state, start=half, save=save
    )
    for a, b in zip(
        jax.tree.leaves(whole.final_state), jax.tree.leaves(rest.final_state), strict=True
    ):
        assert_equal_to_rounding(b, a, n_steps=STEPS)
