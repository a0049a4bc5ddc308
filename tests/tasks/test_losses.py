import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_softmax

from neurodyn.tasks.losses import cross_entropy, squared_error, weighted_mean, weighted_sum


def test_cross_entropy_of_several_heads_against_scipy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 5, 6)).astype(np.float32) * 5
    targets = rng.integers(0, 3, (4, 5, 2)).astype(np.int32)
    logp = log_softmax(logits.reshape(4, 5, 2, 3).astype(float), axis=-1)
    expected = -np.take_along_axis(logp, targets[..., None], -1)[..., 0]
    np.testing.assert_allclose(
        cross_entropy(jnp.asarray(logits), jnp.asarray(targets)), expected, rtol=2e-5, atol=2e-6
    )


def test_large_logits_stay_finite():
    logits, targets = jnp.array([[[1e4, -1e4]]]), jnp.array([[[1]]], jnp.int32)
    assert float(cross_entropy(logits, targets)[0, 0, 0]) == 2e4
    gradient = jax.grad(lambda x: cross_entropy(x, targets).sum())(logits)
    np.testing.assert_allclose(gradient, [[[1.0, -1.0]]])


def test_weights():
    rng = np.random.default_rng(1)
    outputs, targets, mask = (rng.random((3, 4, 2)).astype(np.float32) for _ in range(3))
    errors = squared_error(jnp.asarray(outputs), jnp.asarray(targets))
    expected = [
        sum(m * (o - t) ** 2 for o, t, m in zip(a.flat, b.flat, c.flat, strict=True))
        for a, b, c in zip(outputs, targets, mask, strict=True)
    ]
    np.testing.assert_allclose(weighted_sum(errors, jnp.asarray(mask)), expected, rtol=1e-5)
    mean = np.array(expected) / mask.sum((1, 2))
    np.testing.assert_allclose(weighted_mean(errors, jnp.asarray(mask)), mean, rtol=1e-5)
