"""Every plotting function draws what it is given, with labelled axes, and keeps no state."""

import io

import matplotlib as mpl
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import analysis, models, plot, tasks, trials

TASK = tasks.PerceptualDecision(dt=20.0)


@pytest.fixture(scope="module")
def ensemble():
    return nd.fit(
        lambda key: models.CTRNN(3, 8, 3, noise=0.05, key=key),
        TASK,
        steps=4,
        ensemble=2,
        progress=False,
        key=0,
    )


@pytest.fixture(scope="module")
def run(ensemble):
    return nd.simulate(ensemble.model, TASK, repeats=3, key=1)


@pytest.fixture(scope="module")
def means(run):
    return nd.trials.average(run.isel(seed=0)[["rate"]], by="coherence")


@pytest.fixture(scope="module")
def spikes():
    times = np.random.default_rng(0).uniform(0, 100, (5, 20))
    return nd.spikes.from_times(list(np.sort(times)), window=(0, 100))


def drawn(figure):
    """The figure as pixels; every visible axes holds something and says what it shows."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    for ax in figure.axes:
        assert not ax.get_visible() or ax.has_data()
    assert any(ax.get_xlabel() or ax.get_title() for ax in figure.axes)
    return buffer.getvalue()


def test_history(ensemble):
    figure = plot.history(ensemble.history)
    assert len(figure.axes) == 2
    assert len(figure.axes[0].lines) == 3  # two networks and their mean
    drawn(figure)


def test_psychometric_counts_choices(run):
    ds = run[["coherence", "choice"]].reset_coords()
    ds["choice"] = ("trial", (ds["coherence"].values > 0).astype(int))
    ds = ds.drop_dims("seed") if "seed" in ds.dims else ds
    figure = plot.psychometric(ds, ds)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata() > 0)
    drawn(figure)


def test_psychometric_of_an_ensemble(run):
    drawn(plot.psychometric(run))


@pytest.mark.parametrize("units", [4, [0, 3], [2]])
def test_psth(means, units):
    figure = plot.psth(means, by="coherence", units=units)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert len(shown) == (units if isinstance(units, int) else len(units))
    drawn(figure)


def test_psth_finds_the_error_of_its_variable(run):
    both = trials.average(run.isel(seed=0), ["coherence"])
    assert "rate_sem" in both
    figure = plot.psth(both, by="coherence", units=1)
    assert len(figure.axes[0].collections) == both.sizes["condition"]


def test_psychometric_leaves_out_what_nobody_chose(run):
    ds = run[["coherence", "choice"]].reset_coords().isel(seed=0)
    ds["choice"] = ds["choice"].where(ds["coherence"] > 0, -1)
    figure = plot.psychometric(ds, ds)
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), line.get_xdata() <= 0)
    drawn(figure)


WRONG = {
    "trials": (lambda run, means: plot.psth(run, by="coherence"), "average trials first"),
    "no label": (lambda run, means: plot.psth(means, by="nothing"), "no label 'nothing'"),
    "no style": (
        lambda run, means: plot.psth(means, by="coherence", style="side"),
        "no label 'side'",
    ),
    "three styles": (
        lambda run, means: plot.psth(means, by="coherence", style="coherence"),
        "dashed or solid",
    ),
    "names": (
        lambda run, means: plot.psth(
            means.assign_coords(name=means["coherence"].astype(str)), by="name"
        ),
        "signed number",
    ),
    "no units": (lambda run, means: plot.psth(means, by="coherence", units=0), "no units"),
    "networks": (lambda run, means: plot.traces(run), "isel"),
    "no tau": (lambda run, means: plot.time_constants(run.drop_vars("tau")), "no coordinate 'tau'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_is_refused_with_the_fix(case, run, means):
    call, match = WRONG[case]
    with pytest.raises(ValueError, match=match):
        call(run, means)


def test_psth_without_sem(means):
    drawn(plot.psth(means.drop_vars("sem"), by="coherence", units=1))


def test_trajectories(means):
    drawn(plot.trajectories({"model": analysis.pca(means["rate"])}, by="coherence"))


def test_time_constants(run):
    drawn(plot.time_constants(run, initial=100.0))
    drawn(plot.time_constants(run.isel(seed=0)))


def test_comparison(means):
    rec = means.assign_attrs(source="recording")
    score = analysis.compare(means, rec, ["cka", "procrustes"], by="coherence", n_null=5)
    figure = plot.comparison(score)
    assert len(figure.axes) == 2
    drawn(figure)
    drawn(plot.comparison(analysis.compare(means, rec, ["cka"], by="coherence", n_null=0)))
    drawn(plot.comparison(score.sel(metric="cka")))


def test_traces(run):
    drawn(plot.traces(run.isel(seed=0), units=3))


def test_raster(spikes):
    figure = plot.raster(spikes)
    assert len(figure.axes[0].lines[0].get_xdata()) == 100
    drawn(figure)


@pytest.mark.parametrize("name", tasks.__all__)
def test_every_task_can_be_drawn(name):
    drawn(plot.trial(getattr(tasks, name)().trials(0, 2)))


def test_the_callers_settings_stay_and_do_not_show(run):
    with mpl.rc_context({"font.size": 30, "axes.labelsize": 30, "xtick.labelsize": 30}):
        before = dict(mpl.rcParams)
        figure = plot.time_constants(run)
        assert dict(mpl.rcParams) == before
    ax = figure.axes[0]
    assert ax.xaxis.label.get_size() < 12
    assert all(tick.get_size() < 12 for tick in ax.get_xticklabels())
