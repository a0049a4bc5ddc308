"""The cipher behind the random numbers, against the vectors of its paper's authors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32

from neurodyn.common import random as own
from neurodyn.kernels.random.cipher import rounds, unroll_cipher

# Random123's kat_vectors, threefry2x32 with 20 rounds: block, key, result.
KNOWN = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("block", "key", "expected"), KNOWN)
def test_known_words(block, key, expected):
    def words(pair):
        return tuple(np.array([word], np.uint32) for word in pair)

    np.testing.assert_array_equal(np.concatenate(rounds(words(key), *words(block))), expected)
    # JAX itself, whose cipher is unrolled.
    found = threefry_2x32(jnp.array(key, jnp.uint32), jnp.array(block, jnp.uint32))
    np.testing.assert_array_equal(found, expected)


def test_programs_for_cpus_unroll_it():
    assert unroll_cipher()
    program = jax.jit(lambda key: jax.random.bits(key, (3,))).lower(jax.random.key(0))
    assert "while" not in program.as_text()


def test_draws_under_every_transformation_agree():
    keys = jax.random.split(jax.random.key(3), 4)
    draw = lambda key: jax.random.normal(key, (5,))  # noqa: E731
    each = np.stack([draw(key) for key in keys])
    # Rounding may differ, because XLA fuses different operations.
    for other in (jax.vmap(draw), jax.jit(jax.vmap(draw)), lambda k: jax.lax.map(draw, k)):
        np.testing.assert_allclose(other(keys), each, rtol=4e-6)
    slope = jax.grad(lambda s: (s * draw(keys[0])).sum())(2.0)
    np.testing.assert_allclose(slope, each[0].sum(), rtol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_keys_made_on_the_host_are_those_of_jax(seed):
    key = jax.random.key(np.uint32(seed))

    def data(keys):
        return np.stack([jax.random.key_data(k) for k in keys])

    np.testing.assert_array_equal(data(own.split(key, 5)), data(jax.random.split(key, 5)))
    for number in (0, 7, 2**32 - 1):
        expected = jax.random.fold_in(key, np.uint32(number))
        np.testing.assert_array_equal(data([own.fold_in(key, number)]), data([expected]))


def test_other_keys_are_left_to_jax():
    key = jax.random.key(0, impl="rbg")
    assert str(jax.random.key_impl(own.fold_in(key, 1))) == "rbg"
    assert len(own.split(key, 3)) == 3
    traced = jax.jit(lambda k: jax.random.key_data(own.split(k)[1]))(jax.random.key(1))
    np.testing.assert_array_equal(traced, jax.random.key_data(own.split(jax.random.key(1))[1]))
