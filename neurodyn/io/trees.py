"""Trees of arrays as named arrays, for files of runs that go on later."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree


def named_leaves(tree: PyTree, prefix: str = "") -> dict[str, np.ndarray]:
    """The leaves of a tree by their paths; of random keys, their words."""
    return {
        name: np.asarray(jax.random.key_data(x) if _is_key(x) else x)
        for name, x in zip(leaf_names(tree, prefix), jax.tree.leaves(tree), strict=True)
    }


def leaf_names(tree: PyTree, prefix: str = "") -> list[str]:
    """Paths of the leaves of a tree, in their order."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [prefix + jax.tree_util.keystr(path) for path, _ in leaves]


def with_leaves(like: PyTree, arrays: Mapping[str, np.ndarray], prefix: str = "") -> PyTree:
    """Put leaves that `named_leaves` named into a tree.

    Parameters
    ----------
    like
        A tree of the same structure. Of leaves that are no random keys, only the place is used.
    arrays
        Arrays by name; those whose names do not begin with `prefix` are left out.
    prefix
        Beginning of the names.

    Raises
    ------
    KeyError
        If the names are not those of the tree.
    """
    leaves, structure = jax.tree.flatten(like)
    names = leaf_names(like, prefix)
    if set(names) != {name for name in arrays if name.startswith(prefix)}:
        raise KeyError(f"the arrays {sorted(arrays)} are not those of the tree, {names}.")
    found = [_as_leaf(arrays[name], leaf) for name, leaf in zip(names, leaves, strict=True)]
    return jax.tree.unflatten(structure, found)


def _as_leaf(stored: np.ndarray, like: Any) -> jax.Array:
    # Copy: the array is a view of the bytes of the file, and the next step of a run donates it.
    x = jax.numpy.array(stored, copy=True)
    return jax.random.wrap_key_data(x, impl=jax.random.key_impl(like)) if _is_key(like) else x


def _is_key(x: Any) -> bool:
    return jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
