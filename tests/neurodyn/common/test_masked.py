"""Masked numbers: what is not counted reaches neither a mean nor its gradient."""

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.common.masked import masked_mean, masked_mean_square, masked_sum


def test_unknown_entries_are_left_out_of_values_and_gradients():
    x, mask = jnp.array([1.0, jnp.nan, 3.0]), jnp.array([1.0, 0.0, 1.0])
    assert (masked_sum(x, mask), masked_mean(x, mask)) == (4, 2)
    target = jnp.array([0.0, jnp.nan, 1.0])
    value, slope = jax.value_and_grad(lambda y: masked_mean_square(y - target, mask))(jnp.ones(3))
    assert value == 0.5
    np.testing.assert_array_equal(slope, [1.0, 0.0, 0.0])
    assert masked_mean_square(x, jnp.zeros(3)) == 0
