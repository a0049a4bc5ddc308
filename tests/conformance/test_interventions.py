"""Every intervention changes the run of every model and system, or is refused."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models
from neurodyn.engine import intervene
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.intervene import Clamp, Current, Lesion, Silence, WeightChange
from neurodyn.engine.record import Save
from neurodyn.models import reference, spiking
from neurodyn.models.spiking.plasticity import RLS, PairSTDP
from neurodyn.system import AbstractFlow, AbstractSpiking
from tests.conformance import test_models, test_spiking
from tests.neurodyn.flows import OU
from tests.rounding import assert_equal_to_rounding


def what_when():
    """Two readouts of a network of two kinds of cells, one of which is fed back."""
    network = spiking.Network(
        {"E": spiking.LIF(3), "I": spiking.Population(spiking.Izhikevich2003(2, "FS"), ei=-1)},
        bias=20.0,
    )
    return spiking.WhatWhen(network, 2, feedback=np.ones((2, 5)))


SYSTEMS = {
    **test_models.EXAMPLES,
    **{name: getattr(reference, name) for name in reference.__all__},
    **{f"spiking, {name}": make for name, make in test_spiking.EXAMPLES.items()},
    "spiking, what and when": what_when,
}
SLOW = ("spiking, everything",)
EVERY = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in SYSTEMS]
)
STEPS = 3
#: Steps that suit the equations [ms].
DT = dict.fromkeys(reference.__all__, 0.01) | dict.fromkeys(models.__all__, 10.0)


@cache
def built(name):
    return SYSTEMS[name]()


def run(name, *interventions, n_steps=STEPS, **options):
    """One trial without noise of its own, of a system of which everything is recorded."""
    system = built(name)
    x = np.random.default_rng(0).random((n_steps, 1, system.n_inputs)) < 0.3
    x = jnp.asarray(x, jnp.result_type(float)) if system.n_inputs else None
    seen = Save(tuple(system.variables()))
    return integrate(
        system,
        x,
        dt=DT.get(name, 0.5),
        key=1,
        save=seen,
        interventions=interventions,
        **{"n_steps": None if system.n_inputs else n_steps, "n_trials": 1} | options,
    )


@cache
def plain(name):
    """A run with a current of 0."""
    return run(name, Current([0], 0.0))


@cache
def n_units(name):
    return intervene.select_units(built(name), 0).size


def moved(a, b, seen=lambda run: run.final_state.x):
    """Largest change of the integrated state, or of something else in a run."""
    pairs = zip(jax.tree.leaves(seen(a)), jax.tree.leaves(seen(b)), strict=True)
    return max(float(np.abs(np.asarray(x) - np.asarray(y)).max(initial=0.0)) for x, y in pairs)


@EVERY
def test_a_current_into_any_unit_moves_the_state(name):
    size = 0.1 if DT.get(name) else 20.0  # pA, or of the same size as the other terms
    for unit in range(n_units(name)):
        assert moved(run(name, Current([unit], size)), plain(name)) > 1e-5, unit


@pytest.mark.parametrize("name", ["CTRNN", "ALRNN", "Lorenz63", "spiking, what and when"])
def test_a_current_that_comes_with_the_drive_does_the_same(name):
    system, n = built(name), n_units(name)
    x = jnp.zeros((STEPS, 1, system.n_inputs)) if system.n_inputs else None
    options = {"dt": DT.get(name, 0.5), "key": 1}
    driven = integrate(system, Drive(x, current=jnp.full((STEPS, 1, n), 0.1)), **options)
    length = {} if system.n_inputs else {"n_steps": STEPS, "n_trials": 1}
    everyone = np.ones(n, bool)
    pushed = integrate(system, x, interventions=[Current(everyone, 0.1)], **length, **options)
    assert moved(driven, pushed) < 1e-5
    with pytest.raises(ValueError, match=f"for {n + 1} units, but this .* has {n}"):
        integrate(system, Drive(x, current=jnp.ones((STEPS, 1, n + 1))), **options)


@EVERY
def test_units_that_there_are_not_are_refused(name):
    n = n_units(name)
    for make in (lambda u: Current(u, 1.0), Silence, Lesion):
        if make in (Silence, Lesion) and not hasattr(built(name), "cut"):
            continue
        for units in ([n], np.ones(n + 1, bool), ["nobody"]):
            with pytest.raises(ValueError, match=f"no unit {n}|mask for|nobody"):
                run(name, make(units))


@pytest.mark.parametrize("kind", [Silence, Lesion])
@EVERY
def test_units_without_influence_change_the_others_or_are_refused(name, kind):
    if not hasattr(built(name), "cut"):
        with pytest.raises(TypeError, match="no `cut` method"):
            run(name, kind([0]))
        return
    everyone = np.ones(n_units(name), bool)
    # Units of a spiking network hear of each other when they spike.
    long = {"n_steps": 400} if isinstance(built(name), AbstractSpiking) else {}
    whole, cut = (run(name, kind(units), **long) for units in (~everyone, everyone))

    def seen(run):
        return run.final_state.x, run.outputs

    assert moved(cut, whole, seen) > 1e-5


@EVERY
def test_what_is_clamped_is_held_or_refused(name):
    system, n = built(name), n_units(name)
    x = plain(name).final_state.x
    ends, field, level = sorted({0, n - 1}), None, 0.3
    if not hasattr(x, "shape"):
        field = "v" if isinstance(system, AbstractSpiking) else x._fields[0]
        level = -0.3
        with pytest.raises(ValueError, match="needs `field=`"):
            run(name, Clamp([0], 0.3))
        with pytest.raises(ValueError, match="not 'nothing'"):
            run(name, Clamp([0], 0.3, field="nothing"))
    held = jax.tree.map(lambda a: a[0], run(name, Clamp(ends, level, field=field)).final_state.x)
    held = held if field is None else getattr(held, field)
    np.testing.assert_allclose(held[np.array(ends)], level, rtol=1e-6)


@pytest.mark.parametrize("name", ["PVRNN"])
def test_units_of_several_layers_are_counted_from_the_lowest(name):
    # Five units in the lower layer, three in the upper one: the lower hears the upper a step later.
    system = built(name)
    upper = intervene.select_units(system, unit_layer=2)
    np.testing.assert_array_equal(upper, np.arange(8) >= 5)
    one = run(name, Current(upper, 1.0), n_steps=1).final_state.x[0]
    free = run(name, n_steps=1).final_state.x[0]
    tau = np.asarray([2.0] * 5 + [8.0] * 3)
    np.testing.assert_allclose(one - free, np.where(upper, 1 / tau, 0), atol=1e-6)
    with pytest.raises(ValueError, match="'latent_layer' is a coordinate of the dim 'latent'"):
        intervene.select_units(system, latent_layer=1)


@pytest.mark.parametrize("name", reference.__all__)
def test_a_current_is_added_to_the_equation_of_its_variable(name):
    system, n = built(name), n_units(name)
    push = np.linspace(0.1, 0.2, n)
    free = run(name, n_steps=1).final_state.x[0]
    got = run(name, Current(np.arange(n), push), n_steps=1).final_state.x[0] - free
    if name == "WilsonCowan":  # like the input of a population
        options = {"dt": DT[name], "key": 1}
        expected = integrate(system, jnp.asarray(push)[None, None], **options).final_state.x[0]
        expected -= integrate(system, jnp.zeros((1, 1, 2)), **options).final_state.x[0]
        x = np.zeros((1, 1, 2), np.float32)
        got = integrate(system, x, interventions=[Current([0, 1], push)], **options)
        got = got.final_state.x[0] - integrate(system, x, **options).final_state.x[0]
    else:
        expected = push * (DT[name] if isinstance(system, AbstractFlow) else 1.0)
    # The state, of up to 65 mV or 20 rad, is rounded in single precision.
    np.testing.assert_allclose(got, expected, atol=2e-5)


@pytest.mark.parametrize("name", ["ALRNN", "PLRNN", "DendriticPLRNN", "ShallowPLRNN"])
def test_a_current_is_added_to_the_next_state_of_a_piecewise_linear_network(name):
    got = run(name, Current([1, 3], [0.5, -2.0]), n_steps=1).final_state.x[0]
    got -= run(name, n_steps=1).final_state.x[0]
    np.testing.assert_allclose(got, [0, 0.5, 0, -2.0, 0, 0, 0, 0], atol=1e-6)


def test_units_of_reference_systems_have_the_names_of_their_variables():
    lorenz = reference.Lorenz63()
    np.testing.assert_array_equal(intervene.select_units(lorenz, ["x", "z"]), [1, 0, 1])
    held = integrate(lorenz, dt=0.01, n_steps=5, interventions=[Clamp("z", 3.0)])
    np.testing.assert_array_equal(held.final_state.x[2], 3.0)


def learning(delay=None):
    """A network in which the weights of a projection and of the readout are learned."""
    return spiking.Network(
        spiking.LIF(4),
        bias=25.0,
        synapses={"s": spiking.Exponential(5.0)},
        projections={
            "fixed": spiking.Projection("all", "all", "s", W=0.5, delay=delay),
            "learned": spiking.Projection("all", "all", "s", W=0.5, rule=PairSTDP(), delay=delay),
        },
        readout=spiking.Readout(1, W=1.0, rule=RLS(2.0)),
    )


#: Parameters that only the initial state or only learning uses.
UNREAD = {
    "learned readout": (learning, lambda m: m.decoder.W, "decoder.W"),
    "plastic weights": (
        learning,
        lambda m: m.projections["learned"].weights.values,
        r"projections\['learned'\].weights.values",
    ),
    "what": (what_when, lambda m: m.W_what, "W_what"),
    "initial state": (reference.Lorenz63, lambda m: m.start, "start"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_change_of_what_no_step_reads_is_refused_by_name(case):
    make, where, name = UNREAD[case]
    model = make()
    changed = eqx.tree_at(where, model, replace=jnp.asarray(np.asarray(where(model)) + 1.0))
    x = None if not model.n_inputs else jnp.zeros((3, model.n_inputs))
    with pytest.raises(ValueError, match=f"`{name}` of the changed .* no step reads it"):
        integrate(
            model,
            x,
            dt=0.01,
            n_steps=None if model.n_inputs else 3,
            key=0,
            interventions=[WeightChange(changed)],
        )


@pytest.mark.parametrize("delay", [None, 1.0])
def test_a_change_of_weights_that_are_not_learned_is_a_network_with_those(delay):
    def fixed(model):
        return model.projections["fixed"].weights.values

    model = learning(delay)
    changed = eqx.tree_at(fixed, model, replace=3.0 * fixed(model))
    options = {"dt": 0.5, "n_steps": 100, "key": 0, "save": Save(("v",))}
    free = integrate(model, **options).variables["v"]
    expected = integrate(changed, **options).variables["v"]
    found = integrate(model, interventions=[WeightChange(changed)], **options).variables["v"]
    assert float(abs(free - expected).max()) > 1.0
    assert_equal_to_rounding(found, expected, n_steps=100)


@pytest.mark.parametrize("of", [float, int, np.float64, np.asarray, jnp.asarray])
def test_a_change_may_be_a_plain_number(of):
    model = models.CTRNN(2, 8, 1, tau=100.0, key=0)
    x = jnp.ones((10, 2))
    changed = eqx.tree_at(lambda m: m.tau, model, replace=of(20.0))
    found = integrate(model, x, dt=10.0, interventions=[WeightChange(changed)])
    other = eqx.tree_at(lambda m: m.tau, model, replace=jnp.full(8, 20.0))
    expected = integrate(other, x, dt=10.0)
    assert float(abs(expected.outputs - integrate(model, x, dt=10.0).outputs).max()) > 1e-3
    assert_equal_to_rounding(found.outputs, expected.outputs, n_steps=10)


@pytest.mark.parametrize("weights", [np.ones((1, 8)), np.ones((4, 8)), np.ones((8, 8)) * 1j, "no"])
def test_a_change_that_does_not_fit_is_refused_by_name(weights):
    model = models.CTRNN(2, 8, 1, key=0)
    changed = eqx.tree_at(lambda m: m.W, model, replace=weights)
    with pytest.raises(ValueError, match=r"`W` of the changed system .*shape \(8, 8\)"):
        integrate(model, jnp.ones((3, 2)), dt=10.0, interventions=[WeightChange(changed)])


@pytest.mark.parametrize("of", [float, int, np.float64])
def test_a_change_may_be_a_number_that_is_not_known_yet(of):
    model = models.CTRNN(2, 8, 1, tau=100.0, key=0)

    def run(tau):
        changed = eqx.tree_at(lambda m: m.tau, model, replace=tau)
        x = jnp.ones((10, 2))
        return integrate(model, x, dt=10.0, interventions=[WeightChange(changed)]).outputs

    found, expected = jax.jit(run)(of(20.0)), run(of(20.0))
    assert found.dtype == expected.dtype
    assert_equal_to_rounding(found, expected, n_steps=10)


def test_only_arrays_can_change_and_the_others_are_named():
    def run(tau, *interventions):
        system = OU(tau, jnp.asarray(0.1))
        run = integrate(system, dt=1.0, n_steps=3, key=0, interventions=interventions)
        return run.outputs

    def change(tau, std=0.1):
        return WeightChange(OU(tau, jnp.asarray(std)))

    with pytest.raises(ValueError, match=r"`tau` is 10\.0 in the system that runs.* no array"):
        run(10.0, change(20.0))
    assert_equal_to_rounding(run(10.0, change(10.0, std=0.2)), 2 * run(10.0), n_steps=3)
    slow, fast = (np.full(4, tau, np.float32) for tau in (20.0, 10.0))  # NumPy's count as well
    assert_equal_to_rounding(run(slow, change(fast)), run(fast), n_steps=3)
    assert float(abs(run(slow) - run(fast)).max()) > 1e-3
