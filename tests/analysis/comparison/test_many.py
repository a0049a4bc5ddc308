"""Many models against many recordings, in one Dataset."""

import re

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels
from neurodyn.analysis.comparison import scoring
from neurodyn.experiments.running.compared import comparisons
from neurodyn.labels import LabelError

SIDES = np.arange(6)
RNG = np.random.default_rng(0)
LATENT = np.cumsum(RNG.standard_normal((6, 8, 3)), axis=1)
QUICK = {"by": "side", "n_null": 9, "n_splits": 3}


def _population(seed, n_units, source, *, noise, n_trials=6, other=0.0, n_seeds=None, **more):
    """Trials of conditions in which some latents, with others of the own mixed in, are coded."""
    rng = np.random.default_rng(seed)
    own = np.cumsum(rng.standard_normal(LATENT.shape), axis=1)
    latent = (1 - other) * LATENT + other * own
    side = np.repeat(SIDES, n_trials)
    weights = rng.standard_normal((n_seeds or 1, 3, n_units))
    rate = np.einsum("ctl,slu->sctu", latent, weights)[:, side]
    rate = rate + noise * rng.standard_normal(rate.shape)
    dims = ("seed", "trial", "time", "unit")
    names = {n: ("trial", np.asarray(v)) for n, v in more.items()}
    return labels.dataset(
        {
            "rate": (
                dims if n_seeds else dims[1:],
                rate if n_seeds else rate[0],
                "Hz",
                "rate",
                "rate",
            )
        },
        {"time": labels.time_axis(8, 50.0) - 25, "side": ("trial", side), **names},
        source=source,
        attrs={"bin_width": 50.0},
    )


MODELS = {
    name: _population(10 + i, 9, "model", noise=0.1, other=other)
    for i, (name, other) in enumerate({"far": 0.9, "near": 0.0, "middle": 0.45}.items())
}
RECORDINGS = {f"animal {i}": _population(20 + i, 7, "recording", noise=1.0) for i in range(3)}


@pytest.fixture(scope="module")
def score():
    return analysis.compare(
        MODELS, RECORDINGS, ["cka", "procrustes"], bootstrap="condition", n_bootstrap=80,
        among=True, **QUICK,
    )  # fmt: skip


def test_one_dataset_of_all_pairs(score):
    labels.check(score)
    assert score["score"].dims == ("metric", "model", "recording")
    assert score["null"].dims == ("metric", "model", "recording", "draw")
    assert score["model"].values.tolist() == ["far", "near", "middle"]
    alone = analysis.compare(MODELS["near"], RECORDINGS["animal 1"], ["cka", "procrustes"], **QUICK)
    np.testing.assert_allclose(
        score["score"].sel(model="near", recording="animal 1"), alone["score"], atol=1e-5
    )
    assert (score["n_units_recording"] == 7).all()
    assert (score["n_conditions"] == 6).all()
    assert "unit_score" not in score
    signed = score["score"] * np.where(score["higher_is_better"] == 1, 1, -1)[:, None, None]
    assert (signed.sel(model="near") > signed.sel(model="middle")).all()
    assert (signed.sel(model="middle") > signed.sel(model="far")).all()


def test_one_model_and_one_recording_keep_their_result():
    one, rec = MODELS["near"], RECORDINGS["animal 0"]
    alone = analysis.compare(one, rec, ["cka", "ridge_r"], **QUICK)
    listed = analysis.compare([one], {"a": rec}, ["cka", "ridge_r"], **QUICK)
    assert alone["score"].dims == ("metric",)
    assert listed["model"].values.tolist() == ["model0"]
    for name in ("score", "null", "ceiling", "unit_score", "reliability"):
        np.testing.assert_array_equal(listed[name].squeeze().values, alone[name].values)
    tree = xr.DataTree.from_dict({"/x/near": one, "/far": MODELS["far"]})
    of_tree = analysis.compare(tree, rec, ["cka"], **QUICK)
    assert of_tree["model"].values.tolist() == ["far", "x/near"]


def test_recordings_are_resampled_alike_whichever_others_there_are(score):
    fewer = {name: RECORDINGS[name] for name in ("animal 2", "animal 0")}
    again = analysis.compare({"near": MODELS["near"]}, fewer, ["cka"], **QUICK)
    for name in fewer:
        np.testing.assert_allclose(
            again["null"].sel(model="near", recording=name, metric="cka"),
            score["null"].sel(model="near", recording=name, metric="cka"), atol=1e-5,
        )  # fmt: skip


def test_models_and_recordings_among_themselves(score):
    of_models, of_recordings = score["between_models"], score["between_recordings"]
    assert np.isnan(np.diagonal(of_recordings, axis1=1, axis2=2)).all()
    alone = analysis.compare(
        RECORDINGS["animal 0"], RECORDINGS["animal 2"], ["cka"], by="side", n_null=0
    )
    pair = {"metric": "cka", "recording": "animal 0", "recording_to": "animal 2"}
    assert float(of_recordings.sel(pair)) == pytest.approx(float(alone["score"][0]), abs=1e-5)
    pair = {"metric": "cka", "model": "near", "model_to": "far"}
    other = analysis.cka(MODELS["near"], MODELS["far"], by="side")
    assert float(of_models.sel(pair)) == pytest.approx(float(other), abs=1e-4)
    others = of_recordings.mean("recording")
    expected = score["score"] - others.rename(recording_to="recording")
    np.testing.assert_allclose(score["closer"].sel(metric="cka"), expected.sel(metric="cka"))
    np.testing.assert_allclose(
        score["closer"].sel(metric="procrustes"), -expected.sel(metric="procrustes")
    )
    assert (score["closer_low"] <= score["closer_high"]).all()
    # Noise lowers the score of another animal, but not that of a model of the same latents.
    assert (score["closer"].sel(model="near") > 0).all()
    assert (score["closer_high"].sel(model="far") < 0).all()


def test_paired_differences_are_narrower_than_those_of_the_intervals(score):
    found = analysis.model_differences(score)
    labels.check(found)
    assert found["difference"].dims == ("metric", "model", "model_to", "recording")
    pair = {"metric": "cka", "model": "near", "model_to": "middle", "recording": "animal 0"}
    one = found.sel(pair)
    draws = score["resampled"].sel(metric="cka", recording="animal 0")
    paired = draws.sel(model="near") - draws.sel(model="middle")
    assert float(one["low"]) == pytest.approx(float(paired.quantile(0.025)))
    assert float(one["p_value"]) == pytest.approx(2 * (1 + int((paired <= 0).sum())) / 81)
    apart = sum(draws.sel(model=m).var() for m in ("near", "middle")) ** 0.5
    assert float(paired.std()) < float(apart)
    mean = analysis.model_differences(score.mean("recording"))
    assert float(mean["low"].sel(metric="cka", model="near", model_to="far")) > 0
    with pytest.raises(LabelError, match="several models"):
        analysis.model_differences(score.isel(model=0))
    with pytest.raises(LabelError, match="bootstrap"):
        analysis.model_differences(score.drop_vars("resampled"))


def test_seeds_areas_animals_and_windows():
    many = _population(30, 9, "model", noise=0.1, n_seeds=2)
    rec = RECORDINGS["animal 0"].assign_coords(area=("unit", list("aabbbab")))
    runs = {"ensemble": many, "one": MODELS["near"]}
    windows = {"early": (0, 200), "late": (200, 400)}
    found = analysis.compare(runs, rec, ["cka"], each="area", window=windows, **QUICK)
    labels.check(found)
    assert found["score"].dims == ("metric", "model", "recording", "window", "seed")
    assert found["area"].values.tolist() == ["a", "b"]
    assert found["n_units_recording"].isel(model=0, window=0).values.tolist() == [3, 4]
    assert found["window_start"].values.tolist() == [0, 200]
    known = found["score"].sel(model="one").notnull().all(["metric", "recording", "window"])
    assert known.values.tolist() == [True, False]
    part = rec.isel(unit=rec["area"].values == "b")
    alone = analysis.compare(many, part, ["cka"], window=(200, 400), **QUICK)
    here = found["score"].sel(model="ensemble", recording="b", window="late")
    np.testing.assert_allclose(here, alone["score"], atol=1e-5)
    # Two animals in one Dataset, whose units were recorded in other trials.
    first, second = (
        RECORDINGS[f"animal {i}"].assign_coords(unit=np.arange(7) + 10 * i) for i in (0, 1)
    )
    both = xr.concat([first, second], "trial", join="outer", coords="minimal", compat="override")
    both = both.assign_coords(animal=("trial", np.repeat(["x", "y"], 36)))
    each = analysis.compare(MODELS["near"], both, ["cka"], each="animal", **QUICK)
    assert each["n_units_recording"].values.tolist() == [7, 7]
    plain = analysis.compare(MODELS["near"], second, ["cka"], **QUICK)
    found = float(each["score"].sel(recording="y")[0])
    assert found == pytest.approx(float(plain["score"][0]), abs=1e-5)


def test_measures_are_compiled_once_for_all_pairs(score):
    functions = [scoring._scores, scoring._of_draws, scoring._of_redraws]
    before = [f._cache_size() for f in functions]
    others = {k: v * 2 for k, v in MODELS.items()} | {"more": MODELS["near"] + 1}
    analysis.compare(
        others, RECORDINGS, ["cka", "procrustes"], bootstrap="condition", n_bootstrap=80, **QUICK
    )
    assert [f._cache_size() for f in functions] == before


def test_the_figure_shows_models_in_their_order(score):
    figure = nd.plot.ranking(score)
    ax = figure.axes[0]
    order = ["far", "middle", "near"]
    assert [t.get_text() for t in ax.get_yticklabels()] == order
    one = score.sel(metric="cka", model=order).mean("recording")
    assert any(np.array_equal(line.get_xdata(), one["score"].values) for line in ax.lines)
    bars = [c.get_segments() for c in ax.collections if hasattr(c, "get_segments")]
    ends = np.array([segment[:, 0] for segment in bars[0]])
    np.testing.assert_allclose(ends, np.stack([one["low"], one["high"]], 1))
    assert figure.axes[1].xaxis_inverted()


def test_a_report_lists_models_in_their_order(score):
    tree = xr.DataTree.from_dict({"/analysis/comparison": score, "/model": MODELS["near"]})
    text = comparisons(tree)
    rows = [re.findall("<td>(.*?)</td>", row) for row in text.split("<tr>")[2:]]
    assert [row[1] for row in rows[::3]] == ["near", "middle", "far"] * 2
    assert rows[0][:3] == ["linear CKA", "near", "animal 0"]
    first = score.sel(metric="cka", model="near", recording="animal 0")
    assert rows[0][3] == f"{float(first['score']):.2f}"
    assert rows[0][4] == f"{float(first['low']):.2f} to {float(first['high']):.2f}"
    assert "The p-value answers: Is the run closer" in text
    assert "over: condition." in text
    assert comparisons(xr.DataTree.from_dict({"/model": MODELS["near"]})) == ""


def test_what_is_refused():
    rec = RECORDINGS["animal 0"]
    with pytest.raises(LabelError, match="each='layer'"):
        analysis.compare(MODELS, rec, ["cka"], each="layer", **QUICK)
    with pytest.raises(ValueError, match="several models or recordings"):
        analysis.compare(MODELS["near"], rec, ["cka"], among=True, **QUICK)
    with pytest.raises(ValueError, match="single window"):
        analysis.compare(MODELS, rec, ["cka"], among=True, window={"a": (0, 100)}, **QUICK)
    with pytest.raises(ValueError, match="holds no"):
        analysis.compare({}, rec, ["cka"], **QUICK)
    many = _population(30, 9, "model", noise=0.1, n_seeds=2)
    with pytest.raises(LabelError, match="'many' has a dim 'seed'"):
        analysis.compare({"many": many, "one": MODELS["near"]}, rec, ["cka"], among=True, **QUICK)
