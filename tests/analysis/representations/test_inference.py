"""Models against subjects: rsatoolbox 0.3.2, coverage, uniform p-values, flexible models."""

import jax
import numpy as np
import pytest
import xarray as xr
from scipy import optimize, stats

from neurodyn import analysis
from neurodyn.analysis.representations import candidates, drawn, tested
from neurodyn.analysis.representations.comparisons import COMPARISONS, weights_of
from neurodyn.analysis.representations.evaluation import Plan, Study, evaluated
from neurodyn.labels import LabelError
from tests.analysis.representations.test_comparisons import (
    LINE,
    RING,
    SUBJECTS,
    THIRD,
    UPPER,
    N,
    square,
)

PARTS = np.stack([LINE[UPPER], RING[UPPER], THIRD])
#: Weights, of sum 1, by ``fit_regress_nn`` of rsatoolbox 0.3.2; "interpolation": by
#: ``fit_interpolate`` for the ring, the line and the third.
WEIGHTS = {
    "cosine": [0.438407495, 0.412254649, 0.149337856],
    "pearson": [0.957021515, 0.042978485, 0.0],
    "whitened_cosine": [0.52839052, 0.324410908, 0.147198572],
    "whitened_pearson": [0.928152278, 0.071847722, 0.0],
}
BETWEEN = {"cosine": [0.55928032, 0.44071968, 0.0], "pearson": [0.04297887, 0.95702113, 0.0]}
#: Standard errors by ``eval_dual_bootstrap(method="corr", N=2000)`` of the line and the ring, of
#: their difference, and of their differences from the lower ceiling.
ERRORS = {"line": 0.099773, "ring": 0.236910, "pair": 0.278170, "ceiling": [0.053659, 0.315963]}


def fixed(name):
    """The line or the ring as a model."""
    return square({"line": LINE, "ring": RING}[name][UPPER])


def components(order=(0, 1, 2)):
    return square(PARTS[list(order)]).rename(subject="component")


@pytest.fixture(scope="module")
def found():
    """Two fixed models."""
    models = {name: fixed(name) for name in ("line", "ring")}
    return analysis.evaluate_rdms(square(SUBJECTS), models, "pearson", n_boot=2000, n_null=499)


def test_scores_ceilings_and_errors(found):
    each = [[stats.pearsonr(m, s)[0] for s in SUBJECTS] for m in (LINE[UPPER], RING[UPPER])]
    np.testing.assert_allclose(found["subject_score"], each)
    np.testing.assert_allclose(found["score"], np.mean(each, 1))
    ceiling = analysis.rdm_ceiling(square(SUBJECTS), "pearson")
    for ours, theirs in (("ceiling_low", "lower"), ("ceiling_high", "upper")):
        assert float(found[ours]) == pytest.approx(float(ceiling[theirs]))
    # Both bootstraps draw at random: their errors agree within a tenth.
    np.testing.assert_allclose(found["sem"], [ERRORS["line"], ERRORS["ring"]], rtol=0.1)
    score = found["score"].values
    t = (score[0] - score[1]) / ERRORS["pair"]
    assert float(found["p_difference"][0, 1]) == pytest.approx(2 * stats.t.sf(t, 4), rel=0.2)
    t = (score - float(found["ceiling_low"])) / ERRORS["ceiling"]
    np.testing.assert_allclose(found["p_ceiling"], 2 * stats.t.sf(abs(t), 4), rtol=0.3)
    assert float(found["p_shuffled"].sel(model="line")) == 1 / 500
    half = (found["high"] - found["low"]) / 2
    np.testing.assert_allclose(half, found["sem"] * stats.t.ppf(0.975, 4))


def test_each_p_value_says_what_it_answers(found):
    for name in ("p_zero", "p_ceiling", "p_difference", "p_shuffled"):
        assert found[name].attrs["question"].startswith(("Is the", "Does the", "Do two"))
    assert "new conditions and subjects" in found["p_zero"].attrs["question"]
    assert "these conditions and subjects" in found["p_shuffled"].attrs["question"]


def test_weights_are_those_of_rsatoolbox_and_scipy():
    lists, counts = SUBJECTS, np.ones(5)
    with jax.enable_x64(True):
        w = weights_of(N, dtype=np.float64)
        fitted = jax.jit(candidates.fitted, static_argnames=("kind", "how"))
        for name, want in WEIGHTS.items():
            fit = fitted("weighted", COMPARISONS[name], PARTS, lists, counts, w)
            np.testing.assert_allclose(fit, want, atol=2e-7, err_msg=name)
        for name, want in BETWEEN.items():
            parts = PARTS[[1, 0, 2]]
            fit = fitted("interpolation", COMPARISONS[name], parts, lists, counts, w)
            np.testing.assert_allclose(fit, want, atol=1e-5, err_msg=name)  # they search
        solve = jax.jit(candidates.non_negative)
        rng = np.random.default_rng(0)
        for _ in range(50):
            x, y = rng.standard_normal((20, 7)), rng.standard_normal(20)
            np.testing.assert_allclose(solve(x.T @ x, x.T @ y), optimize.nnls(x, y)[0], atol=1e-7)


def test_flexible_models_are_scored_on_other_conditions():
    """Pure noise looks similar to a sum of many parts, unless it is held out."""
    rng = np.random.default_rng(1)
    n = 14
    upper = np.triu_indices(n, 1)

    def full(lists):
        made = np.zeros((*lists.shape[:-1], n, n))
        made[..., upper[0], upper[1]] = lists
        return made + made.swapaxes(-1, -2)

    dims = ("condition", "condition_2")
    noise = rng.uniform(0, 1, (4, upper[0].size))
    parts = full(rng.uniform(0, 1, (12, upper[0].size)))
    parts = xr.DataArray(parts, dims=("component", *dims))
    data = xr.DataArray(full(noise), dims=("subject", *dims))
    models = {"many": analysis.FlexibleRdm(parts), "first": parts.isel(component=0),
              "best": analysis.FlexibleRdm(parts, "selection")}  # fmt: skip
    options = {"n_boot": 40, "n_null": 19, "over": ("condition",)}
    found = analysis.evaluate_rdms(data, models, "pearson", **options)
    weight = found["weight"].sel(model="many").values
    fitted = np.corrcoef(full(noise).mean(0)[upper], weight @ parts.values[:, *upper])[0, 1]
    assert fitted > 0.2
    assert abs(float(found["score"].sel(model="many"))) < 0.1
    assert found.attrs["folds_of_conditions"] == 2
    assert "not fitted to" in found["p_zero"].attrs["question"]
    assert np.nansum(found["weight"].sel(model="best")) == 1
    again = analysis.evaluate_rdms(data, models, "pearson", **options)
    assert found.identical(again)


def simulated(rng, signal, n=10, subjects=6):
    """A model, and subjects that share some of its features."""
    features = rng.standard_normal((n, 3))
    upper = np.triu_indices(n, 1)

    def lists(x):
        return ((x[:, None] - x[None]) ** 2).sum(-1)[upper]

    each = [
        lists(signal * features @ rng.standard_normal((3, 4)) + rng.standard_normal((n, 4)))
        for _ in range(subjects)
    ]
    return lists(features)[None], np.stack(each)


PLAN = Plan(COMPARISONS["pearson"], ("fixed",), (1, 1))
SIZES = {"condition": 10, "subject": 6}


def rows(model, data, trial):
    with jax.enable_x64(True):
        study = Study((model,), data, np.ones(data.shape[1]), np.ones(10))
        return np.asarray(evaluated(PLAN, study, trial))


@pytest.mark.parametrize("over", drawn.FACTORS)
def test_intervals_cover(over):
    """Beyond what they are to hold for; that of both factors is conservative, as published."""
    rng = np.random.default_rng(2)
    model, data = simulated(rng, 1.0)
    scores, halves = [], []
    for _ in range(150):
        if over == ("condition", "subject"):
            model, data = simulated(rng, 1.0)
        elif over == ("subject",):
            data = data_of_subjects(rng)
        else:
            model, data = conditions_drawn(rng)
        draws, axes = drawn.bootstrap_draws(rng, SIZES, (1, 1), over, 60)
        trial = drawn.together([drawn.as_they_are(rng, SIZES, (1, 1), 1), draws])
        found = rows(model if over != ("subject",) else FIXED[0], data, trial)
        score = found[0, 0].mean()
        means = np.einsum("mrs,ms->mr", found[1:], draws.subjects) / 6
        used = tested.enough(means.reshape(*axes, -1))
        variance = tested.variance(used, over, SIZES, np.eye(1, 3))
        dof = min(SIZES[name] for name in over) - 1
        scores.append(score)
        halves.append(tested.half_width(variance, dof, 0.95)[0])
    covered = np.mean(np.abs(scores - np.mean(scores)) < halves)
    # Three standard errors of 150 draws below 95 %, and a bootstrap of few is somewhat narrow.
    assert covered > 0.88


MAPS = np.random.default_rng(3).standard_normal((6, 3, 4))
FEATURES = np.random.default_rng(4).standard_normal((10, 3))
TEN = np.triu_indices(10, 1)


def far(x):
    """Squared distances."""
    return ((x[:, None] - x[None]) ** 2).sum(-1)[TEN]


FIXED = (far(FEATURES)[None],)


def data_of_subjects(rng):
    """New subjects, the same conditions."""
    return np.stack([
        far(FEATURES @ rng.standard_normal((3, 4)) + rng.standard_normal((10, 4)))
        for _ in range(6)
    ])  # fmt: skip


def conditions_drawn(rng):
    """New conditions, the same subjects."""
    features = rng.standard_normal((10, 3))
    each = [far(features @ m + rng.standard_normal((10, 4))) for m in MAPS]
    return far(features)[None], np.stack(each)


def test_p_of_shuffles_is_uniform_where_nothing_is_alike():
    rng = np.random.default_rng(5)
    p = []
    for _ in range(300):
        model, _ = simulated(rng, 0.0)
        _, data = simulated(rng, 0.0)
        found = rows(model, data, drawn.shuffles(rng, SIZES, (1, 1), 39))[:, 0].mean(-1)
        p.append((1 + (found[1:] >= found[0]).sum()) / 40)
    jittered = np.array(p) - rng.uniform(0, 1 / 40, 300)
    assert stats.kstest(jittered, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"over": ("animal",)}, "'condition', 'subject'"),
        ({}, {"subjects": "animal"}, "dims"),
        ({"data": square(SUBJECTS[0])}, {}, "dims"),
        ({"data": square(SUBJECTS[:1])}, {}, "one subject"),
        ({"models": {}}, {}, "empty"),
        ({"models": {"a": components()}}, {}, "FlexibleRdm"),
        ({"models": {"a": analysis.FlexibleRdm(components())}}, {"folds": (1, 1)}, "not fitted"),
        ({"models": {"a": analysis.FlexibleRdm(components())}}, {"folds": (4, 1)}, "three each"),
        ({"models": {"a": square(0 * THIRD + 1)}}, {}, "equal"),
        ({}, {"variances": xr.DataArray(np.ones(8), dims="condition")}, "variances are for"),
    ],
)
def test_refuses(change, options, message):
    data = change.get("data", square(SUBJECTS))
    models = change.get("models", {"line": fixed("line")})
    with pytest.raises((LabelError, ValueError), match=message):
        analysis.evaluate_rdms(data, models, "pearson", **options)
