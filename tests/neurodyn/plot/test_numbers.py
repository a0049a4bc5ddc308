"""Figures draw the numbers of their data: each against values worked out by hand or by NumPy."""

import json

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels, models, params, plot, spikes, trials

#: Distances below which readers with a red-green deficiency take two colours for one, in L*a*b*.
_APART = 15


def recording(words=("left", "right"), n=40, seed=0, **attrs):
    """Choices under signed evidence, the second option more often where it is positive."""
    rng = np.random.default_rng(seed)
    coherence = np.repeat([-0.5, 0.0, 0.25, 0.5], n // 4)
    second = rng.random(n) < 1 / (1 + np.exp(-6 * coherence))
    choice = np.array(words, dtype=object)[second.astype(int)]
    rt = rng.uniform(200, 400, n)
    return xr.Dataset(
        coords={
            "trial": np.arange(n),
            "coherence": ("trial", coherence, {"units": "1", "long_name": "coherence"}),
            "choice": ("trial", choice, {"units": "1", "long_name": "choice"}),
            "rt": ("trial", rt, {"units": "ms"}),
        },
        attrs={"source": "recording"} | attrs,
    )


def spiking(labels_of=("left", "right")):
    """Two units in four trials, of known times."""
    time = [5.0, 15.0, 25.0, 5.0, 35.0, 15.0, 16.0, 17.0]
    unit = ["b", "b", "b", "a", "a", "b", "b", "a"]
    trial = [10, 10, 11, 12, 12, 13, 13, 13]
    coords = {
        "unit": ["b", "a"],
        "trial": [10, 11, 12, 13],
        "choice": ("trial", [labels_of[0], labels_of[1], labels_of[0], labels_of[1]]),
    }
    made = spikes.dataset(time, unit, trial, coords=coords, source="recording", window=(0, 40))
    return made.assign_attrs(align_event="cue")


def lines_of(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_psth_draws_means_and_their_errors_in_two_colours_with_words():
    means = trials.psth(spiking(), by="choice", bin_width=20.0)
    figure = plot.psth(means, by="choice", units=["a"])
    left, right = figure.axes[0].lines[:2]
    # Unit a fired in trial 12 ("left", of two) at 5 and 35 ms, in 13 ("right", of two) at 17 ms.
    np.testing.assert_allclose(left.get_ydata(), [25.0, 25.0])
    np.testing.assert_allclose(right.get_ydata(), [25.0, 0.0])
    np.testing.assert_allclose(left.get_xdata(), [10.0, 30.0])
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(0)  # one of two trials: mean 25, error of the mean 25
    assert band.max() == pytest.approx(50)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["left", "right"]
    assert left.get_color() != right.get_color()


def test_psth_draws_channels_and_signals_without_any():
    values = np.arange(24.0).reshape(4, 3, 2)
    table = {"trial": np.arange(4), "side": ("trial", ["l", "l", "r", "r"]), "time": [0.0, 1, 2]}
    lfp = xr.DataArray(values, {**table, "channel": [3, 7]}, ("trial", "time", "channel"), "v")
    means = trials.average(lfp, by="side")
    figure = plot.psth(means, by="side", units=[7])
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), values[:2, :, 1].mean(0))
    assert figure.axes[0].get_title() == "channel 7"
    alone = trials.average(lfp.isel(channel=0, drop=True), by="side")
    axes = plot.psth(alone, by="side").axes
    np.testing.assert_allclose(axes[0].lines[1].get_ydata(), values[2:, :, 0].mean(0))
    assert len(axes[0].collections) == 2
    with pytest.raises(ValueError, match="there is no variable"):
        plot.psth(lfp.to_dataset(), by="side")


def test_psychometric_takes_the_part_of_a_session_that_has_trials():
    table = recording()[["choice", "coherence"]].drop_attrs()
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"subject_id": "Ada"})})
    tree["intervals/trials"] = xr.DataTree(table)
    legend = plot.psychometric(tree).axes[0].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["Ada"]
    bare = plot.psychometric(table).axes[0].get_legend().get_texts()
    assert [text.get_text() for text in bare] == ["recording"]


def test_colours_follow_the_kind_of_the_label():
    signed = plot.style.colours_of([-0.5, -0.1, 0.0, 0.1, 0.5])
    for negative, positive in ((-0.5, 0.5), (-0.1, 0.1)):
        assert signed[negative][2] > signed[negative][0]  # blue
        assert signed[positive][0] > signed[positive][2]  # orange
    depth = [mpl.colors.rgb_to_hsv(mpl.colors.to_rgb(c))[1] for c in signed.values()]
    assert depth[0] > depth[1] > depth[2] < depth[3] < depth[4]
    ordered = plot.style.colours_of([1.0, 2.0, 4.0, 8.0])
    lightness = [np.dot(mpl.colors.to_rgb(c), [0.3, 0.59, 0.11]) for c in ordered.values()]
    assert (np.diff(lightness) > 0).all()
    for two in (["left", "right"], [False, True], [0, 1], [0.1, 0.5]):
        assert list(plot.style.colours_of(two).values()) == list(plot.style.STROKES[:2])
    # Codes with names are categories.
    named = plot.style.colours_of([0, 1, 2], {"0": "a", "1": "b", "2": "c"})
    assert list(named.values()) == list(plot.style.STROKES[:3])


def _seen_by(colour, deficiency):
    """A colour as someone without long (protan) or middle (deutan) cones sees it.

    Viénot, Brettel & Mollon, Color Res. Appl. 1999.
    """
    rgb = np.array(mpl.colors.to_rgb(colour)) ** 2.2
    matrix = {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }[deficiency]
    return np.clip(np.array(matrix) @ rgb, 0, 1)


def _lab(linear):
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ linear / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", ["protan", "deutan"])
def test_categories_are_apart_for_any_colour_vision(deficiency):
    seen = [_lab(_seen_by(c, deficiency)) for c in plot.style.STROKES]
    for i, a in enumerate(seen):
        for b in seen[:i]:
            assert np.linalg.norm(a - b) > _APART


def wilson(k, n, z=1.96):
    """The two roots of (p - k/n)^2 = z^2 p (1 - p) / n."""
    roots = np.roots([1 + z**2 / n, -2 * k / n - z**2 / n, (k / n) ** 2])
    return np.sort(roots.real)


@pytest.mark.parametrize("dtype", [object, "U5", np.dtypes.StringDType()])
def test_psychometric_of_a_recording_alone(dtype):
    ds = recording(session_id="m1_d3")
    ds = ds.assign_coords(choice=("trial", ds["choice"].values.astype(dtype), ds["choice"].attrs))
    figure = plot.psychometric(ds)
    ax = figure.axes[0]
    points, _, (bars,) = ax.containers[0].lines
    np.testing.assert_allclose(points.get_xdata(), [-50, 0, 25, 50])
    right = ds["choice"].values.astype(object) == "right"
    k = [int(right[ds["coherence"].values == c].sum()) for c in (-0.5, 0.0, 0.25, 0.5)]
    np.testing.assert_allclose(points.get_ydata(), np.array(k) / 10)
    for segment, hits in zip(bars.get_segments(), k, strict=True):
        np.testing.assert_allclose(segment[:, 1], wilson(hits, 10), atol=1e-9)
    assert ax.get_xlabel() == "signed coherence (%)"
    assert ax.get_ylabel() == "fraction of choices: right"
    assert ax.get_legend().get_texts()[0].get_text() == "m1_d3"
    left = plot.psychometric(recording=ds, option="left").axes[0]
    np.testing.assert_allclose(
        left.containers[0].lines[0].get_ydata(), 1 - np.array(k) / 10, atol=1e-12
    )
    assert left.get_ylabel() == "fraction of choices: left"


def test_psychometric_says_what_is_a_fraction():
    ds = recording()
    degrees = ds.assign_coords(
        angle=("trial", 90 * ds["coherence"].values, {"units": "deg", "long_name": "angle"})
    )
    ax = plot.psychometric(degrees, evidence="angle").axes[0]
    np.testing.assert_allclose(ax.containers[0].lines[0].get_xdata(), [-45, 0, 22.5, 45])
    assert ax.get_xlabel() == "signed angle (deg)"
    number = ds.assign_coords(contrast=("trial", 20 * np.abs(ds["coherence"].values)))
    assert plot.psychometric(number, evidence="contrast").axes[0].get_xlabel() == "contrast"
    words = ds.assign_coords(
        side=("trial", np.where(ds["coherence"].values > 0, "to", "away").astype(object))
    )
    ax = plot.psychometric(words, evidence="side").axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["away", "to"]
    correct = ds.assign_coords(correct=("trial", ds["coherence"].values >= 0))
    ax = plot.psychometric(correct, choice="correct").axes[0]
    assert ax.get_ylabel() == "fraction correct"
    np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), [0, 1, 1, 1])


def test_psychometric_of_an_ensemble_some_of_whose_choices_are_missing():
    choice = np.array([[0, None, 1, 1], [None, 1, 1, 0]], object)
    ds = xr.Dataset(
        {"choice": (("seed", "trial"), choice)},
        {"seed": [0, 1], "coherence": ("trial", [-0.5, -0.5, 0.5, 0.5])},
        {"source": "model"},
    )
    first, second, mean = plot.psychometric(ds).axes[0].lines[:3]
    np.testing.assert_allclose(first.get_ydata(), [0, 1])
    np.testing.assert_allclose(second.get_ydata(), [1, 0.5])
    np.testing.assert_allclose(mean.get_ydata(), [0.5, 0.75])


def test_psychometric_counts_minus_one_of_a_recording_and_not_of_a_model():
    coherence, choice = [-0.5, -0.5, 0.5, 0.5], [-1, 1, 1, 1]
    ds = xr.Dataset(
        coords={"coherence": ("trial", coherence), "choice": ("trial", choice)},
        attrs={"source": "recording"},
    )
    drawn = plot.psychometric(ds).axes[0].containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(drawn, [0.5, 1.0])
    model = ds.assign_attrs(
        source="model", labels=json.dumps({"choice": {"-1": "none", "0": "no", "1": "yes"}})
    )
    ax = plot.psychometric(model).axes[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.0, 1.0])
    assert ax.get_ylabel() == "fraction of choices: yes"


WRONG = {
    "nothing": (lambda: plot.psychometric(), "there is neither"),
    "no evidence": (lambda: plot.psychometric(recording(), evidence="x"), "choose one by evidence"),
    "no choice": (lambda: plot.psychometric(recording(), choice="x"), "choose one by choice"),
    "no option": (lambda: plot.psychometric(recording(), option="up"), "'left', 'right'"),
    "three options": (
        lambda: plot.psychometric(
            recording().assign_coords(choice=("trial", ["a", "b", "c", "a"] * 10))
        ),
        "say which is counted, option='c'",
    ),
    "other names": (
        lambda: plot.psychometric(
            recording((0, 1)).assign_attrs(source="model"), recording(("a", "b"))
        ),
        "name their choices differently",
    ),
    "trial and unit": (
        lambda: plot.raster(spiking(), trial=10, unit="a"),
        "needs spikes in trials",
    ),
    "raster of mixed trees": (
        lambda: plot.raster(xr.DataTree.from_dict({"/a": spiking(), "/b": spiking()})),
        "all have them: pass one, e.g",
    ),
    "no weights": (lambda: plot.weights(models.reference.Lorenz63()), "no weights W"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_names_what_can(case):
    call, match = WRONG[case]
    with pytest.raises(ValueError, match=match):
        call()


def test_raster_names_units_and_marks_the_event():
    ds = spiking().assign_attrs(window=[-10.0, 40.0])
    ax = plot.raster(ds, trial=13).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["b", "a"]
    event, marks = ax.lines[0], ax.lines[1]
    assert list(event.get_xdata()) == [0.0, 0.0]
    assert sorted(zip(marks.get_xdata(), marks.get_ydata(), strict=True)) == [
        (15.0, 0), (16.0, 0), (17.0, 1),
    ]  # fmt: skip
    assert ax.get_xlabel() == "time from cue (ms)"


def test_raster_of_one_unit_has_trials_in_bands_of_their_label():
    figure = plot.raster(spiking(), unit="b", by="choice")
    ax = figure.axes[0]
    # Rows from below: left (10, 12), right (11, 13).
    assert [t.get_text() for t in ax.get_yticklabels()] == ["10", "12", "11", "13"]
    left, right = ax.lines
    assert sorted(zip(left.get_xdata(), left.get_ydata(), strict=True)) == [(5.0, 0), (15.0, 0)]
    assert sorted(zip(right.get_xdata(), right.get_ydata(), strict=True)) == [
        (15.0, 3), (16.0, 3), (25.0, 2),
    ]  # fmt: skip
    assert [t.get_text() for t in ax.texts] == ["left", "right"]
    assert ax.get_title() == "b"


def test_raster_takes_a_session():
    session = xr.DataTree.from_dict({"/spikes": spiking(), "/signals": xr.Dataset({"x": 1.0})})
    drawn, alone = (plot.raster(x, unit="a").axes[0].lines[0] for x in (session, spiking()))
    np.testing.assert_array_equal(drawn.get_xdata(), alone.get_xdata())


def test_traces_draw_one_signal_in_its_own_units():
    time = {"time": ("time", [10.0, 20.0, 30.0], {"units": "ms"})}
    speed = xr.Dataset({"signal": ("time", [1.0, 4.0, 2.0], {"units": "cm/s"})}, time)
    ax = plot.traces(speed).axes[0]
    np.testing.assert_allclose(ax.lines[0].get_data(), [[10, 20, 30], [1, 4, 2]])
    assert ax.get_title() == "signal (cm/s)"
    several = xr.Dataset({"rate": (("time", "unit"), [[0.0, 4.0], [2.0, 4.0], [1.0, 0.0]])}, time)
    ax = plot.traces(several).axes[0]
    # On one scale of four, the second below the first.
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 0.5, 0.25])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [0, 0, -1])


def test_trajectories_draw_scores_of_one_result_with_words():
    rng = np.random.default_rng(0)
    rate = labels.dataset(
        {"rate": (("trial", "time", "unit"), rng.normal(size=(6, 5, 4)), "Hz", "rate")},
        {"time": labels.time_axis(5, 10.0), "choice": ("trial", ["up", "down"] * 3)},
        source="recording",
    )
    means = trials.average(rate, by="choice")
    figure = plot.trajectories(analysis.pca(means), by="choice")
    x = means["rate"].values.reshape(-1, 4)
    _, _, axes = np.linalg.svd(x - x.mean(0), full_matrices=False)
    scores = ((x - x.mean(0)) @ axes.T).reshape(2, 5, 4)
    for line, want in zip(lines_of(figure.axes[0]), scores, strict=True):
        # An axis has no sign.
        np.testing.assert_allclose(np.abs(line.get_xdata()), np.abs(want[:, 0]), atol=1e-5)
        np.testing.assert_allclose(np.abs(line.get_ydata()), np.abs(want[:, 1]), atol=1e-5)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["down", "up"]
    with pytest.raises(ValueError, match="average trials first"):
        plot.trajectories(analysis.pca(rate), by="choice")


def test_learning_curves_draw_members_and_their_mean_at_whole_steps():
    history = xr.Dataset(
        {
            "loss": (("seed", "step"), [[4.0, 2.0, 1.0], [2.0, 1.0, 0.5]]),
            "validation_correct": (("seed", "evaluation"), [[0.5, 0.75], [0.25, 1.0]]),
        },
        {"seed": [0, 1], "step": [0, 1, 2], "evaluation": [0, 2]},
    )
    loss, correct = plot.history(history).axes
    np.testing.assert_allclose(loss.lines[-1].get_data(), [[0, 1, 2], [3, 1.5, 0.75]])
    np.testing.assert_allclose(correct.lines[-1].get_data(), [[0, 2], [0.375, 0.875]])
    assert all(float(tick).is_integer() for tick in loss.get_xticks())


def test_weights_of_a_model_are_what_it_uses():
    net = models.CTRNN(2, 6, 1, W=params.Dale(0.5), key=0)
    W = np.asarray(params.with_values(net).W)
    for given in (net, net.W, xr.Dataset({"W": (("presynaptic", "unit"), W)})):
        image = plot.weights(given).axes[0].images[0]
        np.testing.assert_allclose(image.get_array(), W)


def test_comparisons_draw_scores_ceilings_and_nulls():
    score = xr.Dataset(
        {
            "score": (("metric", "seed"), [[0.5, 0.7]]),
            "ceiling": ("metric", [0.9]),
            "null": (("metric", "seed", "draw"), [[[0.1, 0.3], [0.2, 0.2]]]),
        },
        {
            "metric": ["cka"],
            "title": ("metric", ["linear CKA"]),
            "score_units": ("metric", ["1"]),
            "higher_is_better": ("metric", [1]),
        },
    )
    ax = plot.comparison(score).axes[0]
    dots, mean, ceiling = ax.lines[:3]
    np.testing.assert_allclose(dots.get_ydata(), [0.5, 0.7])
    np.testing.assert_allclose(mean.get_ydata(), [0.6, 0.6])
    np.testing.assert_allclose(ceiling.get_ydata(), [0.9, 0.9])
    violin = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (violin.min(), violin.max()) == (pytest.approx(0.1), pytest.approx(0.3))


def test_members_elbows_and_latents_are_named_by_words():
    scores = xr.DataArray(
        [[1.0, 2.0], [3.0, 4.0]],
        {"sweep": [0, 1], "rule": ("sweep", np.array(["b", "a"], object)), "seed": [0, 1]},
        ("sweep", "seed"),
        "score",
    )
    ax = plot.members({"score": scores}, by="rule").axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["b", "a"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1, 2])
    ax = plot.elbow(scores, by="rule").axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b"]
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), [3.5, 1.5])
    points = scores.rename(sweep="trial", seed="latent")
    figure = plot.latent_space(points, by="rule")
    found = {
        t.get_text(): c.get_offsets().tolist()
        for t, c in zip(figure.legends[0].get_texts(), figure.axes[0].collections, strict=True)
    }
    assert found == {"a": [[3.0, 4.0]], "b": [[1.0, 2.0]]}
