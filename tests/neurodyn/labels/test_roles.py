"""Runs know conditions from outcomes, so that comparisons of runs work by default."""

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, models, tasks, trials
from neurodyn.labels import LabelError
from neurodyn.labels.roles import conditions, outcomes
from tests.conformance.test_tasks import NAMES, make

TASK = tasks.PerceptualDecision(dt=20.0)
SCORES = {"correct", "choice", "rt", "fixation"}


def simulated(net=0, key=0, **options):
    model = models.CTRNN(TASK.n_inputs, 6, TASK.n_outputs, noise_std=0.1, key=net)
    return nd.simulate(model, TASK, key=key, progress=False, **options)


@pytest.fixture(scope="module")
def run():
    return simulated()


@pytest.fixture(scope="module")
def other():
    """Another network, in the same trials."""
    return simulated(net=1)


def kept(tmp_path, run):
    nd.save(tmp_path / "run.nc", run)
    return nd.load(tmp_path / "run.nc").load()


WAYS = {
    "as it is": lambda path, run: run,
    "from a file": kept,
    "sorted": lambda path, run: run.sortby("coherence"),
    "selected": lambda path, run: run.sel(trial=run["coherence"] > 0),
    "masked": lambda path, run: run.where(run["coherence"] > 0, drop=True),
    "joined": lambda path, run: xr.concat(
        [run.isel(trial=slice(0, 3)), run.isel(trial=slice(3, None))], "trial"
    ),
    "scaled": lambda path, run: 2 * run,
    "an array": lambda path, run: run["rate"],
    "a member": lambda path, run: xr.concat([run, run], "seed", coords="minimal").isel(seed=1),
    # What a user names anew has lost its attributes.
    "choices in words": lambda path, run: run.assign_coords(
        choice=("trial", np.array(["none", "left", "right"])[run["choice"].values + 1])
    ),
    "rounded": lambda path, run: run.assign_coords(
        coherence=("trial", run["coherence"].values.round(2))
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_roles_survive(way, run, tmp_path):
    changed = WAYS[way](tmp_path, run)
    assert conditions(changed) == ["coherence"]
    assert outcomes(changed) == SCORES


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_every_task_names_its_design(name):
    task = make(name)
    # The rows of a session are trials of its task.
    design = task.task if name == "Session" else task
    assert conditions(task.trials(0, 3)) == list(design.condition_table())


def test_recordings_have_no_roles():
    rec = xr.Dataset(coords={"choice": ("trial", [0, 1]), "coherence": ("trial", [0.1, 0.2])})
    assert conditions(rec) == []
    assert outcomes(rec) == set()
    with pytest.raises(LabelError, match=r"by=\[...\], out of \['choice', 'coherence'\]"):
        trials.average(rec.assign(rate=("trial", [1.0, 2.0])))


def test_runs_compare_by_default(run, other):
    for measure in (analysis.cka, analysis.procrustes):
        assert float(measure(run, run)) == pytest.approx(1.0 * (measure is analysis.cka), abs=1e-3)
    a, b = (x["rate"].values.reshape(-1, 6).astype(float) for x in (run, other))
    a, b = a - a.mean(0), b - b.mean(0)
    want = ((a.T @ b) ** 2).sum() / np.sqrt(((a.T @ a) ** 2).sum() * ((b.T @ b) ** 2).sum())
    assert float(analysis.cka(run, other)) == pytest.approx(want, rel=1e-4)
    # In whatever order the trials come.
    assert float(analysis.cka(run, other.sortby("rt"))) == pytest.approx(want, rel=1e-4)
    score = analysis.compare(run, run, n_null=0)
    assert score.attrs["by"] == "coherence"
    np.testing.assert_allclose(score["score"].sel(metric="cka"), 1.0, atol=1e-5)
    np.testing.assert_allclose(score["score"].sel(metric="procrustes"), 0.0, atol=2e-3)


def test_measures_of_conditions_take_those_of_the_task(run):
    named = {"by": "coherence"}
    for measure in (analysis.participation_ratio, analysis.n_components):
        assert measure(run).identical(measure(run, **named))
        assert measure(run).attrs["by"] == "coherence"
    reliability = analysis.split_half_reliability
    assert reliability(run, n_splits=3).identical(reliability(run, **named, n_splits=3))
    assert trials.average(run).identical(trials.average(run, **named))
    assert trials.average(run, "choice")["choice"].attrs.get("role") is None


def test_other_trials_are_refused_with_advice_that_works(run):
    another = simulated(net=1, key=5)
    with pytest.raises(LabelError, match=r"by=\['coherence'\]"):
        analysis.cka(run, another)
    assert 0 < float(analysis.cka(run, another, by=["coherence"])) <= 1
    lacking = run.drop_vars("coherence")
    with pytest.raises(LabelError, match=r"not both sides have \['coherence'\]"):
        analysis.compare(run, lacking, ["cka"], n_null=0)


WORDS = np.array(["left", "right"])


@pytest.mark.parametrize("dtype", [object, "U5", np.dtypes.StringDType()], ids=str)
def test_words_give_the_numbers_of_codes(dtype):
    rng = np.random.default_rng(0)
    code = rng.integers(0, 2, 30)
    x = rng.normal(size=(30, 4, 5)) + code[:, None, None] * rng.normal(size=5)
    time = ("time", np.arange(10.0, 50.0, 10.0), {"units": "ms"})

    def labelled(choice):
        coords = {"trial": np.arange(30), "time": time, "choice": ("trial", choice)}
        return xr.DataArray(x, coords, ("trial", "time", "unit"), "rate")

    codes, words = labelled(code), labelled(WORDS[code].astype(dtype))
    want, got = (trials.average(da, "choice") for da in (codes, words))
    np.testing.assert_array_equal(got["rate"], want["rate"])
    assert got["choice"].values.tolist() == ["left", "right"]
    want, got = (analysis.decode(da, "choice") for da in (codes, words))
    for name in ("prediction", "label", "r2", "correlation"):
        np.testing.assert_array_equal(got[name], want[name])
    right = (want["prediction"].values > 0.5) == code[:, None]
    np.testing.assert_allclose(got["accuracy"], right.mean(0))
    assert set(got["decoded"].values.ravel()) <= {"left", "right"}
    for measure in (analysis.participation_ratio, analysis.split_half_reliability):
        want, got = (measure(da.to_dataset(), by="choice") for da in (codes, words))
        xr.testing.assert_equal(want, got)
    assert float(analysis.cka(words, words)) == pytest.approx(1.0)


def test_three_words_are_decoded_against_each_other():
    rng = np.random.default_rng(1)
    code = rng.integers(0, 3, 60)
    x = 0.1 * rng.normal(size=(60, 6)) + np.eye(3, 6)[code]
    words = np.array(["a", "b", "c"], dtype=object)[code]
    data = xr.DataArray(x, {"trial": np.arange(60), "arm": ("trial", words)}, ("trial", "unit"))
    found = analysis.decode(data, "arm")
    assert float(found["accuracy"][0]) == 1.0
    assert (found["decoded"].values[:, 0] == words).all()
    assert found.attrs["most_frequent"] == pytest.approx(np.bincount(code).max() / 60)


@pytest.mark.parametrize("lack", [None, np.nan])
def test_missing_words_are_named(lack):
    words = np.array(["a", "b", lack, "a", "b", "a"], dtype=object)
    data = xr.DataArray(
        np.arange(12.0).reshape(6, 2), {"side": ("trial", words)}, ("trial", "unit")
    )
    with pytest.raises(LabelError, match=r"1 trials have no 'side'.* first is trial 2"):
        trials.average(data.rename("rate"), "side")
    with pytest.raises(ValueError, match="missing in 1 entries"):
        analysis.decode(data, "side")
    mixed = data.assign_coords(side=("trial", np.array(["a", 1, 1, "a", "b", "a"], dtype=object)))
    with pytest.raises(LabelError, match="mix int, str"):
        trials.average(mixed.rename("rate"), "side")
