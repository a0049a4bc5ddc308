"""The mean of subjects' dissimilarities, and the ceiling that their differences set to models."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations.comparisons import (
    Comparison,
    Weights,
    comparison_named,
    each,
    host_weights,
    refuse_flat,
    scores,
)
from neurodyn.analysis.representations.squares import outer_coords, pairs_of
from neurodyn.analysis.shared.results import results
from neurodyn.labels import LabelError

Lists = Float[Array, "subject pair"]
Counts = Float[Array, " subject"]


def pooled(how: Comparison, lists: Lists, counts: Counts, w: Weights) -> Float[Array, " pair"]:
    """Mean over subjects, each brought onto the scale that the comparison does not see."""
    return counts @ each(how.pool, lists, w) / jnp.maximum(counts.sum(), 1)


def with_mean(how: Comparison, lists: Lists, counts: Counts, w: Weights) -> Counts:
    """Score of each subject with the mean of those that count."""
    return scores(how, pooled(how, lists, counts, w)[None], lists, w)[0]


def with_others(how: Comparison, lists: Lists, counts: Counts, w: Weights) -> Counts:
    """Score of each subject with the mean of all others."""
    scaled = each(how.pool, lists, w)
    rest = counts.sum() - counts
    total = (counts @ scaled)[None, :] - counts[:, None] * scaled
    means = total / jnp.where(rest > 0, rest, 1)[:, None]
    return jax.vmap(lambda one, own: scores(how, one[None], own[None], w)[0, 0])(means, lists)


def rdm_ceiling(
    rdms: xr.Dataset | xr.DataArray,
    comparison: str = "whitened_cosine",
    *,
    subjects: str = "subject",
) -> xr.Dataset:
    """Bounds on the similarity that any model can reach, because subjects differ.

    The model that is most similar to all subjects is their mean. Its similarity to them is the
    upper bound: it is too high, because each subject is part of the mean. The lower bound leaves
    each subject out of the mean that it is compared with; it is too low, because the mean of few is
    noisy. The best possible model lies between.

    Parameters
    ----------
    rdms
        Dissimilarities ``(subject, ..., condition, condition_2)``.
    comparison
        As of `compare_rdms`. Subjects are averaged on the scale that it does not see: cosines after
        division by the size of each matrix, correlations after standardisation, rank correlations
        (tau-a too) after ranking, the Bures cosine after division by the sum.
    subjects
        Name of the dim of subjects, sessions or animals.

    Returns
    -------
    Dataset: ``lower`` and ``upper``, along the dims beside those of subjects and conditions.

    Raises
    ------
    LabelError
        If dims are missing, or there are fewer than two subjects or three conditions.
    ValueError
        For an unknown comparison, or matrices that are not symmetric, or whose values are all 0
        (cosines) or all equal (correlations).

    References
    ----------
    Nili et al. (2014), PLoS Comput. Biol. 10:e1003553.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from neurodyn import analysis
    >>> far = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))[None] ** 1.0
    >>> noise = np.random.default_rng(0).uniform(0, 2, (6, 5, 5)) * (far > 0)
    >>> dims = ("subject", "condition", "condition_2")
    >>> rdms = xr.DataArray(far + noise + noise.swapaxes(1, 2), dims=dims)
    >>> found = analysis.rdm_ceiling(rdms, "pearson")
    >>> bool(found["lower"] < found["upper"])
    True
    """
    how = comparison_named(comparison)
    pairs = pairs_of(rdms, what="rdms")
    if subjects not in pairs.outer.dims:
        raise LabelError(f"rdms has no dim {subjects!r} of subjects, only {pairs.outer.dims}.")
    refuse_flat(pairs, comparison, what="rdms")
    number = pairs.outer.sizes[subjects]
    if number < 2:
        raise LabelError(f"a ceiling needs two entries of {subjects!r} at least, got {number}.")
    rest = [str(d) for d in pairs.outer.dims if d != subjects]
    axis = pairs.outer.dims.index(subjects)
    x = np.moveaxis(pairs.values, axis, -2)
    with jax.enable_x64(True):
        w = host_weights(pairs.n_conditions, pairs.known, None)
        found = np.asarray(_bounds(how, x.reshape(-1, *x.shape[-2:]), w))
    found = found.reshape(*x.shape[:-2], 2)
    variables = {
        name: (tuple(rest), found[..., i], "1", f"{name} bound on the {how.title} of a model")
        for i, name in enumerate(("lower", "upper"))
    }
    return results(
        variables, outer_coords(pairs.outer, rest), dims=rest, comparison=comparison,
        n_subjects=number, pairs_left_out=int((~pairs.known).sum()), subjects=subjects,
    )  # fmt: skip


@functools.partial(jax.jit, static_argnames="how")
def _bounds(how: Comparison, x: Float[Array, "batch subject pair"], w: Weights) -> Array:
    counts = jnp.ones(x.shape[1], x.dtype)

    def one(lists):
        both = with_others(how, lists, counts, w), with_mean(how, lists, counts, w)
        return jnp.stack([bound.mean() for bound in both])

    return jax.lax.map(one, x)
