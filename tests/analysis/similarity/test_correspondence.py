"""Units and neighbours that correspond, against recipes of others and known matchings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from neurodyn import analysis, labels
from neurodyn.analysis import match_units, neighbour_overlap
from neurodyn.analysis.similarity.matching import of_units
from neurodyn.analysis.similarity.neighbours import of_neighbours
from neurodyn.labels import LabelError


def test_reference_values(toy):
    x, y = toy
    soft = match_units(x, y, "soft")
    assert float(soft.score) == pytest.approx(0.296065799, abs=1e-9)
    assert float(soft.best_of_a) == pytest.approx(0.443235601, abs=1e-9)
    assert float(soft.best_of_b) == pytest.approx(0.704675358, abs=1e-9)
    np.testing.assert_allclose(soft.matching.sum("other"), 1 / 12)
    np.testing.assert_allclose(soft.matching.sum("unit"), 1 / 8)
    r = np.corrcoef(x.T, y.T)[:12, 12:]
    np.testing.assert_allclose(soft.correlation, r, atol=1e-12)
    assert float(neighbour_overlap(x, y)) == pytest.approx(0.473333333, abs=1e-9)
    assert float(neighbour_overlap(x, y, kind="jaccard")) == pytest.approx(0.321784996, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_known_permutation_is_recovered(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((40, 9))
    order = rng.permutation(9)
    scales, offsets = 10.0 ** rng.uniform(-12, 12, 9), rng.standard_normal(9)
    other = (x[:, order] + 0.1 * rng.standard_normal(x.shape)) * scales + offsets * scales
    place = np.argsort(order).astype(str)
    for kind in ("permutation", "soft"):
        found = match_units(x, other, kind)
        assert (found.partner.values == place).all()
        assert float(found.score) > 0.95
        np.testing.assert_allclose(
            found.matching * (9 if kind == "soft" else 1), np.eye(9)[:, order], atol=1e-9
        )
    # Of a larger population, some units stay without a partner.
    more = match_units(x, other[:, :5])
    assert (more.partner.values == "").sum() == 4
    assert more.partner_correlation.isnull().sum() == 4
    assert float(more.score) > 0.95
    back = match_units(other[:, :5], x)
    assert float(back.score) == pytest.approx(float(more.score), abs=1e-12)
    np.testing.assert_array_equal(back.partner, order[:5].astype(str))


def test_matching_is_labelled():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 5, 3))

    def population(values, names, order):
        return xr.DataArray(
            values[order],
            {"side": ("condition", np.arange(4)[order]), "unit": names, "time": np.arange(5.0)},
            ("condition", "time", "unit"),
        )

    a = population(x, ["p", "q", "r"], [0, 1, 2, 3])
    b = population(x[..., ::-1], ["s", "t", "u"], [2, 0, 3, 1]).transpose("unit", ...)
    found = match_units(a, b)
    assert found.partner.sel(unit="p").item() == "u"
    assert found.matching.sel(unit="q", other="t").item() == 1
    assert float(found.score) == pytest.approx(1.0)
    labels.check(found)
    assert float(neighbour_overlap(a, b, 4)) == 1.0
    assert neighbour_overlap(a, b, 4).attrs["k"] == 4


def test_programs_of_compare_give_the_same(toy):
    x, y = (jnp.asarray(v[:, None], jnp.float32) for v in toy)
    x2, y2 = toy
    cases = [
        (of_units("permutation"), match_units(x2, y2).score),
        (of_units("soft"), match_units(x2, y2, "soft").score),
        (of_neighbours(), neighbour_overlap(x2, y2)),
        (of_neighbours(5, "jaccard"), neighbour_overlap(x2, y2, 5, kind="jaccard")),
    ]
    for how, want in cases:
        score = jax.jit(lambda x, y, how=how: how.score(how.prepare(x, None), y))
        assert float(score(x, y)) == pytest.approx(float(want), abs=1e-6)
    # Matchings do not change to first order, so that their derivative is that of correlations.
    how = cases[0][0]
    direction = jnp.asarray(np.random.default_rng(0).standard_normal(y.shape), jnp.float32)
    slope = jax.grad(lambda t: how.score(how.prepare(x, None), y + t * direction))(0.0)
    ends = [
        float(match_units(x2, y2 + t * np.asarray(direction[:, 0])).score) for t in (1e-4, -1e-4)
    ]
    assert float(slope) == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-3)


def test_neighbours_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((80, 6))
    y = x + 0.7 * rng.standard_normal((80, 6))
    near = [
        NearestNeighbors(n_neighbors=7).fit(v).kneighbors(return_distance=False) for v in (x, y)
    ]
    shared = np.array([len(set(a) & set(b)) for a, b in zip(*near, strict=True)])
    assert float(neighbour_overlap(x, y, 7)) == pytest.approx((shared / 7).mean())
    jaccard = (shared / (14 - shared)).mean()
    assert float(neighbour_overlap(1e-9 * x, 1e9 * y, 7, kind="jaccard")) == pytest.approx(jaccard)
    # Ties share the last places: of four corners, each has two at the same distance.
    corners = np.array([[0.0, 0.0], [0, 1], [1, 0], [1, 1]])
    line = np.array([[0.0], [1], [2.5], [4.5]])
    # Nearest on the line: 1; 0; 1; 2. Half of the nearest corners are 1 for 0, 0 for 1; 1 for 2 is
    # the far corner; 2 for 3 is one of two.
    assert float(neighbour_overlap(corners, line, 1)) == pytest.approx((0.5 + 0.5 + 0 + 0.5) / 4)
    # Rotations, offsets and one scale leave distances, and unrelated samples share by chance.
    q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert float(neighbour_overlap(x, 3 * x @ q + 2, 7)) == 1.0
    chance = [float(neighbour_overlap(x, rng.standard_normal((80, 6)), 7)) for _ in range(20)]
    error = np.std(chance, ddof=1) / np.sqrt(len(chance))
    assert abs(np.mean(chance) - 7 / 79) < 4 * error


def test_what_is_refused(toy):
    x, y = toy
    constant = x.copy()
    constant[:, [3, 5]] = 2.0
    with pytest.raises(LabelError, match=r"2 units of a are constant, first \['3', '5'\]"):
        match_units(constant, y)
    with pytest.raises(ValueError, match="kind must be one of"):
        match_units(x, y, "hard")
    with pytest.raises(ValueError, match="kind must be one of"):
        analysis.of_units("hard")
    with pytest.raises(ValueError, match="kind must be one of"):
        neighbour_overlap(x, y, kind="other")
    with pytest.raises(ValueError, match=r"60 samples .* have no 60 neighbours"):
        neighbour_overlap(x, y, 60)
    with pytest.raises(ValueError, match="have no 10 neighbours"):
        of_neighbours().prepare(jnp.zeros((2, 3, 4)), None)
    with pytest.raises(ValueError, match="`k`"):
        neighbour_overlap(x, y, 0)
    with pytest.raises(LabelError, match="59 in the system b"):
        match_units(x, y[:-1])
