"""How alike labelled matrices of dissimilarities are."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations.comparisons import (
    WHITENED,
    Comparison,
    comparison_named,
    host_weights,
    refuse_flat,
    scores,
    whitened_by,
)
from neurodyn.analysis.representations.given import variances_of
from neurodyn.analysis.representations.squares import (
    Pairs,
    all_known,
    order_of,
    outer_coords,
    pairs_of,
    places,
    same_conditions,
    square_of,
)
from neurodyn.labels import LabelError, pair

#: Of conditions: with fewer there are too few pairs for a correlation.
LEAST = 3


def compare_rdms(
    rdms: xr.Dataset | xr.DataArray,
    others: xr.Dataset | xr.DataArray,
    comparison: str = "whitened_cosine",
    *,
    covariance: xr.DataArray | None = None,
) -> xr.DataArray:
    """How alike dissimilarity matrices of the same conditions are.

    Parameters
    ----------
    rdms, others
        Dissimilarities ``(..., condition, condition_2)``, as from `rdm`. Other dims that both have
        (such as time) are paired by label; dims of one alone (such as model) are compared with all
        entries of the other. Conditions are matched by their labels; pairs of conditions without a
        value (NaN) in any matrix are left out.
    comparison
        "cosine", "pearson", "spearman", "rho_a", "tau_a" (rank correlations that do not favour
        models with ties), "whitened_cosine", "whitened_pearson" (which know that dissimilarities
        share conditions, and so noise) or "bures" (of the kernels behind squared distances). The
        whitened cosine of squared Euclidean distances is the linear CKA of condition means. The
        plain cosine is near 1 for any two matrices, because distances are positive.
    covariance
        For the whitened ones: variance (condition) of the noise of each condition's pattern, such
        as one over its number of trials, or its covariance (condition, condition_2), such as of
        estimates of a regression. Default: equal and independent.

    Returns
    -------
    DataArray of the dims beside those of conditions; the attribute ``pairs_left_out`` counts pairs
    without a value.

    Raises
    ------
    LabelError
        If conditions or other labels differ, or there are fewer than three conditions.
    ValueError
        For an unknown comparison, matrices that are not symmetric, or whose values are all 0
        (cosines) or all equal (correlations).

    References
    ----------
    Nili et al. (2014), PLoS Comput. Biol. 10:e1003553 (rank correlations); Diedrichsen et al.
    (2020), arXiv:2007.02789 (whitened); Schuett et al. (2023), eLife 12:e82566 (rho-a).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from neurodyn import analysis
    >>> dims = ("condition", "condition_2")
    >>> a = xr.DataArray(np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0.0]]), dims=dims)
    >>> round(float(analysis.compare_rdms(a, a**2, "spearman")), 6)
    1.0
    """
    how = comparison_named(comparison)
    first, second = (
        pairs_of(given, what=what, least=LEAST)
        for given, what in ((rdms, "rdms"), (others, "others"))
    )
    first, second = same_conditions(first, second, what=("rdms", "others"))
    refuse_flat(first, comparison, what="rdms")
    refuse_flat(second, comparison, what="others")
    known = all_known([first, second])
    n = first.n_conditions
    noise = _covariance(covariance, first, comparison)
    shared = [str(d) for d in first.outer.dims if d in second.outer.dims]
    if shared:
        one, two = pair(
            _numbered(first.outer), _numbered(second.outer), shared, what=("rdms", "others")
        )
    else:
        one, two = _numbered(first.outer), _numbered(second.outer)
    one, two = (p.transpose(*shared, ...) for p in (one, two))
    sizes = [one.sizes[d] for d in shared]
    x, y = (
        p.values.reshape(-1, p.values.shape[-1])[place.values.reshape(int(np.prod(sizes)), -1)]
        for p, place in ((first, one), (second, two))
    )
    with jax.enable_x64(True):
        if noise is not None and noise.ndim == 2:
            _complete(known)
            found = np.asarray(_between(x, y, noise, comparison))
        else:
            w = host_weights(n, known, noise)
            found = np.asarray(_matrices(how, x, y, w))
    rest = [[str(d) for d in p.dims if d not in shared] for p in (one, two)]
    dims = [*shared, *rest[0], *rest[1]]
    found = found.reshape([*sizes, *one.shape[len(sizes) :], *two.shape[len(sizes) :]])
    coords = outer_coords(second.outer, rest[1]) | outer_coords(first.outer, [*shared, *rest[0]])
    return xr.DataArray(
        found,
        coords,
        dims,
        "similarity",
        {
            "units": "1",
            "long_name": f"{how.title} of dissimilarities",
            "comparison": comparison,
            "n_conditions": n,
            "pairs_left_out": int((~known).sum()),
        },
    )


def _numbered(outer: xr.DataArray) -> xr.DataArray:
    """The places of the outer entries, with their labels."""
    return outer.copy(data=np.arange(outer.size).reshape(outer.shape))


@functools.partial(jax.jit, static_argnames="how")
def _matrices(how: Comparison, x, y, w) -> Float[Array, "batch first other"]:
    return jax.lax.map(lambda both: scores(how, both[0], both[1], w), (x, y))


@functools.partial(jax.jit, static_argnames="comparison")
def _between(x, y, covariance, comparison: str) -> Float[Array, "batch first other"]:
    def unit(x):
        x = x - x.mean() if comparison == "whitened_pearson" else x
        side = whitened_by(x, covariance)
        return side / jnp.linalg.norm(side)

    units = jax.vmap(jax.vmap(unit))
    return units(x) @ units(y).swapaxes(-1, -2)


def _complete(known: np.ndarray) -> None:
    if not known.all():
        raise ValueError(
            f"{int((~known).sum())} pairs of conditions have no value: a covariance between "
            "conditions needs all; pass their variances (condition) instead."
        )


def _covariance(given: Any, first: Pairs, comparison: str) -> np.ndarray | None:
    """Variance or covariance of the noise of conditions, in their order."""
    if given is None:
        return None
    if comparison not in WHITENED:
        raise ValueError(f"covariance is for {list(WHITENED)}, not for {comparison!r}.")
    if not isinstance(given, xr.DataArray) or given.dims[:1] != ("condition",):
        raise LabelError(
            "covariance must be a DataArray (condition) of variances or (condition, condition_2), "
            f"got {getattr(given, 'dims', type(given).__name__)}."
        )
    if given.ndim == 1:
        return variances_of(given, first, comparison)
    array, values = square_of(given, what="covariance")
    order = order_of(first.place, places(array), what=("rdms", "covariance"))
    values = values[np.ix_(order, order)]
    if not np.allclose(values, values.T) or np.linalg.eigvalsh(values)[0] <= 0:
        raise ValueError("covariance must be symmetric and positive definite.")
    return values
