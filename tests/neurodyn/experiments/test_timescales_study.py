"""The study of emergent timescales end to end on tiny networks, and how heads are read."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, experiments, labels
from neurodyn.engine.integrate import Save, integrate
from neurodyn.experiments import configure
from neurodyn.experiments.brain_timescales.recordings import LOAD, Counted, _rebinned
from neurodyn.experiments.brain_timescales.settings import Settings as BrainSettings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales import EXPERIMENT, analyses, scores
from neurodyn.experiments.timescales.analyses import result
from neurodyn.experiments.timescales.heads import (
    head_of,
    read_at_every_step,
    with_one_head,
)
from neurodyn.experiments.timescales.networks import Variant, network, raw_tau, task_of
from neurodyn.experiments.timescales.summary import _chosen, half_size
from neurodyn.experiments.timescales.trained import Trained, open_runs

# Every N counts as solved at once: what is tested is what follows.
SMALL = {
    "n_units": 10, "n_heads": 3, "n_last": 2, "epoch": 2, "n_test": 1, "batch_size": 8,
    "threshold": 0.0, "timescales_at": "2", "n_steps": 100, "n_trials": 2, "ablate_at": "2",
    "perturb_at": "2", "n_ablated": 3, "n_scored": 20, "n_repeats": 2, "retrain_from": 2,
    "retrain_to": 2, "retrain_epochs": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("timescales") / "run"
    return out, experiments.run("timescales", settings=SMALL, out=out, progress=False)


@pytest.mark.slow  # compiles training and every analysis
def test_every_analysis_is_there_and_labelled(finished):
    _, done = finished
    labels.check(done.tree)
    found = done.tree["analysis"]
    assert set(found.children) == {
        "timescales", "ablation", "perturbation_W", "perturbation_tau", "retraining",
    }  # fmt: skip
    timescales = found["timescales"].to_dataset()
    assert timescales["mean_all"].dims == ("curriculum", "treatment", "seed", "n")
    assert timescales["n"].values.tolist() == [2]
    assert found["ablation"]["fast"].sizes["unit"] == 3
    tau = found["ablation"]["fast_tau"].values, found["ablation"]["slow_tau"].values
    assert np.nanmax(tau[0]) <= np.nanmin(tau[1])
    assert found["retraining"]["target_n"].values.tolist() == [2]
    assert set(done.figures) >= {"time_constants", "network_timescales", "ablation", "perturbation"}
    assert "multi-head: largest N" in done.summary


@pytest.mark.slow  # compiles training and every analysis
def test_finished_parts_are_found_again_unless_settings_change(finished, monkeypatch):
    out, done = finished
    made = []

    def refused(*args, **kwargs):
        made.append(1)
        raise InterruptedError

    monkeypatch.setattr(analysis, "network_timescale", refused)
    run = Run(out, resume=True)
    for n_steps in (100, 150):
        settings = configure(EXPERIMENT, "quick", SMALL | {"n_steps": n_steps})
        trained = open_runs(settings, run.folder)
        if n_steps == 100:
            again = result(settings, trained, run)
            xr.testing.assert_equal(again["analysis/ablation"], done.tree["analysis/ablation"])
        else:
            with pytest.raises(InterruptedError):
                result(settings, trained, run)
    assert len(made) == 1
    with pytest.raises(FileNotFoundError, match="no run"):
        open_runs(settings, out / "analysis")


@pytest.mark.parametrize("curriculum", ["single", "cumulative", "sliding"])
def test_the_head_that_is_read_is_that_of_the_largest_n(curriculum):
    settings = configure(EXPERIMENT, "quick", SMALL | {"n_last": 3, "n_heads": 12})
    variant = Variant(curriculum, "trained", 0)
    model = network(settings, variant, key=0)
    n = 11 if curriculum == "sliding" else 3
    head = head_of(model, variant, n)
    ns = np.asarray(task_of(settings, variant).ns)
    expected = {"single": 0, "cumulative": 1, "sliding": len(ns) - 1}[curriculum]
    assert head == expected
    alone = with_one_head(settings, variant, model, head)
    task = read_at_every_step(settings, variant, n, scored=20)
    trials = task.batch(0, 2)
    whole, part = (
        integrate(m, trials.inputs.transpose(1, 0, 2), dt=1.0, key=1, save=Save()).outputs
        for m in (model, alone)
    )
    np.testing.assert_allclose(part, whole[..., 2 * head : 2 * head + 2], atol=1e-5)
    # Parity of the last N bits, at every step after the first hundred.
    bits = np.asarray(trials.inputs)[0, :, 0].astype(int)
    assert int(trials.targets[0, 110, 0]) == bits[111 - n : 111].sum() % 2
    assert not np.asarray(trials.mask)[0, :100].any()
    assert raw_tau(model).shape == (10,)


def test_gated_networks_are_read_alike():
    settings = configure(EXPERIMENT, "quick", SMALL | {"cell": "lstm"})
    variant = Variant("cumulative", "trained", 0)
    model = network(settings, variant, key=0)
    alone = with_one_head(settings, variant, model, 1)
    assert alone.n_outputs == 2
    np.testing.assert_array_equal(alone.W_out, model.W_out[:, 2:4])
    assert raw_tau(model) is None
    assert read_at_every_step(settings, variant, 2, scored=20).levels.tolist() == [-1, 1]


def test_half_size_is_interpolated():
    found = xr.Dataset(
        {"relative_accuracy": ("sweep", [1.0, 0.8, 0.2, 0.0])},
        {"perturbation": ("sweep", [0.01, 0.1, 1.0, 10.0])},
    )
    assert half_size(found)[0] == pytest.approx(10**-0.5)


@pytest.mark.slow  # compiles training and every analysis
def test_recorded_timescales(finished, monkeypatch):
    out, _ = finished
    whole = LOAD["decision_example"]

    def few(settings):
        parts = (part.isel(unit=slice(6)) for part in whole(settings)["simulated"][:2])
        return {"simulated": Counted(*parts)}

    monkeypatch.setitem(LOAD, "decision_example", few)
    done = experiments.run(
        "brain_timescales",
        settings={"n_draws": 4, "n_repeats": 1, "networks": str(out), "n": 2, "n_steps": 100},
    )
    labels.check(done.tree)
    simulated = done.tree["recording/simulated"].to_dataset()
    assert simulated.sizes["unit"] == 6
    # Residuals: nothing is left of what conditions differ by.
    residual = few(BrainSettings())["simulated"].fluctuations
    means = residual.groupby("coherence").mean()
    assert abs(means).max() < 0.5 * residual.std()
    assert (done.tree["model/single"]["trained_tau"] > 0.9).all()
    assert any("activity" in name for name in done.summary)


def test_recordings_that_are_not_known_are_refused_before_anything_runs(monkeypatch):
    def refused(*args, **kwargs):
        raise AssertionError

    monkeypatch.setitem(LOAD, "decision_example", refused)
    settings = {"recordings": "decision_example,mine", "networks": "nowhere"}
    with pytest.raises(ValueError, match="'mine'"):
        experiments.run("brain_timescales", settings=settings)


def test_bins_are_widened_whatever_their_width():
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (4, 30, 1))
    time = 100 + 2.0 * np.arange(30) + 1.0
    unit = xr.Dataset({"spike_count": (("trial", "time", "unit"), counts)}, {"time": time})
    wide = _rebinned(unit, 8.0)
    np.testing.assert_array_equal(wide, counts[:, :28].reshape(4, 7, 4, 1).sum(2))
    np.testing.assert_allclose(wide["time"], 100 + 8 * np.arange(7) + 4)
    with pytest.raises(labels.LabelError, match="multiple"):
        _rebinned(unit, 5.0)


def test_units_that_are_all_alike_have_no_fastest():
    settings = configure(EXPERIMENT, "quick", SMALL)
    variant = Variant("single", "2", 0)
    alike = network(settings, variant, key=0)
    assert scores.ablation(settings, variant, alike, 2, key=0) is None


def test_larger_ns_are_kept_one_by_one(tmp_path, monkeypatch):
    settings = configure(EXPERIMENT, "quick", SMALL | {"retrain_to": 4})
    variant = Variant("single", "trained", 0)
    model = network(settings, variant, key=0)
    trained = Trained(settings, None)
    epochs = {"n_max": ("evaluation", [2]), "solved": ("evaluation", [1])}
    trained.keep(variant, xr.Dataset(epochs), 2, model)
    asked = []

    def fake(start, task, **options):
        asked.append(int(np.asarray(task.ns).ravel()[0]))
        if asked == [2, 3, 4]:
            raise InterruptedError
        return SimpleNamespace(history={"validation_correct": [0.1 * asked[-1]]})

    monkeypatch.setattr(scores, "fit", fake)
    once = partial(analyses._once, settings, variant, tmp_path, "n2-retraining")
    for _ in range(2):
        try:
            found = scores.retraining(settings, trained, variant, 2, jax.random.key(0), once)
        except InterruptedError:
            continue
    assert asked == [2, 3, 4, 4]  # the two that were done are not done again
    np.testing.assert_allclose(found["accuracy"], [0.2, 0.3, 0.4])
    # Networks of other trainings are others.
    other = dataclasses.replace(settings, batch_size=16)
    assert analyses._relevant(other, variant) != analyses._relevant(settings, variant)


def test_the_summary_takes_the_largest_n_of_all_seeds():
    nan = np.nan
    values = [[1.0, 2.0, 3.0], [1.0, 2.0, nan], [nan, nan, nan]]
    part = xr.Dataset(
        {"accuracy": (("curriculum", "treatment", "seed", "n"), [[values]])},
        {"curriculum": ["single"], "treatment": ["trained"], "seed": [0, 1, 2], "n": [2, 5, 10]},
    )
    tree = xr.DataTree.from_dict({"/analysis/ablation": part})
    which = {"curriculum": "single", "treatment": "trained"}
    assert int(_chosen(tree, "ablation", which)["n"]) == 5
