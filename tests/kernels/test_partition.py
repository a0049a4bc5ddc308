"""Batches shared out over devices, on one (training on meshes tests eight)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from neurodyn.kernels import over_batch
from neurodyn.kernels.backends import partitioned


def test_one_device_makes_a_plain_call():
    def scale(weights, x):
        return {"sum": x @ weights["W"], "n": jnp.ones(()) * x.shape[1]}

    arguments = {"W": jnp.eye(3), "unused": None}, jnp.arange(24.0).reshape(2, 4, 3)
    out_axes = {"sum": 1, "n": None}
    with jax.set_mesh(Mesh(np.array(jax.devices()), ("trial",))):
        assert not partitioned()
        result = over_batch(scale, arguments, (None, 1), out_axes, 4)
    np.testing.assert_array_equal(result["sum"], arguments[1])
    assert result["n"] == 4
