"""Figures of fitted behaviour, and of trials of wide tasks beside what a network does."""

import itertools

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, models, plot, tasks
from tests.analysis.behaviour.test_directions import responses
from tests.analysis.behaviour.test_psychometric import LEVELS, TRUTH, chance, observer
from tests.neurodyn.plot.test_figures import drawn


@pytest.fixture(scope="module")
def fits():
    rng = np.random.default_rng(0)
    run = observer(rng, seeds=2).assign_attrs(source="model")
    recording = observer(rng).assign_attrs(session_id="m1")
    return [analysis.psychometric(x, n_boot=20) for x in (run, recording)]


def test_curves_pass_through_the_points(fits):
    figure = plot.psychometric(*fits)
    ax = figure.axes[0]
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts == ["mean of 2 networks", "recording (m1)"]
    assert ax.get_xlabel() == "signed coherence (%)"
    assert ax.get_ylabel() == "fraction of choices: 1"
    smooth = [line for line in ax.lines if len(line.get_xdata()) == 201]
    assert len(smooth) == 4  # two networks, their mean, the recording
    x, y = smooth[-1].get_data()
    np.testing.assert_allclose(x[[0, -1]], 100 * LEVELS[[0, -1]])
    numbers = [float(fits[1][n]) for n in TRUTH]
    np.testing.assert_allclose(y, chance(x / 100, *numbers))
    points, _, (bars,) = ax.containers[0].lines
    np.testing.assert_allclose(points.get_ydata(), fits[1].fraction)
    assert all(np.diff(bar[:, 1])[0] > 0 for bar in bars.get_segments())
    drawn(figure)
    alone = plot.psychometric(fits[1]).axes[0].get_legend().get_texts()
    assert [t.get_text() for t in alone] == ["m1"]
    with pytest.raises(ValueError, match="two fits or two sets of trials"):
        plot.psychometric(fits[0], observer(np.random.default_rng(0)))
    for said in ({"evidence": "motion"}, {"choice": "correct"}, {"option": 0}):
        with pytest.raises(ValueError, match="a fit has its evidence, choice and option"):
            plot.psychometric(fits[0], **said)


def test_a_panel_for_each_condition_of_either_side():
    rng = np.random.default_rng(1)
    ds = observer(rng).assign_coords(context=("trial", rng.integers(0, 2, 400)))
    run = ds.assign_attrs(source="model", labels='{"context": {"0": "motion", "1": "colour"}}')
    words = ds.assign_coords(context=("trial", np.array(["motion", "tone"])[ds.context.values]))
    sides = [analysis.psychometric(x, by="context", n_boot=5) for x in (run, words)]
    shown = [ax for ax in plot.psychometric(*sides).axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["colour", "motion", "tone"]
    assert [len(ax.containers) for ax in shown] == [1, 2, 1]  # paired by words, not by codes


def test_reaction_times():
    rng = np.random.default_rng(2)
    ds = observer(rng)
    size = np.abs(ds.coherence.values)
    rt = 200 + (1 - size) * 100 * rng.gamma(3, size=400)
    right = (ds.choice == (ds.coherence > 0)).values
    ds = ds.assign_coords(rt=("trial", rt, {"units": "ms"}), correct=("trial", right))
    found = analysis.chronometric(ds, n_boot=20)
    figure = plot.chronometric(recording=found)
    ax = figure.axes[0]
    correct = ax.containers[0].lines[0]
    np.testing.assert_allclose(correct.get_xdata(), 100 * found.strength)
    np.testing.assert_allclose(correct.get_ydata(), found.rt.sel(outcome="correct"))
    assert ax.get_xscale() == "log"
    assert ax.get_ylabel() == "median reaction time (ms)"
    assert ax.get_xlabel() == "coherence (%)"
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert names == ["recording, correct", "recording, error"]
    drawn(figure)
    for bad in ((None, None), (ds, None)):
        with pytest.raises(ValueError, match=r"there is neither|measure it first"):
            plot.chronometric(*bad)


def test_direction_errors():
    ds = responses(np.random.default_rng(3), 200, seeds=2)
    found = analysis.direction_errors(ds, n_boot=5, n_bins=18)
    figure = plot.direction_errors(found)
    ax = figure.axes[0]
    mean, level = ax.lines[2], ax.lines[3]
    np.testing.assert_allclose(mean.get_ydata(), found.fraction.mean("seed"))
    np.testing.assert_allclose(level.get_ydata(), 1 / 18)
    assert ax.get_xlabel() == "error of direction (deg)"
    drawn(figure)


def test_networks_share_a_mean_direction_on_the_circle():
    """Two on either side of half a turn do not point ahead; one that is NaN does not count."""
    ds = responses(np.random.default_rng(3), 200, seeds=3)
    found = analysis.direction_errors(ds, n_boot=5, n_bins=18)
    found["mean"][:], found["spread"][:] = [170.0, -170.0, np.nan], [20.0, 30.0, np.nan]
    (text,) = plot.direction_errors(found).axes[0].get_legend().get_texts()
    assert text.get_text().replace("-180", "+180") == "mean of 3 networks: +180°, spread 25°"


def wide(n=40):
    """Trials with a ring of inputs and of targets, and a run whose outputs are the targets."""
    time = 20.0 * np.arange(1, 11)
    names = ["fixation", *(f"ring_{i}" for i in range(n))]
    values = np.arange(10.0 * (n + 1)).reshape(1, 10, n + 1)
    mask = np.ones_like(values)
    mask[:, :3] = 0.0
    about = {"units": "1", "long_name": "x"}
    trials = xr.Dataset(
        {"inputs": (("trial", "time", "input"), values, about),
         "targets": (("trial", "time", "output"), values, about),
         "mask": (("trial", "time", "output"), mask, about)},
        {"trial": [7], "time": ("time", time, {"units": "ms"}), "input": names, "output": names,
         "coherence": ("trial", [0.5])},
        {"source": "task", "epoch_stimulus": [40.0, 200.0], "epoch_wait": [200.0, 200.0]},
    )  # fmt: skip
    return trials, trials[["targets"]].rename(targets="outputs")


def test_many_channels_are_images():
    trials, run = wide()
    figure = plot.trial(trials, run=run.isel(output=slice(None, None, -1)))
    panels = [ax for ax in figure.axes if ax.get_ylabel()]
    assert [ax.get_ylabel() for ax in panels] == ["input", "ring", "output", "ring", "ring\n(run)"]
    shown, target, output = (ax.collections[0].get_array() for ax in (panels[i] for i in (1, 3, 4)))
    wanted = trials.inputs.values[0, :, 1:].T
    np.testing.assert_array_equal(shown, wanted)
    assert target.mask[:, :3].all()  # what is not scored is missing
    np.testing.assert_array_equal(target[:, 3:], wanted[:, 3:])
    np.testing.assert_array_equal(output, wanted)  # by name, whatever the order
    lines = [line for line in panels[2].lines if len(line.get_xdata()) == 10]
    assert len(lines) == 2  # the target of fixation, and the output on top
    assert np.isnan(lines[0].get_ydata()[:3]).all()
    drawn(figure)
    # An epoch that this trial leaves out has no name.
    assert [text.get_text() for text in figure.axes[0].texts] == ["stimulus"]
    few = plot.trial(trials.isel(input=slice(16), output=slice(16)))
    assert not [ax for ax in few.axes if ax.collections and ax.get_ylabel() == "ring"]
    with pytest.raises(ValueError, match=r"other trials: 'coherence' of trial 7 is 0.1 there"):
        plot.trial(trials, run=run.assign_coords(coherence=("trial", [0.1])))
    for held, said in ((trials, r"not \['inputs', 'targets', 'mask'\]"), (7, "not a int")):
        with pytest.raises(ValueError, match=f"needs outputs over time: .*{said}"):
            plot.trial(trials, run=held)
    with pytest.raises(ValueError, match="of another task: it has 3 outputs, and the targets 41"):
        plot.trial(trials, run=run.isel(output=slice(3)))


def test_names_of_many_classes_do_not_meet():
    figure = plot.trial(tasks.StateTracking("S5").trials(0, 1))
    (panel,) = (ax for ax in figure.axes if ax.get_ylabel() == "target")
    names, places = panel.get_yticklabels(), panel.get_yticks()
    drawn(figure)
    boxes = [name.get_window_extent() for name in names]
    assert len(boxes) > 4
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(boxes))
    assert [int(name.get_text()) for name in names] == places.tolist()


def test_classes_of_a_run():
    task = tasks.PerceptualDecision(dt=20.0)
    trials = task.trials(0, 3)
    run = nd.simulate(models.CTRNN(3, 4, 3, key=0), trials.inputs, key=0, progress=False)
    figure = plot.trial(trials, trial=1, run=run)
    steps = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 60]
    np.testing.assert_array_equal(steps[-1].get_ydata(), run.outputs[1].argmax("output"))
    drawn(figure)
