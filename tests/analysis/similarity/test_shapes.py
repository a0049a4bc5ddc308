"""Shape distances of many populations, their mean, and those of noisy responses.

Numbers of netrep are those of its version 0.0.2 (LinearMetric, GaussianStochasticMetric,
frechet_mean) on the same arrays.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn import analysis, labels
from neurodyn.analysis import embed_distances, mean_shape, shape_distances, stochastic_distances
from neurodyn.analysis.similarity import pairs
from neurodyn.analysis.similarity.nearest import inverse_root, rotation_to
from neurodyn.analysis.similarity.shapes import of_shapes
from neurodyn.labels import LabelError


def related():
    """Two populations of seven units, one mixed from the other."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((60, 4)) @ rng.standard_normal((4, 7))
    a = a + 0.4 * rng.standard_normal((60, 7)) + 2
    b = a @ rng.standard_normal((7, 7)) + 0.8 * rng.standard_normal((60, 7)) - 1
    assert a.sum() == pytest.approx(864.8488534073479)
    return a, b


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


@pytest.mark.parametrize(
    ("alpha", "angle"),
    [(1.0, 0.6517567375337815), (0.5, 0.6478797223503389), (0.0, 0.9852985659747434)],
)
def test_distances_are_those_of_netrep(toy, alpha, angle):
    x, y = toy
    found = shape_distances({"x": x, "y": y}, alpha=alpha)
    np.testing.assert_allclose(found.distance, [[0, angle], [angle, 0]], atol=1e-9)
    assert found.distance.attrs["units"] == "rad"
    labels.check(found)
    other = float(shape_distances(x, y, alpha=alpha, form="euclidean").distance)
    if alpha == 1:
        assert other == pytest.approx(35.41816317569812, rel=1e-9)
    # Whitening keeps the variance of each.
    size = np.linalg.norm([np.linalg.norm(v - v.mean(0)) for v in toy])
    product = np.prod([np.linalg.norm(v - v.mean(0)) for v in toy])
    assert other**2 == pytest.approx(size**2 - 2 * product * np.cos(angle), rel=1e-9)


@pytest.mark.parametrize(
    ("alpha", "angle", "euclidean"),
    [
        (1.0, 0.42490408498671955, 38.99332414221706),
        (0.5, 0.4424135698316293, 39.10349219330061),
        (0.0, 0.7972588336851645, 40.98624063698816),
    ],
)
def test_held_out_distances_are_those_of_netrep(monkeypatch, alpha, angle, euclidean):
    # Fitted to the last 45 samples and scored on the first 15.
    a, b = related()
    monkeypatch.setattr(
        "neurodyn.analysis.similarity.distances.fold_masks",
        lambda key, n, n_folds: np.arange(n)[None] // 15 == np.arange(n_folds)[:, None],
    )
    for form, want in (("angular", angle), ("euclidean", euclidean)):
        found = shape_distances([a, b, 2 * b], alpha=alpha, form=form, n_folds=4)
        assert float(found.fold_distance[0, 0, 1]) == pytest.approx(want, rel=1e-8)
        np.testing.assert_allclose(found.distance, found.distance.T)
        # The last two are one shape, whose angle of 0 is known to 1e-7.
        assert (found.fit_distance <= found.distance + 1e-7 * float(want)).all()
    if alpha == 1:
        # One over all held-out samples, from the two-population program of `compare` too.
        held_out = jnp.arange(60)[None] // 15 == jnp.arange(4)[:, None]
        folds = analysis.CrossValidation(held_out, jnp.ones(1))
        how = of_shapes()
        program = how.score(how.prepare(jnp.asarray(a[:, None]), folds), jnp.asarray(b[:, None]))
        angular = shape_distances(a, b, n_folds=4)
        assert float(program) == pytest.approx(float(angular.distance), abs=1e-5)
        assert float(program) == pytest.approx(float(angular.fold_distance.mean()), abs=0.05)


@pytest.mark.usefixtures("x64")
def test_the_program_of_compare_whitens_as_the_matrix_does():
    a, b = related()
    held_out = jnp.arange(60)[None] // 15 == jnp.arange(4)[:, None]
    folds = analysis.CrossValidation(held_out, jnp.ones(1))
    how = of_shapes(alpha=0)

    @jax.jit
    def value(y):
        return how.score(how.prepare(jnp.asarray(a[:, None]), folds), y[:, None])

    by_hand = []
    for fold in range(4):
        out = np.arange(60) // 15 == fold
        fitted = []
        for x in (a, b):
            mean = x[~out].mean(0)
            w = scipy.linalg.inv(scipy.linalg.sqrtm((x[~out] - mean).T @ (x[~out] - mean)))
            w = w * np.linalg.norm(x[~out] - mean) / np.sqrt(7)
            fitted.append(((x[~out] - mean) @ w, (x[out] - mean) @ w))
        q = scipy.linalg.orthogonal_procrustes(fitted[0][0], fitted[1][0])[0]
        by_hand.append((fitted[0][1] @ q, fitted[1][1]))
    left, right = (np.concatenate(side) for side in zip(*by_hand, strict=True))
    cosine = np.sum(left * right) / np.linalg.norm(left) / np.linalg.norm(right)
    assert float(value(jnp.asarray(b))) == pytest.approx(np.arccos(cosine), abs=1e-9)
    # Its derivative passes through whitening and rotation.
    direction = jnp.asarray(np.random.default_rng(3).standard_normal(b.shape))
    slope = jax.jvp(value, (jnp.asarray(b),), (direction,))[1]
    ends = [value(jnp.asarray(b) + step * direction) for step in (1e-6, -1e-6)]
    assert float(slope) == pytest.approx(float(ends[0] - ends[1]) / 2e-6, rel=1e-5)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_derivatives_of_matrix_functions(shape):
    rng = np.random.default_rng(4)
    m, change = jnp.asarray(rng.standard_normal((2, *shape)))
    scatter, more = m.T @ m + jnp.eye(shape[1]), change.T @ change
    for function, at, along in (
        (rotation_to, m, change),
        (inverse_root, scatter, more),
        (inverse_root, 3.0 * jnp.eye(3), jnp.asarray(rng.standard_normal((3, 3)))),
        (rotation_to, jnp.eye(3), jnp.asarray(rng.standard_normal((3, 3)))),
        # Of more units than samples, whose axes without variance turn as the samples change.
        (lambda x: inverse_root(x.T @ x), m, change),
    ):
        along = along + along.T if function is inverse_root else along
        value, slope = jax.jvp(function, (at,), (along,))
        np.testing.assert_allclose(value, function(np.asarray(at)), atol=1e-12)
        ends = [function(at + step * along) for step in (1e-6, -1e-6)]
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.3, 0.0]))
def test_a_metric_of_shapes(seed, alpha):
    rng = np.random.default_rng(seed)
    x, y, z = (rng.standard_normal((15, n)) for n in (4, 7, 5))
    z = z + 0.5 * np.hstack([x, y[:, :1]])
    systems = {
        "x": x,
        "y": y,
        "z": z,
        "turned": x @ rotation(4, seed) + 3,
        "permuted": x[:, rng.permutation(4)],
    }
    found = shape_distances(systems, alpha=alpha).distance
    d = found.values
    assert (d == d.T).all()
    assert (np.diag(d) == 0).all()
    through = (d[:, :, None] + d[None, :, :]).min(1)
    assert (d <= through + 1e-7).all()
    assert (found.sel(system="x", other=["turned", "permuted"]) < 1e-7).all()
    np.testing.assert_allclose(d[0], d[3], atol=1e-7)
    if alpha in (0, 1):
        scaled = shape_distances(x, 1e-5 * y, alpha=alpha).distance
        assert float(scaled) == pytest.approx(d[0, 1], abs=1e-9)


def test_tiles_and_sides_do_not_change_a_distance(monkeypatch):
    rng = np.random.default_rng(5)
    # The third has more units than there are samples, so that it is reduced.
    systems = [rng.standard_normal((40, n)).astype(np.float32) for n in (3, 9, 70, 5)]
    whole = shape_distances(systems, n_folds=4, alpha=0.5, key=1)
    monkeypatch.setattr(pairs, "TILE", 300)
    monkeypatch.setattr(pairs, "BLOCK", 7)
    tiled = shape_distances(systems, n_folds=4, alpha=0.5, key=1)
    xr.testing.assert_allclose(whole, tiled, rtol=1e-9)
    across = shape_distances(systems[:2], systems[2:], n_folds=4, alpha=0.5, key=1)
    np.testing.assert_allclose(across.distance, whole.distance[:2, 2:], rtol=1e-9)
    seeds = xr.DataArray(
        rng.standard_normal((3, 6, 4, 5)), dims=("seed", "condition", "time", "unit")
    )
    found = shape_distances(seeds.assign_coords(seed=[4, 2, 9]))
    assert found.system.values.tolist() == [4, 2, 9]
    alone = shape_distances(seeds.values[0], seeds.values[2])
    assert float(found.distance.sel(system=4, other=9)) == pytest.approx(float(alone.distance))


def activity(seed, n_units, *, order=slice(None), times=(10.0, 20.0, 30.0), n_trials=6):
    """Single trials of four sides, with noise, in any order of trials."""
    rng = np.random.default_rng(seed)
    mean = np.random.default_rng(99).standard_normal((4, 3, 3)) @ rng.standard_normal((3, n_units))
    side = np.repeat(np.array(["w", "e", "n", "s"]), n_trials)[order]
    rate = np.repeat(mean, n_trials, axis=0)
    rate = (rate + 0.3 * rng.standard_normal(rate.shape))[order]
    return xr.DataArray(
        rate,
        {"side": ("trial", side), "time": list(times)},
        ("trial", "time", "unit"),
        attrs={"units": "Hz"},
    )


def test_populations_are_matched_by_label():
    shuffled = np.random.default_rng(0).permutation(24)
    a, b = activity(0, 5), activity(1, 4)
    moved = activity(1, 4, order=shuffled)[:, ::-1]
    straight = shape_distances({"a": a, "b": b}, by="side")
    xr.testing.assert_allclose(straight, shape_distances({"a": a, "b": moved}, by="side"))
    noisy = stochastic_distances({"a": a, "b": b}, by="side", n_starts=1)
    xr.testing.assert_allclose(
        noisy, stochastic_distances({"a": a, "b": moved}, by="side", n_starts=1)
    )
    assert noisy.distance.attrs["units"] == "Hz"
    mean = mean_shape({"a": a, "b": b}, by="side")
    again = mean_shape({"a": a, "b": moved}, by="side")
    np.testing.assert_allclose(again.distance, mean.distance, atol=1e-9)
    assert mean.aligned.dims == ("system", "condition", "time", "component")
    labels.check(mean)
    # The axes take centred activity of the units of a system to where it is aligned.
    rate = a.groupby("side").mean().rename(side="condition").transpose("condition", "time", "unit")
    rate = rate.sel(condition=mean.side.values)
    centred = (rate - rate.mean(("condition", "time"))).values
    of_a = mean.axes.values[mean.of_system.values == "a"]
    np.testing.assert_allclose(centred @ of_a, mean.aligned.sel(system="a"), atol=1e-9)


def test_mean_shape_is_that_of_netrep():
    a, b = related()
    third = 1.5 * a[:, ::-1] + 0.3 * b
    found = mean_shape([a, b, third], scale=False)
    assert 3 * float(found.spread) == pytest.approx(3188.118015697697, rel=1e-9)
    assert np.linalg.norm(found["mean"]) == pytest.approx(64.08802390253179, rel=1e-9)
    expected = [34.861877091576964, 42.74624961741812, 12.063402712123105]
    np.testing.assert_allclose(found.distance, expected, rtol=1e-6)
    assert found.converged == 1
    other = mean_shape([third, a @ rotation(7) + 5, b], scale=False)
    np.testing.assert_allclose(other.distance.values[[1, 2, 0]], expected, rtol=1e-6)
    np.testing.assert_allclose(np.abs(other["mean"]), np.abs(found["mean"]), atol=1e-3)
    short = mean_shape([a, b, third], scale=False, max_iterations=2)
    assert short.converged == 0
    # With one scale, the mean of two lies in the middle of the chord between them.
    angle = float(shape_distances(a, b, alpha=0.0).distance)
    halves = mean_shape([a, b], alpha=0.0).distance
    np.testing.assert_allclose(halves, np.sin(angle / 2), rtol=1e-9)


def gaussian_trials():
    rng = np.random.default_rng(2)
    m = rng.standard_normal((10, 5))
    n = m @ np.linalg.qr(rng.standard_normal((5, 5)))[0] + 0.3 * rng.standard_normal((10, 5))
    a = m[:, None] + rng.standard_normal((10, 20, 5)) @ (0.3 * rng.standard_normal((10, 5, 5)))
    b = n[:, None] + rng.standard_normal((10, 20, 5)) @ (0.3 * rng.standard_normal((10, 5, 5)))
    assert a.sum() == pytest.approx(47.68373177252536)
    return a, b


def of_sides(trials):
    side = np.repeat(np.arange(len(trials)), trials.shape[1])
    return xr.DataArray(
        trials.reshape(-1, 1, trials.shape[-1]),
        {"side": ("trial", side)},
        ("trial", "time", "unit"),
    )


def test_stochastic_distances_are_those_of_netrep():
    a, b = (of_sides(x) for x in gaussian_trials())

    def distance(x, y, n_starts=1, **options):
        found = stochastic_distances(x, y, by="side", n_starts=n_starts, **options)
        return float(found.distance)

    assert distance(a, b) == pytest.approx(1.4432677330427013, rel=1e-8)
    assert distance(a, b, covariance=0) == pytest.approx(1.0073069251928022, rel=1e-8)
    # From the rotation of the means, as netrep; other starts find a lower one.
    only = distance(a, b, covariance=2)
    assert only == pytest.approx(1.4294506903477704, rel=1e-6)
    assert distance(a, b, covariance=2, n_starts=6) < only - 0.01
    # netrep searches with the squares of its weights, and scores this pair 1.58273.
    assert distance(a, b, covariance=1.5) < 1.5827301105850327 - 0.01
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9)
    turned = a.copy(data=3 + a.values @ rotation(5))
    assert distance(a, turned) < 1e-6
    assert distance(1e-9 * a, 1e-9 * b) == pytest.approx(1e-9 * distance(a, b), rel=1e-6)
    # More units, which are padded with silent ones.
    silent = xr.concat([b, 0 * b[..., :2]], "unit")
    assert distance(a, silent) == pytest.approx(distance(a, b), rel=1e-6)


def test_without_noise_it_is_the_distance_of_means():
    a, b = gaussian_trials()
    a, b = (np.repeat(x.mean(1, keepdims=True), 3, axis=1) for x in (a, b))
    euclidean = shape_distances(a[:, 0], b[:, 0], form="euclidean").distance
    found = stochastic_distances(of_sides(a), of_sides(b), by="side").distance
    assert float(found) == pytest.approx(float(euclidean) / np.sqrt(10), rel=1e-9)
    # Noise on one side alone adds its variance.
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((10, 3, 5))
    noise = noise - noise.mean(1, keepdims=True)
    noisy = stochastic_distances(of_sides(a), of_sides(b + noise), by="side").distance
    added = np.mean((noise**2).sum((1, 2)) / 2)
    assert float(noisy) ** 2 == pytest.approx(float(found) ** 2 + added, rel=1e-9)


def test_a_map_of_distances():
    points = np.random.default_rng(6).standard_normal((7, 2))
    d = np.linalg.norm(points[:, None] - points, axis=-1)
    names = list("abcdefg")
    distance = xr.DataArray(d, {"system": names, "other": names}, ("system", "other"))
    found = embed_distances(distance)
    p = found.position.values
    np.testing.assert_allclose(np.linalg.norm(p[:, None] - p, axis=-1), d, atol=1e-9)
    assert float(found.stress) < 1e-9
    np.testing.assert_allclose(found.explained.sum(), 1)
    mixed = embed_distances(distance[:, ::-1])
    xr.testing.assert_allclose(mixed, found)
    with pytest.raises(LabelError, match="'system' and 'other'"):
        embed_distances(distance.rename(other="second"))
    with pytest.raises(ValueError, match="symmetric"):
        embed_distances(distance + np.eye(7)[::-1] * np.arange(7))
    with pytest.raises(ValueError, match="n_components"):
        embed_distances(distance, 7)


def test_what_is_refused(toy):
    x, y = toy
    a, b = activity(0, 5), activity(1, 4)
    with pytest.raises(ValueError, match="form must be one of"):
        shape_distances([x, y], form="cosine")
    with pytest.raises(ValueError, match="alpha"):
        shape_distances([x, y], alpha=1.2)
    with pytest.raises(ValueError, match="one population"):
        shape_distances([x])
    with pytest.raises(ValueError, match="12 units of x0 span every pattern of 13 samples"):
        shape_distances([x[:13], y[:13]], alpha=0)
    with pytest.raises(ValueError, match="span every pattern"):
        mean_shape([y[:9], x[:9]], alpha=0)
    assert float(shape_distances(x[:12], y[:12], alpha=0, n_folds=4).distance) > 1
    with pytest.raises(LabelError, match="x0 has 2 samples"):
        shape_distances([x[:2], y[:2]])
    with pytest.raises(ValueError, match="n_folds"):
        shape_distances([x, y], n_folds=61)
    with pytest.raises(LabelError, match="60 entries in the system x0, 59 in the system x1"):
        shape_distances([x, y[:-1]])
    with pytest.raises(LabelError, match="same in all samples"):
        shape_distances({"x": x, "flat": np.ones_like(x)})
    with pytest.raises(LabelError, match="NaN"):
        shape_distances([x, np.where(y > 3, np.nan, y)])
    with pytest.raises(LabelError, match="differ"):
        shape_distances([a, activity(1, 4, times=(10.0, 20.0, 31.0))], by="side")
    with pytest.raises(LabelError, match="dim 'seed'"):
        shape_distances([a.expand_dims(seed=2), b])
    with pytest.raises(LabelError, match="folds are over conditions"):
        shape_distances([a[0], a[1]], n_folds=2)
    with pytest.raises(ValueError, match="alpha must be 0 or 1"):
        of_shapes(alpha=0.5)
    with pytest.raises(ValueError, match="two populations"):
        mean_shape([x])
    with pytest.raises(LabelError, match="no covariance"):
        stochastic_distances([a.assign_attrs(simultaneous=0), b], by="side")
    with pytest.raises(LabelError, match="single trial"):
        stochastic_distances([activity(0, 4, n_trials=1), activity(1, 4, n_trials=1)], by="side")
    with pytest.raises(LabelError, match="condition means"):
        stochastic_distances([x, y], by="side")
    with pytest.raises(ValueError, match="covariance"):
        stochastic_distances([a, b], by="side", covariance=3)
