"""What and when: readouts and rules by hand, feedback, and runs that are cut."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import spiking
from neurodyn.models.spiking.plasticity import Consolidation, ThreeFactor
from tests.rounding import assert_equal_to_rounding

N, STEPS = 20, 240


def network(**options):
    rng = np.random.default_rng(0)
    return spiking.Network(
        spiking.Izhikevich2003(N, "RS"),
        synapses={"e": spiking.Exponential(5.0)},
        projections={
            "e": spiking.Projection("cells", "cells", "e", W=params.Fixed(rng.random((N, N))))
        },
        bias=4.0 + 6.0 * rng.random(N),
        key=0,
        **options,
    )


def drive():
    """Three trials of 80 steps: collect early, consolidate and start anew at the end."""
    rng = np.random.default_rng(1)
    gates = np.zeros((STEPS, 3))
    gates[np.arange(STEPS) % 80 < 30, 0] = 1
    gates[79::80, 1:] = 1
    gates[159, 1] = 0  # the second trial is not learned
    what, when = rng.integers(0, 2, (STEPS, 2)), rng.random((STEPS, 2))
    target = {"what": what.astype(float), "when": when}
    gate = {"what": gates, "when": rng.integers(0, 2, (STEPS, 2)).astype(float)}
    return jax.tree.map(lambda a: jnp.asarray(a, jnp.result_type(float)), Drive(None, target, gate))


def model(feedback=None):
    return spiking.WhatWhen(
        network(), 2, what=Consolidation(0.3), when=ThreeFactor(0.5), feedback=feedback, key=0
    )


def test_learns_as_its_equations_say(x64):
    given = drive()
    run = integrate(model(), given, dt=1.0, save=Save(("rate", "what", "when")))
    rates = np.asarray(run.variables["rate"])
    assert (rates[40:] > 0).any(1).all()
    W_what, W_when, seen = np.zeros((N, 2)), np.zeros((N, 2)), []
    target, gate = (jax.tree.map(np.asarray, x) for x in (given.target, given.gate))
    for k, r in enumerate(rates):
        collect, consolidate, anew = gate["what"][k]
        seen += [r] if collect else []
        mean = np.mean(seen, 0) if seen else np.zeros(N)
        what, when = mean @ W_what, r @ W_when
        np.testing.assert_allclose(run.outputs[k], what * when, atol=1e-10)
        if consolidate:
            W_what = W_what + 0.3 * np.outer(mean, target["what"][k] - what) / (mean @ mean)
        W_when = W_when + 0.5 * np.outer(r, gate["when"][k] * (target["when"][k] - when))
        seen = [] if anew else seen
    memory = run.final_state.memory
    np.testing.assert_allclose(memory.W_what, W_what, atol=1e-10)
    np.testing.assert_allclose(memory.W_when, W_when, atol=1e-10)
    assert np.abs(W_what).max() > 0


def test_feedback_reaches_the_network_and_a_cut_run_goes_on():
    fed, given = model(3.0 * np.ones((2, N))), drive()
    save = Save(spikes="packed")
    whole = integrate(fed, given, dt=1.0, save=save)
    assert not np.array_equal(whole.spikes, integrate(model(), given, dt=1.0, save=save).spikes)
    first, second = (jax.tree.map(lambda a, s=s: a[s], given) for s in (slice(97), slice(97, None)))
    part = integrate(fed, first, dt=1.0, save=save)
    rest = integrate(fed, second, dt=1.0, save=save, state=part.final_state, start=97)
    for a, b in zip(
        jax.tree.leaves(whole.final_state), jax.tree.leaves(rest.final_state), strict=True
    ):
        assert_equal_to_rounding(b, a, n_steps=STEPS)


def test_a_network_with_a_readout_is_refused():
    with pytest.raises(ValueError, match="readout of its own"):
        spiking.WhatWhen(network(readout=spiking.Readout(2)), 2)


def test_what_learns_from_means_only():
    with pytest.raises(TypeError, match="pass a Consolidation, got ThreeFactor"):
        spiking.WhatWhen(network(), 2, what=spiking.plasticity.ThreeFactor(0.1))


@pytest.mark.parametrize("target", [np.zeros((4, 2), np.float32), {"whta": np.zeros((4, 2))}])
def test_targets_that_reach_no_readout_are_refused(target):
    with pytest.raises(ValueError, match="`target` must be a dict of 'what' and 'when', got"):
        integrate(model(), Drive(target=jax.tree.map(jnp.asarray, target)), dt=1.0)
