"""Free runs against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models, params
from neurodyn.experiments.shared.attractor_training import free_run


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
        z = A * z + g @ W + h
        np.testing.assert_allclose(states[k], z, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(outputs, states[:, :2])


def test_models_that_need_more_than_a_start_are_refused():
    x = jnp.zeros(2)
    with pytest.raises(ValueError, match="3 inputs"):
        free_run(models.ALRNN(3, 6, 2, n_relu=2, key=0), x, 5)
    of_subjects = models.ALRNN(0, 6, 2, n_relu=2, h=params.Indexed(4, by="subject"), key=0)
    with pytest.raises(ValueError, match=r"params.rows\(model, subject=0\)"):
        free_run(of_subjects, x, 5)
    states, _ = free_run(params.rows(of_subjects, subject=3), x, 5)
    assert states.shape == (5, 6)
