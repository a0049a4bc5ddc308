"""latent_scan against a NumPy loop and complex steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.kernels import latent_scan

T, B, D, Z = 6, 3, 5, 2


def problem(seed=0):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal
    return {
        "W": draw((D, D)) / 2,
        "W_law": draw((D, 4 * Z)) / 2,
        "W_z": draw((Z, D)),
        "b": draw(D) / 3,
        "b_law": draw(4 * Z) / 3,
        "alpha": rng.uniform(0.1, 0.9, D),
        "A": draw((T, B, 2 * Z)),
        "eps": draw((T, B, Z)),
        "u0": draw((B, D)),
    }


def loop(W, W_law, W_z, b, b_law, alpha, A, eps, u0):
    """The equations, one trial and step at a time."""
    out = []
    for i in range(B):
        u = u0[i]
        for t in range(T):
            d = np.tanh(u)
            laws = d @ W_law + b_law
            q = laws[: 2 * Z] + A[t, i]
            z = np.tanh(q[:Z]) + np.exp(q[Z:]) * eps[t, i]
            u = (1 - alpha) * u + alpha * (d @ W + z @ W_z + b)
            out.append(np.concatenate([np.tanh(u), q, laws[2 * Z :]]))
    out = np.stack(out).reshape(B, T, -1).swapaxes(0, 1)
    return np.split(out, [D, D + 2 * Z], axis=-1)


def test_states_and_projections(x64):
    arrays = problem()
    for got, expected in zip(latent_scan(**arrays), loop(**arrays), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_gradients_of_everything(x64):
    """Complex steps through the NumPy loop are exact to rounding."""
    arrays = problem()
    rng = np.random.default_rng(1)
    bars = [rng.standard_normal(x.shape) for x in loop(**arrays)]
    _, pull = jax.vjp(lambda a: latent_scan(**a), arrays)
    (grads,) = pull(tuple(jnp.asarray(bar) for bar in bars))
    for name, array in arrays.items():
        direction = rng.standard_normal(array.shape)
        nudged = loop(**{**arrays, name: array + 1e-30j * direction})
        slope = sum((bar * x).sum() for bar, x in zip(bars, nudged, strict=True)).imag / 1e-30
        np.testing.assert_allclose((grads[name] * direction).sum(), slope, rtol=1e-11)


def test_members_of_a_mapped_axis_are_independent(x64):
    members = [problem(seed) for seed in range(3)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *members)

    def value(arrays):
        return sum(jnp.sum(jnp.sin(x)) for x in latent_scan(**arrays))

    both = jax.vmap(jax.value_and_grad(value))(stacked)
    for i, member in enumerate(members):
        alone = jax.value_and_grad(value)(jax.tree.map(jnp.asarray, member))
        for a, b in zip(jax.tree.leaves(both), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-11, atol=1e-12)


def test_single_precision_stays_single():
    arrays = {name: jnp.asarray(x, jnp.float32) for name, x in problem().items()}
    assert {x.dtype for x in latent_scan(**arrays)} == {jnp.dtype(jnp.float32)}
    expected = loop(**problem())
    np.testing.assert_allclose(latent_scan(**arrays)[0], expected[0], atol=1e-5)


def test_wrong_arrays_are_named():
    arrays = {name: jnp.asarray(x, jnp.float32) for name, x in problem().items()}
    with pytest.raises(ValueError, match=r"W_z must be \(latent 2, unit 5\), got shape \(5, 5\)"):
        latent_scan(**{**arrays, "W_z": arrays["W"]})
    with pytest.raises(TypeError, match="int32"):
        latent_scan(**{**arrays, "b": jnp.zeros(D, jnp.int32)})
