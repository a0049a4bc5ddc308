"""The comparison of a run with a recording, end to end and against its parts."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import TypeCheckError

import neurodyn as nd
from neurodyn import analysis, labels, trials
from neurodyn.analysis import Measure, Pairwise, of_samples
from neurodyn.analysis.shared.pairing import pair_up
from neurodyn.labels import LabelError

COHERENCES = np.array([-0.5, -0.1, 0.0, 0.1, 0.5])
QUICK = {"n_null": 20, "n_splits": 5}


def _latents(coherence, times):
    t = times / 1000
    return np.stack(
        [
            np.outer(coherence, t),
            np.outer(abs(coherence), np.sin(9 * t)),
            np.ones((len(coherence), 1)) * t,
        ],
        -1,
    )


def _data(source, n_units, times, *, seed, repeats=12, noise=0.3, n_seeds=None, **attrs):
    rng = np.random.default_rng(seed)
    coherence = rng.permutation(np.repeat(COHERENCES, repeats))
    weights = rng.standard_normal((n_seeds or 1, 3, n_units))
    values = np.einsum("ktl,slu->sktu", _latents(coherence, times), weights)
    values = values + noise * rng.standard_normal(values.shape)
    dims = ("seed", "trial", "time", "unit")
    return labels.dataset(
        {
            "rate": (
                dims if n_seeds else dims[1:],
                (values if n_seeds else values[0]).astype(np.float32),
                "Hz",
                "firing rate",
            )
        },
        {
            "time": times,
            "coherence": ("trial", coherence),
            "unit": [f"{source}{i}" for i in range(n_units)],
        },
        source=source,
        kind="rate",
        attrs=attrs,
    )


@pytest.fixture(scope="module")
def run():
    return _data("model", 16, labels.time_axis(40, 20.0), seed=0, repeats=6, noise=0.05)


@pytest.fixture(scope="module")
def rec():
    return _data("recording", 10, 25 + np.arange(18) * 50.0 - 50, seed=1, bin_width=50.0)


@pytest.fixture(scope="module")
def score(run, rec):
    return analysis.compare(run, rec, by="coherence", **QUICK)


def test_labels_of_the_result(score):
    labels.check(score)
    assert score["metric"].values.tolist() == ["cka", "debiased_cka", "procrustes", "ridge_r"]
    assert score["null"].dims == ("metric", "draw")
    assert score["unit_score"].dims == ("metric", "unit")
    assert score["unit"].values[0] == "recording0"
    assert score["higher_is_better"].values.tolist() == [1, 1, 0, 1]
    assert score.attrs["null"] == "trial labels shuffled"
    # 0 to 800 ms of the run cover 16 of the 18 bins, from -50 to 850 ms.
    assert score.attrs["bins_left_out"] == 2
    assert (score.attrs["first_bin"], score.attrs["last_bin"]) == (25.0, 775.0)


def test_runs_of_the_same_steps_lose_none(run):
    same = {"by": "coherence", "join": "exact", "min_trials": 1, "window": None, "variable": None}
    pair = pair_up(run, run, **same)
    assert pair.attrs["bins_left_out"] == 0
    assert (pair.attrs["first_bin"], pair.attrs["last_bin"]) == (20.0, 800.0)
    np.testing.assert_array_equal(pair.x[0], pair.y)


def test_result_survives_a_file(score, tmp_path):
    score.to_netcdf(tmp_path / "score.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "score.nc", engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), score)


def test_scores_are_those_of_the_measures(run, rec, score):
    means = trials.average(rec, "coherence")["rate"].isel(time=slice(1, 17))
    ours = trials.average(run, "coherence")["rate"]
    binned = analysis.rebin(ours, means.assign_attrs(bin_width=50.0))
    assert float(score["score"].sel(metric="cka")) == pytest.approx(
        float(analysis.cka(binned, means)), abs=1e-5
    )
    assert float(score["score"].sel(metric="procrustes")) == pytest.approx(
        float(analysis.procrustes(binned, means)), abs=1e-4
    )
    key = jax.random.split(jax.random.key(0), 3)[0]
    r = analysis.ridge_r(binned.values, means.values, key=key)
    np.testing.assert_allclose(score["unit_score"].sel(metric="ridge_r"), r, atol=2e-3)
    kept = score["kept"].values.astype(bool)
    assert float(score["score"].sel(metric="ridge_r")) == pytest.approx(
        np.median(r[kept]), abs=2e-3
    )


def test_related_populations_beat_the_null_and_stay_near_the_ceiling(score):
    assert (score["p_value"] == 1 / 21).all()
    assert float(score["corrected"].sel(metric="ridge_r")) == pytest.approx(1.0, abs=0.1)
    assert (score["ceiling"].notnull()).all()
    assert score.attrs["ceiling_note"] == ""
    assert (score["unit_ceiling"].sel(metric="ridge_r") <= 1).all()


def test_unrelated_populations_do_not():
    times = labels.time_axis(20, 50.0)
    rng = np.random.default_rng(3)
    p = []
    for seed in range(8):
        noise = _data("model", 6, times, seed=seed, repeats=4, noise=0.0)
        noise["rate"] = noise["rate"].copy(
            data=rng.standard_normal(noise["rate"].shape).astype(np.float32)
        )
        other = _data("recording", 6, times - 25, seed=50, repeats=4)
        score = analysis.compare(noise, other, ["cka", "procrustes"], by="coherence", **QUICK)
        p.append(score["p_value"].values)
    assert np.mean(p) > 0.25


def test_same_key_same_numbers(run, rec, score):
    again = analysis.compare(run, rec, by="coherence", **QUICK)
    xr.testing.assert_identical(again, score)
    other = analysis.compare(run, rec, by="coherence", key=1, **QUICK)
    assert not np.array_equal(other["null"], score["null"])


def test_draws_made_anew_for_each_measure_are_those_made_once(run, rec, score, monkeypatch):
    monkeypatch.setattr(sys.modules["neurodyn.analysis.comparison.scoring"], "KEPT", 0)
    few = ["cka", "procrustes"]
    anew = analysis.compare(run, rec, few, by="coherence", **QUICK)
    once = score.sel(metric=few)
    for name in ("score", "null", "ceiling"):
        np.testing.assert_allclose(anew[name], once[name], rtol=1e-5)


def test_ensembles_have_a_seed_dim(rec):
    many = _data("model", 16, labels.time_axis(40, 20.0), seed=4, repeats=6, n_seeds=3)
    together = analysis.compare(many, rec, by="coherence", **QUICK)
    assert together["score"].dims == ("metric", "seed")
    assert together["null"].dims == ("metric", "seed", "draw")
    for i in range(3):
        alone = analysis.compare(many.isel(seed=i, drop=True), rec, by="coherence", **QUICK)
        for name in ("score", "corrected", "null"):
            np.testing.assert_allclose(together[name].isel(seed=i), alone[name], atol=2e-3)


def test_labels_that_differ_between_seeds(rec):
    many = _data("model", 8, labels.time_axis(40, 20.0), seed=5, repeats=6, n_seeds=2)
    coherence = many["coherence"].values
    order = np.random.default_rng(0).permutation(coherence.size)
    own = many.drop_vars("coherence").copy(deep=True)
    own["rate"].values[1] = own["rate"].values[1][order]
    own["coherence"] = (("seed", "trial"), np.stack([coherence, coherence[order]]))
    straight = analysis.compare(many, rec, ["cka"], by="coherence", n_null=0)
    shuffled = analysis.compare(own, rec, ["cka"], by="coherence", n_null=0)
    np.testing.assert_allclose(shuffled["score"], straight["score"], atol=1e-5)
    own["coherence"].values[1][coherence[order] == 0.5] = 0.7
    with pytest.raises(LabelError, match="members 0"):
        analysis.compare(own, rec, ["cka"], by="coherence", n_null=0)


def test_condition_means_with_and_without_halves(run, rec):
    halves = trials.split_half(rec, "coherence", key=0)
    both = xr.concat([trials.average(h, "coherence")["rate"] for h in halves], "repetition")
    means = both.mean("repetition").rename("rate")
    bare = means.to_dataset().assign_attrs(rec.attrs)
    score = analysis.compare(run, bare, by="coherence", **QUICK)
    assert score.attrs["null"] == "conditions permuted"
    assert "without halves" in score.attrs["ceiling_note"]
    assert score["ceiling"].isnull().all()
    assert "reliability" not in score
    for brings in (bare.assign(halves=both), both.to_dataset(name="rate").assign_attrs(rec.attrs)):
        full = analysis.compare(run, brings, **QUICK)  # by: the labels of the conditions
        np.testing.assert_allclose(full["score"], score["score"], atol=1e-2)
        assert full["ceiling"].notnull().all()
        expected = analysis.split_half_reliability(both.isel(time=slice(1, 17)))["reliability"]
        np.testing.assert_allclose(full["reliability"], expected, atol=1e-5)
        assert full.attrs["n_splits"] == 1


@pytest.mark.usefixtures("x64")
def test_double_precision(run, rec, score):
    assert score["kept"].all()  # so that no score depends on the ceiling
    fine = analysis.compare(run, rec, by="coherence", n_null=0, ceiling=None)
    np.testing.assert_allclose(fine["score"], score["score"], atol=2e-3)
    # Splits and shuffles are the same for all measures.
    whole = analysis.compare(run, rec, ["cka"], by="coherence", **QUICK)
    assert whole["score"].values == fine["score"][:1].values
    assert float(whole["ceiling"][0]) == pytest.approx(float(score["ceiling"][0]), abs=0.05)
    assert whole["null"].notnull().all()


def test_conditions_must_match(run, rec):
    fewer = rec.isel(trial=rec["coherence"].values != 0.5)
    with pytest.raises(LabelError, match=r"(?s)only in the second: 0\.5"):
        analysis.compare(run, fewer, by="coherence")
    score = analysis.compare(run, fewer, ["cka"], by="coherence", join="inner", n_null=0)
    assert score.attrs["n_conditions"] == 4
    assert score.attrs["conditions_left_out_of_run"] == 1
    assert "null" not in score
    assert "unit_score" not in score


def test_single_trials_of_a_condition(run, rec):
    last = np.flatnonzero(rec["coherence"].values == 0.5)[1:]
    scarce = rec.drop_isel(trial=last)
    score = analysis.compare(run, scarce, ["cka", "ridge_r"], by="coherence", **QUICK)
    assert score["ceiling"].isnull().all()
    assert "coherence=0.5" in score.attrs["ceiling_note"]
    kept = analysis.compare(
        run, scarce, ["cka"], by="coherence", min_trials=2, join="inner", **QUICK
    )
    assert kept["ceiling"].notnull().all()
    assert kept.attrs["n_conditions"] == 4


def test_constant_and_unreliable_units(run, rec):
    noisy = rec.copy(deep=True)
    noisy["rate"].values[:, :, 0] = 3.0
    noise = np.random.default_rng(6).standard_normal(noisy["rate"].shape[:2])
    noisy["rate"].values[:, :, 1] = 20 * noise
    score = analysis.compare(run, noisy, ["ridge_r"], by="coherence", min_ceiling=0.6, **QUICK)
    assert score.attrs["constant_units"] == "recording0"
    assert score.attrs["dropped"] == "recording0, recording1"
    assert score.attrs["n_dropped"] == 2
    assert score["kept"].values.tolist() == [0, 0] + [1] * 8
    assert np.isfinite(score["score"]).all()
    none = analysis.compare(run, noisy, ["ridge_r"], by="coherence", min_ceiling=1.1, **QUICK)
    assert np.isnan(none["score"]).all()
    assert "no unit reaches min_ceiling=1.1" in none.attrs["ceiling_note"]


def test_units_recorded_in_different_trials(run, rec):
    first = rec["rate"].where(xr.DataArray(np.arange(10) < 5, dims="unit"))
    second = rec["rate"].where(xr.DataArray(np.arange(10) >= 5, dims="unit"))
    apart = xr.concat([first, second], "trial").to_dataset()
    apart = apart.assign_attrs(rec.attrs | {"simultaneous": 0})
    score = analysis.compare(run, apart, ["cka", "ridge_r"], by="coherence", **QUICK)
    together = analysis.compare(run, rec, ["cka", "ridge_r"], by="coherence", **QUICK)
    np.testing.assert_allclose(score["score"], together["score"], atol=2e-3)
    assert score["ceiling"].notnull().all()


def test_a_measure_of_ones_own_has_ceiling_null_and_labels(run, rec):
    def spread(x, y):
        return jnp.abs(jnp.log(x.std() / y.std()))

    def first(side, y):
        return jax.vmap(lambda v: jnp.corrcoef(side, v.ravel())[0, 1])(y.transpose(2, 0, 1))

    distance = Measure(
        spread, "ratio of spreads", higher_is_better=False, pairwise=of_samples(spread)
    )
    per_unit = Pairwise(lambda x, folds: x[..., 0].ravel(), first, per_unit=True)
    of_units = Measure(first, "r of unit 0", "1", (-1.0, 1.0), True, pairwise=per_unit, name="r0")
    score = analysis.compare(run, rec, ["cka", distance, of_units], by="coherence", **QUICK)
    alone = analysis.compare(run, rec, "cka", by="coherence", **QUICK)
    labels.check(score)
    assert score["metric"].values.tolist() == ["cka", "spread", "r0"]
    np.testing.assert_array_equal(score["score"][0], alone["score"][0])
    assert score["null"].notnull().all()
    assert score["p_value"].notnull().all()
    assert score["ceiling"].notnull().all()
    assert score["unit_score"].sel(metric="r0").notnull().all()
    assert score["unit_score"].sel(metric="spread").isnull().all()


def test_a_measure_that_does_not_fit_is_refused(run, rec):
    with pytest.raises(ValueError, match="higher_is_better"):
        Measure(np.mean, "mean", pairwise=of_samples(lambda x, y: 0.0))
    with pytest.raises(ValueError, match="name="):
        Measure(lambda x: x, "no name")
    wide = of_samples(lambda x, y: y.mean(0))
    wide = Measure(np.mean, "mean", higher_is_better=True, pairwise=wide)
    with pytest.raises(ValueError, match="per_unit=True"):
        analysis.compare(run, rec, [wide], by="coherence", **QUICK)
    with pytest.raises(ValueError, match="has a 'cka' already"):
        nd.register(Measure(analysis.cka, "another"))
    with pytest.raises(TypeError, match="register takes"):
        nd.register(3.0)


def test_bad_input(run, rec):
    with pytest.raises(ValueError, match="'rsx': compare knows cka, cka_lange"):
        analysis.compare(run, rec, ["cka", "rsx"], by="coherence")
    with pytest.raises(ValueError, match="participation_ratio"):
        analysis.compare(run, rec, ["participation_ratio"], by="coherence")
    with pytest.raises(ValueError, match="each once"):
        analysis.compare(run, rec, ["cka", "cka"], by="coherence")
    with pytest.raises(TypeError, match="Measure"):
        analysis.compare(run, rec, [np.corrcoef], by="coherence")
    with pytest.raises(ValueError, match="n_null=-1"):
        analysis.compare(run, rec, by="coherence", n_null=-1)
    with pytest.raises(LabelError, match=r"by=\[...\], out of \['coherence'\]"):
        analysis.compare(run, rec)
    with pytest.raises(LabelError, match="context"):
        analysis.compare(run, rec, by="context")
    with pytest.raises((ValueError, TypeCheckError), match="consistency"):
        analysis.compare(run, rec, by="coherence", ceiling_kind="none")
    with pytest.raises(LabelError, match="run covers"):
        analysis.compare(run.assign_coords(time=run["time"] + 1e5), rec, by="coherence")
    with pytest.raises(LabelError, match=r"values of the run are NaN"):
        analysis.compare(run.where(run["time"] < 300), rec, by="coherence")
    with pytest.raises((TypeError, TypeCheckError), match="run"):
        analysis.compare(run["rate"].values, rec, by="coherence")
    two = rec.isel(trial=np.isin(rec["coherence"].values, [0.5, -0.5]))
    with pytest.raises(ValueError, match="needs 3"):
        analysis.compare(run, two, by="coherence", join="inner")


def test_no_second_compilation(run, rec, score):
    module = sys.modules["neurodyn.analysis.comparison.scoring"]
    jitted = [module._scores, module._of_draws, module._between_splits]
    before = [f._cache_size() for f in jitted]
    analysis.compare(run * 2 + 1, rec, by="coherence", key=5, **QUICK)
    assert [f._cache_size() for f in jitted] == before
