"""Weights are (pre, post) in every model, seen in what one unit does to the others in a step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models, params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import spiking
from neurodyn.system import AbstractMap

N = 8
SIGNS = np.array([1, 1, -1, 1, -1, -1, 1, -1])
AREAS = {"first": 3, "second": 5}


def shallow(W):
    # Each hidden unit reaches the unit of its number, so that W2 is what lies between units.
    onward = params.Fixed(0.3 * np.eye(N))
    return models.ShallowPLRNN(0, N, 2, n_hidden=N, W2=W, W1=onward, clipped=False, key=0)


#: Each model with these recurrent weights, with nothing else between its units.
RECURRENT = {
    "CTRNN": lambda W: models.CTRNN(0, N, 2, W=W, tau=20.0, key=0),
    "LeakyRNN": lambda W: models.LeakyRNN(0, N, 2, W=W, key=0),
    "EchoState": lambda W: models.EchoState(0, N, 2, W=W, key=0),
    "GRU": lambda W: models.GRU(0, N, 2, W=W, key=0),
    "LSTM": lambda W: models.LSTM(0, N, 2, W=W, key=0),
    "PVRNN": lambda W: models.PVRNN(
        2, (N,), (1,), (4.0,), head="linear", W=W, W_prior=0.0, posterior="A", key=0
    ),
    "ALRNN": lambda W: models.ALRNN(0, N, 2, n_relu=3, W=W, key=0),
    "PLRNN": lambda W: models.PLRNN(0, N, 2, W=W, key=0),
    "DendriticPLRNN": lambda W: models.DendriticPLRNN(
        0, N, 2, n_branches=2, alpha=params.Fixed(0.5), clipped=False, W=W, key=0
    ),
    "ShallowPLRNN": shallow,
}
#: Columns are blocks of gates, whose products have no sign of one unit's weights.
GATES = {"GRU": 3, "LSTM": 4}
#: Takes no weights.
WITHOUT = {"VRNN"}


def effects(model):
    """``(from, to)``: how the state of one unit after a step changes with that of another before.

    Summed over some states, since a rectifier may be closed in one.
    """
    model = params.with_values(model)

    def next_state(x):
        start = model.initial_state(dt=1.0, key=jax.random.key(0))
        leaves, structure = jax.tree.flatten(start.x)
        state = start._replace(x=jax.tree.unflatten(structure, [x, *leaves[1:]]))
        if isinstance(model, AbstractMap):
            step = jnp.asarray(0, jnp.int32)
            after = model.update(state, Drive(step=step), key=jax.random.key(0))
            return jax.tree.leaves(after.x)[0]
        return x + model.drift(0.0, state, Drive())

    states = jnp.asarray(np.random.default_rng(0).normal(size=(20, N)), jnp.float32)
    found = np.array(jax.jit(jax.vmap(jax.jacfwd(next_state)))(states)).swapaxes(1, 2)
    found[:, np.arange(N), np.arange(N)] = 0
    return found


def test_every_model_is_tried():
    assert set(RECURRENT) | WITHOUT == set(models.__all__)


@pytest.mark.parametrize("name", sorted(set(RECURRENT) - set(GATES)))
def test_signs_are_those_of_the_sending_unit(name):
    found = effects(RECURRENT[name](params.Dale(SIGNS, of=params.Free(params.Uniform(0.1, 0.5)))))
    assert (found * SIGNS[:, None] >= 0).all()
    assert (np.abs(found).max(0) > 0).sum() == N * (N - 1)


@pytest.mark.parametrize("name", RECURRENT)
def test_rows_of_a_mask_are_what_a_unit_sends(name):
    mask = np.ones((N, GATES.get(name, 1) * N))
    mask[2] = 0
    found = effects(RECURRENT[name](params.Masked(mask, of=params.Free(params.Normal(0.0, 0.5)))))
    reached = np.abs(found).max(0)
    assert (reached[2] == 0).all()
    assert (reached > 0).sum() == (N - 1) * (N - 1)


@pytest.mark.parametrize("name", sorted(set(RECURRENT) - set(GATES)))
def test_areas_are_connected_from_the_first_named_to_the_second(name):
    dense = params.Free(params.Normal(0.0, 0.5))
    W = params.Blocks(AREAS, within=dense, between={("first", "second"): dense})
    reached = np.abs(effects(RECURRENT[name](W))).max(0)
    assert (reached[3:, :3] == 0).all()
    assert (reached[:3, 3:] > 0).all()


def test_spikes_act_with_the_sign_and_on_the_targets_of_their_unit():
    mask = np.ones((N, N))
    mask[2] = 0
    W = params.Dale(SIGNS, of=params.Masked(mask, of=params.Free(2.0)))

    def potentials(bias):
        network = spiking.recurrent_network(0, N, 0, W=W, bias=params.Fixed(bias), key=0)
        run = integrate(network, None, dt=1.0, n_steps=12, save=Save(variables=("v",)))
        return run.variables["v"]

    quiet = potentials(np.zeros(N))
    for unit in range(N):
        change = np.array(potentials(200.0 * (np.arange(N) == unit)) - quiet)[-1]
        change = np.delete(change, unit)
        expected = 0 if unit == 2 else SIGNS[unit]
        np.testing.assert_array_equal(np.sign(np.round(change, 4)), expected)
