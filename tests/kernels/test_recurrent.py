"""recurrent_scan against a plain Python loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.kernels import recurrent_scan


def step(params, carry, x):
    """A gated cell whose carry includes a counter, a switch and a random key."""
    h, count, on, key = carry["h"], carry["count"], carry["on"], carry["key"]
    key, draw_key = jax.random.split(key)
    noise = 0.1 * jax.random.uniform(draw_key, h.shape, h.dtype)
    gate = jax.nn.sigmoid(h @ params["gate"] + x["u"] @ params["in"])
    drive = jnp.tanh((gate * h) @ params["W"] + noise) * params["gains"][x["which"]]
    h = jnp.where(
        on, h + (drive - h) / (2.0 + count.astype(h.dtype)), 0.9 * h + params["bias"][None, :]
    )
    y = {"rate": jnp.tanh(h), "count": count, "big": jnp.any(h > 1.0)}
    return {"h": h, "count": count + 1, "on": ~on, "key": key}, y


def problem(n_steps, dtype=np.float64):
    rng = np.random.default_rng(0)
    params = {
        "W": rng.standard_normal((5, 5)) / 2,
        "gate": rng.standard_normal((5, 5)),
        "in": rng.standard_normal((2, 5)),
        "bias": 0.1 * rng.standard_normal(5),
        "gains": rng.uniform(0.5, 1.5, 3),
    }
    params = {name: jnp.asarray(value, dtype) for name, value in params.items()}
    carry = {
        "h": jnp.asarray(rng.standard_normal((3, 5)), dtype),
        "count": jnp.array(0, jnp.int32),
        "on": jnp.array(True),
        "key": jax.random.key(3, impl="unsafe_rbg"),
    }
    xs = {
        "u": jnp.asarray(rng.standard_normal((n_steps, 3, 2)), dtype),
        "which": jnp.asarray(rng.integers(0, 3, n_steps)),
    }
    weights = jnp.asarray(rng.standard_normal((n_steps, 3, 5)), dtype)
    return params, carry, xs, weights


compiled_step = jax.jit(step)


def python_loop(params, carry, xs, n_steps):
    ys = []
    for t in range(n_steps):
        carry, y = compiled_step(params, carry, jax.tree.map(lambda a, t=t: a[t], xs))
        ys.append(y)
    return carry, ys


def loop_loss(params, h, u, carry, xs, weights, n_steps):
    final, ys = python_loop(params, {**carry, "h": h}, {**xs, "u": u}, n_steps)
    loss = sum((y["rate"] * weights[t]).sum() for t, y in enumerate(ys))
    return loss + (final["h"] ** 2).sum()


loop_grads = jax.grad(loop_loss, argnums=(0, 1, 2))


def scan_loss(params, h, u, carry, xs, weights, **options):
    final, ys = recurrent_scan(step, params, {**carry, "h": h}, {**xs, "u": u}, **options)
    return (ys["rate"] * weights).sum() + (final["h"] ** 2).sum()


def assert_close(got, expected):
    jax.tree.map(
        lambda g, e: np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-11), got, expected
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"checkpoint": False}, {"unroll": 3}, {"length": 6}, {"length": 4}, {"length": 0}],
)
def test_values_and_gradients(options, x64):
    params, carry, xs, weights = problem(6)
    n_steps = options.get("length", 6)
    final, ys = recurrent_scan(step, params, carry, xs, **options)
    expected_final, expected_ys = python_loop(params, carry, xs, n_steps)
    assert_close(final["h"], expected_final["h"])
    assert final["count"] == n_steps
    assert final["on"] == (n_steps % 2 == 0)
    assert jnp.all(jax.random.key_data(final["key"]) == jax.random.key_data(expected_final["key"]))
    for name in ("rate", "count", "big"):
        for t, y in enumerate(expected_ys):
            assert_close(ys[name][t], y[name])
        assert not np.any(ys[name][n_steps:])

    floats = (params, carry["h"], xs["u"])
    got = jax.jit(
        lambda floats: jax.grad(scan_loss, argnums=(0, 1, 2))(
            *floats, carry, xs, weights, **options
        )
    )(floats)
    expected = loop_grads(*floats, carry, xs, weights, n_steps)
    assert_close(got, expected)


@pytest.mark.parametrize("n_steps", [1, 333, 10007])
@pytest.mark.parametrize("bounded", [False, True])
def test_odd_and_large_lengths(n_steps, bounded, x64):
    """A leaky integrator, whose gradients are known in closed form."""
    decay = 0.999
    x = np.random.default_rng(0).standard_normal(n_steps)

    def loss(decay, h0, x):
        def leak(decay, h, x):
            h = decay * h + x
            return h, h

        options = {"length": jnp.asarray(n_steps)} if bounded else {}
        return recurrent_scan(leak, decay, h0, x, **options)[0]

    got = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))(
        jnp.asarray(decay), jnp.asarray(0.5), jnp.asarray(x)
    )
    remaining = np.arange(n_steps)[::-1]
    powers = decay**remaining
    value = 0.5 * decay**n_steps + powers @ x
    slope = 0.5 * n_steps * decay ** (n_steps - 1) + (remaining * decay ** (remaining - 1.0)) @ x
    np.testing.assert_allclose(got[0], value, rtol=1e-9)
    np.testing.assert_allclose(got[1][0], slope, rtol=1e-9)
    np.testing.assert_allclose(got[1][1], decay**n_steps, rtol=1e-9)
    np.testing.assert_allclose(got[1][2], powers, rtol=1e-9)


def test_finite_differences(x64):
    params, carry, xs, weights = problem(8)
    floats = (params, carry["h"], xs["u"])
    grads = jax.jit(
        lambda floats: jax.grad(scan_loss, argnums=(0, 1, 2))(*floats, carry, xs, weights, length=6)
    )(floats)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda a: jnp.asarray(rng.standard_normal(a.shape)), floats)

    @jax.jit
    def loss(size):
        moved = jax.tree.map(lambda a, d: a + size * d, floats, direction)
        return scan_loss(*moved, carry, xs, weights, length=6)

    slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
    along = sum(jax.tree.leaves(jax.tree.map(lambda g, d: (g * d).sum(), grads, direction)))
    np.testing.assert_allclose(along, slope, rtol=1e-6)


def test_forward_mode_without_length(x64):
    params, carry, xs, weights = problem(6)
    rest = (carry["h"], xs["u"], carry, xs, weights)
    forward = jax.jit(jax.jacfwd(scan_loss))(params, *rest)
    assert_close(forward, jax.jit(jax.grad(scan_loss))(params, *rest))


def test_one_trace_for_every_length():
    params, carry, xs, weights = problem(6, np.float32)
    traces = []

    @jax.jit
    def grads(params, length):
        traces.append(length)
        return jax.grad(scan_loss)(params, carry["h"], xs["u"], carry, xs, weights, length=length)

    for length in range(7):
        grads(params, length)
    assert len(traces) == 1


def test_per_example_gradients(x64):
    params, carry, xs, weights = problem(7)

    def loss(params, h, u, weights):
        return scan_loss(params, h, u, carry, xs, weights, length=5)

    def per_example(params):
        return jax.vmap(jax.grad(loss), in_axes=(None, 0, 1, 1))(
            params, carry["h"][:, None], xs["u"][:, :, None], weights[:, :, None]
        )

    grads = jax.jit(per_example)(params)
    for i in range(3):
        one = slice(i, i + 1)
        expected, _, _ = loop_grads(
            params, carry["h"][one], xs["u"][:, one], carry, xs, weights[:, one], 5
        )
        assert_close(jax.tree.map(lambda g, i=i: g[i], grads), expected)


def test_gradient_reaches_what_the_step_closes_over(x64):
    xs = jnp.linspace(-1.0, 1.0, 8)

    def final(decay, length):
        def leak(_, h, x):
            h = decay * h + jnp.sin(decay) * x
            return h, h

        return recurrent_scan(leak, (), jnp.zeros(()), xs, length=length)[0]

    bounded = jax.grad(final)(jnp.asarray(0.8), 8)
    assert_close(bounded, jax.grad(final)(jnp.asarray(0.8), None))


def leak(params, h, x):
    h = params * h + x
    return h, h


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"xs": None}, ValueError, "xs has no arrays"),
        ({"xs": {"a": np.zeros(3), "b": np.zeros(4)}}, ValueError, "share one leading time axis"),
        ({"xs": np.zeros(0)}, ValueError, "leading time axis of at least 1"),
        ({"xs": np.float64(1.0)}, ValueError, "leading time axis"),
        ({"length": 5}, ValueError, "length must lie in 0..4"),
        ({"length": 2, "unroll": 2}, ValueError, "unroll needs a fixed number of steps"),
        ({"length": 1.5}, TypeError, "length must be an integer"),
        ({"step": lambda p, h, x: ((h, h), h)}, TypeError, "carry of the same structure"),
        ({"step": lambda p, h, x: (h[None], h)}, TypeError, r"float32\[1\]"),
        ({"step": lambda p, h, x: (h > 0, h)}, TypeError, "returned: bool"),
    ],
)
def test_bad_input(change, error, words):
    arguments = {"step": leak, "params": 0.5, "carry": np.float32(0.0), "xs": np.ones(4)}
    with pytest.raises(error, match=words):
        recurrent_scan(**{**arguments, **change})
