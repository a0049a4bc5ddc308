"""Every plotting function draws what it is given, with labelled axes, and keeps no state."""

import inspect
import io

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, models, plot, tasks, trials
from tests.conformance.test_tasks import NAMES, make

TASK = tasks.PerceptualDecision(dt=20.0)


@pytest.fixture(scope="module")
def ensemble():
    return nd.fit(
        lambda key: models.CTRNN(3, 8, 3, noise_std=0.05, key=key),
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
    "no units": (lambda run, means: plot.psth(means, by="coherence", units=0), "no units"),
    "networks": (lambda run, means: plot.traces(run), "isel"),
    "no curve": (lambda run, means: plot.fi_curve(run), r"analysis\.fi_curve measures it"),
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
    five = score.isel(metric=[0, 1, 0, 1, 0]).assign_coords(metric=list("abcde"))
    rows = [ax.get_subplotspec().rowspan.start for ax in plot.comparison(five).axes]
    assert rows == [0, 0, 0, 1, 1]


def test_traces(run):
    drawn(plot.traces(run.isel(seed=0), units=3))


def test_raster(spikes):
    figure = plot.raster(spikes)
    assert len(figure.axes[0].lines[0].get_xdata()) == 100
    drawn(figure)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_every_task_can_be_drawn(name):
    drawn(plot.trial(make(name).trials(0, 2)))


def test_the_callers_settings_stay_and_do_not_show(run):
    with mpl.rc_context({"font.size": 30, "axes.labelsize": 30, "xtick.labelsize": 30}):
        before = dict(mpl.rcParams)
        figure = plot.time_constants(run)
        assert dict(mpl.rcParams) == before
    ax = figure.axes[0]
    assert ax.xaxis.label.get_size() < 12
    assert all(tick.get_size() < 12 for tick in ax.get_xticklabels())


def latent_run():
    rng = np.random.default_rng(0)
    names = ("mean", "sigma", "prior_mean", "prior_sigma")
    values = {
        n: (("trial", "time", "latent"), np.abs(rng.standard_normal((2, 9, 3)))) for n in names
    }
    return xr.Dataset(values, {"time": np.arange(1.0, 10.0), "latent_layer": ("latent", [1, 1, 2])})


def test_latent_bands_draw_prior_and_posterior():
    figure = plot.latent_bands(latent_run(), latents=2)
    assert len(figure.axes) == 2
    assert [len(ax.collections) for ax in figure.axes] == [2, 2]
    assert figure.axes[1].get_ylabel() == "latent 1, layer 1"
    run = latent_run()
    run["time"].attrs = {"units": "ms", "long_name": "time"}
    assert plot.latent_bands(run.assign_attrs(dt=1.0)).axes[-1].get_xlabel() == "time (ms)"
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), run["prior_mean"][0, :, 0])
    drawn(figure)
    with pytest.raises(ValueError, match="no sigma"):
        plot.latent_bands(run.drop_vars("sigma"))
    with pytest.raises(ValueError, match="one network"):
        plot.latent_bands(run.expand_dims(seed=2))


def test_latent_space_draws_every_point():
    rng = np.random.default_rng(0)
    scores = xr.DataArray(
        rng.standard_normal((4, 5, 2)),
        dims=("trial", "time", "component"),
        coords={"p": ("trial", np.arange(4.0))},
    )
    figure = plot.latent_space({"one": scores, "two": scores}, by="p")
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(scores[..., 0].values.ravel()))
    assert len(figure.axes) == 3  # two panels and the bar of colours
    drawn(figure)
    drawn(plot.latent_space(scores))
    with pytest.raises(ValueError, match="two components"):
        plot.latent_space(scores.isel(component=[0]))
    with pytest.raises(ValueError, match="no coordinate 'q'"):
        plot.latent_space(scores, by="q")


def test_meta_prior_draws_networks_and_their_mean():
    w, values = [0.01, 0.1, 1.0], np.arange(12.0).reshape(3, 4)
    one = xr.DataArray(values, dims=("meta_prior", "seed"), coords={"meta_prior": w})
    layers = xr.concat([one, one + 1], "layer").assign_coords(layer=[1, 2])
    figure = plot.meta_prior({"a": one, "b": layers, "c": {"x": one, "y": -one}}, floor=0.5)
    assert len(figure.axes) == 3
    mean = figure.axes[0].lines[4]  # after a line of dots for each of four networks
    np.testing.assert_allclose(mean.get_xdata(), w)
    np.testing.assert_allclose(mean.get_ydata(), values.mean(1))
    names = [t.get_text() for t in figure.legends[0].get_texts()]
    assert names == ["layer 1", "layer 2", "x", "y", "true source"]
    drawn(figure)
    with pytest.raises(ValueError, match="meta_prior"):
        plot.meta_prior({"a": one.rename(meta_prior="w")})
    many = plot.meta_prior({"a": {f"line {i}": one + i for i in range(7)}})
    assert len(many.legends[0].get_texts()) == 7
    with pytest.raises(ValueError, match="21 lines"):
        plot.meta_prior({"a": {f"line {i}": one for i in range(21)}})


def test_words_add_up_what_is_not_shown():
    true = xr.Dataset({"probability": ("word", [0.5, 0.3, 0.2])}, {"word": ["00", "01", "10"]})
    made = xr.Dataset({"probability": ("word", [0.6, 0.3, 0.1])}, {"word": ["00", "10", "11"]})
    figure = plot.words(true, {"made": made}, most=2)
    bars = [bar.get_height() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(bars, [0.5, 0.3, 0.2, 0.0])
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [0.6, 0.0, 0.3, 0.1])
    drawn(figure)


TAKE_MODELS = {"weights", "time_constants"}


@pytest.mark.parametrize("name", [name for name in plot.__all__ if name not in TAKE_MODELS])
def test_a_model_is_refused_with_what_a_figure_takes(name):
    figure, model = getattr(plot, name), models.CTRNN(1, 2, 1, key=0)
    needed = [p for p in inspect.signature(figure).parameters.values() if p.default is p.empty]
    given = [model for p in needed if p.kind is p.POSITIONAL_OR_KEYWORD] or [model]
    named = {p.name: "choice" for p in needed if p.kind is p.KEYWORD_ONLY}
    with pytest.raises(ValueError, match=r"draws|It takes|needs|trajectories are|are wanted"):
        figure(*given, **named)


def test_an_error_says_what_is_to_be_done_next(run):
    one = run.isel(seed=0)
    by = {"by": "choice"}
    with pytest.raises(ValueError, match="average trials first"):
        plot.trajectories(one, **by)
    with pytest.raises(ValueError, match=r"means: take neurodyn\.analysis\.pca"):
        plot.trajectories(trials.average(one, by="coherence"), **by)
    with pytest.raises(TypeError, match=r"plot\.psth\(\): missing"):
        plot.psth(one)


def test_components_of_coded_choices_are_called_by_their_words(run):
    means = trials.average(run.isel(seed=0), by="choice")
    known = set(TASK.labels()["choice"].values())
    figure = plot.trajectories(analysis.pca(means), by="choice")
    assert {text.get_text() for text in figure.legends[0].get_texts()} <= known


def test_time_constants_of_a_model_are_those_of_its_run():
    model = models.CTRNN(3, 8, 3, tau=nd.params.Bounded(20.0, 500.0, init=100.0), key=0)
    given = (model, analysis.effective_tau(model), nd.simulate(model, TASK, n_trials=1, key=0))
    drawn = [plot.time_constants(g).axes[0].patches[0].get_data().values for g in given]
    for values in drawn:
        np.testing.assert_array_equal(values, drawn[0])


def test_traces_of_the_node_of_one_signal():
    speed = xr.Dataset({"speed": ("time", np.arange(5.0))}, {"time": np.arange(5.0)})
    tree = xr.DataTree.from_dict({"signals/speed": speed})
    line = plot.traces(tree["signals/speed"]).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), speed.speed)


def test_growth_and_selection_of_linear_dynamics():
    model = models.CTRNN(2, 4, 2, tau=10.0, key=0)
    states = np.random.default_rng(0).normal(size=(4, 4))
    linear = analysis.linearise(model, xr.DataArray(states, dims=("condition", "unit")))
    figure = plot.transient_growth(analysis.transient_growth(linear, np.arange(0.0, 60.0, 2.0)))
    assert len(figure.axes[0].lines) == 1 + 2 * 4
    selected = analysis.selection(linear).assign_coords(rule=("condition", ["a", "b", "a", "b"]))
    figure = plot.selection(selected, by="rule")
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    part = selected["selected_fraction"]
    want = [part.isel(condition=rows).mean("condition").values for rows in ([0, 2], [1, 3])]
    np.testing.assert_allclose(heights, np.concatenate(want))
    with pytest.raises(ValueError, match="no label 'context'"):
        plot.selection(selected, by="context")
