"""Condition means of trials, of random halves of the trials, and of trials with shuffled labels.

Trials are ``(group, trial, time, unit)`` with condition codes ``(group, trial)``: one group when
all units share their trials, one group per unit when units were recorded in different trials. A
code equal to the number of conditions marks a trial that does not count.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.analysis.shared.arrays import checked, complete_until
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.labels import LabelError


class Trials(NamedTuple):
    """Single trials of known conditions.

    Attributes
    ----------
    values
        Activity.
    codes
        Position of each trial's condition.
    counts
        Trials of each condition, for each group.
    blocks
        Block of each trial, such as its session, within which labels may be exchanged. None: all
        trials are exchangeable.
    wholes
        Whole of each trial, such as its session, that a split leaves in one half, and an entry for
        each of the wholes. None: single trials are split within conditions.
    """

    values: Float[Array, "group trial time unit"]
    codes: Int[Array, "group trial"]
    counts: Int[np.ndarray, "group condition"] | Int[Array, "group condition"]
    blocks: Int[Array, " trial"] | None = None
    wholes: tuple[Int[Array, " trial"], Int[Array, " whole"]] | None = None

    @property
    def n_conditions(self) -> int:
        """Number of conditions."""
        return self.counts.shape[1]


def group_trials(
    array: xr.DataArray, codes: np.ndarray, n_conditions: int, *, what: str, balance: bool = False
) -> Trials:
    """Bring labelled trials into groups of units that share their trials.

    Parameters
    ----------
    array
        Dims (trial, time, unit). A unit that was not recorded in a trial is NaN throughout.
    codes
        Condition of each trial, `n_conditions` for trials to leave out.
    n_conditions
        Number of conditions.
    what
        Name of the data in errors.
    balance
        Whether to remove offsets and scale (`shared.arrays.balanced`), for measures that ignore
        them.

    Raises
    ------
    LabelError
        If NaN starts within a trace.
    """
    if "trial" in array.indexes:
        # Sort trials by label, because random halves and shuffles depend on their order.
        order = np.argsort(array["trial"].values, kind="stable")
        if not np.array_equal(order, np.arange(order.size)):
            array, codes = array.isel(trial=order), codes[order]
    array = array.transpose("trial", ..., "unit")
    found = checked(array, what=what, missing=True)
    nan = np.isnan(found[codes < n_conditions])
    within = nan & ~nan.all(axis=tuple(range(1, nan.ndim - 1)), keepdims=True)
    if within.any():
        raise LabelError(
            f"{what} has NaN within trials (trials of different length?): cut them to a window in "
            f"which all are complete{complete_until(array, within)}."
        )
    found = balanced(found) if balance else found
    values = jnp.asarray(found, jnp.result_type(float))
    values = values.reshape(values.shape[0], -1, values.shape[-1])
    if nan.any():
        absent = np.isnan(np.asarray(values)).any(axis=1)
        values = jnp.nan_to_num(values).transpose(2, 0, 1)[..., None]
        grouped = np.where(absent, n_conditions, codes[:, None]).T
    else:
        values, grouped = jnp.nan_to_num(values)[None], codes[None]
    counts = np.stack([np.bincount(c, minlength=n_conditions + 1)[:-1] for c in grouped])
    return Trials(values, jnp.asarray(grouped), counts)


def _group_means(values, codes, weights, n: int):
    totals = jax.ops.segment_sum(values * weights[:, None, None], codes, num_segments=n + 1)
    counts = jax.ops.segment_sum(weights, codes, num_segments=n + 1)
    return totals[:-1] / counts[:-1, None, None]


def means(
    values: Float[Array, "group trial time unit"],
    codes: Int[Array, "group trial"],
    n: int,
    weights: Float[Array, "group trial"] | None = None,
) -> Float[Array, "condition time allunits"]:
    """Condition means; NaN where a group has no trial of a condition.

    `weights` say how often each trial counts; default: once.
    """
    weights = jnp.ones(codes.shape, values.dtype) if weights is None else weights
    by_group = jax.vmap(lambda v, c, w: _group_means(v, c, w, n))(values, codes, weights)
    return by_group.transpose(1, 2, 0, 3).reshape(n, values.shape[2], -1)


def _random_order(key: PRNGKeyArray, codes: Int[Array, " trial"]) -> Int[Array, " trial"]:
    return jnp.lexsort((jax.random.uniform(key, codes.shape), codes))


def _parts(key: PRNGKeyArray, codes: Int[Array, " trial"], k: int) -> Int[Array, " trial"]:
    """0 to k - 1 for each trial, in turn within each condition in random order."""
    order = _random_order(key, codes)
    ordered = codes[order]
    rank = jnp.arange(codes.size, dtype=jnp.int32) - jnp.searchsorted(ordered, ordered)
    # If the number of trials is no multiple of k, parts chosen at random get one more.
    first = k - 1 - jnp.floor(k * jax.random.uniform(jax.random.fold_in(key, 1), codes.shape))
    part = (rank + first[ordered].astype(jnp.int32)) % k
    return jnp.zeros_like(codes).at[order].set(part.astype(codes.dtype))


def _halves(key: PRNGKeyArray, codes: Int[Array, " trial"]) -> Int[Array, " trial"]:
    """0 or 1 for each trial, alternating within each condition in random order."""
    return _parts(key, codes, 2)


def part_means(
    key: PRNGKeyArray, trials: Trials, k: int
) -> Float[Array, "part condition time allunits"]:
    """Condition means of k random parts of the trials, which are split within each condition."""
    codes, n = trials.codes, trials.n_conditions
    keys = jax.random.split(key, codes.shape[0])
    part = jax.vmap(lambda key, c: _parts(key, c, k))(keys, codes)
    each = means(trials.values, jnp.where(codes < n, codes + part * n, k * n), k * n)
    return each.reshape(k, n, *each.shape[1:])


def split_means(key: PRNGKeyArray, trials: Trials) -> Float[Array, "2 condition time allunits"]:
    """Condition means of two random halves of the trials.

    Trials are split within each condition, or whole sessions, animals... (`Trials.wholes`) are; a
    condition that one half then lacks is NaN.
    """
    codes, n = trials.codes, trials.n_conditions
    if trials.wholes is None:
        half = jax.vmap(_halves)(jax.random.split(key, codes.shape[0]), codes)
    else:
        whole, each = trials.wholes
        half = _halves(key, jnp.zeros_like(each))[whole][None]
    both = means(trials.values, jnp.where(codes < n, codes + half * n, 2 * n), 2 * n)
    return both.reshape(2, n, *both.shape[1:])


def shuffle_within(key: PRNGKeyArray, blocks: Int[Array, " entry"]) -> Int[Array, " entry"]:
    """Positions in random order, each within its block."""
    places = jnp.argsort(blocks, stable=True).astype(blocks.dtype)
    return jnp.zeros_like(blocks).at[_random_order(key, blocks)].set(places)


def _shuffled(
    key: PRNGKeyArray,
    codes: Int[Array, " trial"],
    n: int,
    blocks: Int[Array, " trial"] | None = None,
) -> Int[Array, " trial"]:
    absent = codes == n
    blocks = jnp.zeros_like(codes) if blocks is None else blocks
    # Absent trials are a block of their own, so that their places stay.
    return codes[shuffle_within(key, jnp.where(absent, blocks.max() + 1, blocks))]


def shuffled_means(key: PRNGKeyArray, trials: Trials) -> Float[Array, "condition time allunits"]:
    """Condition means after permuting the condition labels of the trials, within their blocks.

    Each condition keeps its number of trials. Units of one group keep their shared trials.
    """
    codes, n = trials.codes, trials.n_conditions
    keys = jax.random.split(key, codes.shape[0])
    shuffled = jax.vmap(lambda k, c: _shuffled(k, c, n, trials.blocks))(keys, codes)
    return means(trials.values, shuffled, n)
