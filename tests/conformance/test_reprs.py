"""An object at a prompt prints its kind and size in a few lines."""

import inspect
import pkgutil

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params, tasks, training
from neurodyn.common.reprs import brief
from neurodyn.engine import intervene
from neurodyn.models import reference, spiking
from tests.conformance import test_models, test_spiking, test_tasks
from tests.public_names import public_modules, public_names
from tests.systems import Filter, Leaky


def network():
    """400 cells, two populations, synapses of its own and a readout."""
    return spiking.Network(
        {
            "exc": spiking.Population(spiking.LIF(320), ei=1, refractory=2.0),
            "inh": spiking.Population(spiking.LIF(80), ei=-1),
        },
        synapses={"ampa": spiking.Exponential(5.0)},
        projections={"out": spiking.Projection("exc", "all", "ampa", W=0.1)},
        key=0,
    )


def trained(**options):
    return nd.fit(Leaky(), Filter(), steps=2, key=0, **options)


MADE = {
    **test_models.EXAMPLES,
    **test_spiking.EXAMPLES,
    **{name: lambda name=name: test_tasks.make(name) for name in test_tasks.NAMES},
    **{
        name: getattr(reference, name)
        for name in reference.__all__
        if issubclass(getattr(reference, name), nd.system.AbstractSystem)
    },
    "network of 400 cells": network,
    "neurons": lambda: network().kinds[0],
    "population": lambda: spiking.Population(spiking.LIF(320), ei=1),
    "connection": lambda: network().projections["out"],
    "large network": lambda: models.CTRNN(
        3, 1000, 2, W=params.Dale(0.8), areas={"V1": 600, "PFC": 400}, key=0
    ),
    "trials": lambda: tasks.PerceptualDecision().batch(0, 40),
    "drive": lambda: nd.Drive(input=np.zeros((500, 40), np.float32)),
    "trajectory": lambda: nd.integrate(Leaky(), jnp.zeros((4, 1)), dt=1.0),
    "intervention": lambda: intervene.Silence(np.arange(400) < 2),
    "fit": trained,
    "fit of an ensemble": lambda: trained(ensemble=2, evaluate=False),
    "ensemble": lambda: training.Ensemble([Leaky(key=k) for k in range(3)]),
    "snapshot": lambda: training.Snapshot(3, {"loss": 0.5}, Leaky()),
    "objective": lambda: training.Supervised(rate_penalty=0.1),
    "curriculum": lambda: training.Threshold("noise_std", [0.1, 0.5], threshold=0.8),
    "areas": lambda: params.Blocks({f"area {i}": 3 for i in range(40)}),
    "spec of specs": lambda: params.Masked(np.ones((90, 90), bool), params.Dale(np.ones(90))),
    "parameter": lambda: models.CTRNN(3, 90, 2, W=params.Dale(0.8), key=0).W,
}


@pytest.mark.parametrize("name", MADE)
def test_five_lines_say_what_it_is(name):
    made = MADE[name]()
    lines = repr(made).splitlines()
    assert lines[0].startswith(type(made).__name__)
    assert len(lines) <= 5
    assert max(map(len, lines)) <= 100


def test_every_public_module_is_brief():
    """Also those without an example above: none shows the whole tree."""
    kinds = {
        kind
        for module in public_modules()
        for name in public_names(module)
        if inspect.isclass(kind := getattr(pkgutil.resolve_name(module), name))
        and issubclass(kind, eqx.Module)
        and not issubclass(kind, diffrax.AbstractSolver)  # prints as all solvers do
    }
    assert len(kinds) > 100
    assert not [kind.__name__ for kind in kinds if kind.__repr__ is eqx.Module.__repr__]


def test_sizes_units_and_parameters_are_named():
    model = models.CTRNN(3, 40, 2, tau=params.Bounded(20.0, 500.0, init=100.0), key=0)
    assert repr(model) == (  # 40 (tau) + 1600 + 120 + 40 + 80 + 2
        "CTRNN: 3 inputs, 40 units, 2 outputs, 1,882 trainable parameters\n"
        "  form rate, activation tanh, tau 100 ms (40) Bounded, W (40, 40), U (3, 40), "
        "b 0 (40), W_out (40,\n  2), b_out 0 (2)"
    )
    text = " ".join(repr(network()).split())
    assert "400 units" in text
    assert "320 LIF in 'exc', 80 LIF in 'inh', 128,000 synapses in 'out'" in text
    assert "dt 20 ms" in repr(tasks.PerceptualDecision(dt=20.0))
    assert repr(params.Bounded(20.0, 500.0, init=100.0)) == "Bounded: low 20, high 500, init 100"
    fit = trained()
    assert f"validation_mse {float(fit.history.validation_mse[-1]):.4g}" in repr(fit)


def test_a_module_of_a_user_is_brief_wherever_it_is_printed():
    assert repr(Leaky()).startswith("Leaky: 1 input, 1 output, ")  # defined in the tests
    seen = []

    @eqx.filter_jit
    def look(model):
        seen.append(repr(model))

    look(models.CTRNN(3, 40, 2, key=0))  # numbers are not known here
    assert "W (40, 40)" in seen[0]
    no_leaves = eqx.filter(models.CTRNN(3, 40, 2, key=0), lambda _: False)
    assert repr(no_leaves).startswith("CTRNN: 3 inputs, 40 units")
    half_made = object.__new__(models.CTRNN)
    assert brief(half_made).startswith("CTRNN")


def test_the_whole_tree_can_be_printed():
    assert "W=f32[40,40]" in eqx.tree_pformat(models.CTRNN(3, 40, 2, key=0))
