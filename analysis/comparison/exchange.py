"""What a null exchanges, within what, and what a ceiling splits."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.analysis.comparison.levels import codes_of
from neurodyn.analysis.comparison.settings import Settings
from neurodyn.analysis.shared.pairing import Pair
from neurodyn.analysis.shared.resampling import shuffle_within, shuffled_means
from neurodyn.labels import LabelError

Activity = Float[Array, "condition time unit"]


def exchangeable(pair: Pair, settings: Settings) -> Pair:
    """Give the trials of a pair their blocks for a null, and the wholes that a ceiling splits.

    Raises
    ------
    LabelError
        If there are no such labels, or nothing can be exchanged or split.
    """
    if settings.ceiling is None:
        pair = dataclasses.replace(pair, halves=None, unsplit="no ceiling was asked for")
    elif settings.ceiling != "trial":
        pair = _split_wholes(pair, settings.ceiling)
    if settings.within and pair.trials is not None and settings.null == "conditions":
        blocks = _blocks(pair.single, "trial", settings.within)
        codes = np.asarray(pair.trials.codes)
        known = codes < pair.trials.n_conditions
        both = {
            (b, c)
            for row, here in zip(codes, known, strict=True)
            for b, c in zip(blocks[here], row[here], strict=True)
        }
        if len(both) == len(np.unique(blocks)):
            raise LabelError(
                f"within={list(settings.within)}: each of them has trials of a single condition, "
                "so that no labels can be exchanged: name fewer labels."
            )
        trials = pair.trials._replace(blocks=jnp.asarray(blocks))
        pair = dataclasses.replace(pair, trials=trials)
    return pair


def null_draw(pair: Pair, settings: Settings) -> Partial:
    """A function from a key to a draw of the recording under the null.

    Raises
    ------
    LabelError
        If conditions are to be exchanged within labels that they do not have.
    """
    if settings.null == "rotation":
        return Partial(rotated, y=pair.y)
    if settings.null == "conditions" and pair.trials is not None:
        return Partial(shuffled_means, trials=pair.trials)
    blocks = None
    if settings.within:
        blocks = _blocks(pair.means, "condition", settings.within)
        if len(np.unique(blocks)) == len(blocks):
            raise LabelError(
                f"within={list(settings.within)}: each of them is a single condition, so that none "
                "can be exchanged: name fewer labels."
            )
        blocks = jnp.asarray(blocks)
    if settings.null == "units":
        return Partial(permuted_apart, y=pair.y, blocks=blocks)
    return Partial(permuted, y=pair.y, blocks=blocks)


def permuted(
    key: PRNGKeyArray, y: Activity, blocks: Int[Array, " condition"] | None = None
) -> Activity:
    """Conditions in random order (within blocks), each with its times and units together."""
    if blocks is None:
        return jax.random.permutation(key, y, axis=0)
    return y[shuffle_within(key, blocks)]


def permuted_apart(
    key: PRNGKeyArray, y: Activity, blocks: Int[Array, " condition"] | None = None
) -> Activity:
    """Conditions in random order (within blocks), in another one for each unit."""
    keys = jax.random.split(key, y.shape[-1])
    return jax.vmap(lambda k, v: permuted(k, v, blocks), (0, 2), 2)(keys, y)


def rotated(key: PRNGKeyArray, y: Activity) -> Activity:
    """The population in axes that are rotated at random (uniformly over all rotations)."""
    size = y.shape[-1]
    q, r = jnp.linalg.qr(jax.random.normal(key, (size, size), y.dtype))
    return y @ (q * jnp.where(jnp.diagonal(r) < 0, -1, 1)[None])


def _blocks(array: xr.DataArray | None, dim: str, names: tuple[str, ...]) -> np.ndarray:
    known = [] if array is None else [str(n) for n, c in array.coords.items() if c.dims == (dim,)]
    if array is None or (missing := [n for n in names if n not in known]):
        raise LabelError(f"`within` names {missing}, but the {dim}s have the labels {known}.")
    columns = np.stack([codes_of(array[n], n) for n in names])
    return np.unique(columns, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int32)


def _split_wholes(pair: Pair, name: str) -> Pair:
    """Trials whose halves hold whole sessions, animals... each."""
    if pair.trials is None or pair.single is None:
        raise LabelError(f"ceiling={name!r} splits single trials by this label: there are none.")
    if name not in pair.single.coords or pair.single[name].dims != ("trial",):
        known = [str(n) for n, c in pair.single.coords.items() if c.dims == ("trial",)]
        raise LabelError(f"ceiling={name!r}: the trials have the labels {known}.")
    whole = codes_of(pair.single[name], name)
    codes, n = np.asarray(pair.trials.codes), pair.trials.n_conditions
    for row in codes:
        here = row < n
        number = np.bincount(np.unique(np.stack([row, whole])[:, here], axis=1)[0], minlength=n)
        if (number < 2).any():
            few = np.flatnonzero(number < 2)
            spelt = pair.means["condition"].values[few] if "condition" in pair.means.coords else few
            raise LabelError(
                f"ceiling={name!r} puts each {name} into one of two halves, so that every "
                f"condition needs two of them; some have one: {list(spelt[:12])}. Use "
                "ceiling='trial'."
            )
    wholes = (jnp.asarray(whole), jnp.zeros(whole.max() + 1, jnp.int32))
    return dataclasses.replace(pair, trials=pair.trials._replace(wholes=wholes), unsplit="")
