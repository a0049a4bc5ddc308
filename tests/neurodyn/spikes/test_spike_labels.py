"""Spikes follow their units and trials through whatever xarray does to them."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import analysis, io, labels, models, plot, spikes
from neurodyn.labels import LabelError
from neurodyn.models import spiking

UNITS = {"numbers": np.array([7, 3, 5, 12]), "names": np.array(["d", "a", "cc", "b"])}
TRIALS = np.array([101, 105, 100, 103, 102])
WINDOW, WIDTH = (-50.0, 150.0), 50.0


def recording(kind="numbers", seed=0):
    """Spikes with labels that are no positions, and their counts by plain loops."""
    rng = np.random.default_rng(seed)
    units, n = UNITS[kind], 300
    time = rng.uniform(*WINDOW, n)
    unit, trial = rng.integers(0, 3, n), rng.integers(0, len(TRIALS), n)  # the last is silent
    ds = spikes.dataset(
        time,
        units[unit],
        TRIALS[trial],
        coords={
            "unit": units,
            "trial": TRIALS,
            "side": ("trial", np.array(["l", "r", "l", "r", "r"])),
        },
        source="recording",
        window=WINDOW,
    )
    counts = np.zeros((len(TRIALS), 4, len(units)))
    for t, u, k in zip(time, unit, trial, strict=True):
        counts[k, int((t - WINDOW[0]) // WIDTH), u] += 1
    coords = {"trial": TRIALS, "unit": units}
    return ds, xr.DataArray(counts, coords, ("trial", "time", "unit"))


def counted(ds):
    return spikes.bin(ds, bin_width=WIDTH)["spike_count"].drop_vars(["time", "side"])


ORDERS = st.tuples(
    st.lists(st.sampled_from(range(len(TRIALS))), min_size=1, unique=True),
    st.lists(st.sampled_from(range(4)), min_size=1, unique=True),
)


@pytest.mark.parametrize("kind", UNITS)
@given(ORDERS)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_any_selection_in_any_order_counts_its_own_spikes(kind, orders):
    ds, counts = recording(kind)
    trial, unit = orders
    mine, right = ds.isel(trial=trial, unit=unit), counts.isel(trial=trial, unit=unit)
    xr.testing.assert_equal(counted(mine), right)
    rate = right.sum(["trial", "time"]) / (0.2 * len(trial))
    np.testing.assert_allclose(analysis.firing_rate(mine), rate)
    tidy = spikes.tidy(mine)
    assert tidy.sizes["spike"] == right.sum()
    xr.testing.assert_equal(counted(tidy), right)
    # The same out of a shuffled table of spikes.
    shuffled = mine.isel(spike=np.random.default_rng(0).permutation(ds.sizes["spike"]))
    xr.testing.assert_equal(counted(shuffled), right)
    assert [t.size for t in spikes.times(mine)] == right.sum(["trial", "time"]).values.tolist()


OPERATIONS = {
    "sorted": lambda ds: ds.sortby("trial").sortby("unit", ascending=False),
    "by label": lambda ds: ds.sel(trial=[103, 100], unit=ds.unit.values[[2, 0]]),
    "slices": lambda ds: ds.isel(trial=slice(None, None, -2), unit=slice(1, None)),
    "mask": lambda ds: ds.isel(trial=(ds.side == "r").values),
    "where": lambda ds: ds.where(ds.side == "l", drop=True),
    "dropped": lambda ds: ds.drop_sel(trial=[105], unit=ds.unit.values[:1]),
    "reindexed": lambda ds: ds.reindex(trial=[100, 101]),
    "concatenated": lambda ds: xr.concat([ds.isel(trial=[3, 1]), ds.isel(trial=[0])], "trial"),
    "joined units": lambda ds: xr.concat(
        [ds.isel(unit=[3]), ds.isel(unit=[1])], "unit", data_vars="minimal"
    ),
    "concatenated by us": lambda ds: spikes.concat([ds.isel(trial=[4, 2]), ds.isel(trial=[1])]),
    "arithmetic": lambda ds: ds.where(ds.trial > 0) * 2,
}


@pytest.mark.filterwarnings("ignore:In a future version of xarray:FutureWarning")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", UNITS)
def test_every_way_to_select_of_xarray(kind, operation):
    ds, counts = recording(kind)
    changed = OPERATIONS[operation](ds)
    right = counts.sel(trial=changed.trial, unit=changed.unit)
    xr.testing.assert_equal(counted(changed), right.reset_coords(drop=True))
    one = spikes.bin(ds.isel(trial=2), bin_width=WIDTH)["spike_count"]
    np.testing.assert_array_equal(one, counts.isel(trial=2))


def test_a_bootstrap_sample_counts_repeated_trials_each_time():
    ds, counts = recording()
    drawn = ds.isel(trial=[1, 1, 4, 1], unit=[2, 0, 2])
    rates = counts.isel(trial=[1, 1, 4, 1], unit=[2, 0, 2]).sum(["trial", "time"]) / 0.8
    for once_more in (drawn, spikes.tidy(drawn)):
        np.testing.assert_allclose(analysis.firing_rate(once_more), rates)
    named = spikes.relabel(drawn, trial=np.arange(4), unit=["x", "y", "z"])
    np.testing.assert_array_equal(counted(named), counts.isel(trial=[1, 1, 4, 1], unit=[2, 0, 2]))
    with pytest.raises(LabelError, match=r"'trial' repeat.*relabel"):
        spikes.bin(drawn, bin_width=WIDTH)


def test_new_labels_are_those_of_the_same_trials_and_units():
    ds, counts = recording()
    part, right = ds.isel(trial=[4, 2, 0]), counts.isel(trial=[4, 2, 0])
    for new in (np.array([100, 101, 102]), ["x", "y", "z"], part.trial.values[::-1]):
        renamed = part.assign_coords(trial=new, unit=[3, 7, 12, 5])
        np.testing.assert_array_equal(counted(renamed), right)
        assert counted(renamed).trial.values.tolist() == list(new)
        named = spikes.relabel(renamed, trial=new)
        assert set(named.spike_trial.values) == set(new)
        np.testing.assert_array_equal(counted(named), right)
    later = ds.isel(trial=[1, 3]).assign_coords(trial=[100, 102 + 1000])
    both = spikes.concat([part.assign_coords(trial=[1, 2, 3]), later])
    everything = counts.isel(trial=[4, 2, 0, 1, 3])
    np.testing.assert_array_equal(counted(both), everything)


def test_parts_that_say_less_are_completed_when_put_together():
    ds, counts = recording()
    ended = ds.isel(trial=[0, 1]).assign_coords(
        valid_until=("trial", [50.0, 150.0], {"units": "ms", "long_name": "end"})
    )
    seen = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool)
    about = {"units": "1", "long_name": "whether the unit was observed"}
    both = spikes.concat(
        [ended.assign(observed=(("trial", "unit"), seen, about)), ds.isel(trial=[2])]
    )
    found = spikes.bin(both, bin_width=WIDTH)["spike_count"].values
    right = counts.isel(trial=[0, 1, 2]).values
    right[0, 2:], right[0, :, 3] = np.nan, np.nan
    np.testing.assert_array_equal(found, right)
    other = ds.isel(trial=[2]).assign_coords(area=("unit", list("abcd")))
    with pytest.raises(LabelError, match="'area' of Dataset 1 differs"):
        spikes.concat([ds.isel(trial=[1]).assign_coords(area=("unit", list("abce"))), other])


def test_trials_end_by_label():
    session = spikes.from_times(
        [np.arange(1.0, 3000.0, 10.0)],
        window=(0, 3000),
        coords={
            "trial": [10, 11, 12],
            "go": ("trial", [200.0, 1000.0, 2000.0], "ms"),
            "stop": ("trial", [700.0, 1800.0, 3000.0], "ms"),
        },
    )
    right = {10: 500.0, 11: 800.0, 12: 1000.0}
    backwards = session.go.isel(trial=[2, 1, 0])
    for events, until in (
        ("go", "stop"),
        (backwards, "stop"),
        ("go", session.stop.isel(trial=[1, 0, 2])),
        (backwards, session.stop),
    ):
        cut = spikes.align(session, events, (0, 1000), until=until)
        assert dict(zip(cut.trial.values.tolist(), cut.valid_until.values, strict=True)) == right
    with pytest.raises(LabelError, match="only in the until"):
        spikes.align(session, backwards[:2], (0, 1000), until="stop")


def test_what_labels_cannot_follow_is_refused():
    ds, _ = recording()
    for changed, match in (
        (
            ds.drop_vars("side").coarsen(trial=2, boundary="trim").mean(),
            "float64.*cannot be the same labels",
        ),
        (ds.mean("trial"), "no longer has with labels"),
        (ds.isel(unit=1), r"sel\(unit=\[3\]\)"),
        (ds.drop_vars(["trial", "trial_key"]), "no longer has with labels"),
        (ds.swap_dims(trial="side"), r"entries of 'trial' lie on \('side',\)"),
        (ds.stack(x=("trial", "unit")), r"entries of 'unit' lie on \('x',\)"),
        (ds.reindex(trial=[100, 7]), r"entries that were not recorded, \[7\]"),
        (ds.reset_coords("spike_time").expand_dims("seed"), "spikes.concat"),
    ):
        with pytest.raises(LabelError, match=match):
            spikes.bin(changed, bin_width=WIDTH)
    with pytest.raises(LabelError, match="labels along 'trial' come more than once"):
        spikes.concat([ds, ds])
    with pytest.raises(LabelError, match="window"):
        spikes.concat([ds, spikes.relabel(ds.assign_attrs(window=[0, 9]), trial=range(5))])


def test_results_of_many_functions_follow(tmp_path):
    """Rates, PSTHs, intervals, currents, figures and files of shuffled spikes."""
    ds, _ = recording("names")
    ds = ds.assign_coords(step=("trial", [0.0, 50.0, 50.0, 0.0, 20.0], {"units": "pA"}))
    order = {"trial": [3, 0, 4, 1, 2], "unit": [2, 3, 0, 1]}
    other = ds.isel(order)
    for measure in (
        lambda x: nd.trials.psth(x, by="side", bin_width=WIDTH),
        lambda x: analysis.interval_statistics(x),
        lambda x: analysis.fano_factor(x, by="side").to_dataset(),
        lambda x: analysis.fi_curve(x),
    ):
        here, there = measure(ds), measure(other)
        xr.testing.assert_allclose(there.sel(unit=here.unit), here)
    found = analysis.spike_intervals(other)
    mine = found.isel(
        interval=((found.interval_unit == "a") & (found.interval_trial == 105)).values
    )
    alone = np.sort(ds.spike_time[(ds.spike_unit == "a") & (ds.spike_trial == 105)])
    np.testing.assert_allclose(mine["interspike_interval"], np.diff(alone))
    raster = plot.raster(other, trial=105)
    drawn = np.concatenate([line.get_ydata() for line in raster.axes[0].lines])
    wanted = ds.isel(spike=(ds.spike_trial == 105).values)
    rows = [other.unit.values.tolist().index(u) for u in wanted.spike_unit.values]
    assert sorted(drawn) == sorted(rows)
    with pytest.raises(ValueError, match="no trial 0; the labels of 'trial' are 103, 101"):
        plot.raster(other, trial=0)
    written = io.from_nwb(io.to_nwb(other.assign_coords(
        start_time=("trial", np.arange(5) * 1e3, {"units": "ms", "long_name": "start"}),
        stop_time=("trial", np.arange(5) * 1e3 + 200, {"units": "ms", "long_name": "stop"}),
    ), tmp_path / "a.nwb"))  # fmt: skip
    for back in (written, io.from_neo(io.to_neo(other)), saved(other, tmp_path / "b.nc")):
        assert back.unit.values.tolist() == other.unit.values.tolist()
        xr.testing.assert_equal(
            spikes.bin(back, bin_width=WIDTH)["spike_count"].reset_coords(drop=True),
            spikes.bin(other, bin_width=WIDTH)["spike_count"].reset_coords(drop=True),
        )


def saved(ds, path):
    nd.save(path, ds)
    return nd.load(path)


def test_files_of_0_1_are_read_right(tmp_path):
    """There, spikes hold positions along `unit` and `trial`."""
    ds, counts = recording("names")
    old = ds.assign_attrs(convention="neurodyn-1").reset_coords(
        ["spike_time", "spike_unit", "spike_trial"]
    )
    for name, dim in (("spike_unit", "unit"), ("spike_trial", "trial")):
        place = [ds[dim].values.tolist().index(x) for x in ds[name].values]
        old[name] = ("spike", np.array(place), {"units": "1", "long_name": "position"})
    with pytest.raises(LabelError, match=r"saved by neurodyn 0.1.*neurodyn.load"):
        spikes.bin(old, bin_width=WIDTH)
    xr.DataTree.from_dict({"/recording": old}).to_netcdf(tmp_path / "old.nc", engine="h5netcdf")
    new = io.read(tmp_path / "old.nc")["recording"].to_dataset()
    xr.testing.assert_equal(counted(new), counts)
    labels.check(new)
    assert json.loads(json.dumps(new.attrs))["convention"] == "neurodyn-2"


def test_runs_of_spiking_networks():
    bias = np.linspace(5.0, 25.0, 40)
    net = spiking.Network({"E": spiking.LIF(40)}, bias=bias, noise=1.0, key=0)
    run = nd.simulate(net, dt=0.1, n_steps=2000, n_trials=2, save=nd.Save(("v",), every=5), key=1)
    whole = analysis.firing_rate(run).values
    few = run.isel(unit=[39, 0])
    np.testing.assert_array_equal(analysis.firing_rate(few), whole[[39, 0]])
    assert whole[39] > whole[0]
    figure = plot.voltages(few, trial=1)
    mine = (run.spike_unit == 39) & (run.spike_trial == 1)
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_xdata(), run.spike_time[mine])


def test_weights_of_plastic_networks_are_recorded_by_default():
    stdp = spiking.Network(
        {"E": spiking.LIF(8), "I": spiking.LIF(3)},
        synapses={"a": spiking.Exponential(5.0)},
        projections={
            "EI": spiking.Projection(
                "E", "I", "a", W=0.1, rule=spiking.plasticity.PairSTDP(w_max=0.3)
            )
        },
        bias=12.0,
        key=0,
    )
    assert isinstance(stdp, models.spiking.Network)
    run = nd.simulate(stdp, dt=0.1, n_steps=20, n_trials=1, key=1)
    assert run["W_EI"].dims == ("trial", "time", "presynaptic", "unit")
    first = run["W_EI"].isel(trial=0, time=0)
    between = first.sel(presynaptic=slice(0, 7), unit=slice(8, 10))
    np.testing.assert_allclose(between, 0.1, atol=1e-3)
    assert float(abs(first).sum()) == pytest.approx(float(between.sum()))
