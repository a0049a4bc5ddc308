"""The experiment on many rules, end to end but small, and its measures against known units."""

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score

import neurodyn as nd
from neurodyn import experiments, labels, tasks
from neurodyn.experiments.yang2019.algebra import SUMS, spelled
from neurodyn.experiments.yang2019.settings import Settings
from neurodyn.experiments.yang2019.variance import clusters, design, fractional
from neurodyn.tasks.multitask.rules import RULES

SMALL = {"n_units": 12, "steps": 2, "evaluate_every": 1, "batch_size": 8, "dt": 100.0}
SMALL |= {"n_directions": 4, "most_clusters": 3, "n_trials": 20, "criterion": 1.0}


def test_networks_are_trained_grouped_mixed_and_drawn(tmp_path):
    out = tmp_path / "run"
    done = experiments.run("yang2019", settings=SMALL, out=out, progress=False)
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    history = tree["model/training/softplus_0"].to_dataset()
    assert history["evaluation"].values.tolist() == [1, 2]
    each = [history[f"validation_correct_{rule}"] for rule in Settings().rules]
    np.testing.assert_allclose(history["validation_correct_min"], np.min(each, axis=0), rtol=1e-6)
    assert "validation_direction" not in history
    variance = tree["analysis/variance/softplus_0/variance"]
    assert variance.dims == ("rule", "unit")
    assert (variance > 0).all()
    grouped = tree["analysis/clusters/softplus_0"].to_dataset()
    np.testing.assert_allclose(grouped["normalised"].max("rule"), 1, rtol=1e-6)
    assert (np.diff(grouped["cluster"]) >= 0).all()
    mixed = tree["analysis/algebra/softplus_0"].to_dataset()
    assert mixed.sizes["mixture"] == 7
    assert mixed["mixture"].values[1] == "delayanti: fdanti + delaygo - fdgo"
    scores = tree["analysis/scores"].to_dataset()
    tested = tree["analysis/performance/softplus_0"].to_dataset()
    assert tested["shortcut"].values.tolist() == [0.2] * 4
    assert float(scores["correct_min"][0, 0]) == float(tested["correct"].min())
    best = float(history["validation_correct_min"].max())
    assert float(scores["validation_min"][0, 0]) == pytest.approx(best)
    assert set(done.figures) == {"learning", "performance", "clusters", "fractional", "algebra"}
    assert any("0 of 1 reached 1" in text for text in done.summary.values())


def test_every_rule_has_a_balanced_design_that_fits():
    task = tasks.Yang2019(noise_std=0)
    steps = {"fdgo": 100, "reactgo": 125, "delaygo": 125, "dm1": 125, "contextdm1": 100}
    steps |= {"delaydm1": 150, "contextdelaydm1": 175, "multidelaydm": 175, "dmsgo": 135}
    for rule in RULES:
        given = design(task, rule, 20)
        n = len(given["direction1"])
        expected = 500 if rule.startswith(("context", "multi")) else 100 if "dm" in rule else 40
        assert n == (40 if rule.startswith(("dms", "dmc")) else expected), rule
        if rule in steps:
            total = sum(ms for name, ms in given.items() if name.endswith("_duration"))
            assert total / 20 == steps[rule]
    trials = task.batch(0, 40, **design(task, "dmcnogo", 20))
    assert (trials.conditions["response_due"] == 1).all()
    assert int(trials.length) == 135 if trials.length is not None else (trials.n_valid == 135).all()


def blocks():
    """Ten units for each of three kinds: of the first two rules, of the last two, and silent."""
    rng, high = np.random.default_rng(0), np.zeros((4, 30))
    high[:2, :10] = high[2:, 10:20] = 1
    values = high * rng.uniform(0.9, 1.1, high.shape) + 1e-6
    rules = ["fdgo", "fdanti", "dm1", "dm2"]
    return labels.dataset(
        {"variance": (("rule", "unit"), values, "1", "variance")},
        {"rule": rules, "unit": np.arange(30)},
        source="analysis",
        dims=("rule",),
    )


def test_clusters_are_those_that_were_put_in():
    found = clusters(blocks(), 6)
    assert found.sizes["unit"] == 20
    assert int(found["k"][found["silhouette"].values.argmax()]) == 2
    truth = found["unit"].values < 10
    assert adjusted_rand_score(truth, found["cluster"].values) == 1
    with pytest.raises(ValueError, match="0 units take part in the rules"):
        clusters(blocks().isel(unit=slice(20, 30)), 6)


def test_fractional_variance_tells_shared_units():
    found = fractional(blocks())
    assert found["pair"].values.tolist() == ["fdgo - fdanti", "dm1 - dm2"]
    shared = found["ftv"].sel(pair="fdgo - fdanti").values
    assert (np.abs(shared[:10]) < 0.12).all()
    assert np.isnan(shared[10:]).all()
    one = xr.concat([blocks().isel(rule=[0])] * 2, "rule", data_vars="all").assign_coords(
        rule=["fdgo", "fdanti"]
    )
    assert np.allclose(fractional(one.where(one["rule"] == "fdgo", 0))["ftv"][0, :10], 1)
    assert fractional(blocks().isel(rule=[0, 2])) is None


def test_sums_of_rules():
    for rule, whole in SUMS.items():
        assert rule in RULES
        assert set(whole) <= set(RULES)
        assert sum(whole.values()) == 1
    assert spelled({"a": -1.0, "b": 1.0}) == "- a + b"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rules": "fdgo,dm3"}, "'rules' takes 'all' or different names of fdgo"),
        ({"rules": "fdgo,fdgo"}, "'rules' takes"),
        ({"tau": 10.0}, "'tau' must be at least 'dt'"),
    ],
)
def test_bad_settings_are_refused(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        experiments.run("yang2019", settings=settings, out=tmp_path / "run", progress=False)
