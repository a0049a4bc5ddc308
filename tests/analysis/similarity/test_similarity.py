"""Similarity measures against published definitions, invariances and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import xarray as xr

from neurodyn import analysis
from neurodyn.analysis.similarity import alignment, grid
from neurodyn.analysis.similarity.alignment import (
    debiased_cka,
    linear_cka,
    procrustes_angle,
    shape_angle,
)
from neurodyn.labels import LabelError

MEASURES = [linear_cka, debiased_cka, procrustes_angle]


@pytest.mark.usefixtures("x64")
def test_reference_values(toy):
    x, y = toy
    assert float(linear_cka(x, y)) == pytest.approx(0.586540782, abs=1e-9)
    assert float(jnp.arccos(linear_cka(x, y))) == pytest.approx(0.944015188, abs=1e-9)
    assert float(debiased_cka(x, y)) == pytest.approx(0.564667581, abs=1e-9)
    assert float(procrustes_angle(x, y)) == pytest.approx(0.651756738, abs=1e-9)
    assert float(shape_angle(x, y, alpha=0.5)) == pytest.approx(0.647879723, abs=1e-9)
    assert float(shape_angle(x, y, alpha=0.0)) == pytest.approx(0.985298566, abs=1e-9)
    assert float(shape_angle(x, y, alpha=1.0)) == pytest.approx(0.651756738, abs=1e-9)


def test_float32_agrees(toy):
    x, y = toy
    assert linear_cka(x, y).dtype == jnp.float32
    assert float(linear_cka(x, y)) == pytest.approx(0.586540782, abs=1e-5)
    assert float(debiased_cka(x + 100, y + 100)) == pytest.approx(0.564667581, abs=1e-3)
    assert float(procrustes_angle(x, y)) == pytest.approx(0.651756738, abs=1e-5)


def angle_in_float64(x, y):
    """By the distance after the best rotation, which scipy finds."""
    x, y = (v - v.mean(0) for v in np.array([x, y], np.float64))
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    rotation, _ = scipy.linalg.orthogonal_procrustes(y, x)
    return 2 * np.arcsin(np.linalg.norm(x - y @ rotation) / 2)


def test_small_angles_are_known_in_single_precision(toy):
    x = toy[0].astype(np.float32)
    rng = np.random.default_rng(8)
    q = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    # A rotation and the rotated shape are rounded in each entry, and the norm of a shape is 1, so
    # that the distance is a small multiple of the rounding. (An arccos gives its root, 3e-4.)
    rounding = 16 * float(np.finfo(np.float32).eps)
    for same in (x, x @ q, 3 * x + 1, x[:, ::-1], np.hstack([x @ q, np.zeros((60, 2))])):
        for a, b in ((x, same), (same, x)):
            assert float(procrustes_angle(a, b)) < rounding
            gradient = np.asarray(jax.grad(procrustes_angle)(jnp.asarray(a, np.float32), b))
            assert np.isfinite(gradient).all()
    for size in (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0, 10.0):
        other = np.float32(x @ q + size * rng.standard_normal(x.shape))
        expected = angle_in_float64(x, other)
        assert float(procrustes_angle(x, other)) == pytest.approx(expected, abs=rounding, rel=1e-5)
        further = 0.01 * (np.float64(other) - x @ q)
        slope = np.sum(further * jax.grad(procrustes_angle)(jnp.asarray(other), x))
        ends = [angle_in_float64(x, other + step) for step in (further, -further)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2, rel=0.02)


def test_an_angle_to_activity_that_does_not_vary_is_not_a_number():
    side = alignment.PROCRUSTES.prepare(jnp.zeros((5, 3)))
    assert np.isnan(alignment.PROCRUSTES.score(side, jnp.eye(5)))


@pytest.mark.usefixtures("x64")
def test_unbiased_estimator_is_the_textbook_one(toy):
    def hsic(k, m):
        n = len(k)
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        one = np.ones(n)
        total = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return (np.trace(k @ m) + total - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3))

    x, y = toy
    k, m = x @ x.T, y @ y.T
    assert float(debiased_cka(x, y)) == pytest.approx(
        hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-12
    )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("units", [(12, 8), (200, 8), (200, 150)])
def test_units_or_samples_give_the_same(units):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((30, n)) for n in units)
    xc, yc = x - x.mean(0), y - y.mean(0)
    direct = np.linalg.norm(xc.T @ yc) ** 2 / (
        np.linalg.norm(xc.T @ xc) * np.linalg.norm(yc.T @ yc)
    )
    assert float(linear_cka(x, y)) == pytest.approx(direct, abs=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("measure", MEASURES)
def test_invariances_and_symmetry(toy, measure):
    x, y = toy
    q = np.linalg.qr(np.random.default_rng(2).standard_normal((12, 12)))[0]
    value = float(measure(x, y))
    padded = np.hstack([x, np.zeros((60, 3))])
    for other in (x @ q, 3.7 * x, x + 5.0, -x, padded, x[:, ::-1]):
        assert float(measure(other, y)) == pytest.approx(value, abs=1e-9)
    assert float(measure(y, x)) == pytest.approx(value, abs=1e-12)
    same = float(measure(x, 2 * x @ q + 1))
    assert same == pytest.approx(0.0 if measure is procrustes_angle else 1.0, abs=1e-6)


@pytest.mark.usefixtures("x64")
def test_full_whitening_ignores_invertible_maps(toy):
    x, y = toy
    mixed = x @ np.random.default_rng(3).standard_normal((12, 12))
    assert float(shape_angle(x, mixed, alpha=0.0)) < 1e-6
    assert float(shape_angle(mixed, y, alpha=0.0)) == pytest.approx(0.985298566, abs=1e-8)
    # More units than the data have dimensions: the empty ones must not count.
    wide = x @ np.random.default_rng(4).standard_normal((12, 90))
    assert float(shape_angle(wide, y, alpha=0.0)) == pytest.approx(0.985298566, abs=1e-6)


@pytest.mark.usefixtures("x64")
def test_triangle_inequality():
    rng = np.random.default_rng(5)
    for _ in range(20):
        x, y, z = (rng.standard_normal((15, n)) for n in (4, 7, 5))
        z = z + 0.5 * np.hstack([x, y[:, :1]])
        for d in (procrustes_angle, lambda a, b: shape_angle(a, b, alpha=0.3)):
            assert float(d(x, z)) <= float(d(x, y)) + float(d(y, z)) + 1e-12


def test_debiased_cka_of_unrelated_data_is_zero():
    rng = np.random.default_rng(6)
    pairs = rng.standard_normal((2, 200, 20, 100))
    values = np.array([debiased_cka(a, b) for a, b in zip(*pairs, strict=True)])
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean()) < 4 * error
    assert np.mean([linear_cka(a, b) for a, b in zip(*pairs[:, :20], strict=True)]) > 0.7


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("measure", [*MEASURES, lambda x, y: shape_angle(x, y, alpha=0.5)])
def test_gradients_match_finite_differences(toy, measure):
    x, y = (jnp.asarray(v[:20]) for v in toy)
    direction = jnp.asarray(np.random.default_rng(7).standard_normal(x.shape))
    slope = jax.jvp(lambda x: measure(x, y), (x,), (direction,))[1]
    step = 1e-6
    difference = (measure(x + step * direction, y) - measure(x - step * direction, y)) / (2 * step)
    assert float(slope) == pytest.approx(float(difference), rel=1e-5)
    assert np.isfinite(jax.grad(lambda x: measure(x, y))(x)).all()


def test_jit_and_vmap(toy):
    x, y = (jnp.asarray(v) for v in toy)
    stacked = jnp.stack([x, 2 * x + 1])
    values = jax.jit(jax.vmap(linear_cka, in_axes=(0, None)))(stacked, y)
    np.testing.assert_allclose(values, [0.58654] * 2, atol=1e-4)


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_arrays(toy, measure):
    x, y = toy
    broken = x.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="60 samples and y has 59"):
        measure(x, y[:-1])
    with pytest.raises(ValueError, match="NaN"):
        measure(broken, y)
    with pytest.raises(ValueError, match="same in all samples"):
        measure(np.ones_like(x), y)
    with pytest.raises(ValueError, match=r"\(sample, unit\)"):
        measure(x[None], y)
    with pytest.raises(TypeError, match="real numbers"):
        measure(x.astype(complex), y)


def test_bad_options(toy):
    x, y = toy
    with pytest.raises(ValueError, match="4 samples"):
        debiased_cka(x[:3], y[:3])
    with pytest.raises(ValueError, match="alpha"):
        shape_angle(x, y, alpha=1.5)
    # Two samples are always alike; so are whitened ones that span every pattern.
    with pytest.raises(ValueError, match="needs 3 samples"):
        linear_cka(x[:2], y[:2])
    for sides in ((x[:12], y[:12]), (y[:12], x[:12])):
        with pytest.raises(ValueError, match=r"12 units of [xy] span every pattern of 12 samples"):
            shape_angle(*sides, alpha=0.0)


def _labelled(values, order, times=(10.0, 20.0)):
    return xr.DataArray(
        values[list(order)],
        dims=("condition", "time", "unit"),
        coords={
            "coherence": ("condition", np.array([0.1, 0.2, 0.3])[list(order)]),
            "time": list(times),
        },
        name="rate",
    )


def test_labelled_data_match_by_label():
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 2, 6))
    straight = float(linear_cka(x.reshape(6, 4), y.reshape(6, 6)))
    a, b = _labelled(x, (0, 1, 2)), _labelled(y, (2, 0, 1))
    assert float(analysis.cka(a, b)) == pytest.approx(straight, abs=1e-5)
    assert float(analysis.cka(a, b.transpose("unit", "time", "condition"))) == pytest.approx(
        straight, abs=1e-5
    )
    assert analysis.procrustes(a, b).attrs["units"] == "rad"
    assert float(analysis.procrustes(a.to_dataset(), b, alpha=0.5)) == pytest.approx(
        float(shape_angle(x.reshape(6, 4), y.reshape(6, 6), alpha=0.5)), abs=1e-5
    )
    with pytest.raises(LabelError, match="differ"):
        analysis.cka(a, _labelled(y, (2, 0)))
    with pytest.raises(LabelError, match="time axes differ"):
        analysis.cka(a, _labelled(y, (0, 1, 2), (10.0, 21.0)))
    with pytest.raises(LabelError, match="NaN or infinite"):
        analysis.cka(a, b.where(b.time > 10))
    with pytest.raises(LabelError, match="dim 'unit'"):
        analysis.cka(a.rename(unit="neuron"), b)
    with pytest.raises(TypeError, match="xarray"):
        analysis.cka(x, y)


def test_no_second_compilation(toy):
    x, y = toy
    linear_cka(x, y)
    before = grid.value._cache_size()
    for seed in range(3):
        linear_cka(x + seed, y)
    assert grid.value._cache_size() == before
