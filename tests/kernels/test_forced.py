"""The forced recurrence against a plain loop, and its gradients against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.kernels import forced_scan

T, B, M, K = 9, 4, 5, 2
NAMES = ("A", "W", "C", "z0", "signal", "inputs")


def problem():
    rng = np.random.default_rng(0)
    strength = np.zeros((T, M))
    strength[2::3, :2] = 1.0
    strength[:, 3] = 0.3
    return {
        "A": rng.uniform(0.5, 0.9, M),
        "W": 0.4 * rng.normal(size=(M, M)),
        "C": rng.normal(size=(M, K)),
        "z0": rng.normal(size=(M, B)),
        "signal": rng.normal(size=(T, M, B)),
        "inputs": rng.normal(size=(T, K, B)),
    }, strength


def step(params, y, u):
    A, W, C = params
    return A[:, None] * y + W @ jnp.maximum(y, 0) + C @ u


def ours(strength, A, W, C, z0, signal, inputs):
    return forced_scan(step, (A, W, C), z0, signal, jnp.asarray(strength), inputs)


def by_hand(strength, A, W, C, z0, signal, inputs):
    y, states = z0, []
    for t in range(T):
        z = A[:, None] * y + W @ np.maximum(y, 0) + C @ inputs[t]
        states.append(z)
        a = strength[t][:, None]
        y = (1 - a) * z + a * signal[t]
    return np.stack(states)


def test_follows_a_plain_loop(x64):
    arrays, strength = problem()
    got = ours(strength, **{n: jnp.asarray(x) for n, x in arrays.items()})
    np.testing.assert_allclose(got, by_hand(strength, **arrays), rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences(x64):
    arrays, strength = problem()
    weights = np.random.default_rng(1).normal(size=(T, M, B))
    given = [jnp.asarray(arrays[n]) for n in NAMES]

    @jax.jit
    def grads(given):
        return jax.grad(lambda g: jnp.sum(ours(strength, *g) * weights))(given)

    for i, (name, gradient) in enumerate(zip(NAMES, grads(given), strict=True)):
        rng = np.random.default_rng(i)
        for _ in range(3):
            direction = rng.normal(size=arrays[name].shape)
            ends = [
                (by_hand(strength, **arrays | {name: arrays[name] + e * direction}) * weights).sum()
                for e in (1e-6, -1e-6)
            ]
            expected = (ends[0] - ends[1]) / 2e-6
            assert np.sum(gradient * direction) == pytest.approx(expected, rel=1e-6), name


def test_members_of_a_batch_of_models_do_not_mix(x64):
    arrays, strength = problem()
    scaled = [jnp.stack([jnp.asarray(arrays[n]), 0.5 * jnp.asarray(arrays[n])]) for n in NAMES]

    def grads(*given):
        return jax.grad(lambda g: jnp.sum(ours(strength, *g) ** 2))(given)

    together = jax.jit(jax.vmap(grads))(*scaled)
    for i in range(2):
        alone = jax.jit(grads)(*(x[i] for x in scaled))
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a, b[i], rtol=1e-9, atol=1e-12)


def test_replaced_states_pass_no_gradient(x64):
    arrays, strength = problem()
    everything = np.zeros_like(strength)
    everything[4] = 1.0
    given = {n: jnp.asarray(x) for n, x in arrays.items()}

    def last(z0):
        return ours(everything, **given | {"z0": z0})[-1].sum()

    assert (np.asarray(jax.grad(last)(given["z0"])) == 0).all()


def test_signals_that_are_not_used_may_be_anything(x64):
    arrays, strength = problem()
    strength[:, 3] = 0
    holed = np.where(strength[:, :, None] == 0, np.nan, arrays["signal"])
    given = {n: jnp.asarray(x) for n, x in arrays.items()}

    def run(signal):
        return jax.value_and_grad(
            lambda z0: ours(strength, **given | {"z0": z0, "signal": jnp.asarray(signal)}).sum()
        )(given["z0"])

    for got, expected in zip(run(holed), run(arrays["signal"]), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("name", "shape"), [("z0", (M + 1, B)), ("inputs", (T + 1, K, B))])
def test_shapes_that_do_not_fit_are_named(name, shape):
    arrays, strength = problem()
    with pytest.raises((ValueError, TypeError), match="forced_scan"):
        ours(strength, **{n: jnp.asarray(x) for n, x in arrays.items()} | {name: jnp.ones(shape)})
