"""Standard normal numbers against their distribution, SciPy's quantiles and JAX's cipher."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from jax.extend.random import threefry_2x32

from neurodyn.kernels import backends, standard_normal
from neurodyn.kernels.random import noise
from tests.kernels.compiler import BACKENDS, needs_compiler


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_follow_the_normal_distribution(key, backend):
    x = np.asarray(standard_normal(key, (400, 500), backend=backend))
    assert x.dtype == np.float32
    assert scipy.stats.kstest(x.ravel(), "norm").pvalue > 0.01
    # Numbers that share a block of the cipher must be uncorrelated, as must neighbours.
    for a, b in ((x[:-1], x[1:]), (x[:, :-1], x[:, 1:]), (x[:200], x[200:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01
    other = standard_normal(jax.random.key(1), (400, 500), backend=backend)
    assert abs(np.corrcoef(x.ravel(), np.ravel(other))[0, 1]) < 0.01


def test_each_word_gives_its_quantile():
    cells = np.arange(0, 2**23, 127, dtype=np.uint32)
    cells = np.concatenate([cells, np.arange(3000, dtype=np.uint32), 2**23 - 1 - cells[:9]])
    found = np.asarray(jax.jit(noise.normal_of)(cells << 9), np.float64)
    np.testing.assert_allclose(
        found, scipy.special.ndtri((cells + 0.5) / 2**23), atol=1e-6, rtol=1e-6
    )
    mirrored = np.asarray(jax.jit(noise.normal_of)((2**23 - 1 - cells) << 9))
    np.testing.assert_array_equal(mirrored, -found)


@pytest.mark.parametrize("size", [1, 2, 101, 1000])
def test_the_cipher_is_that_of_jax(key, size):
    expected = threefry_2x32(jax.random.key_data(key), jnp.arange(size, dtype=jnp.uint32))
    np.testing.assert_array_equal(noise.threefry(key, size), expected)


@needs_compiler
@pytest.mark.parametrize("size", [1, 2, 65, 1000, 16_385, 50_001])
def test_the_compiled_function_draws_the_same(key, size):
    plain, compiled = (standard_normal(key, (size,), backend=b) for b in ("xla", "compiled"))
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)


@needs_compiler
@pytest.mark.parametrize(
    "registers", [(64, 8, 3), (32, 4, 3), None], indirect=True, ids=["512 bits", "256 bits", "any"]
)
def test_every_width_of_registers_draws_the_same(registers, key):
    plain, compiled = (standard_normal(key, (1001,), backend=b) for b in ("xla", "compiled"))
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_key_gives_the_same_alone_and_in_a_batch(key, backend):
    keys = jax.random.split(key, (2, 3))

    def draw(key):
        return standard_normal(key, (4, 25), backend=backend)

    together = jax.jit(jax.vmap(jax.vmap(draw)))(keys)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_array_equal(together[i, j], draw(keys[i, j]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [64, 101, 40_003])
def test_numbers_that_are_wanted_are_the_same_and_the_others_zero(key, backend, size):
    half = -(-size // 2)
    wanted = np.array([0, 1, 31, half - 1, half, half + 1, half + 20, size - 1, size, size + 9, -3])

    def draw(key, n):
        return standard_normal(key, (size,), wanted=n, backend=backend)

    whole = np.asarray(standard_normal(key, (size,), backend=backend))
    found = np.asarray(jax.jit(jax.vmap(draw, (None, 0)))(key, wanted))
    for n, row in zip(wanted, found, strict=True):
        kept = np.arange(size) < n
        assert not row[~kept].any()
        # XLA fuses products and sums in another way at the end of an array.
        np.testing.assert_allclose(row[kept], whole[kept], rtol=3e-7 if backend == "xla" else 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_that_draws_can_be_differentiated(key, backend):
    keys = jax.random.split(key, 5)

    def end(rate, keys):
        def step(x, key):
            return rate * x + standard_normal(key, x.shape, backend=backend), None

        return jax.lax.scan(jax.checkpoint(step), jnp.ones(64), keys)[0].sum()

    draws = [np.asarray(standard_normal(k, (64,), backend=backend), np.float64) for k in keys]
    rate = 0.7
    expected = 5 * rate**4 * 64 + sum(
        (4 - i) * rate ** (3 - i) * draw.sum() for i, draw in enumerate(draws[:4])
    )
    slopes = jax.jit(jax.vmap(jax.grad(end), (0, None)))(jnp.array([rate, 0.0]), keys)
    np.testing.assert_allclose(slopes[0], expected, rtol=1e-4)
    np.testing.assert_allclose(jax.jacfwd(end)(rate, keys), expected, rtol=1e-4)


def test_other_keys_and_precisions_draw_as_jax_does(key, x64):
    np.testing.assert_array_equal(
        standard_normal(key, (3, 2), jnp.float64), jax.random.normal(key, (3, 2), jnp.float64)
    )
    rbg = jax.random.key(0, impl="rbg")
    np.testing.assert_array_equal(
        standard_normal(rbg, (4,), jnp.float32), jax.random.normal(rbg, (4,), jnp.float32)
    )
    assert standard_normal(key, (0, 3), jnp.float32).shape == (0, 3)
    few = standard_normal(key, (3, 2), jnp.float64, wanted=4)
    np.testing.assert_array_equal(few.ravel()[4:], 0)
    np.testing.assert_array_equal(
        few.ravel()[:4], jax.random.normal(key, (3, 2), jnp.float64).ravel()[:4]
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_keys_and_too_many(key, backend):
    draw = jax.vmap(lambda key: standard_normal(key, (100,), backend=backend))
    assert draw(jax.random.split(key, 3)[:0]).shape == (0, 100)
    with pytest.raises(ValueError, match=r"one key, got keys of shape \(3,\)"):
        standard_normal(jax.random.split(key, 3), (2,), backend=backend)


def test_few_numbers_are_drawn_in_plain_code(key, monkeypatch):
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)

    def called(size):
        return "ffi_call" in str(jax.make_jaxpr(lambda: standard_normal(key, (size,)))())

    assert called(64) == (backends.obstacle() is None)
    assert not called(63)
    with pytest.raises(ValueError, match="backend must be one of"):
        standard_normal(key, (3,), backend="numpy")
