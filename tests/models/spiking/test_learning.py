"""Networks that learn while they run: what may learn, and when spikes count."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.engine.solve import solve
from neurodyn.models import spiking
from neurodyn.models.spiking.plasticity import RLS, PairSTDP

N = 5


def learning(format="auto", **options):
    """Units that all fire, each at a rate of its own, and learn fast."""
    return spiking.Network(
        spiking.LIF(N),
        synapses={"s": spiking.Exponential(5.0)},
        projections={
            "p": spiking.Projection(
                "all",
                "all",
                "s",
                W=0.5,
                connect=spiking.AllToAll(self_connections=False),
                rule=PairSTDP(0.05, 0.06),
                format=format,
                **options,
            )
        },
        bias=np.linspace(12.0, 20.0, N),
    )


@pytest.mark.parametrize("format", ["dense", "csr"])
def test_only_synapses_that_exist_learn(format):
    network = learning(format)
    save = Save(("W_p",), outputs=None, spikes="dense", every=100)
    apart = ~np.eye(N, dtype=bool)

    def weights(network, **options):
        run = integrate(network, dt=0.5, n_steps=400, save=save, **options)
        assert (np.asarray(run.spikes).sum(0) > 2).all()
        return np.asarray(run.variables["W_p"]), run.final_state

    free, _ = weights(network)
    np.testing.assert_array_equal(free[-1] != 0, apart)
    assert (free[-1] != 0.5)[apart].all()
    first = np.arange(N) == 0
    cut, _ = weights(network.cut(first))
    np.testing.assert_array_equal(cut[-1] != 0, apart & ~first[:, None] & ~first)
    # What is cut for a while neither acts nor learns meanwhile, and is kept as it was.
    window = nd.intervene.Lesion(first, start=50.0)
    late, state = weights(network, interventions=(window,))
    own = (first[:, None] | first) & apart
    np.testing.assert_array_equal(late[0], free[0])
    assert (late[1:, own] == 0).all()
    kept = np.zeros((N, N))
    here = network.projections["p"].weights
    kept[tuple(np.broadcast_arrays(here.pre, here.post))] = state.memory.projections["p"].W
    np.testing.assert_array_equal(kept[own], free[0][own])


def test_a_rule_needs_one_delay():
    message = r"Projection 'p': PairSTDP sees spikes as they arrive, which needs one `delay`"
    with pytest.raises(ValueError, match=message):
        learning(delay=np.full((N, N), 2.0))


def test_weights_that_a_rule_would_change_before_it_learns_are_refused():
    def network(W, **bounds):
        return spiking.Network(
            spiking.LIF(3),
            synapses={"s": spiking.Exponential(5.0)},
            projections={"p": spiking.Projection("all", "all", "s", W=W, rule=PairSTDP(**bounds))},
        )

    with pytest.raises(ValueError, match=r"from `w_min`=0 to `w_max`=1.*start from -2 to -2"):
        network(-2.0)
    with pytest.raises(ValueError, match="start from 3 to 3"):
        network(3.0)
    network(-2.0, w_min=-4.0, w_max=0.0)


def test_spike_times_have_derivatives_in_forward_mode(x64):
    network = spiking.Network(spiking.LIF(1), bias=params.Free(30.0), key=0)

    def last(bias):
        brighter = eqx.tree_at(lambda n: n.bias, network, jnp.full((1,), bias))
        run = solve(brighter, None, jnp.asarray([0.0, 33.0]), max_events=16, save=Save(("v",)))
        return run.variables["v"][-1, 0]

    _, slope = jax.jvp(last, (30.0,), (1.0,))
    apart = 1e-4
    differences = (last(30.0 + apart) - last(30.0 - apart)) / (2 * apart)
    np.testing.assert_allclose(slope, differences, rtol=1e-3)


def test_a_rule_of_the_readout_does_not_see_units_that_are_cut():
    network = spiking.Network(
        spiking.LIF(N),
        bias=np.linspace(12.0, 20.0, N),
        readout=spiking.Readout(1, W=0.5, rule=RLS(2.0)),
    )
    target = jnp.sin(jnp.arange(200) / 20)[:, None]
    first = np.arange(N) == 0
    save = Save(("decoder",), spikes="dense", every=50)
    run = integrate(network.cut(first, incoming=False), Drive(target=target), dt=0.5, save=save)
    assert (np.asarray(run.spikes).sum(0) > 1).all()
    decoder = np.asarray(run.variables["decoder"])
    assert (decoder[:, first] == 0).all()
    assert (decoder[-1, ~first] != 0.5).all()
    # Silenced from some time on, a unit keeps its weight.
    window = nd.intervene.Silence(first, start=50.0)
    late = integrate(network, Drive(target=target), dt=0.5, save=save, interventions=(window,))
    found = np.asarray(late.variables["decoder"])
    assert (found[1, first] != 0.5).all()
    np.testing.assert_array_equal(found[-1, first], found[1, first])
    assert (found[-1, ~first] != found[1, ~first]).all()
