"""Networks through Brian2 and back: the same spikes, in float64, and labelled results."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import io, labels
from neurodyn.engine.record import Save
from neurodyn.labels import LabelError
from neurodyn.models import spiking
from neurodyn.models.spiking import (
    NMDA,
    AdEx,
    Delta,
    DoubleExponential,
    Exponential,
    FixedProbability,
    Izhikevich2003,
    Izhikevich2007,
    Network,
    Population,
    Projection,
    TsodyksMarkram,
)

b2 = pytest.importorskip("brian2")

# Brian2 2.9 calls what pyparsing, numpy and sympy have deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("numpy_target"),
]


def monitors(net):
    found = [o for o in net.objects if isinstance(o, (b2.SpikeMonitor, b2.StateMonitor))]
    return sorted(found, key=lambda monitor: monitor.name)


def both(network, *, dt, duration, inputs=None, variables=("v",)):
    """Spikes ``(spike, (step, unit))`` and potentials of the same trial, ours and Brian2's."""
    n_steps = None if inputs is not None else round(duration / dt)
    save = Save(variables=variables, spikes="dense")
    run = nd.integrate(network, inputs, dt=dt, n_steps=n_steps, key=0, save=save)
    start = jax.random.split(jax.random.fold_in(jax.random.key(0), 0))[0]
    net = io.to_brian2(network, inputs, dt=dt, variables=variables, key=start)
    net.run(duration * b2.ms, namespace={})
    theirs = io.from_brian2(*monitors(net), coords=network.unit_coords())
    step = np.rint(theirs["spike_time"].values / dt).astype(int) - 1
    return (
        np.argwhere(np.asarray(run.spikes)),
        np.stack([step, theirs["spike_unit"].values], axis=1),
        np.asarray(run.variables["v"]),
        theirs,
    )


def mixed(scheme):
    """Every kind of synapse, delays, terminals that tire, and both kinds of input."""
    rng = np.random.default_rng(0)
    return Network(
        {
            "E": Population(Izhikevich2003(16, ["RS", "CH"] * 8), ei=1),
            "I": Population(Izhikevich2003(4, "FS"), ei=-1),
        },
        synapses={
            "ampa": Exponential(5.0),
            "gaba": DoubleExponential(1.0, 10.0, exact=True, reversal=-80.0),
            "nmda": NMDA(2.0, 100.0),
            "fast": Delta(),
        },
        projections={
            "from_E": Projection(
                "E",
                "all",
                "ampa",
                W=3 * rng.random((16, 20)),
                connect=FixedProbability(0.5),
                delay=1.5,
            ),
            "from_I": Projection("I", "all", "gaba", W=5 * rng.random((4, 20))),
            "slow": Projection(
                "E",
                "E",
                "nmda",
                W=0.02,
                connect=FixedProbability(0.3),
                delay=lambda rng, n: rng.uniform(1, 5, n),
                short_term=TsodyksMarkram(0.3, 100.0, 50.0),
            ),
            "relay": Projection("given", "E", "fast", W=1.5),
        },
        inputs={"given": spiking.SpikeInput(16), "bath": spiking.CurrentInput(1, to="E")},
        bias=8 * rng.random(20),
        scheme=scheme,
        key=1,
    )


def driven(n_steps):
    rng = np.random.default_rng(1)
    spikes = (rng.random((n_steps, 16)) < 0.002).astype(float)
    current = 3 * np.sin(np.arange(n_steps) / 50)[:, None]
    return jnp.asarray(np.concatenate([spikes, current], axis=1))


@pytest.mark.parametrize("scheme", ["euler", "izh2003"])
def test_same_spikes_as_brian2(scheme, x64):
    ours, theirs, v, run = both(mixed(scheme), dt=0.1, duration=60.0, inputs=driven(600))
    assert len(ours) > 30
    np.testing.assert_array_equal(ours, theirs)
    # Brian2's sample k + 1, at the start of step k + 1, is ours of step k.
    np.testing.assert_allclose(run["v"].values[0, 1:], v[:-1], atol=1e-7)
    assert run["population"].values.tolist() == ["E"] * 16 + ["I"] * 4


def test_same_spikes_of_all_kinds_of_neurons(x64):
    types = ["RS", "IB", "CH", "LTS", "FS", "TC", "RTN"]
    network = Network(
        {
            "L": Population(spiking.LIF(4), refractory=2.0, ei=1),
            "A": AdEx(3),
            "Z": Izhikevich2007(7, types),
        },
        synapses={"g": Exponential(5.0, reversal=0.0, unit_area=True), "kick": Delta()},
        projections={
            "a": Projection("all", "all", "g", W=0.05, delay=1.0),
            "k": Projection("A", "L", "kick", W=0.5),
        },
        bias={"L": 15.0, "A": 900.0, "Z": np.array([100.0, 400, 200, 300, 200, 300, 200])},
    )
    ours, theirs, v, run = both(network, dt=0.1, duration=60.0)
    assert len(np.unique(ours[:, 1])) > 11
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(run["v"].values[0, 1:], v[:-1], atol=1e-3)


def test_runs_are_labelled_and_go_to_neo():
    network = Network({"a": Izhikevich2003(2), "b": Izhikevich2003(1, "FS")}, bias=10.0)
    net = io.to_brian2(network, dt=0.5, variables=("v", "u"))
    rate = b2.PopulationRateMonitor(net["cells"], name="rate")
    net.add(rate)
    net.run(100 * b2.ms, namespace={})
    tree = io.from_brian2(net["spikes"], net["states"], rate, coords=network.unit_coords())
    labels.check(tree)
    run = tree["run"].to_dataset()
    assert run["v"].dims == ("trial", "time", "unit")
    assert run["population"].values.tolist() == ["a", "a", "b"]
    assert run.attrs["window"] == [0.0, 100.0]
    rates = tree["population_rate"].to_dataset()["rate"].values
    assert rates.sum() * 0.5e-3 * 3 == pytest.approx(run.sizes["spike"])
    trains = run.drop_dims("time").drop_vars("time", errors="ignore")
    block = io.to_neo(trains)
    assert [len(train) for train in block.segments[0].spiketrains] == np.bincount(
        run["spike_unit"], minlength=3
    ).tolist()


def test_labels_of_a_script_with_units():
    """Volts become mV; groups are put after each other."""
    eqs = "dv/dt = (20*mV - v)/(10*ms) : volt"
    groups = [
        b2.NeuronGroup(n, eqs, threshold="v > 15*mV", reset="v = 0*mV", method="euler", name=name)
        for name, n in (("first", 2), ("second", 3))
    ]
    states = [b2.StateMonitor(group, "v", record=True) for group in groups]
    spikes = [b2.SpikeMonitor(group) for group in groups]
    b2.Network(*groups, *states, *spikes).run(30 * b2.ms, namespace={})
    run = io.from_brian2(*spikes, *states)
    labels.check(run)
    assert run["v"].attrs["units"] == "mV"
    assert 14 < float(run["v"].max()) < 20
    assert run["population"].values.tolist() == ["first"] * 2 + ["second"] * 3
    assert np.bincount(run["spike_unit"].values).tolist() == [2] * 5
    # 10 ms log(20 / 5) = 13.863 ms: the step from 13.8, labelled with its end.
    np.testing.assert_allclose(run["spike_time"].values[:5], 13.9, atol=0.11)


def cell(**options):
    return Network(Izhikevich2003(2), bias=10.0, **options)


class _Neuron(Izhikevich2003.__bases__[0]):
    n: int = 1
    cell_type: tuple = ("own",)
    parameters = ()
    current_units = "pA"

    def start(self, key):
        return spiking.cells.Potential(jnp.zeros(1))

    def drift(self, cell, current):
        return cell

    def crossing(self, cell):
        return cell.v - 1

    def reset(self, cell, spikes):
        return cell

    def variables(self):
        return {}


WRONG = {
    "not a network": (
        lambda: io.to_brian2(Izhikevich2003(1), dt=0.1),
        TypeError,
        "spiking.Network",
    ),
    "no step": (lambda: io.to_brian2(cell(), dt=0.0), ValueError, "`dt` must be above 0"),
    "own neuron": (lambda: io.to_brian2(Network(_Neuron()), dt=0.1), TypeError, "class _Neuron"),
    "learning readout": (
        lambda: io.to_brian2(
            cell(readout=spiking.Readout(1, W=0.0, feedback=np.ones((1, 2)))), dt=0.1
        ),
        ValueError,
        "learns or feeds back",
    ),
    "summed trains": (
        lambda: io.to_brian2(cell(sources={"bath": spiking.Poisson(2, 5.0, trains=9)}), dt=0.1),
        ValueError,
        "'bath' sums 9 trains",
    ),
    "unknown variable": (
        lambda: io.to_brian2(cell(), dt=0.1, variables=("w",)),
        ValueError,
        r"no variables \['w'\]",
    ),
    "several trials": (
        lambda: io.to_brian2(
            cell(inputs={"a": spiking.CurrentInput(1)}), jnp.zeros((5, 2, 1)), dt=0.1
        ),
        ValueError,
        "one trial",
    ),
    "no monitors": (lambda: io.from_brian2(), TypeError, "SpikeMonitors"),
    "something else": (lambda: io.from_brian2(xr.Dataset()), TypeError, "Dataset"),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_what_has_no_counterpart(case):
    call, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        call()


def test_jumps_of_another_variable_are_written():
    network = cell(
        synapses={"s": Delta(onto="u")}, projections={"p": Projection("all", "all", "s", W=1.0)}
    )
    assert "u_post += weight" in io.to_brian2(network, dt=0.5)["p"]._pathways[0].code


def test_coords_of_other_units():
    net = io.to_brian2(cell(), dt=0.5)
    net.run(1 * b2.ms, namespace={})
    with pytest.raises(LabelError, match="3 values for 2 units"):
        io.from_brian2(net["spikes"], coords={"area": ["V1"] * 3})


def test_missing_brian2_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "brian2", None)
    with pytest.raises(ImportError, match=r"numpy<2\.4"):
        io.to_brian2(cell(), dt=0.1)
