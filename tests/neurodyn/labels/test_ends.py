"""Trials that end early: NaN after the end, times that say when, and what counts of them."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, models, tasks
from neurodyn.labels import LabelError
from tests.neurodyn.flows import LIF
from tests.rounding import assert_equal_to_rounding
from tests.systems import Filter

N_VALID = np.array([12, 20, 7, 15])


def trials(n_inputs=1):
    """Trials of several lengths, of 10 ms a step."""
    drawn = Filter(n_steps=20, n_inputs=n_inputs).batch(0, 4)
    return replace(drawn, n_valid=jnp.asarray(N_VALID, jnp.int32))


def ended(n_time=20, every=1):
    """Which recorded samples come before the end of their trial."""
    return np.arange(every, n_time + 1, every)[None, :] <= N_VALID[:, None]


FAMILIES = {
    "rate": models.CTRNN(1, 5, 1, noise_std=0.1, key=0),
    "steps": models.LeakyRNN(1, 5, 1, key=0),
    "piecewise linear": models.ALRNN(1, 5, 1, n_relu=2, key=0),
    "spiking": LIF(jnp.array([1.5, 2.0])),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_of_every_family_end_where_their_trials_end(family):
    model, given = FAMILIES[family], trials()
    run = nd.simulate(model, given, dt=10.0, key=1)
    whole = nd.simulate(model, replace(given, n_valid=None), dt=10.0, key=1)
    labels.check(run)
    assert "n_valid" not in whole.coords
    np.testing.assert_array_equal(run.n_valid, N_VALID)
    np.testing.assert_array_equal(run.valid_until, 10.0 * N_VALID)
    np.testing.assert_array_equal(labels.valid(run), ended())
    for name in [*model.variables(), "outputs"]:
        expected = whole[name].where(labels.valid(run)).values
        assert_equal_to_rounding(run[name].values, expected, n_steps=run.sizes["time"])
    if family == "spiking":
        before = whole.spike_time.values <= 10.0 * N_VALID[whole.spike_trial.values]
        assert 0 < before.sum() < before.size
        for name in ("spike_time", "spike_unit", "spike_trial"):
            np.testing.assert_array_equal(run[name], whole[name][before])
        assert run.attrs["window"] == [0.0, 200.0]


@pytest.mark.parametrize(
    "options",
    [
        {"save": nd.Save(every=3)},
        {"save": nd.Save(window=(40.0, 130.0))},
        {"chunk": 3, "chunk_steps": 7},
    ],
    ids=["every", "window", "chunks"],
)
def test_ends_do_not_depend_on_what_is_recorded(options):
    model = FAMILIES["rate"]
    run = nd.simulate(model, trials(), dt=10.0, key=1)
    part = nd.simulate(model, trials(), dt=10.0, key=1, **options)
    labels.check(part)
    same = run.sel(time=part.time)
    np.testing.assert_allclose(part.rate, same.rate, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(labels.valid(part), labels.valid(same))
    np.testing.assert_array_equal(part.n_valid, labels.valid(same).sum("time"))


@pytest.mark.parametrize("sizes", [{"chunk": 2}, {"chunk": 4, "chunk_steps": 6}])
def test_streamed_runs_end_alike(tmp_path, sizes):
    pytest.importorskip("zarr")
    options = {"dt": 10.0, "key": 1, **sizes}
    stored = nd.simulate(FAMILIES["rate"], trials(), to=tmp_path / "run.zarr", **options)
    xr.testing.assert_equal(stored.load(), nd.simulate(FAMILIES["rate"], trials(), **options))


def test_members_of_an_ensemble_share_the_ends_of_their_trials():
    run = nd.simulate([models.CTRNN(1, 3, 1, key=k) for k in (0, 1)], trials(), dt=10.0)
    assert run.n_valid.dims == run.valid_until.dims == ("trial",)
    assert (run.rate.notnull().all("unit") == labels.valid(run)).all()


def test_scores_see_what_comes_before_the_end(monkeypatch):
    task, draw = Filter(n_steps=20), Filter.batch

    def early(self, key, n, **conditions):
        drawn, inside = draw(self, key, n, **conditions), ended()[..., None].astype(np.float32)
        return replace(drawn, mask=drawn.mask * inside, n_valid=jnp.asarray(N_VALID, jnp.int32))

    model = models.CTRNN(1, 5, 1, key=0)
    whole = nd.simulate(model, task, n_trials=4, key=0)
    monkeypatch.setattr(Filter, "batch", early)
    run = nd.simulate(model, task, n_trials=4, key=0)
    targets = np.asarray(draw(task, jax.random.fold_in(jax.random.key(0), 0), 4).targets)
    error = (whole.outputs - targets) ** 2
    expected = error.where(ended()[..., None]).mean(("time", "output"))
    np.testing.assert_allclose(run.mse, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("task", "drawn"),
    [
        (tasks.DelayMatchToSample(delay=(500.0, 1500.0)), True),
        (tasks.ContextDecision(delay=(0.0, 400.0)), True),
        (tasks.CenterOut(hold=(200.0, 400.0)), True),
        (tasks.ReadySetGo(), True),
        (tasks.PerceptualDecision(), False),
        # The first epoch makes up for what is drawn before the alignment event.
        (tasks.CenterOut(delay=(100.0, 300.0)), False),
    ],
    ids=lambda x: str(x) if isinstance(x, bool) else type(x).__name__,
)
def test_trials_of_drawn_durations_end_with_their_last_epoch(task, drawn):
    n = 6
    ds, batch = task.trials(0, n), task.batch(0, n)
    labels.check(ds)
    stop = np.max([np.asarray(e)[:, 1] for e in batch.epochs.values()], axis=0)
    inside = np.asarray(ds.time - task.t0)[None, :] <= stop[:, None] + 1e-3
    assert ("valid_until" in ds.coords) == drawn == (not inside.all())
    np.testing.assert_array_equal(labels.valid(ds), inside)
    np.testing.assert_array_equal(ds.inputs.notnull().all("input"), inside)
    assert ds.mask.notnull().all()
    assert (ds.mask.where(~labels.valid(ds)).fillna(0) == 0).all()


# --- labels.valid ----------------------------------------------------------------------------


def run_of(until=True):
    x = np.where(ended(), np.arange(20.0) + 100 * np.arange(4)[:, None], np.nan)[..., None]
    ends = {"n_valid": ("trial", N_VALID)}
    ends |= {"valid_until": ("trial", 10.0 * N_VALID)} if until else {}
    dims, time = ("trial", "time", "unit"), labels.time_axis(20, 10.0)
    ds = labels.dataset({"rate": (dims, x, "1", "rate")}, {"time": time, **ends}, source="model")
    return ds["rate"]


@pytest.mark.parametrize(
    "select",
    [
        lambda x: x.isel(time=slice(5, None)),
        lambda x: x.isel(time=[3, 17, 8]),
        lambda x: x.isel(trial=[2, 0], time=slice(None, None, -1)),
        lambda x: x.sel(trial=2),
        lambda x: xr.concat([x.isel(trial=[3]), x.isel(trial=[0])], "trial"),
        lambda x: x.transpose("unit", "time", "trial"),
        nd.to_seconds,
    ],
)
def test_ends_follow_every_selection(select):
    x = select(run_of())
    there = x.notnull().isel(unit=0, drop=True)
    np.testing.assert_array_equal(labels.valid(x), there.transpose(..., "time"))


def test_means_of_several_samples_are_valid_where_all_of_them_are():
    coarse = run_of().coarsen(time=2).mean()
    np.testing.assert_array_equal(labels.valid(coarse), ended()[:, 1::2])


def test_a_count_alone_is_used_where_the_data_agree_with_it():
    x = run_of(until=False)
    np.testing.assert_array_equal(labels.valid(x), ended())
    np.testing.assert_array_equal(labels.valid(x.isel(time=slice(0, 9))), ended(9))
    np.testing.assert_array_equal(labels.valid(x.fillna(0)), ended())
    late = slice(5, None)
    for wrong in (
        x.isel(time=late),
        x.isel(time=slice(None, None, -1)),
        x.isel(time=slice(None, None, 2)),
        x.fillna(0).isel(time=late),
    ):
        with pytest.raises(LabelError, match=r"does not fit[^$]*valid_until"):
            labels.valid(wrong)
    assert labels.valid(run_of().drop_vars(["n_valid", "valid_until"])).all()
    late = run_of()
    late.valid_until.attrs["units"] = "s"
    with pytest.raises(LabelError, match="'ms', but valid_until in 's'"):
        labels.valid(late)


# --- what counts -----------------------------------------------------------------------------


def test_sequences_and_windows_are_cut_at_the_ends():
    late = run_of().isel(time=slice(5, None), trial=[3, 0, 1])
    np.testing.assert_array_equal(tasks.Sequences(late).lengths, [10, 7, 15])
    np.testing.assert_array_equal(tasks.Windows(late, 3).lengths, [10, 7, 15])
    assert set(tasks.Sequences(late).conditions) == set()
    one = tasks.Windows(run_of().isel(trial=0), 3)
    np.testing.assert_array_equal(one.data[0, :, 0], np.arange(12.0))


def test_averages_of_a_run_leave_out_what_comes_after_the_end():
    run = run_of().assign_coords(side=("trial", ["l", "r", "l", "r"]))
    means = nd.trials.average(run, by="side")
    early = run.sel(time=slice(None, 120)).values
    expected = [np.nanmean(early[[0, 2]], 0), np.nanmean(early[[1, 3]], 0)]
    np.testing.assert_array_equal(means.rate.sel(time=slice(None, 120)), expected)
    assert means.n_trials.sel(time=80.0).values.tolist() == [1, 2]
    with pytest.raises(LabelError, match=r"\.sel\(time=slice\(None, 120\.0\)\)"):
        analysis.pca(means, 1, variable="rate")


def test_the_end_of_trials_is_no_condition_to_match_by():
    a, b = run_of(), run_of().assign_coords(valid_until=("trial", [200.0] * 4))
    a, b = (x.assign_coords(side=("trial", [3, 1, 2, 0])) for x in (a, b))
    labels.match(a, b, "trial")


def test_a_penalty_on_rates_counts_the_samples_of_the_trial():
    from neurodyn.training import Supervised

    model, task = models.CTRNN(1, 5, 1, key=0), Filter(n_steps=20)
    given, key = trials(), jax.random.key(0)
    _, metrics, _ = Supervised(rate_penalty=1.0)(model, task, given, None, key=key)
    run = nd.simulate(model, given, dt=10.0)
    np.testing.assert_allclose(metrics["rate"], np.nanmean(run.rate.values**2), rtol=1e-5)
