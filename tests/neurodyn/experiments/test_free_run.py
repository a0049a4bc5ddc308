"""Free runs and the divergence that chooses checkpoints, against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models
from neurodyn.experiments.free_run import Occupancy, free_run


def by_hand(p, q, bins, data):
    low, high = data.min(0) - 0.1 * data.std(0), data.max(0) + 0.1 * data.std(0)
    edges = [np.linspace(a, b, bins + 1) for a, b in zip(low, high, strict=True)]
    shares = []
    for x in (p, q):
        counts = np.histogramdd(x, edges)[0].ravel() + 1e-5
        shares.append(counts / counts.sum())
    return float(np.sum(shares[0] * np.log(shares[0] / shares[1])))


def model(scale=0.0, n_outputs=2):
    return models.ALRNN(
        0, 6, n_outputs, n_relu=2, W=lambda k, s, d: scale * _normal(k, s, d), key=1
    )


def _normal(key, shape, dtype):
    return jax.random.normal(key, shape, dtype)


def test_a_free_run_iterates_the_map():
    network = model(0.2)
    x = jnp.array([0.3, -0.7])
    states, outputs = free_run(network, x, 20)
    z = np.asarray(network.infer(x), np.float64)
    A, W, h = (np.asarray(v, np.float64) for v in (network.A, network.W, network.h))
    for k in range(20):
        g = np.r_[z[:4], np.maximum(z[4:], 0)]
        z = A * z + W @ g + h
        np.testing.assert_allclose(states[k], z, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(outputs, states[:, :2])


def test_the_divergence_equals_one_of_dense_histograms():
    data = np.random.default_rng(0).standard_normal((500, 2))
    other = np.random.default_rng(1).standard_normal((400, 2)) * 2
    value = Occupancy(7)(jnp.asarray(data, jnp.float32), jnp.asarray(other, jnp.float32))["d_stsp"]
    assert float(value) == pytest.approx(by_hand(data, other, 7, data), rel=1e-3)
    assert float(value) > 1


def test_a_run_that_left_the_data_has_no_divergence():
    data = jax.random.normal(jax.random.key(0), (500, 2))
    for away in (jnp.full((300, 2), 100.0), jnp.full((300, 2), jnp.nan)):
        assert np.isnan(float(Occupancy(7)(data, away)["d_stsp"]))


def test_mixtures_of_gaussians_diverge_as_gaussians_do():
    """Two unit Gaussians that are 3 apart in both of two dims diverge by (9 + 9) / 2."""
    near = 0.01 * jax.random.normal(jax.random.key(0), (300, 2))
    values = [float(Occupancy(0)(near + shift, near)["d_stsp"]) for shift in (0.0, 3.0)]
    assert values[0] == pytest.approx(0.0, abs=1e-3)
    assert values[1] == pytest.approx(9.0, rel=0.05)
