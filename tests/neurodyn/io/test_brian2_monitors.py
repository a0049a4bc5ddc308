"""What Brian2's monitors recorded, with the times and units that they recorded it of."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, io, labels
from neurodyn.labels import LabelError

b2 = pytest.importorskip("brian2")

# Brian2 2.9 calls what pyparsing, numpy and sympy have deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("numpy_target"),
]


def group(n=4, name="cells", **options):
    given = {"threshold": "v > 10*mV", "reset": "v = 0*mV", "method": "euler"} | options
    equations = "dv/dt = (20*mV*(1 + i/10.) - v)/(10*ms) : volt"
    return b2.NeuronGroup(n, equations, dt=0.1 * b2.ms, name=name, **given)


def run(*objects, ms=30, net=None):
    net = b2.Network() if net is None else net
    net.add(*objects)
    net.run(ms * b2.ms, namespace={})
    return net


@pytest.mark.parametrize("late", ["added", "inactive"])
def test_no_observation_is_claimed_that_brian2_does_not_keep(late):
    cells = group()
    monitor = b2.SpikeMonitor(cells)
    if late == "inactive":
        monitor.active = False
        net = run(cells, monitor, ms=50)
        monitor.active = True
        run(net=net, ms=50)
    else:
        run(monitor, net=run(cells, ms=50), ms=50)
    found = io.from_brian2(monitor)
    labels.check(found)
    assert "window" not in found.attrs
    with pytest.raises(LabelError, match="pass window="):
        analysis.firing_rate(found)
    known = io.from_brian2(monitor, window=(50 * b2.ms, 100))
    rates = analysis.firing_rate(known).values
    np.testing.assert_allclose(rates, np.asarray(monitor.count) / 0.05)
    with pytest.raises(LabelError, match=r"spikes outside of window=\(60, 100\)"):
        io.from_brian2(monitor, window=(60, 100))
    with pytest.raises(LabelError, match="within the 100 ms"):
        io.from_brian2(monitor, window=(0, 101))


def test_samples_have_the_time_of_the_state_that_they_are():
    cells = group(1)
    fine = b2.StateMonitor(cells, "v", record=True, name="fine")
    slots = ("start", "before_groups", "after_groups", "thresholds", "after_resets", "end")
    coarse = [
        b2.StateMonitor(cells, "v", record=True, dt=1 * b2.ms, when=slot, name=slot)
        for slot in slots
    ]
    run(cells, fine, *coarse, ms=6)
    every = io.from_brian2(fine).v.isel(trial=0, unit=0)
    np.testing.assert_array_equal(every.time, np.arange(60) * 0.1)
    for monitor in coarse:
        found = io.from_brian2(monitor).v.isel(trial=0, unit=0)
        late = 0.1 * (monitor.when not in ("start", "before_groups"))
        np.testing.assert_allclose(found.time, np.arange(6) + late, atol=1e-12)
        np.testing.assert_array_equal(found, every.sel(time=found.time))


def test_units_are_those_of_their_group():
    cells, noise = group(10), b2.PoissonGroup(3, 100 * b2.Hz, name="noise")
    middle, last = cells[2:5], cells[5:]
    some = b2.StateMonitor(cells, "v", record=[1, 3], name="some")
    part = b2.StateMonitor(middle, "v", record=[0, 2], name="part")
    whole = b2.StateMonitor(cells, "v", record=True, name="whole")
    spikes = {s.name: b2.SpikeMonitor(s) for s in (middle, last, cells, noise)}
    run(cells, noise, some, part, whole, *spikes.values())
    one = io.from_brian2(some)
    assert one["index"].values.tolist() == [1, 3]
    np.testing.assert_allclose(one.v[0].T, some.v / b2.mV)
    assert io.from_brian2(part)["index"].values.tolist() == [2, 4]
    both = io.from_brian2(spikes[last.name], spikes[middle.name])
    assert both["index"].values.tolist() == list(range(2, 10))
    count = np.bincount(both.spike_unit, minlength=8)
    np.testing.assert_array_equal(count, spikes["cells"].count[2:])
    assert both.population.values.tolist() == [middle.name] * 3 + [last.name] * 5
    # Spikes that two monitors saw count once.
    twice = io.from_brian2(spikes[middle.name], whole, spikes["cells"])
    np.testing.assert_array_equal(
        np.bincount(twice.spike_unit, minlength=10), spikes["cells"].count
    )
    np.testing.assert_allclose(twice.v[0].T, whole.v / b2.mV)
    # What was recorded of other units has a node of its own, with the same labels.
    tree = io.from_brian2(spikes["noise"], spikes["cells"], part)
    assert isinstance(tree, xr.DataTree)
    labels.check(tree)
    assert tree["part"].unit.values.tolist() == [5, 7]
    assert tree["run"].sizes["unit"] == 13
    assert tree["run"].population.values.tolist()[:4] == ["noise"] * 3 + ["cells"]


def test_events_and_monitors_without_times():
    cells = group(events={"low": "v < 1*mV"})
    events, spikes = b2.EventMonitor(cells, "low"), b2.SpikeMonitor(cells, variables="v")
    counts = b2.SpikeMonitor(cells, record=False, name="counts")
    rate = b2.PopulationRateMonitor(cells)
    net = run(cells, events, counts, ms=10)
    run(rate, spikes, net=net, ms=10)
    found = io.from_brian2(events)
    assert found.attrs["event"] == "low"
    assert found.sizes["spike"] == events.num_events
    assert any("v" in line for line in io.from_brian2(spikes).attrs["not_read"])
    np.testing.assert_allclose(io.from_brian2(rate)["population_rate"].time[0], 10.05)
    for wrong, message in {
        (events, spikes): "different events",
        (counts,): "counts .*record",
    }.items():
        with pytest.raises(LabelError, match=message):
            io.from_brian2(*wrong)
    watch = b2.Synapses(cells, cells, "w : 1", name="links")
    watch.connect()
    weights = b2.StateMonitor(watch, "w", record=True, name="weights")
    run(watch, weights, net=net, ms=1)
    with pytest.raises(LabelError, match="weights recorded synapses"):
        io.from_brian2(weights)
