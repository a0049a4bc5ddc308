"""Folds over conditions, for measures that are fitted."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray


def fold_masks(key: PRNGKeyArray, n_conditions: int, n_folds: int) -> Bool[Array, "fold condition"]:
    """Random folds: the conditions that each holds out; their sizes differ by one at most."""
    fold = jax.random.permutation(key, jnp.arange(n_conditions) % n_folds)
    return fold[None, :] == jnp.arange(n_folds)[:, None]


def n_folds_for(n_conditions: int, n_folds: int | None) -> int:
    """Check the number of folds; the default is 10, or one a condition where there are fewer.

    Raises
    ------
    ValueError
        If there are fewer than 3 conditions, or not between 2 and `n_conditions` folds.
    """
    if n_conditions < 3:
        raise ValueError(
            "cross-validation over conditions needs 3 of them at least (one held out, two to fit "
            f"on), got {n_conditions}."
        )
    folds = min(10, n_conditions) if n_folds is None else n_folds
    if not 2 <= folds <= n_conditions:
        raise ValueError(f"n_folds must be between 2 and {n_conditions} conditions, got {folds}.")
    return folds
