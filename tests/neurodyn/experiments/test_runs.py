"""Experiments end to end, small: the command, its files, and going on after an interruption."""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import datasets, experiments, labels
from neurodyn.cli.app import app
from neurodyn.experiments import perceptual_decision
from neurodyn.experiments.shared.decision import METRICS

SETTINGS = {
    "steps": 60,
    "n_networks": 2,
    "n_units": 16,
    "repeats": 20,
    "n_null": 20,
    "n_splits": 5,
    "min_trials": 2,
    "measures": "cka,procrustes,ridge_r",
    "seed": 1,
}


def command(out, *more):
    changes = [f"--set={name}={value}" for name, value in SETTINGS.items()]
    return CliRunner().invoke(
        app, ["run", "perceptual_decision", *changes, "--out", str(out), *more]
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, what the command printed, and the folder after training."""
    out = tmp_path_factory.mktemp("experiment") / "out"
    trained = out.with_name("trained")

    def simulate(*args, **kwargs):
        shutil.copytree(out, trained, ignore=shutil.ignore_patterns(".lock"))
        return nd.simulate(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurodyn.experiments.shared.decision.simulate", simulate)
        result = command(out, "--json")
    assert result.exit_code == 0, result.stderr
    return out, json.loads(result.stdout), trained


def numbers(tree):
    """A result without what differs between runs of the same thing."""
    tree = tree.copy()
    del tree.attrs["seconds"], tree.attrs["date"]
    parts = {}
    for node in tree.subtree:
        ds = node.to_dataset(inherit=False)
        parts[node.path] = ds.drop_vars([n for n in ds.variables if "seconds" in str(n)])
    return parts


def test_everything_is_where_the_command_says(finished):
    out, printed, _ = finished
    assert printed["experiment"] == "perceptual_decision"
    assert sorted(p.name for p in out.iterdir()) == [
        "figures",
        "networks.ckpt",
        "report.html",
        "result.nc",
    ]
    for path in printed["files"].values():
        assert os.path.getsize(path) > 1000
    assert {p.stem for p in (out / "figures").iterdir()} == set(printed["files"]) - {
        "result",
        "report",
    }


def test_the_result_is_one_labelled_tree(finished):
    out, printed, _ = finished
    tree = nd.load(out / "result.nc")
    labels.check(tree, dims=("metric", "draw", "step", "evaluation", "component"))
    assert json.loads(tree.attrs["settings"])["steps"] == 60
    model, recording = tree["model"].to_dataset(), tree["recording"].to_dataset()
    assert model["rate"].dims == ("seed", "condition", "time", "unit")
    for part in ("model", "model/training", "model/behaviour", "analysis/comparison"):
        assert tree[part]["seed"].values.tolist() == [1, 2]
    for name in ("coherence", "choice"):
        np.testing.assert_array_equal(model[name], recording[name])
    score = tree["analysis/comparison"].to_dataset()
    assert list(score["metric"].values) == SETTINGS["measures"].split(",")
    assert score["null"].sizes["draw"] == 20
    assert np.isfinite(score["score"]).all()
    assert np.isfinite(score["ceiling"]).all()
    # What was printed is what is in the file.
    spoken = " ".join(printed["summary"].values())
    assert f"{float(score['score'].sel(metric='cka').mean()):.2f}" in spoken


def test_the_comparison_can_be_made_again_from_the_file(finished):
    out, _, _ = finished
    tree = nd.load(out / "result.nc")
    model, recording = tree["model"].to_dataset(), tree["recording"].to_dataset()
    again = nd.analysis.compare(
        model, recording, ["cka"], by=["coherence", "choice"], window=(0.0, 800.0), n_null=0
    )
    stored = tree["analysis/comparison"].to_dataset()["score"].sel(metric="cka")
    np.testing.assert_allclose(again["score"].sel(metric="cka"), stored, atol=1e-4)


def test_the_report_stands_alone(finished):
    out, printed, _ = finished
    text = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*(?!["']?data:)""", text)
    assert not re.search(r"@import|url\(|<script|<link|<iframe", text)
    figures = re.findall(r'src="data:image/png;base64,', text)
    assert len(figures) == len(printed["files"]) - 2
    for value in printed["summary"].values():
        assert value.replace("<=", "&lt;=") in text
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert len(captions) == len(figures)
    assert min(map(len, captions)) > 30
    plain = " ".join(re.sub("<[^>]*>", " ", text).split())
    assert re.search(r"seed 1; \d{4}-\d\d-\d\d \d\d:\d\d UTC, in \d+ s; neurodyn", plain)
    assert "2 networks of 16 units were trained for 60 steps" in plain
    for author in ("Roitman", "Kornblith", "Stimberg"):  # the task, a measure, the recording
        assert author in plain


def test_figures_show_something(finished):
    import matplotlib.image

    for path in (finished[0] / "figures").iterdir():
        pixels = matplotlib.image.imread(path)[..., :3]
        drawn = (pixels < 0.9).any(-1)
        assert min(pixels.shape[:2]) > 200
        assert 0.005 < drawn.mean() < 0.6, path.name
        # Nothing is cut off: the border is empty.
        border = [drawn[:2], drawn[-2:], drawn[:, :2], drawn[:, -2:]]
        assert not any(edge.any() for edge in border), path.name


def without_figures(monkeypatch, **changes):
    """Change what the experiment does, and let it draw nothing."""
    experiment = perceptual_decision.EXPERIMENT
    changed = dataclasses.replace(experiment, figures=lambda tree: {}, **changes)
    monkeypatch.setattr(perceptual_decision, "EXPERIMENT", changed)


def test_interrupted_and_resumed_gives_the_same_numbers(finished, tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    without_figures(monkeypatch)
    out = shutil.copytree(finished[2], tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("neurodyn.experiments.shared.decision.simulate", interrupted)
        stopped = command(out, "--resume")
    assert stopped.exit_code == 130
    assert "--resume" in stopped.stderr
    assert sorted(p.name for p in out.iterdir()) == ["networks.ckpt", "unfinished.json"]
    again = command(out)
    assert again.exit_code == 1
    assert "was not finished" in again.stderr
    resumed = command(out, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "report.html" in resumed.stdout
    old, new = (numbers(nd.load(path / "result.nc")) for path in (finished[0], out))
    assert set(old) == set(new)
    for path, ds in old.items():
        xr.testing.assert_identical(new[path], ds)


def test_a_failed_overwrite_keeps_the_old_result(finished, tmp_path, monkeypatch):
    tree = nd.load(finished[0] / "result.nc")
    without_figures(monkeypatch, run=lambda settings, run: tree)
    out = shutil.copytree(finished[0], tmp_path / "out")
    monkeypatch.setattr("neurodyn.experiments.running.runner.save", lambda *a, **k: 1 / 0)
    before = (out / "result.nc").read_bytes()
    failed = command(out, "--overwrite")
    assert failed.exit_code == 1
    assert "ZeroDivisionError" in failed.stderr
    assert (out / "result.nc").read_bytes() == before
    assert not [p for p in out.rglob("*") if "partial" in p.name]


def test_settings_are_checked_before_anything_is_done():
    quick = experiments.EXPERIMENTS["perceptual_decision"].presets["quick"]
    made = experiments.configure(
        experiments.EXPERIMENTS["perceptual_decision"],
        "quick",
        {"steps": "7", "tau": "[10, 50, 20]", "noise_std": 1, "recording": "a.nwb"},
    )
    assert (made.steps, made.tau, made.noise_std, made.recording) == (7, (10, 50, 20), 1.0, "a.nwb")
    assert all(type(value) is float for value in made.tau)
    assert made.measures == METRICS
    assert type(made.noise_std) is float
    assert made.n_units == quick.n_units
    with pytest.raises(ValueError, match="no experiment 'nope'"):
        experiments.run("nope")


@pytest.mark.thorough
@pytest.mark.skipif(
    datasets.where("mante2013") in ("download", "missing"), reason="mante2013 is not at hand"
)
def test_context_decision_on_recorded_neurons(tmp_path):
    done = experiments.run(
        "context_decision",
        settings={
            "steps": 20,
            "n_networks": 1,
            "n_units": 32,
            "repeats": 4,
            "n_null": 10,
            "n_splits": 3,
            "measures": "cka,rsa_spearman",
        },
        out=tmp_path / "out",
        progress=False,
    )
    assert done.tree["recording"].sizes["unit"] == 20
    assert {"correct, motion context", "correct, colour context"} <= set(done.summary)
    assert {"psychometric_motion", "psychometric_colour", "selection"} <= set(done.figures)
    points = done.tree["analysis/selection"]
    assert set(points["context"].values) == {"motion", "colour"}
    assert "relevant evidence selected, motion context" in done.summary
