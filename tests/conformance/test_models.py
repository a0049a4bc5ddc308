"""Checks that every model in `neurodyn.models` must pass.

Models are found in `models.__all__`. One that takes more than its sizes and a key to be built has a
classmethod `example`.
"""

import functools
import inspect
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn
from neurodyn import labels, models, params
from neurodyn.common.bibliography import citation
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.io.files import load, save
from neurodyn.simulation.simulate import simulate
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSystem


def example_of(cls):
    """The function of a key that makes a small model: the class's own, or the constructor."""
    return getattr(cls, "example", None) or (lambda key=0: cls(3, 8, 2, key=key))


EXAMPLES = {name: example_of(getattr(models, name)) for name in models.__all__}
BIB = Path(neurodyn.__file__).parent / "references.bib"
EVERY = pytest.mark.parametrize("name", models.__all__)
DT, STEPS, TRIALS = 10.0, 30, 5


def inputs(*shape):
    shape = shape or (STEPS, TRIALS, 3)
    x = np.random.default_rng(0).normal(size=shape)
    return jnp.asarray(x, jnp.result_type(float))


def inputs_of(model):
    return inputs(STEPS, TRIALS, model.n_inputs)


def run(model, x=None, key=1, **options):
    everything = Save(variables=tuple(model.variables()))
    x = inputs_of(model) if x is None else x
    return integrate(model, x, dt=DT, key=key, save=everything, **options)


@functools.cache
def run_of(name):
    """The example and one run of it, which most tests share."""
    model = EXAMPLES[name]()
    return model, run(model)


def same(a, b) -> bool:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@EVERY
def test_shapes_labels_and_precision_of_what_is_observed(name):
    model, got = run_of(name)
    assert isinstance(model, AbstractSystem)
    assert isinstance(model, (AbstractFlow, AbstractMap))
    assert got.outputs.shape == (STEPS, TRIALS, model.n_outputs)
    assert set(got.variables) == set(model.variables())
    for label, variable in model.variables().items():
        array = got.variables[label]
        assert array.shape[:2] == (STEPS, TRIALS)
        assert array.ndim == 2 + len(variable.dims)
        assert variable.kind in labels.KINDS
        assert variable.units
        assert variable.long_name
    assert dtypes(model, got) == {"float32"}
    with jax.enable_x64(True):
        model = EXAMPLES[name]()
        # Types are known before anything is compiled.
        assert dtypes(model, jax.eval_shape(lambda: run(model))) == {"float64"}


def dtypes(*pytrees):
    arrays = [x for x in jax.tree.leaves(pytrees) if hasattr(x, "dtype")]
    return {str(x.dtype) for x in arrays if jnp.issubdtype(x.dtype, jnp.inexact)}


@EVERY
def test_same_key_same_bits(name):
    make = EXAMPLES[name]
    assert same(make(3), make(3))
    assert same(make(3), make(jax.random.key(3)))
    assert not same(make(3), make(4))
    assert same(run(make()), run_of(name)[1])


@EVERY
def test_a_trial_does_not_depend_on_the_others(name):
    model, batch = run_of(name)
    last = run(model, inputs_of(model)[:, 4:], first_trial=4)
    np.testing.assert_allclose(last.outputs[:, 0], batch.outputs[:, 4], atol=1e-5)
    alone = run(model, inputs_of(model)[:, 0])
    assert alone.outputs.shape == (STEPS, model.n_outputs)
    np.testing.assert_allclose(alone.outputs, batch.outputs[:, 0], atol=1e-5)


@EVERY
def test_jits_and_vmaps_without_a_new_program_for_new_numbers(name):
    make = eqx.filter_vmap(EXAMPLES[name])

    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def traced(members, x, key):
        return eqx.filter_vmap(lambda model: run(model, x, key).outputs)(members)

    model, _ = run_of(name)
    for seed in (2, 1):
        members = make(jax.random.split(jax.random.key(seed), 3))
        outputs = traced(members, inputs_of(model) * seed, jax.random.key(seed))
    assert outputs.shape == (3, STEPS, TRIALS, model.n_outputs)
    member = jax.tree.map(
        lambda x: jnp.asarray(np.asarray(x)[1]) if eqx.is_array(x) else x, members
    )
    np.testing.assert_allclose(run(member).outputs, outputs[1], atol=1e-4)


@EVERY
def test_every_trained_parameter_gets_a_finite_gradient(name):
    model, _ = run_of(name)
    moved, kept = eqx.partition(model, params.trainable(model))

    def loss(moved):
        got = run(eqx.combine(moved, kept))
        # Recorded variables count too: a divergence trains parts that no output depends on.
        return sum((x**2).mean() for x in (got.outputs, *got.variables.values()))

    gradients = eqx.filter_jit(eqx.filter_grad(loss))(moved)
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.isfinite(gradient).all(), path
        assert (np.abs(np.asarray(gradient)) > 0).any(), path


@EVERY
def test_runs_come_out_labelled(name):
    model, _ = run_of(name)
    ds = simulate(model, inputs_of(model), dt=DT, key=0)
    labels.check(ds)
    assert set(model.variables()) <= set(ds)
    assert (ds.sizes["trial"], ds.sizes["time"]) == (TRIALS, STEPS)
    for coord in model.unit_coords():
        assert coord in ds.coords
    units = [v for v in model.variables().values() if "unit" in v.dims]
    assert not units or ds.sizes["unit"] == 8
    np.testing.assert_allclose(ds.time, DT * np.arange(1, STEPS + 1))


@pytest.mark.parametrize("name", [n for n in models.__all__ if hasattr(getattr(models, n), "cut")])
def test_units_can_be_cut_without_touching_the_original(name):
    model, _ = run_of(name)
    before = jax.tree.map(lambda x: np.array(x) if eqx.is_array(x) else x, model)
    everything = model.cut(np.ones(8, bool), incoming=False)
    b_out = getattr(params.with_values(model), "b_out", jnp.zeros(2))
    np.testing.assert_allclose(
        run(everything).outputs, jnp.broadcast_to(b_out, (STEPS, TRIALS, 2)), atol=1e-6
    )
    assert same(before, model)


@EVERY
def test_files_give_back_the_same_model(name, tmp_path):
    model, got = run_of(name)
    save(tmp_path / "model.nd", model)
    back = load(tmp_path / "model.nd")
    assert jax.tree.structure(back) == jax.tree.structure(model)
    assert same(back, model)
    assert same(run(back), got)


@EVERY
def test_cites_its_papers(name):
    entries = set(re.findall(r"^@\w+\{(\w+),", BIB.read_text(), re.M))
    cited = getattr(models, name).reference
    assert cited
    assert set(cited) <= entries
    text = str(citation(run_of(name)[0]))
    assert all(key in text for key in cited)


@EVERY
def test_is_documented_with_parameters_and_sources(name):
    doc = getattr(models, name).__doc__
    for section in ("Parameters", "References"):
        assert re.search(rf"^\s*{section}\n\s*-+$", doc, re.M), section


@EVERY
def test_wrong_inputs_are_named_before_anything_runs(name):
    model, _ = run_of(name)
    n = model.n_inputs
    with pytest.raises(ValueError, match=rf"{n} inputs.*\(30, 5, {n + 1}\)"):
        run(model, inputs(STEPS, TRIALS, n + 1))
    cls = getattr(models, name)
    options = inspect.signature(cls).parameters.values()
    needed = {p.name: 1 for p in options if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    with pytest.raises(ValueError, match="whole number"):
        cls(3, 0, 2, **needed | {"key": 0})
