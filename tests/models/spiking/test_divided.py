"""Synapses sorted by the device of their targets, in one process."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import params
from neurodyn.models import spiking
from neurodyn.models.spiking import plasticity


def network(**options):
    """Two populations with a projection onto one of them."""
    rule = plasticity.PairSTDP(w_max=5.0)
    options = {"W": params.Uniform(0.0, 2.0), "connect": spiking.FixedProbability(0.4)} | options
    return spiking.Network(
        {"E": spiking.Izhikevich2003(12, "RS"), "I": spiking.Izhikevich2003(4, "FS")},
        synapses={"ampa": spiking.Exponential(5.0)},
        projections={
            "sparse": spiking.Projection("all", "I", "ampa", **options),
            "learned": spiking.Projection("E", "I", "ampa", rule=rule, **options),
            "part": spiking.Projection("I", "E", "ampa", W=options["W"]),
        },
        bias=10.0,
        key=0,
    )


def test_divided_weights_are_the_same_weights():
    whole = network()
    divided = whole.divided(4)
    for name, each in whole.projections.items():
        part = divided.projections[name]
        first, last = each.post
        np.testing.assert_array_equal(part.weights.matrix(), each.weights.matrix())
        events = jnp.asarray(np.arange(each.n_pre) % 3 == 0, jnp.float32)
        found = part.weights.product(events)
        assert found.shape == (16,)
        np.testing.assert_array_equal(found[first:last], each.weights.product(events))
        assert not found[:first].any()
        assert not found[last:].any()
        rows, columns = np.arange(each.n_pre) != 1, np.arange(each.n_post) != 2
        cut = part.weights.only(jnp.asarray(rows), jnp.asarray(columns))
        expected = np.asarray(each.weights.matrix()) * rows[:, None] * columns
        np.testing.assert_array_equal(cut.matrix(), expected)


def test_a_divided_network_gives_the_same_run_and_trains_nothing():
    whole = network(delay=1.0)
    run = {"dt": 0.5, "n_steps": 60, "key": 0, "save": ("v", "W_learned")}
    found, expected = (nd.simulate(each, **run) for each in (whole.divided(4), whole))
    assert expected.sizes["spike"] > 20
    for name in ("v", "W_learned", "spike_time", "spike_unit"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert (expected.W_learned.isel(time=0) != expected.W_learned.isel(time=-1)).any()
    weights = whole.divided(4).projections["sparse"].weights
    assert isinstance(weights.values, params.Fixed)


def test_what_cannot_be_divided_is_refused():
    whole = network()
    with pytest.raises(ValueError, match=r"divided for 4 devices, and `mesh` has 2 .* from which"):
        whole.divided(4).divided(2)
    sparse = whole.projections["sparse"]
    rows = params.Indexed(3).build(sparse.weights.indices.shape, None)
    weights = dataclasses.replace(sparse.weights, values=rows)
    changed = {**whole.projections, "sparse": dataclasses.replace(sparse, weights=weights)}
    other = params.base.changed(whole, projections=changed)
    with pytest.raises(ValueError, match=r"'sparse'.*differ between trials.*mesh with 'trial'"):
        other.divided(4)
