"""One time step of stacked arrays: read it, or replace it."""

import jax
from jax import lax
from jaxtyping import PyTree


def row(stacked: PyTree, t) -> PyTree:
    """Slice t of every array."""
    return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, t, 0, keepdims=False), stacked)


def put(stacked: PyTree, new: PyTree, t) -> PyTree:
    """The arrays with slice t replaced; a compiled loop does this in place."""
    return jax.tree.map(lambda a, r: lax.dynamic_update_index_in_dim(a, r, t, 0), stacked, new)
