"""Whether samples have the same nearest neighbours in two populations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.measure import Pairwise, of_samples
from neurodyn.analysis.shared.scaling import balanced, normed
from neurodyn.analysis.similarity.kernels import squared_distances
from neurodyn.analysis.similarity.matched import matched
from neurodyn.analysis.similarity.order import by_counting, in_columns
from neurodyn.common.checks import whole

KINDS = ("mutual", "jaccard")

Samples = Float[Array, "sample unit"]
Neighbours = Float[Array, "sample other"]


def _nearest(x: Samples, k: int) -> Neighbours:
    """How much each sample counts as one of the k nearest to each, itself left out.

    Samples that tie for the last places share them, so that their order does not matter.
    """
    x = jax.lax.stop_gradient(normed(x))
    power = jnp.sum(x**2, axis=1)
    both = power[:, None] + power[None, :]
    square = jnp.where(jnp.eye(len(x), dtype=bool), jnp.inf, squared_distances(x))
    # The matrix is symmetric, and sums over columns are faster than those over rows.
    last = by_counting(square, k - 1, in_columns).T
    rounding = 32 * jnp.finfo(x.dtype).eps * both
    nearer = (square < last - rounding).astype(x.dtype)
    tied = (jnp.abs(square - last) <= rounding).astype(x.dtype)
    left = k - nearer.sum(1, keepdims=True)
    return nearer + tied * left / tied.sum(1, keepdims=True)


def _shared(a: Neighbours, b: Neighbours, kind: str) -> Float[Array, ""]:
    same = jnp.minimum(a, b).sum(1)
    of_either = a.sum(1) if kind == "mutual" else jnp.maximum(a, b).sum(1)
    return jnp.mean(same / of_either)


def of_neighbours(k: int = 10, kind: str = "mutual") -> Pairwise:
    """Overlap of nearest neighbours, for a `Measure` of your own settings.

    Its derivative is 0, because neighbours change in steps.

    Parameters
    ----------
    k, kind
        As of :func:`neighbour_overlap`.

    Raises
    ------
    ValueError
        For an unknown kind, or `k` below 1; in `compare`, for no more samples than neighbours.

    Examples
    --------
    >>> from neurodyn import analysis
    >>> measure = analysis.Measure(
    ...     analysis.neighbour_overlap, "shared nearest neighbours", range=(0.0, 1.0),
    ...     higher_is_better=True, pairwise=analysis.of_neighbours(k=3), name="neighbours_3",
    ... )
    """
    _check(kind)
    whole("k", k)

    def nearest(x: Samples) -> Neighbours:
        _enough(x.shape[0], k)
        return _nearest(x, k)

    return of_samples(lambda near, y: _shared(near, nearest(y), kind), nearest)


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")


def _enough(n: int, k: int) -> None:
    if n <= k:
        raise ValueError(
            f"{n} samples (conditions x times) have no {k} neighbours each: take a smaller k."
        )


@partial(jax.jit, static_argnames=("k", "kind"))
def _overlap(x: Samples, y: Samples, k: int, kind: str) -> Float[Array, ""]:
    return _shared(_nearest(x, k), _nearest(y, k), kind)


def neighbour_overlap(
    a: xr.Dataset | xr.DataArray | ArrayLike,
    b: xr.Dataset | xr.DataArray | ArrayLike,
    k: int = 10,
    *,
    kind: str = "mutual",
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
) -> xr.DataArray:
    """Share of each sample's nearest neighbours that two populations have in common.

    It looks at the small distances only, so that it is blind to how far apart groups of samples
    are. Chance is k / (n - 1) for n samples. Neighbouring times of one condition are neighbours in
    any smooth activity: compare with the null of :func:`compare`.

    Parameters
    ----------
    a, b
        Populations with the same labels along all dims but ``unit``, or arrays ``(condition, time,
        unit)`` or ``(sample, unit)``. Each condition and time is a sample.
    k
        Neighbours of each sample, by Euclidean distance.
    kind
        "mutual": number shared over k. "jaccard": number shared over the number that either has.
    by
        Labels of trials that make a condition: the means of conditions are compared.
    variable
        Which variable of Datasets.

    Returns
    -------
    Scalar DataArray between 0 and 1, the mean over samples. Samples at the same distance (counts of
    spikes have such) share the last places among the neighbours.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    ValueError
        For an unknown kind, or no more samples than neighbours.

    References
    ----------
    Huh, Cheung, Wang & Isola (2024), "The platonic representation hypothesis", ICML 235:20617,
    appendix A (mutual). Klabunde, Schumacher, Strohmaier & Lemmerich (2023), arXiv 2305.06329,
    section 3.4 (Jaccard).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> x = np.random.default_rng(0).standard_normal((50, 3))
    >>> float(analysis.neighbour_overlap(x, 2 * x[:, ::-1], k=5))
    1.0
    """
    _check(kind)
    whole("k", k)
    first = matched({"a": a}, "a", by=by, variable=variable)
    second = matched({"b": b}, "b", by=by, variable=variable, like=first)
    x, y = first.samples()[0], second.samples()[0]
    _enough(len(x), k)
    # In double precision, because a near tie may go either way in single precision.
    with jax.enable_x64(True):
        value = _overlap(jnp.asarray(balanced(x)), jnp.asarray(balanced(y)), k, kind)
    attrs: dict[str, Any] = {"units": "1", "long_name": f"shared neighbours ({kind})", "k": int(k)}
    attrs |= {"n_units": [x.shape[1], y.shape[1]]}
    return xr.DataArray(float(value), attrs=attrs)


MUTUAL = of_neighbours()
JACCARD = of_neighbours(kind="jaccard")
