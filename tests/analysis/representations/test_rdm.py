"""Dissimilarities: reference numbers, rsatoolbox 0.3.2, scikit-learn, bias and invariances."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from neurodyn import analysis, labels
from neurodyn.analysis.representations import crossnobis
from neurodyn.analysis.representations.dissimilarities import OF_MEANS
from neurodyn.labels import LabelError

#: Poisson counts of six conditions, four runs and nine units.
RNG = np.random.default_rng(7)
RATE = RNG.gamma(2.0, 2.0, (6, 9))
COUNTS = RNG.poisson(RATE, (4, 6, 9)) + 0.0
UPPER = np.triu_indices(6, 1)
#: First six entries of the upper triangle, by rsatoolbox 0.3.2 on COUNTS, with the precision of
#: ``prec_from_unbalanced(method="shrinkage_eye")``; "independent": ``calc_rdm_unbalanced`` with a
#: fold for each trial.
RSATOOLBOX = {
    "squared_euclidean": [11.70833333, 9.13194444, 3.66666667, 15.78472222, 10.54166667, 9.6875],
    "correlation": [1.26456714, 0.68485587, 0.55494801, 1.66026891, 0.53878173, 0.53802569],
    "poisson": [4.24212345, 2.73315684, 1.36551568, 4.15396412, 3.26952972, 2.4916285],
    "mahalanobis": [4.28277053, 3.05997066, 1.19948639, 5.39314027, 3.23112409, 2.66111143],
    "crossnobis": [3.87507023, 2.51532533, 0.69284972, 4.96850476, 2.51902523, 2.22495633],
    "independent": [3.84721762, 2.5388186, 0.76052631, 5.0129914, 2.615722, 2.25724787],
}
#: First row of the precision, by the same functions.
PRECISION = {
    "ledoit_wolf": [0.32129276, 0.00280035, -0.06631117, 0.0126217, -0.02072271, -0.03654198],
    "diagonal": [0.24913495, 0, 0, 0, 0, 0],
    "variances": [0.24913495, 0, 0, 0, 0, 0],
    "none": [0.64033415, 0.10511317, -0.3613349, 0.27025962, -0.07074416, -0.10592914],
}


def trials(x, **more):
    """Labelled trials of an array (run, condition, unit)."""
    runs, n, units = x.shape
    coords = {
        "stimulus": ("trial", np.tile(np.arange(n), runs)),
        "run": ("trial", np.repeat(np.arange(runs), n)),
    }
    rate = {"rate": (("trial", "unit"), x.reshape(-1, units), "count", "count")}
    return labels.dataset(rate, coords | more, source="recording")


def upper(found):
    return found["dissimilarity"].values[..., UPPER[0], UPPER[1]]


def test_equals_rsatoolbox():
    data = trials(COUNTS)
    for kind, want in RSATOOLBOX.items():
        options = {"folds": "run"} if kind == "crossnobis" else {}
        name = "crossnobis" if kind == "independent" else kind
        found = analysis.rdm(data, "stimulus", dissimilarity=name, **options)
        np.testing.assert_allclose(upper(found)[:6], want, rtol=1e-7, atol=1e-8, err_msg=kind)
        labels.check(found)
    for shrinkage, want in PRECISION.items():
        found = analysis.noise_precision(data, "stimulus", shrinkage=shrinkage)
        np.testing.assert_allclose(found["precision"][0, :6], want, rtol=1e-7, atol=1e-8)
    # scikit-learn divides by samples, not by degrees of freedom.
    residuals = (COUNTS - COUNTS.mean(0)).reshape(-1, 9)
    want = LedoitWolf(assume_centered=True).fit(residuals).covariance_ * 24 / 18
    found = analysis.noise_precision(data, "stimulus")["covariance"]
    np.testing.assert_allclose(found, want, rtol=1e-9)


def test_crossnobis_of_the_reference_recipe():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 5))
    for n in (12, 8):
        z @ rng.standard_normal((5, n)) + 0.5 * rng.standard_normal((60, n))
    m = rng.standard_normal((6, 10))
    runs = np.stack([m + 0.7 * rng.standard_normal((6, 10)) for _ in range(4)])
    assert runs.sum() == pytest.approx(-24.025212, abs=1e-6)
    found = analysis.rdm(
        trials(runs), "stimulus", dissimilarity="crossnobis", folds="run", noise=None
    )
    want = [2.634942, 2.468417, 1.548899, 1.692084, 2.143669]
    np.testing.assert_allclose(upper(found)[:5], want, atol=5e-7)


def brute_force(x, codes, folds, n):
    """Mean product of differences over all ordered pairs of different folds that have both."""
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            means = [
                [x[(codes == c) & (folds == f)].mean(0) for c in (i, j)]
                for f in np.unique(folds)
                if ((codes == i) & (folds == f)).any() and ((codes == j) & (folds == f)).any()
            ]
            d = [a - b for a, b in means]
            products = [p @ q for k, p in enumerate(d) for m, q in enumerate(d) if k != m]
            found[i, j] = np.mean(products) if products else np.nan
    return found / x.shape[1]


def test_folds_may_lack_conditions_and_offsets_of_folds_cancel():
    data = trials(COUNTS)
    kept = np.ones(24, bool)
    kept[[0, 8, 9, 15, 23]] = False
    some = data.isel(trial=kept)
    options = {"dissimilarity": "crossnobis", "folds": "run", "noise": None}
    found = analysis.rdm(some, "stimulus", **options)
    codes, runs = some["stimulus"].values, some["run"].values
    want = brute_force(some["rate"].values, codes, runs, 6)
    np.testing.assert_allclose(found["dissimilarity"], want, rtol=1e-9, atol=1e-9)
    assert np.isnan(want).any()
    moved = some.assign(rate=some["rate"] + 100.0 * some["run"])
    again = analysis.rdm(moved, "stimulus", **options)
    np.testing.assert_allclose(again["dissimilarity"], want, rtol=1e-9, atol=1e-8)


def test_crossnobis_is_unbiased_on_noise_and_squared_distances_are_not():
    noise = np.random.default_rng(1).standard_normal((400, 4, 6, 9))
    for draws in (
        np.asarray(crossnobis.of_folds(noise)),
        np.stack([
            np.asarray(jax.jit(crossnobis.of_trials, static_argnums=2)(
                x.reshape(24, 9), np.tile(np.arange(6), 4), 6))
            for x in noise.astype(np.float32)
        ]),
    ):  # fmt: skip
        each = draws[:, UPPER[0], UPPER[1]].mean(1)
        z = each.mean() / (each.std(ddof=1) / np.sqrt(len(each)))
        assert abs(z) < 3
    biased = ((noise.mean(1)[:, :, None] - noise.mean(1)[:, None]) ** 2).sum(-1)
    assert biased[:, UPPER[0], UPPER[1]].mean() > 4


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["squared_euclidean", "euclidean", "crossnobis"]))
def test_distances_are_symmetric_and_see_neither_rotations_nor_offsets(seed, kind):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    options = {"folds": "run", "noise": None} if kind == "crossnobis" else {}
    options["dissimilarity"] = kind
    found = analysis.rdm(trials(COUNTS), "stimulus", **options)["dissimilarity"].values
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    moved = analysis.rdm(trials(COUNTS @ turn + rng.uniform(-9, 9)), "stimulus", **options)
    np.testing.assert_allclose(moved["dissimilarity"], found, atol=1e-9)
    order = rng.permutation(24)
    shuffled = analysis.rdm(trials(COUNTS).isel(trial=order), "stimulus", **options)
    np.testing.assert_allclose(shuffled["dissimilarity"], found, atol=1e-9)


def test_times_seeds_and_areas_are_batched():
    rng = np.random.default_rng(2)
    rate = rng.uniform(1, 5, (2, 5, 3, 4))
    coords = {
        "time": labels.time_axis(3, 20.0), "side": ("condition", list("abcde")),
        "area": ("unit", ["PFC", "MT", "PFC", "MT"]), "seed": [4, 7],
    }  # fmt: skip
    dims = ("seed", "condition", "time", "unit")
    run = labels.dataset({"rate": (dims, rate, "Hz", "rate")}, coords, source="model")
    each = analysis.rdm(run, times="each", per_unit=False)["dissimilarity"]
    assert dict(each.sizes) == {"seed": 2, "time": 3, "condition": 5, "condition_2": 5}
    d = rate[1, 0, 2] - rate[1, 3, 2]
    one = each.sel(seed=7, time=60.0).values[0, 3]
    assert one == pytest.approx(d @ d)
    whole = analysis.rdm(run, per_unit=False)["dissimilarity"]
    np.testing.assert_allclose(whole, each.sum("time"))
    by_area = analysis.rdm(run, areas="area", per_unit=False)["dissimilarity"]
    assert by_area["area"].values.tolist() == ["MT", "PFC"]
    np.testing.assert_allclose(by_area.sum("area"), whole)
    np.testing.assert_allclose(analysis.rdm(run)["dissimilarity"], whole / 12)
    mean = analysis.rdm(run, times="mean", dissimilarity="euclidean")["dissimilarity"]
    np.testing.assert_allclose(
        mean[0, 0, 1], np.sqrt(((rate[0, 0] - rate[0, 1]).mean(0) ** 2).mean())
    )


def test_a_given_precision_is_matched_by_unit():
    data = trials(COUNTS)
    options = {"dissimilarity": "mahalanobis"}
    precision = analysis.noise_precision(data, "stimulus")
    want = analysis.rdm(data, "stimulus", **options)["dissimilarity"]
    turned = precision.isel(unit=slice(None, None, -1), unit_2=[3, 1, 2, 0, 8, 7, 6, 5, 4])
    found = analysis.rdm(data, "stimulus", noise=turned, **options)["dissimilarity"]
    np.testing.assert_allclose(found, want, rtol=1e-9)


@pytest.mark.parametrize("kind", OF_MEANS)
def test_gradients_are_finite_and_right(kind):
    x = np.random.default_rng(3).standard_normal((5, 7)).astype(np.float32)

    def total(x):
        return (OF_MEANS[kind](x) ** 2).sum()

    slope = jax.grad(total)(x)
    assert np.isfinite(slope).all()
    step = 1e-2 * np.random.default_rng(4).standard_normal(x.shape).astype(np.float32)
    want = (total(x + step) - total(x - step)) / 2
    assert float((slope * step).sum()) == pytest.approx(float(want), rel=2e-2)
    assert np.isfinite(jax.grad(lambda x: crossnobis.of_folds(x).sum())(COUNTS)).all()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda x: x, {"dissimilarity": "hamming"}, "must be one of"),
        (lambda x: x.isel(trial=slice(0, 6)), {"dissimilarity": "crossnobis"}, "two trials"),
        (lambda x: x.isel(trial=slice(0, 6)), {"dissimilarity": "mahalanobis"}, "two trials"),
        (lambda x: x, {"dissimilarity": "crossnobis", "folds": "day"}, "label of the trials"),
        (lambda x: x.assign_coords(day=("trial", np.ones(24))),
         {"dissimilarity": "crossnobis", "folds": "day"}, "two folds"),
        (lambda x: x.isel(trial=x["stimulus"] == 0), {}, "two conditions"),
        (lambda x: x - 3.0, {"dissimilarity": "poisson"}, "at least 0"),
        (lambda x: x * 0.0, {"dissimilarity": "cosine"}, "are zero"),
        (lambda x: x * 0.0, {"dissimilarity": "correlation"}, "are constant"),
        (lambda x: x * 0.0, {"dissimilarity": "mahalanobis"}, "do not vary"),
        (lambda x: x.where(x["stimulus"] > 0), {}, "NaN"),
        (lambda x: x, {"times": "each"}, "dim 'time'"),
        (lambda x: x, {"dissimilarity": "mahalanobis", "noise": "full"}, "one of"),
        (lambda x: x, {"areas": "area"}, "label of the units"),
        (lambda x: x.assign_attrs(simultaneous=0), {"dissimilarity": "mahalanobis"},
         "simultaneous=0"),
        (lambda x: x.assign_coords(area=("unit", ["a", None, *"abababa"])), {"areas": "area"},
         "missing in some units"),
    ],
)  # fmt: skip
def test_refuses(change, options, message):
    with pytest.raises((LabelError, ValueError), match=message):
        analysis.rdm(change(trials(COUNTS)), "stimulus", **options)


def test_condition_means_have_no_trials_to_cross_validate():
    means = labels.dataset(
        {"rate": (("condition", "unit"), RATE, "Hz", "rate")}, {}, source="recording"
    )
    with pytest.raises(LabelError, match="single trials"):
        analysis.rdm(means, dissimilarity="crossnobis")
