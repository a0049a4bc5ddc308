"""Networks drawn anew run the programs of those drawn before, and give what they would alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import params
from neurodyn.engine.run import execute
from neurodyn.models import spiking
from neurodyn.models.spiking.network import CSR

X = np.linspace(0.0, 10.0, 40)
LAWS = {
    "probability": spiking.FixedProbability(0.1),
    "without self": spiking.FixedProbability(0.2, self_connections=False),
    "in-degree": spiking.FixedInDegree(4),
    "out-degree": spiking.FixedOutDegree(4),
}
OPTIONS = {
    "trained": {"W": 0.1},
    "fixed": {"W": params.Fixed(0.2)},
    "signed": {"W": 0.1, "dale": True},
    "delayed": {"W": 0.1, "delay": 1.0},
    "depressing": {"W": 0.2, "short_term": spiking.TsodyksMarkram(0.5, 100.0)},
}


def network(law, key, **options):
    return spiking.Network(
        {"E": spiking.Population(spiking.LIF(40, tau=20.0 + 0.1 * key), ei=1)},
        bias=18.0,
        synapses={"k": spiking.Delta()},
        projections={"p": spiking.Projection("E", "E", "k", connect=law, **options)},
        key=key,
    )


def run(net):
    return nd.integrate(net, dt=0.5, n_steps=100, save=nd.Save(("v",), spikes="dense"))


@pytest.mark.parametrize("law", LAWS)
def test_new_draws_and_parameters_compile_nothing(law):
    sizes = set()
    for key in range(6):
        net = network(LAWS[law], key, W=0.1)
        sizes.add(net.projections["p"].weights.indices.size)
        run(net)
        traces = execute._cached._cache_size()
        if key == 0:
            before = traces
    assert traces == before
    assert len(sizes) > 1 or "degree" in law


BACKEND = "/jax/core/compile/backend_compile_duration"
COMPILED: list[str] = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, *_, **__: COMPILED.append(name) if name == BACKEND else None
)


def drawn_elsewhere(key):
    """Pairs whose number differs from network to network."""
    numbers = np.random.default_rng(key).permutation(1600)[: 161 + key]
    return spiking.Pairs(*np.divmod(np.sort(numbers), 40))


@pytest.mark.parametrize("kind", ["law", "bounded", "pairs"])
def test_a_search_over_networks_compiles_nothing_after_the_first(kind):
    law = params.Uniform(0.01, 0.1)
    W = {"law": law, "bounded": params.Bounded(0.0, 1.0, init=law), "pairs": 0.1}[kind]
    sizes = set()
    for key in range(6):
        if key == 2:
            before = len(COMPILED)
        connect = drawn_elsewhere(key) if kind == "pairs" else LAWS["probability"]
        net = network(connect, key, W=W)
        sizes.add(net.projections["p"].weights.indices.size)
        nd.simulate(net, dt=0.5, n_steps=20, progress=False)
    assert before > 0
    assert len(COMPILED) == before
    assert len(sizes) > 3


def test_numbers_that_are_drawn_do_not_depend_on_the_room():
    for W in (params.Uniform(0.01, 0.1), params.Bounded(0.0, 1.0, init=params.Uniform(0.01, 0.1))):
        net = network(LAWS["probability"], 3, W=W)
        weights = net.projections["p"].weights
        n = int(weights.indptr[-1])
        assert weights.room > n
        given = spiking.Pairs(np.asarray(weights.pre), np.asarray(weights.indices))
        pairs = network(given, 3, W=W).projections["p"].weights
        np.testing.assert_array_equal(np.asarray(pairs.values), np.asarray(weights.values))


def test_laws_that_do_not_say_level_off():
    law = spiking.DistanceDependent(X, lambda d: 0.5 * np.exp(-d / 2))
    rooms = {network(law, key, W=0.1).projections["p"].weights.room for key in range(30)}
    # Some 380 of 1560 pairs, give or take 17: within three standard deviations, in steps of 32.
    assert len(rooms) <= 4


@pytest.mark.parametrize("options", OPTIONS)
def test_room_changes_nothing(options):
    net = network(LAWS["probability"], 3, **OPTIONS[options])
    tight = eqx.tree_at(lambda n: n.projections["p"].weights, net, replace_fn=without_room)
    larger = net.with_room().projections["p"].weights.indices.size
    assert larger > tight.with_room().projections["p"].weights.indices.size
    roomy, alone = run(net), run(tight)
    assert float(roomy.spikes.sum()) > 0
    for a, b in zip(jax.tree.leaves(roomy), jax.tree.leaves(alone), strict=True):
        np.testing.assert_array_equal(a, b)


def without_room(weights):
    return CSR(
        weights.values, weights.indices, weights.indptr, weights.n_post, longest=weights.longest
    )


def test_the_model_itself_keeps_its_synapses_and_gradients_their_shape():
    net = network(LAWS["probability"], 0, W=0.1)
    values = net.projections["p"].weights.values
    assert values.size == int(net.projections["p"].weights.indptr[-1])

    def loss(values):
        changed = eqx.tree_at(lambda n: n.projections["p"].weights.values, net, values)
        return jnp.sum(run(changed).variables["v"])

    slope = jax.grad(loss)(values)
    assert slope.shape == values.shape
    assert bool(jnp.isfinite(slope).all())
