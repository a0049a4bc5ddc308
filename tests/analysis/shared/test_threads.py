"""LAPACK runs on one thread inside, and as before outside."""

import jax
import jax.numpy as jnp
from threadpoolctl import threadpool_info, threadpool_limits

from neurodyn.analysis.shared.threads import one_lapack_thread


def _blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_limited_inside_and_restored():
    seen = []

    @one_lapack_thread
    def inside(x):
        seen.append(_blas_threads())
        return jnp.linalg.eigvalsh(x).sum()

    with threadpool_limits(2, user_api="blas"):
        before = _blas_threads()
        inside(jnp.eye(3))
        assert seen[0] == {1}
        assert _blas_threads() == before
    assert inside.__name__ == "inside"


def test_transformations_pass_through():
    @one_lapack_thread
    def trace(x):
        return jnp.linalg.eigvalsh(x).sum()

    gradient = jax.jit(jax.grad(trace))(2 * jnp.eye(3))
    assert jnp.allclose(jnp.trace(gradient), 3.0, atol=1e-5)
