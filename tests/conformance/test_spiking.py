"""Tests that every spiking network must pass, whatever its parts."""

import functools
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn
from neurodyn import labels, params
from neurodyn.common.bibliography import citation
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.io.files import load, save
from neurodyn.models import spiking
from neurodyn.simulation.simulate import simulate

DT, STEPS, TRIALS = 0.5, 60, 3


def everything(key=0):
    """Two kinds of neurons, four synapses, delays, plasticity, noise, all inputs, feedback."""
    return spiking.Network(
        {
            "E": spiking.Population(
                spiking.Izhikevich2003(5, "RS", v0=params.Uniform(-65.0, -50.0)), ei=1
            ),
            "I": spiking.Population(spiking.LIF(3), ei=-1, refractory=2.0),
        },
        synapses={
            "nmda": spiking.NMDA(),
            "gaba": spiking.DoubleExponential(1.0, 8.0, reversal=-80.0, exact=True),
            "ampa": spiking.Exponential(params.Bounded(1.0, 20.0, 5.0)),
            "kick": spiking.Delta(),
        },
        projections={
            "EE": spiking.Projection(
                "E",
                "E",
                "nmda",
                W=params.Uniform(0.0, 0.1),
                connect=spiking.FixedInDegree(3, self_connections=False),
                delay=1.5,
                dale=True,
            ),
            "EI": spiking.Projection(
                "E",
                "I",
                "ampa",
                W=2.0,
                delay=np.arange(15.0).reshape(5, 3) / 4,
                short_term=spiking.TsodyksMarkram(0.5, 200.0, 50.0),
            ),
            "IE": spiking.Projection("I", "all", "gaba", W=0.05, format="csr"),
            "in": spiking.Projection("train", "E", "kick", W=3.0),
            "background": spiking.Projection(
                "noise", "all", "ampa", W=params.Fixed(1.0), connect=spiking.FixedProbability(0.5)
            ),
        },
        inputs={"train": spiking.SpikeInput(2), "current": spiking.CurrentInput(1, "E")},
        sources={"noise": spiking.Poisson(10, 50.0)},
        bias={"E": params.Free(8.0), "I": 12.0},
        noise=0.5,
        current_noise_std={"E": 1.0},
        readout=spiking.Readout(2, feedback=0.1),
        key=key,
    )


EXAMPLES = {
    "integrate-and-fire": lambda key=0: spiking.recurrent_network(3, 8, 2, bias=16.0, key=key),
    "everything": everything,
}
EVERY = pytest.mark.parametrize("name", EXAMPLES)
#: For what compiles the whole network once more.
EVERY_SLOWLY = pytest.mark.parametrize(
    "name", ["integrate-and-fire", pytest.param("everything", marks=pytest.mark.slow)]
)
BIB = Path(neurodyn.__file__).parent / "references.bib"


def inputs(*shape):
    x = np.random.default_rng(0).random(shape or (STEPS, TRIALS, 3)) < 0.3
    return jnp.asarray(x, jnp.result_type(float))


def run(model, x=None, key=1, **options):
    seen = Save(variables=tuple(model.variables()), spikes="dense")
    return integrate(model, inputs() if x is None else x, dt=DT, key=key, save=seen, **options)


@functools.cache
def run_of(name):
    """The example and one run of it, which most tests share."""
    model = EXAMPLES[name]()
    return model, run(model)


def same(a, b) -> bool:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@EVERY
def test_shapes_and_labels_of_what_is_observed(name):
    model, got = run_of(name)
    assert got.outputs.shape == (STEPS, TRIALS, 2)
    assert got.spikes.shape == (STEPS, TRIALS, 8)
    assert set(np.unique(got.spikes)) == {0.0, 1.0}
    assert set(got.variables) == set(model.variables())
    for label, variable in model.variables().items():
        array = got.variables[label]
        assert array.ndim == 2 + len(variable.dims)
        assert variable.kind in labels.KINDS
        assert variable.units
        assert variable.long_name


@EVERY
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_computes_in_the_precision_it_is_given(name, dtype):
    with jax.enable_x64(dtype == "float64"):
        model = EXAMPLES[name]()
        state = jax.eval_shape(lambda: run(model))
        floats = [x for x in jax.tree.leaves(model) if eqx.is_inexact_array(x)]
        floats += [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.inexact)]
        assert {str(x.dtype) for x in floats} == {dtype}


@EVERY
def test_same_key_same_bits(name):
    make = EXAMPLES[name]
    assert same(make(3), make(jax.random.key(3)))
    assert not same(make(3), make(4))
    assert same(run(make()), run_of(name)[1])


@EVERY
def test_a_trial_does_not_depend_on_the_others(name):
    model, batch = run_of(name)
    last = run(model, inputs()[:, 2:], first_trial=2)
    np.testing.assert_array_equal(last.spikes[:, 0], batch.spikes[:, 2])
    alone = run(model, inputs()[:, 0])
    np.testing.assert_array_equal(alone.spikes, batch.spikes[:, 0])


@EVERY
def test_pieces_of_a_run_fit_together(name):
    model, whole = run_of(name)
    early = run(model, inputs()[:25])
    late = run(model, inputs()[25:], state=early.final_state, start=25)
    np.testing.assert_array_equal(np.concatenate([early.spikes, late.spikes]), whole.spikes)


@EVERY
def test_trained_parameters_get_finite_gradients(name):
    model, _ = run_of(name)
    moved, kept = eqx.partition(model, params.trainable(model))

    def loss(moved):
        return (run(eqx.combine(moved, kept)).outputs ** 2).sum()

    gradients = eqx.filter_jit(eqx.filter_grad(loss))(moved)
    gradients = jax.tree_util.tree_leaves_with_path(gradients)
    for path, gradient in gradients:
        assert np.isfinite(gradient).all(), path
    reached = [bool((np.abs(np.asarray(g)) > 0).any()) for _, g in gradients]
    assert all(reached), [p for (p, _), r in zip(gradients, reached, strict=True) if not r]


@EVERY_SLOWLY
def test_new_keys_and_inputs_do_not_recompile(name):
    model = EXAMPLES[name]()

    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def traced(model, x, key):
        return run(model, x, key).outputs

    for seed in range(3):
        changed = jax.tree.map(lambda a: 1.01 * a if eqx.is_inexact_array(a) else a, model)
        traced(changed if seed else model, inputs() * seed, jax.random.key(seed))


@EVERY
def test_runs_come_out_labelled(name):
    model, _ = run_of(name)
    ds = simulate(model, inputs(), dt=DT, key=0)
    labels.check(ds)
    assert (ds.sizes["trial"], ds.sizes["time"], ds.sizes["unit"]) == (TRIALS, STEPS, 8)
    assert ds.sizes["spike"] > 0
    assert list(ds.population.values) == [n for n, k in model.slices.items() for _ in range(8)[k]]
    assert set(ds.coords) >= {"population", "ei", "cell_type"}


@EVERY_SLOWLY
def test_units_can_be_cut_without_touching_the_original(name):
    model, _ = run_of(name)
    before = jax.tree.map(lambda x: np.array(x) if eqx.is_array(x) else x, model)
    silent = run(model.cut(np.ones(8, bool), incoming=False))
    b = params.with_values(model).decoder.b
    expected = jnp.zeros(2) if b is None else b
    np.testing.assert_allclose(
        silent.outputs, jnp.broadcast_to(expected, (STEPS, TRIALS, 2)), atol=1e-7
    )
    assert same(before, model)


@EVERY
def test_files_give_back_the_same_model(name, tmp_path):
    model, _ = run_of(name)
    save(tmp_path / "model.nd", model)
    back = load(tmp_path / "model.nd")
    assert jax.tree.structure(back) == jax.tree.structure(model)
    assert same(back, model)


@EVERY
def test_cites_its_papers(name):
    text = str(citation(EXAMPLES[name]()))
    for key in spiking.Network.reference:
        assert key in text


@pytest.mark.parametrize(
    "part", [p for p in map(spiking.__dict__.get, spiking.__all__) if hasattr(p, "reference")]
)
def test_what_is_cited_is_known(part):
    entries = set(re.findall(r"^@\w+\{(\w+),", BIB.read_text(), re.M))
    assert set(part.reference) <= entries
    assert re.search(r"^\s*References\n\s*-+$", part.__doc__, re.M)


@EVERY
def test_wrong_inputs_are_named_before_anything_runs(name):
    with pytest.raises(ValueError, match=r"3 inputs.*\(60, 3, 4\)"):
        run(EXAMPLES[name](), inputs(STEPS, TRIALS, 4))
