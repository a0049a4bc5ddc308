"""Estimates: what is counted, what is refused, and that nothing is made."""

import resource

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.estimates import CARDS, Card, this_machine
from neurodyn.estimates.counting import Loops, count
from neurodyn.estimates.hlo import parse
from neurodyn.models import spiking
from tests.benchmarks.estimates import best, stepped
from tests.systems import Filter, Leaky

#: Of the measured time; the benchmark aims at 2 on a quiet machine.
GENEROUS = 8.0
MINE = Card("mine", peak={"float32": 1e12}, bandwidth=1e11, memory=8e9)


@pytest.fixture(scope="module")
def task():
    return tasks.PerceptualDecision()


def network(task, n=16, **options):
    return lambda key: models.CTRNN(task.n_inputs, n, task.n_outputs, key=key, **options)


def test_counts_are_xla_s_own_and_loops_count_as_often_as_they_run():
    def steps(n):
        def run(W, h):
            return lax.fori_loop(0, n, lambda _, h: jnp.tanh(h @ W) + 0.5 * h, h)

        shapes = jax.ShapeDtypeStruct((96, 96), jnp.float32), jnp.zeros((32, 96))
        return jax.jit(run).lower(*shapes).compile()

    found = {n: count(parse(steps(n).as_text()), Loops()) for n in (20, 40)}
    once = steps(20).cost_analysis()  # XLA counts the body of a loop once
    body = 2 * 32 * 96 * 96
    assert found[20].product_flops == 20 * body
    assert found[20].flops == pytest.approx(20 * once["flops"], rel=0.01)
    assert found[20].transcendentals == 20 * once["transcendentals"]
    assert found[40].flops == pytest.approx(2 * found[20].flops, rel=1e-3)
    assert found[40].nbytes == pytest.approx(2 * found[20].nbytes, rel=0.05)
    with pytest.raises(ValueError, match="no ENTRY"):
        parse("not a program")


@pytest.mark.parametrize("backend", ["auto", "xla"])
def test_products_of_a_step_are_those_of_the_equations(task, backend, monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", backend)
    n, batch = 48, 32
    asked = nd.estimate(network(task, n), task, batch_size=batch, card=MINE, parts="training")
    steps = task.batch(0, 1).inputs.shape[1]
    # Forward, through the transposed weights, and for the gradient of the weights.
    expected = 2 * steps * batch * n * (3 * n + 2 * task.n_inputs + 3 * task.n_outputs)
    products = asked._parts["training"].work.product_flops
    assert products == pytest.approx(expected, rel=0.1)
    assert 1.0 < asked.flops() / products < 2.0
    assert asked.seconds(hardware="mine") > asked.flops() / 1e12


def test_a_network_larger_than_the_machine_is_asked_about_without_making_it(task):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asked = nd.estimate(
        network(task, 1_000_000), task, card=["h100", MINE], parts="run", n_trials=2
    )
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert asked.memory("run") > 4e12
    assert grown < 1e9
    assert asked.limit("run", "H100") == "memory: does not fit"
    assert asked.seconds("run", "mine") > asked.seconds("run", "H100") > 0
    assert asked.hardware == ["this CPU", "H100", "mine"]


def test_members_cost_as_many_times_as_there_are(task):
    options = {"card": MINE, "parts": "training", "batch_size": 8}
    one = nd.estimate(network(task), task, **options)
    several = nd.estimate(network(task), task, ensemble=4, **options)
    assert several.flops() == pytest.approx(4 * one.flops())
    assert several.memory() > one.memory()
    together = nd.estimate(network(task), task, ensemble=nd.training.Seeds(4, "vmap"), **options)
    assert together.flops() == pytest.approx(several.flops(), rel=0.3)


def test_spikes_cost_by_their_rate():
    net = spiking.Network(
        spiking.Izhikevich2003(64),
        synapses={"g": spiking.Exponential(5.0)},
        projections={"all": spiking.Projection("all", "all", "g", W=nd.params.Normal(0.0, 0.1))},
        bias=10.0,
        key=0,
    )
    rates = 0.0, 50.0
    options = {"dt": 0.5, "n_steps": 100, "card": MINE, "save": ()}
    silent, busy = (nd.estimate(net, spike_rate=rate, **options).flops() for rate in rates)
    if nd.kernels.status()[-1].on:
        assert busy - silent == pytest.approx(100 * 64 * 64 * 0.025, rel=0.01)
    else:
        assert busy >= silent


def test_times_agree_with_measured_ones_to_a_generous_factor(task):
    """The factor is generous because test machines are busy; the benchmark prints the real ones."""
    model = network(task, 64)(jax.random.key(0))
    measured = best(stepped(model, task, 3, batch_size=64))
    asked = nd.estimate(model, task, card="L4", steps=1000)
    assert measured / GENEROUS < asked.seconds() < measured * GENEROUS
    shown = repr(asked)
    for words in ("FLOP", "memory", "L4, roofline", "1000 steps", "64 trials", "this CPU"):
        assert words in shown
    table = asked.table()
    assert table.seconds.dims == ("part", "hardware", "limit")
    assert all(v.attrs["units"] and v.attrs["long_name"] for v in table.data_vars.values())
    assert float(table.seconds.sel(part="training", hardware="L4").sum()) == pytest.approx(
        asked.seconds("training", "L4")
    )
    assert this_machine() is this_machine()


def test_what_a_user_has_written_is_counted():
    asked = nd.estimate(Leaky(), Filter(), card=MINE, batch_size=4)
    assert asked.parts == ["training", "run"]
    assert asked.flops("training") > 0 < asked.flops("run")
    alone = nd.estimate(Leaky(), np.zeros((5, 3, 1)), dt=1.0, card=MINE)
    assert alone.parts == ["run"]


def test_what_cannot_be_asked_is_refused(task):
    model, run = network(task), {"parts": "run"}
    for error, words, call in (
        (TypeError, "model comes first|must be a system", lambda: nd.estimate(task, model)),
        (TypeError, "a function of a key", lambda: nd.estimate(models.CTRNN, task)),
        (TypeError, "pass one, or parts='run'", lambda: nd.estimate(model, parts="training")),
        (ValueError, "'training', 'run' or both", lambda: nd.estimate(model, task, parts="runs")),
        (ValueError, "known are T4", lambda: nd.estimate(model, task, card="H1000")),
        (TypeError, "is a name", lambda: nd.estimate(model, task, card=[3])),
        (ValueError, "gives", lambda: nd.estimate(model, task, card="T4", precision="tf32")),
        (ValueError, "number of Hz", lambda: nd.estimate(model, task, spike_rate=-1.0)),
        (ValueError, "batch_size", lambda: nd.estimate(model, task, batch_size=0)),
        (TypeError, "optax", lambda: nd.estimate(model, task, optimizer="adam")),
        (ValueError, "leave out `n_steps`", lambda: nd.estimate(model, task, n_steps=5, **run)),
        (ValueError, "made with dt", lambda: nd.estimate(model, task, dt=1.0, **run)),
        (ValueError, "`n_steps=`", lambda: nd.estimate(model, dt=1.0)),
        (ValueError, "`dt=`", lambda: nd.estimate(model, n_steps=4)),
        (ValueError, "those of a training", lambda: nd.estimate(model, dt=1.0, n_steps=4, steps=9)),
        (ValueError, "those of a training", lambda: nd.estimate(model, task, batch_size=3, **run)),
        (
            TypeError,
            "looks at the numbers",
            lambda: nd.estimate(network(task, W=nd.params.Dale(0.8)), task),
        ),
        (ValueError, "float32", lambda: Card("x", peak={"tf32": 1.0}, bandwidth=1.0, memory=1.0)),
        (ValueError, "above 0", lambda: Card("x", peak={"float32": 1.0}, bandwidth=0, memory=1.0)),
    ):
        with pytest.raises(error, match=words):
            call()
    wrong = eqx.filter_eval_shape(
        lambda k: models.CTRNN(task.n_inputs + 1, 8, task.n_outputs, key=k), jax.random.key(0)
    )
    for parts in ("training", "run"):
        with pytest.raises(ValueError, match="inputs"):
            nd.estimate(wrong, task, parts=parts)
    assert all(card.source for card in CARDS.values())
