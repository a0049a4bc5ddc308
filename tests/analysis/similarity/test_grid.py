"""The grid of similarity measures: numbers, identities, laws and sensitivities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf

from neurodyn import analysis, labels
from neurodyn.analysis import MEASURES, Similarity, laplace_kernel, rbf_kernel, whitened
from neurodyn.analysis.similarity.canonical import ExplainedVariance, WeightedCorrelation
from neurodyn.analysis.similarity.kernels import squared_distances
from neurodyn.analysis.similarity.order import by_counting, in_columns, median_of_pairs

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((60, 5))
X = Z @ RNG.standard_normal((5, 12)) + 0.5 * RNG.standard_normal((60, 12))
Y = Z @ RNG.standard_normal((5, 8)) + 0.5 * RNG.standard_normal((60, 8))
XC, YC = X - X.mean(0), Y - Y.mean(0)
#: Points of the grid on two views of five latents; the numbers were computed in plain NumPy.
NUMBERS = [
    (Similarity(), 0.586540782),
    (Similarity(report="angle"), 0.944015188),
    (Similarity(centre="lange"), 0.565111831),
    (Similarity(centre="song"), 0.564667581),
    (Similarity(compare="bures"), 0.795019417),
    (Similarity(compare="bures", report="angle"), 0.651756738),
    (Similarity(compare="bures", report="angular_score"), 0.585078774),
    (Similarity("whitened", compare="mean_correlation"), 0.676811534),
    (Similarity("whitened", compare="mean_squared_correlation"), 0.576409681),
    (Similarity("whitened", compare="bures"), 0.552614303),
    (Similarity("whitened"), 0.470636534),
    (Similarity("rbf"), 0.617527263),
    (Similarity(rbf_kernel(fraction=0.5)), 0.662481758),
    (Similarity("distances"), 0.658243658),
]
#: The same with other embeddings, and other forms of the same numbers.
SVCCA = Similarity(whitened(keep=0.99), compare="mean_correlation")
OTHERS = [SVCCA, Similarity("laplace"), Similarity("rbf", compare="bures"), WeightedCorrelation()]
OTHERS += [Similarity("distances", "song")]
ALL = [point for point, _ in NUMBERS] + OTHERS
x64 = pytest.mark.usefixtures("x64")


def kernel(x):
    """A kernel that is given as a matrix."""
    return x @ x.T


@x64
def test_numbers():
    assert X.sum() == pytest.approx(66.502438, abs=1e-6)
    for point, number in NUMBERS:
        assert float(point(X, Y)) == pytest.approx(number, abs=1e-9), point
    assert float(SVCCA(X, Y)) == pytest.approx(0.804677, abs=1e-6)
    euclidean = Similarity(compare="bures", report="euclidean")
    assert float(euclidean(X, Y)) == pytest.approx(np.sqrt(2 - 2 * 0.795019417), abs=1e-9)


def test_single_precision_has_five_digits():
    for point, number in NUMBERS[::3]:
        value = point(X, Y)
        assert value.dtype == jnp.float32
        assert float(value) == pytest.approx(number, abs=2e-5), point


@x64
def test_identities():
    number = dict.fromkeys(("centred", "lange", "song"))
    for centre in number:
        number[centre] = float(Similarity(centre=centre)(X, Y))
        assert float(Similarity(kernel, centre)(X, Y)) == pytest.approx(number[centre], abs=1e-12)
    # CKA is the cosine of doubly centred matrices of squared distances, so also without bias.
    for centre in ("centred", "song"):
        of_distances = Similarity(squared_distances, centre)(X, Y)
        assert float(of_distances) == pytest.approx(number[centre], abs=1e-12)
    # NBS is the cosine of the Procrustes angle, and a trace of roots of kernels (half the digits).
    nbs = float(Similarity(compare="bures")(X, Y))
    assert nbs == pytest.approx(np.cos(float(analysis.procrustes_angle(X, Y))), abs=1e-12)
    a, b = kernel(XC), kernel(YC)
    inner = scipy.linalg.sqrtm(a)
    fidelity = np.trace(scipy.linalg.sqrtm(inner @ b @ inner)).real
    assert fidelity / np.sqrt(np.trace(a) * np.trace(b)) == pytest.approx(nbs, abs=1e-6)
    assert float(Similarity(kernel, compare="bures")(X, Y)) == pytest.approx(nbs, abs=1e-7)
    # The mean canonical correlation is a Bures cosine over another number of dimensions.
    white = (Similarity("whitened", compare=c) for c in ("bures", "mean_correlation"))
    bures, mean = (float(point(X, Y)) for point in white)
    assert bures == pytest.approx(mean * np.sqrt(8 / 12), abs=1e-12)
    assert np.arccos(bures) == pytest.approx(float(analysis.shape_angle(X, Y, alpha=0.0)), abs=1e-9)


@x64
def test_other_implementations():
    qx, qy = np.linalg.qr(XC)[0], np.linalg.qr(YC)[0]
    u, rho, _ = np.linalg.svd(qy.T @ qx, full_matrices=False)
    rhos = 0.991581, 0.977075, 0.968709, 0.895107, 0.860260, 0.304833, 0.291749, 0.125180
    np.testing.assert_allclose(rho, rhos, atol=1e-6)
    weights = np.abs((qy @ u).T @ YC).sum(1)
    expected = weights @ rho / weights.sum()
    for sides in ((X, Y), (Y, X)):
        assert float(WeightedCorrelation()(*sides)) == pytest.approx(expected, abs=1e-9)
    explained = np.sum((qx.T @ YC) ** 2) / np.sum(YC**2)
    assert float(ExplainedVariance()(X, Y)) == pytest.approx(explained, abs=1e-12)
    for x in (X, X @ RNG.standard_normal((12, 90))):  # fewer units than samples, and more
        xc = x - x.mean(0)
        fit = Ridge(0.1 * np.sum(xc**2)).fit(xc, YC)
        rest = np.sum((YC - fit.predict(xc)) ** 2) / np.sum(YC**2)
        assert float(ExplainedVariance(0.1)(x, Y)) == pytest.approx(1 - rest, abs=1e-9)
    gaussian = [sklearn_rbf(side, gamma=1 / (2 * 3.0**2)) for side in (X, Y)]
    laplace = [np.exp(-squareform(pdist(side)) / 3.0) for side in (X, Y)]
    for embed, (k, m) in ((rbf_kernel(sigma=3.0), gaussian), (laplace_kernel(sigma=3.0), laplace)):
        k, m = (v - v.mean(0) - v.mean(1)[:, None] + v.mean() for v in (k, m))
        expected = np.sum(k * m) / np.sqrt(np.sum(k**2) * np.sum(m**2))
        # A width in the units of the data, which no scale is taken out of.
        assert float(Similarity(embed)(X, Y)) == pytest.approx(expected, abs=1e-9)
        wide = Similarity(type(embed)(embed.power, 3e9, 1.0))
        assert float(wide(1e9 * X, 1e9 * Y)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_order_statistics_are_those_of_sorting(n, dtype, x64):
    ranks = np.unique([0, 1, n - 1]).astype(np.int32)

    @jax.jit
    def found_in(d):
        at_ranks = jax.vmap(lambda rank: by_counting(d, rank, in_columns)[0])(ranks)
        return jax.value_and_grad(median_of_pairs)(d), at_ranks

    for decimals in (9, 0):  # 0: many ties, and distances of 0
        d = squareform(pdist(np.random.default_rng(n).standard_normal((n, 3)).round(decimals)))
        d = d.astype(dtype)
        pairs = d[np.triu_indices(n, 1)]
        (found, slope), columns = found_in(d)
        assert found.dtype == dtype
        assert float(found) == np.median(pairs)
        np.testing.assert_array_equal(columns, np.sort(d, axis=0)[ranks])
    # Where pairs tie, they share the derivative.
    assert float(slope.sum()) == pytest.approx(1)
    assert not np.asarray(slope)[
        ~np.isin(d, np.sort(pairs)[[(pairs.size - 1) // 2, pairs.size // 2]])
    ].any()


@x64
def test_sensitivity_to_principal_components():
    u, s, v = np.linalg.svd(XC, full_matrices=False)
    shares = s**2 / np.sum(s**2)
    known = [0.444916, 0.248801, 0.146299, 0.084201, 0.048474]
    np.testing.assert_allclose(shares[:5], known, atol=1e-6)
    cka, nbs = Similarity(), Similarity(compare="bures")
    for i, of_cka, of_nbs in (
        (0, 0.565083475, 0.745039804),
        (1, 0.887209957, 0.866717574),
        (4, 0.995951858, 0.975461940),
    ):
        rest = XC - s[i] * np.outer(u[:, i], v[i])
        assert float(cka(X, rest)) == pytest.approx(of_cka, abs=1e-9)
        assert float(nbs(X, rest)) == pytest.approx(of_nbs, abs=1e-9)
    for k, of_cka, of_nbs in ((1, 0.825033736, 0.667020007), (2, 0.945272002, 0.832896354)):
        first = (u[:, :k] * s[:k]) @ v[:k]
        assert float(cka(X, first)) == pytest.approx(of_cka, abs=1e-9)
        assert float(nbs(X, first)) == pytest.approx(of_nbs, abs=1e-9)


#: Points that are metrics as angles.
METRICS = [
    Similarity(report="angle"),
    Similarity("rbf", report="angle"),
    Similarity("distances", report="euclidean"),
    Similarity(compare="bures", report="angle"),
    Similarity("whitened", compare="bures", report="angle"),
]


@x64
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), exponent=st.floats(-12, 12), shared=st.floats(0, 3))
def test_laws(seed, exponent, shared):
    rng = np.random.default_rng(seed)
    x, y, z = rng.standard_normal((3, 14, 4))
    y = y + shared * x @ rng.standard_normal((4, 4))
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    turned = 10.0**exponent * (x @ rotation + rng.standard_normal(4))
    for point in METRICS:
        value = float(point(x, y))
        assert float(point(y, x)) == pytest.approx(value, abs=1e-9)
        assert float(point(turned, y)) == pytest.approx(value, abs=1e-7)
        # A distance of doubles that are equal but for rounding is the root of that.
        assert float(point(turned, x)) < 1e-6
        assert value <= float(point(x, z)) + float(point(z, y)) + 1e-9
    mixed = x @ (rotation + 0.3 * rng.standard_normal((4, 4)))
    for point in (METRICS[-1], Similarity("whitened"), WeightedCorrelation()):
        first, second = (float(point(side, y)) for side in (x, mixed))
        # The weights of PWCCA are of the first of two sides with as many units: their own.
        assert isinstance(point, WeightedCorrelation) or second == pytest.approx(first, abs=1e-6)
        assert 0 <= second <= np.pi / 2 + 1e-9


def test_unbiased_estimators_are_0_on_noise():
    keys = jax.random.split(jax.random.key(0), 400)
    for embed, n_units in (("linear", 60), ("distances", 5)):
        draws = jax.vmap(lambda key, n=n_units: jax.random.normal(key, (2, 15, n)))(keys)
        found = {
            centre: np.asarray(jax.vmap(Similarity(embed, centre))(draws[:, 0], draws[:, 1]))
            for centre in ("centred", "song")
        }
        values = found["song"]
        assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(len(values))
        assert found["centred"].mean() > 0.25


def gradients(points):
    """Values and gradients by the second side of all points, in one program.

    They share their embeddings there, and a program for each takes more than twice as long.
    """
    each = [jax.value_and_grad(lambda x, y, at=point: at(x, y), argnums=1) for point in points]
    return jax.jit(lambda x, y: [one(x, y) for one in each])


@x64
def test_gradients():
    x, y = (jnp.asarray(v[:20, :8] / 3) for v in (X, Y))
    along = jnp.asarray(np.random.default_rng(1).standard_normal(y.shape))
    # Two units are sums of others, so that there are fewer dimensions than units.
    repeated = y.at[:, 6:].set(y[:, :2] + y[:, 2:4])
    points = [*ALL, ExplainedVariance(0.1)]
    both = gradients(points)
    sides = (y, y + 1e-5 * along, y - 1e-5 * along, x, repeated)
    for point, *found in zip(points, *(both(x, side) for side in sides), strict=True):
        (_, there), (after, _), (before, _), (_, same), (_, of_fewer) = found
        slope = float(jnp.sum(there * along))
        assert slope == pytest.approx(float(after - before) / 2e-5, rel=1e-5, abs=1e-8), point
        assert np.isfinite(same).all(), point
        # There a score is highest, so that no direction leads up. An angle has a kink.
        if getattr(point, "report", "") == "score":
            assert float(jnp.abs(same).max()) < 1e-6, point
        assert np.isfinite(of_fewer).all(), point


def test_single_precision_gradients_are_finite_at_equal_samples():
    x = jnp.asarray(X[:20, :8], jnp.float32)
    of_fewer = x.at[:, 6:].set(x[:, :2] + x[:, 2:4])
    points = (Similarity(report="angle"), *METRICS[-2:], WeightedCorrelation())
    both = gradients(points)
    for side in (x, of_fewer):
        for point, (_, gradient) in zip(points, both(side, side), strict=True):
            assert np.isfinite(gradient).all(), point


def test_what_is_refused():
    wide = RNG.standard_normal((10, 9))
    for call, message in (
        (lambda: Similarity("cosine"), "`embed` is one of linear, rbf"),
        (lambda: Similarity(report="distance"), "`report` is one of score"),
        (lambda: Similarity(centre="song", compare="bures"), "positive kernels"),
        (lambda: Similarity(compare="mean_correlation"), "whitened, centred sides"),
        (lambda: rbf_kernel(fraction=0.0), "width"),
        (lambda: whitened(keep=1.5), "keep"),
        (lambda: ExplainedVariance(-1.0), "penalty"),
        (lambda: WeightedCorrelation("distance"), "is one of score"),
        (lambda: Similarity(rbf_kernel(sigma=1.0)).measure("x"), "fraction="),
        (lambda: Similarity("whitened")(wide, wide), "9 dimensions of 10 samples"),
        (lambda: WeightedCorrelation()(wide, wide), "svcca"),
        (lambda: Similarity(whitened(keep=12))(wide, wide), "9 dimensions of 10 samples"),
        (lambda: Similarity(centre="song")(wide[:3], wide[:3]), "4 samples"),
        (lambda: Similarity(centre="song").prepare(jnp.asarray(wide[:3])), "4 samples"),
        (lambda: Similarity()(wide, np.ones((10, 2))), "same in all samples"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    few = Similarity(whitened(keep=3), compare="mean_correlation")
    assert 0 < float(few(wide, RNG.standard_normal((10, 40)))) < 1


def means(values, source):
    dims = ("condition", "time", "unit")
    coords = {"time": labels.time_axis(5, 20.0), "side": ("condition", np.arange(12))}
    return labels.dataset(
        {"rate": (dims, values.reshape(12, 5, -1), "Hz", "rate")}, coords, source=source
    )


def test_labelled_populations_have_the_digits_of_doubles():
    a, b = means(X, "model"), means(Y, "recording")
    shuffled = b.isel(condition=np.random.default_rng(2).permutation(12))
    for value, number in (
        (analysis.cka(a, b), 0.586540782),
        (analysis.cka(a, shuffled, estimator="lange"), 0.565111831),
        (analysis.cka(a, shuffled, kernel=rbf_kernel(fraction=0.5)), 0.662481758),
        (analysis.nbs(a, b), 0.795019417),
        (analysis.procrustes(a, b, report="angular_score"), 0.585078774),
        (analysis.cca(a, b, form="cosine"), 0.470636534),
        (analysis.distance_correlation(a, b), 0.811322166),
        (analysis.distance_correlation(a, b, squared=True), 0.658243658),
    ):
        assert float(value) == pytest.approx(number, abs=1e-8), value.long_name
    assert analysis.nbs(a, b, report="angle").attrs["units"] == "rad"
    for wrong in ({"form": "sum"}, {"report": "distance"}):
        with pytest.raises(ValueError, match="is one of"):
            analysis.cca(a, b, **wrong)
    with pytest.raises(ValueError, match="`estimator` is one of centred, lange, song"):
        analysis.cka(a, b, estimator="none")


def test_compare_takes_points_by_name_and_composed():
    a, b = means(X, "model"), means(Y, "recording")
    # The model ends in the middle of the last bin, which is left out.
    x, y = (v.reshape(12, 5, -1)[:, :4].reshape(48, -1) for v in (X, Y))
    own = Similarity(laplace_kernel(fraction=2.0), "song", report="angle")
    mean_squared = Similarity("whitened", compare="mean_squared_correlation")
    points = {"cka": Similarity(), "cca_squared": mean_squared, "own": own}
    metrics = ["cka", "cca_squared", own.measure("own", "mine"), "distance_correlation"]
    found = analysis.compare(a, b, metrics, n_null=2, key=0)
    for name, point in points.items():
        expected = float(point(x, y))
        assert float(found.score.sel(metric=name)) == pytest.approx(expected, abs=1e-5)
    root = float(Similarity("distances")(x, y)) ** 0.5
    assert float(found.score.sel(metric="distance_correlation")) == pytest.approx(root, abs=1e-5)
    assert found.score_units.sel(metric="own") == "rad"
    assert MEASURES["nbs"].identifier == "measure/*/nbs-score"
