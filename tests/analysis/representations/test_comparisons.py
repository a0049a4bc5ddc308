"""Comparisons of dissimilarities: reference numbers, rsatoolbox 0.3.2, identities, weights."""

import jax
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurodyn import analysis, labels
from neurodyn.analysis.representations.comparisons import COMPARISONS, scores, weights_of
from neurodyn.labels import LabelError

N = 8
UPPER = np.triu_indices(N, 1)
LINE = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
PHASE = np.exp(2j * np.pi * np.arange(8) / 8)
RING = np.abs(np.subtract.outer(PHASE, PHASE))
#: Dissimilarities of five subjects; what rsatoolbox 0.3.2 makes of them follows.
RNG = np.random.default_rng(5)
SUBJECTS = np.stack([LINE[UPPER] + RNG.uniform(0, 4, 28) for _ in range(5)])
THIRD = RNG.uniform(0, 3, 28)
#: ``boot_noise_ceiling(rdms, method)``.
CEILINGS = {
    "cosine": (0.967767042, 0.979433808),
    "pearson": (0.758617289, 0.849106127),
    "spearman": (0.72011525, 0.828141285),
    "rho_a": (0.719649699, 0.827914614),
    "tau_a": (0.535978836, 0.650793651),
    "whitened_cosine": (0.87422238, 0.920297042),
    "whitened_pearson": (0.736715197, 0.835105335),
}
#: ``compare`` of the first subject and the ring with conditions drawn repeatedly, where the
#: dissimilarities of two copies are missing.
DRAWN = [0, 0, 0, 2, 3, 5, 6, 7]
OF_DRAWN = {
    "cosine": 0.900220226,
    "pearson": -0.281672397,
    "spearman": 0.007020418,
    "rho_a": 0.006923077,
    "tau_a": -0.043333333,
    "whitened_cosine": 0.6656901,
    "whitened_pearson": -0.113416275,
}


def square(lists, **coords):
    """Labelled matrices of lists of pairs."""
    lists = np.asarray(lists)
    full = np.zeros((*lists.shape[:-1], N, N))
    full[..., UPPER[0], UPPER[1]] = lists
    dims = ("subject", "condition", "condition_2")[-full.ndim :]
    return xr.DataArray(full + full.swapaxes(-1, -2), coords, dims)


def recipe():
    """Two populations of 60 samples with shared latents."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 5))
    return [z @ rng.standard_normal((5, n)) + 0.5 * rng.standard_normal((60, n)) for n in (12, 8)]


def means(x):
    return labels.dataset(
        {"rate": (("condition", "unit"), x, "Hz", "rate")}, {}, source="recording"
    )


def test_reference_numbers_and_identities():
    x, y = recipe()
    assert (x.sum(), y.sum()) == pytest.approx((66.502438, -177.489870), abs=1e-6)
    a, b = (analysis.rdm(means(side)) for side in (x, y))
    want = {
        "pearson": 0.604147, "spearman": 0.626286, "rho_a": 0.626286, "cosine": 0.822533,
        "tau_a": 0.443766, "whitened_cosine": 0.586540782, "bures": 0.795019417,
    }  # fmt: skip
    for name, value in want.items():
        found = float(analysis.compare_rdms(a, b, name))
        assert found == pytest.approx(value, abs=6e-7 if value in (0.8, 0.6) else 1e-6), name
    # Linear CKA is the whitened cosine, and the cosine of doubly centred distances.
    centre = np.eye(60) - 1 / 60
    k, m = (centre @ side["dissimilarity"].values @ centre for side in (a, b))
    of_centred = (k * m).sum() / np.linalg.norm(k) / np.linalg.norm(m)
    for value in (of_centred, float(analysis.linear_cka(x, y))):
        assert value == pytest.approx(0.586540782, abs=1e-6)
    assert float(analysis.compare_rdms(a, b)) == pytest.approx(0.586540782, abs=1e-9)
    angle = float(analysis.procrustes_angle(x, y))
    assert np.cos(angle) == pytest.approx(0.795019417, abs=1e-6)
    kinds = {"dissimilarity": "squared_euclidean", "comparison": "whitened_cosine"}
    assert float(analysis.rsa(means(x), means(y), **kinds)) == pytest.approx(of_centred)


def test_ceilings_are_those_of_rsatoolbox():
    for name, want in CEILINGS.items():
        found = analysis.rdm_ceiling(square(SUBJECTS), name)
        np.testing.assert_allclose([found["lower"], found["upper"]], want, atol=1e-8, err_msg=name)


def test_weights_of_conditions_are_as_if_conditions_were_repeated():
    counts = np.bincount(DRAWN, minlength=N) * 1.0
    with jax.enable_x64(True):
        w = weights_of(N, condition=jax.numpy.asarray(counts))
        for name, want in OF_DRAWN.items():
            x, y = SUBJECTS[:1], RING[UPPER][None]
            found = float(scores(COMPARISONS[name], x, y, w)[0, 0])
            assert found == pytest.approx(want, abs=2e-8), name


def test_ties_and_missing_pairs():
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 5, (2, 28)) * 1.0
    known = rng.random(28) < 0.8
    lost = np.where(known, x, np.nan)
    spearman = analysis.compare_rdms(square(lost), square(y), "spearman")
    assert spearman.attrs["pairs_left_out"] == (~known).sum()
    assert float(spearman) == pytest.approx(stats.spearmanr(x[known], y[known])[0])
    pairs = np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y))
    tau = float(analysis.compare_rdms(square(x), square(y), "tau_a"))
    assert tau == pytest.approx(pairs.sum() / (28 * 27))


def test_covariances_of_conditions():
    """Against the definition: products in the inverse of the covariance of dissimilarities."""
    x, y, rng = SUBJECTS[0], RING[UPPER], np.random.default_rng(8)
    contrast = np.zeros((28, N))
    contrast[np.arange(28), UPPER[0]], contrast[np.arange(28), UPPER[1]] = 1, -1
    mixing = rng.standard_normal((N, 2 * N))
    variance = rng.uniform(0.2, 3, N)
    for given, matrix in (
        (xr.DataArray(variance, dims="condition"), np.diag(variance)),
        (xr.DataArray(mixing @ mixing.T, dims=("condition", "condition_2")), mixing @ mixing.T),
    ):
        inverse = np.linalg.inv((contrast @ matrix @ contrast.T) ** 2)
        want = x @ inverse @ y / np.sqrt((x @ inverse @ x) * (y @ inverse @ y))
        found = analysis.compare_rdms(square(x), square(y), covariance=given)
        assert float(found) == pytest.approx(want, rel=1e-8)


def test_conditions_and_outer_dims_are_matched_by_label():
    names = [f"c{i}" for i in range(N)]
    coords = {"condition": names, "condition_2": names}
    a = square(SUBJECTS, subject=list("vwxyz"), **coords)
    order = np.random.default_rng(9).permutation(N)
    b = square(RING[UPPER], **coords).isel(condition=order, condition_2=order[::-1])
    want = [stats.pearsonr(one, RING[UPPER])[0] for one in SUBJECTS]
    np.testing.assert_allclose(analysis.compare_rdms(a, b, "pearson"), want)
    turned = a.isel(subject=[3, 0, 4, 1, 2], condition=order, condition_2=order)
    np.testing.assert_allclose(analysis.compare_rdms(a, turned, "pearson"), 1.0)
    others = turned.rename(subject="other")
    both = analysis.compare_rdms(a, others, "cosine")
    assert both.dims == ("subject", "other")
    assert float(both.sel(subject="v", other="v")) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (square(THIRD), square(THIRD), {"comparison": "manhattan"}, "must be one of"),
        (square(THIRD), square(0 * THIRD + 1), {"comparison": "pearson"}, "equal"),
        (square(THIRD), square(0 * THIRD), {"comparison": "cosine"}, "`others` are 0"),
        (square(0 * THIRD), square(THIRD), {"comparison": "bures"}, "`rdms` are 0"),
        (square(THIRD), square(THIRD) + np.arange(8.0), {}, "symmetric|diagonal|dims"),
        (square(THIRD), square(THIRD).isel(condition=slice(0, 5)), {}, "conditions"),
        (square(THIRD)[:2, :2], square(THIRD)[:2, :2], {}, "conditions at least"),
        (square(THIRD), square(np.full(28, np.nan)), {}, "no pair"),
        (square(THIRD), square(THIRD).rename(condition="stimulus"), {}, "dims"),
        (square(THIRD), square(THIRD),
         {"covariance": xr.DataArray(np.zeros(8), dims="condition")}, "above 0"),
    ],
)  # fmt: skip
def test_refuses(a, b, options, message):
    with pytest.raises((LabelError, ValueError), match=message):
        analysis.compare_rdms(a, b, **options)


def test_rsa_and_measures_of_own_parts():
    rng = np.random.default_rng(10)
    latent = np.cumsum(rng.standard_normal((N, 6, 3)), 1)
    x, y = (latent @ rng.standard_normal((3, n)) + rng.uniform(0, 9, n) for n in (7, 5))
    sides = [
        labels.dataset(
            {"rate": (("condition", "time", "unit"), side, "Hz", "rate")},
            {"time": labels.time_axis(6, 20.0) - early, "side": ("condition", np.arange(N))},
            source=source,
        )
        # A run is labelled at the end of its steps, a recording in the middle of its bins.
        for side, source, early in ((x, "model", 0.0), (y, "recording", 10.0))
    ]
    both = sides[0], sides[1].assign_coords(time=sides[0]["time"])

    def centred(n_times):
        return [(s - s[:, :n_times].mean((0, 1)))[:, :n_times].reshape(N, -1) for s in (x, y)]

    def apart(n_times):
        return [1 - np.corrcoef(side)[UPPER] for side in centred(n_times)]

    want = {"rsa": stats.pearsonr, "rsa_spearman": stats.spearmanr, "rsa_kendall": stats.kendalltau}
    found = analysis.compare(*sides, [*want, "rsa_whitened"], by="side", n_null=20)
    seen = 6 - found.attrs["bins_left_out"]  # the run does not cover the last
    for name, correlation in want.items():
        score = float(found["score"].sel(metric=name))
        assert score == pytest.approx(correlation(*apart(seen))[0], abs=2e-5)
    assert float(analysis.rsa(*both)) == pytest.approx(stats.pearsonr(*apart(6))[0])
    of_time = both[0].assign(rate=0 * both[0]["rate"] + both[0]["time"])
    with pytest.raises(ValueError, match="a is the same in all conditions"):
        analysis.rsa(of_time, both[1])

    def city_block(patterns):
        return abs(patterns[:, None] - patterns[None]).sum(-1)

    own = analysis.rsa_measure(city_block, lambda a, b: -abs(a / a.mean() - b / b.mean()).mean(),
                               name="own")  # fmt: skip
    score = analysis.compare(*sides, [own], by="side", n_null=0)["score"]
    far = [city_block(f)[UPPER] for f in centred(seen)]
    assert float(score[0]) == pytest.approx(
        -abs(far[0] / far[0].mean() - far[1] / far[1].mean()).mean(), abs=1e-4
    )
    each = [1 - np.stack([np.corrcoef(s[:, t])[UPPER] for t in range(6)])
            for s in (x - x.mean((0, 1)), y - y.mean((0, 1)))]  # fmt: skip
    want = np.mean([stats.pearsonr(p, q)[0] for p, q in zip(*each, strict=True)])
    assert float(analysis.rsa(*both, times="each")) == pytest.approx(want)
    with pytest.raises(ValueError, match="need trials or counts"):
        analysis.rsa_measure("crossnobis")
