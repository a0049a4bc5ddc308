"""Runs of labelled inputs: their clock and their trials are those of the inputs."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, models
from neurodyn.engine.drive import Drive
from tests.neurodyn.flows import LIF

#: As the integrator of one input sees them: each trial receives a constant of its own.
AMOUNT = {"c": 3.0, "a": 1.0, "b": 2.0}


def inputs(n_steps=5, n_inputs=2, unit="ms"):
    values = np.broadcast_to(np.array(list(AMOUNT.values()))[:, None, None], (3, n_steps, n_inputs))
    coords = {
        "trial": list(AMOUNT),
        "time": ("time", 510.0 + 10.0 * np.arange(n_steps), {"units": unit}),
        "amount": ("trial", list(AMOUNT.values())),
        "side": ("trial", ["left", "right", "left"]),
    }
    return xr.DataArray(values, coords, ("trial", "time", "input"))


@pytest.fixture(scope="module")
def network():
    return models.CTRNN(2, 4, 1, tau=50.0, key=0)


def test_a_run_has_the_clock_and_the_trials_of_its_inputs(network):
    given = inputs()
    run = nd.simulate(network, given, key=0)
    assert run.attrs["dt"] == 10
    np.testing.assert_array_equal(run.time, given.time)
    np.testing.assert_array_equal(run.trial, ["c", "a", "b"])
    np.testing.assert_array_equal(run.amount, [3.0, 1.0, 2.0])
    np.testing.assert_array_equal(run.side, ["left", "right", "left"])
    mixed = nd.simulate(network, given.sel(trial=["b", "c", "a"]), key=0)
    np.testing.assert_allclose(mixed.rate.sel(trial=run.trial), run.rate, atol=1e-6)
    one = nd.simulate(network, given.sel(trial="b"), key=0)
    assert one.trial.values == ["b"]
    assert one.amount.values == [2.0]
    assert nd.simulate(network, inputs(unit="1"), key=0).time.attrs["units"] == "1"


def test_streamed_runs_have_the_same_labels(network, tmp_path):
    pytest.importorskip("zarr")
    given = inputs()
    streamed = nd.simulate(network, given, key=0, chunk=2, to=tmp_path / "run.zarr")
    np.testing.assert_array_equal(streamed.trial, given.trial)
    np.testing.assert_array_equal(streamed.amount, given.amount)


def test_trials_of_inputs_end_where_they_say(network):
    given = inputs().assign_coords(valid_until=("trial", [520.0, 550.0, 540.0]))
    run = nd.simulate(network, given, key=0, save=nd.Save(every=2))
    np.testing.assert_array_equal(run.valid_until, [520.0, 550.0, 540.0])
    np.testing.assert_array_equal(run.n_valid, [1, 2, 2])
    np.testing.assert_array_equal(run.rate.notnull().all("unit").sum("time"), [1, 2, 2])


def test_spikes_carry_the_labels_of_the_trials():
    cells = LIF(jnp.array([1.5, 2.0]))
    given = inputs(200, cells.n_inputs).sel(trial=["c"])
    run = nd.simulate(cells, given, key=0)
    assert run.sizes["spike"]
    assert set(run.spike_trial.values) == {"c"}
    assert run.spike_time.min() > 500
    with pytest.raises(labels.LabelError, match="spikes in ms"):
        nd.simulate(cells, inputs(5, cells.n_inputs, "1"), key=0)


def test_parts_of_a_drive_are_paired_by_label(network):
    current = inputs(n_inputs=4).rename(input="unit")
    straight = nd.simulate(network, Drive(inputs(), current=current), key=0)
    turned = Drive(inputs(), current=current.isel(trial=[2, 0, 1]))
    np.testing.assert_array_equal(nd.simulate(network, turned, key=0).rate, straight.rate)


def test_what_contradicts_the_inputs_is_refused(network):
    with pytest.raises(labels.LabelError, match=r"leave\s+dt out"):
        nd.simulate(network, inputs(), dt=20.0, key=0)
    with pytest.raises(ValueError, match="or inputs with labels"):
        nd.simulate(network, inputs().drop_vars("time"), key=0)
    with pytest.raises(labels.LabelError, match="labels repeat"):
        nd.simulate(network, inputs().assign_coords(trial=[1, 1, 2]), key=0)
    with pytest.raises(labels.LabelError, match="rename them first"):
        nd.simulate(network, inputs().rename(amount="rate"), key=0)
    with pytest.raises(ValueError, match="from 500 to 550: the label t is at"):
        nd.simulate(network, inputs(), save=nd.Save(window=(510.0, 550.0)), key=0)
