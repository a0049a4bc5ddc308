"""Tests that every model in `neurodyn.models` must pass. A new model adds a line to `EXAMPLES`."""

import functools
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

EXAMPLES = {
    "CTRNN": lambda key=0: models.CTRNN(
        3,
        8,
        2,
        W=params.Dale(0.75),
        noise_std=0.05,
        initial=params.Uniform(0.0, 0.1),
        areas={"V1": 5, "PFC": 3},
        key=key,
    ),
    "LeakyRNN": lambda key=0: models.LeakyRNN(3, 8, 2, key=key),
    "EchoState": lambda key=0: models.EchoState(3, 8, 2, density=0.5, feedback_scale=0.2, key=key),
    "GRU": lambda key=0: models.GRU(3, 8, 2, initial=params.Free(0.1), key=key),
    "LSTM": lambda key=0: models.LSTM(3, 8, 2, key=key),
    "VRNN": lambda key=0: models.VRNN(3, 8, 2, key=key),
    # Without sequences nothing is inferred: weights of the posterior would have no gradient.
    "PVRNN": lambda key=0: models.PVRNN(
        2, (5, 3), (2, 1), (2.0, 8.0), head="linear", posterior="A", key=key
    ),
    # From the origin, what maps the first observation to a state would receive no gradient.
    "ALRNN": lambda key=0: models.ALRNN(3, 8, 2, n_relu=3, key=key).starting_from([0.5, -0.5]),
    "PLRNN": lambda key=0: models.PLRNN(3, 8, 2, observation="affine", key=key).starting_from(
        [0.5, -0.5]
    ),
    "DendriticPLRNN": lambda key=0: models.DendriticPLRNN(
        3, 8, 2, n_branches=4, key=key
    ).starting_from([0.5, -0.5]),
    "ShallowPLRNN": lambda key=0: models.ShallowPLRNN(3, 8, 2, n_hidden=16, key=key).starting_from(
        [0.5, -0.5]
    ),
}
#: Arguments without a default, beside the sizes.
NEEDED = {
    "ALRNN": {"n_relu": 1},
    "DendriticPLRNN": {"n_branches": 2},
    "ShallowPLRNN": {"n_hidden": 4},
}
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


def test_every_model_has_an_example():
    assert set(EXAMPLES) == set(models.__all__)


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
        assert dtypes(model, run(model)) == {"float64"}


def dtypes(*pytrees):
    return {str(x.dtype) for x in jax.tree.leaves(pytrees) if eqx.is_inexact_array(x)}


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
    member = jax.tree.map(lambda x: x[1] if eqx.is_array(x) else x, members)
    np.testing.assert_allclose(run(member).outputs, outputs[1], atol=1e-4)


@EVERY
def test_every_trained_parameter_gets_a_finite_gradient(name):
    model, _ = run_of(name)
    moved, kept = eqx.partition(model, params.trainable(model))

    def loss(moved):
        got = run(eqx.combine(moved, kept))
        # Recorded variables count too: a divergence trains parts that no output depends on.
        return sum((x**2).mean() for x in (got.outputs, *got.variables.values()))

    for path, gradient in jax.tree_util.tree_leaves_with_path(eqx.filter_grad(loss)(moved)):
        assert np.isfinite(gradient).all(), path
        assert (np.abs(gradient) > 0).any(), path


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
    with pytest.raises(ValueError, match="whole number"):
        getattr(models, name)(3, 0, 2, **NEEDED.get(name, {}), key=0)
