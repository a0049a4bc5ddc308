"""Surrogate gradients of a whole network against finite differences of a smoothed model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn.models import spiking

N, STEPS, DT = 5, 60, 0.5
WIDTH, HEIGHT = 12.0, 0.01


def problem():
    rng = np.random.default_rng(0)
    return {
        "W": rng.normal(0, 4, (N, N)),
        "U": rng.normal(0, 2, (2, N)),
        "W_out": rng.normal(0, 1, (N, 1)),
        "inputs": rng.normal(1, 1, (STEPS, 2)),
        "target": rng.normal(0, 1, (STEPS, 1)),
    }


def network(p, detach_reset):
    return spiking.recurrent_network(
        2,
        N,
        1,
        neuron=spiking.Izhikevich2003(N, "RS", v0=-55.0),
        W=p["W"],
        U=p["U"],
        W_out=p["W_out"],
        bias=12.0,
        surrogate=spiking.FastSigmoid(WIDTH, HEIGHT),
        detach_reset=detach_reset,
        key=0,
    )


def smoothed(p, detach_reset, fixed=None):
    """The network in NumPy, with spikes that are smooth functions of how far they moved.

    Without `fixed` spikes are steps. With `fixed`, the distances from threshold of such a run, they
    are its spikes plus what a fast sigmoid adds where a potential is not where it was.
    """

    def area(x):
        return HEIGHT * x / (1 + np.abs(x) / WIDTH)

    v, u = np.full(N, -55.0), np.full(N, 0.2 * -55.0)
    g, r, loss, distances = np.zeros(N), np.zeros(N), 0.0, []
    for t in range(STEPS):
        current = g + p["inputs"][t] @ p["U"] + 12.0
        new_v = v + DT * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + DT * 0.02 * (0.2 * v - u)
        x = new_v - 30.0
        distances.append(x)
        step = (x if fixed is None else fixed[t]) >= 0
        spikes = step + (0.0 if fixed is None else area(x) - area(fixed[t]))
        g = g * (1 - DT / 5) + spikes @ p["W"]
        r = r * np.exp(-DT / 20) + spikes
        loss += ((r @ p["W_out"] - p["target"][t]) ** 2).sum()
        moved = 0.0 if detach_reset else spikes - step
        v = np.where(step, -65.0, new_v) + moved * (-65.0 - new_v)
        u = u + 8.0 * (step if detach_reset else spikes)
    return loss, distances


@pytest.mark.parametrize("detach_reset", [False, True])
def test_gradients_are_finite_differences_of_the_smoothed_network(x64, detach_reset):
    p = problem()
    model = network(p, detach_reset)

    def loss(arrays, static):
        run = nd.integrate(eqx.combine(arrays, static), jnp.asarray(p["inputs"]), dt=DT)
        return ((run.outputs - p["target"]) ** 2).sum()

    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    value, gradient = jax.value_and_grad(loss)(arrays, static)
    expected, distances = smoothed(p, detach_reset)
    assert sum((x >= 0).sum() for x in distances) > 6
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    resolved = {
        "W": gradient.projections["recurrent"].weights.values,
        "U": gradient.inputs["input"].W,
        "W_out": gradient.decoder.W,
    }
    for name, h in (("W", 1e-7), ("U", 1e-7), ("W_out", 1e-6)):
        (got,) = (np.asarray(a) for a in jax.tree.leaves(resolved[name]))
        want = np.zeros_like(p[name])
        for place in np.ndindex(want.shape):
            sides = []
            for sign in (1, -1):
                moved = p[name].copy()
                moved[place] += sign * h
                sides.append(smoothed({**p, name: moved}, detach_reset, distances)[0])
            want[place] = (sides[0] - sides[1]) / (2 * h)
        assert np.abs(want).max() > 0.1
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4 * np.abs(want).max())
