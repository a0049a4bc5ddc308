"""The algebra of shape metrics: whiten in part, rotate, and measure the rest.

All that a shape metric needs are products of samples, summed over those that a fold holds out: the
products over the others are their complement. So the samples of two populations are multiplied
once, whatever the number of folds. Functions take NumPy's arrays or JAX's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.analysis.shared.measure import Activity, CrossValidation, Pairwise
from neurodyn.analysis.shared.scaling import balanced, normed, products
from neurodyn.analysis.similarity.nearest import inverse_root, namespace, rotation_to

FORMS = ("angular", "euclidean")


class Fitted(NamedTuple):
    """What is fitted to one population without the others, for every fold.

    Attributes
    ----------
    mean
        Mean of the samples that the fit uses.
    whitening
        The partial whitening, which keeps their variance; None for none.
    norm
        Squared norm of the held-out samples after both.
    """

    mean: Float[Any, "fold unit"]
    whitening: Float[Any, "fold unit unit"] | None
    norm: Float[Any, " fold"]


def refuse_blend(alpha: float) -> None:
    """Refuse a share that is not whitened of less than 0 or more than 1."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha blends between 0 (whitened) and 1 (not whitened), got {alpha}.")


def refuse_spanned(x: Any, what: str) -> None:
    """Refuse to whiten samples that span every pattern, which makes them like any others.

    Raises
    ------
    ValueError
        If the units have as many dimensions as there are samples, less one. Values are looked at
        only outside of JAX transformations.
    """
    n, p = x.shape
    if p < n - 1 or isinstance(x, jax.core.Tracer):
        return
    if np.linalg.matrix_rank(balanced(x)) >= n - 1:
        raise ValueError(
            f"the {p} units of {what} span every pattern of {n} samples, so that whitening (alpha="
            "0) makes it like any other population: take more samples (conditions, times), an "
            "alpha above 0, or shape_distances on held-out conditions (n_folds=None)."
        )


def complement(
    held: Float[Any, "fold unit other"],
    mean: Float[Any, "fold unit"],
    other: Float[Any, "fold other"],
    size: Float[Any, " fold"],
) -> tuple[Float[Any, "fold unit other"], Float[Any, "fold unit other"]]:
    """Scatter of the samples that a fold fits and of those that it holds out, around fitted means.

    Parameters
    ----------
    held
        Sums over held-out samples of products of two populations, each minus its mean of all.
    mean, other
        Means of the fitted samples of the two.
    size
        Number of samples that each fold holds out; each sample is held out once.
    """
    total = held.sum(0, keepdims=True)
    n = size.sum()
    outer = mean[:, :, None] * other[:, None, :]
    fitted = total - held - (n - size)[:, None, None] * outer
    # The held-out samples sum to minus the sum of the fitted ones.
    return fitted, held + (2 * n - size)[:, None, None] * outer


def fitted(
    held: Float[Any, "fold unit unit"],
    mean: Float[Any, "fold unit"],
    size: Float[Any, " fold"],
    kept: Any,
) -> Fitted:
    """Fit one population, from the products of its own held-out samples.

    Parameters
    ----------
    held, mean, size
        As of `complement`.
    kept
        The share that is not whitened, on the scale of the samples; None for all.
    """
    train, test = (held, held) if len(held) == 1 else complement(held, mean, mean, size)
    if kept is None:
        return Fitted(mean, None, _trace(test))
    xp = namespace(held)
    one = xp.eye(held.shape[-1], dtype=held.dtype)[None]
    whitening = kept * one + (1 - kept) * inverse_root(train)
    scale = xp.sqrt(_trace(train) / _trace(whitening @ train @ whitening))
    whitening = whitening * scale[:, None, None]
    return Fitted(mean, whitening, _trace(whitening @ test @ whitening))


def _trace(m: Any) -> Any:
    return namespace(m).trace(m, axis1=-2, axis2=-1)


def whitened(m: Any, x: Fitted, y: Fitted) -> Any:
    """Products of two populations after their whitening."""
    m = m if x.whitening is None else x.whitening @ m
    return m if y.whitening is None else m @ y.whitening


def overlap(
    held: Float[Any, "fold unit other"], x: Fitted, y: Fitted, size: Float[Any, " fold"]
) -> Float[Any, " fold"]:
    """Sum of products of held-out samples after the rotation that fits the others best."""
    xp = namespace(held)
    if len(held) == 1:
        return xp.linalg.svd(whitened(held, x, y), compute_uv=False).sum(-1)
    train, test = (whitened(m, x, y) for m in complement(held, x.mean, y.mean, size))
    return (rotation_to(train) * test).sum((-2, -1))


def apart(inner: Any, x: Any, y: Any, form: str = "angular") -> Any:
    """Distance of two sets of samples from the sum of their products and their squared norms."""
    xp = namespace(inner)
    if form == "angular":
        inner, x, y = inner / xp.sqrt(x * y), 1.0, 1.0
    gap = x + y - 2 * inner
    # The root has no derivative at 0.
    chord = xp.where(gap <= 0, 0, xp.sqrt(xp.where(gap <= 0, 1, gap)))
    return 2 * xp.arcsin(xp.minimum(chord / 2, 1)) if form == "angular" else chord


class Side(NamedTuple):
    """The model's side of a comparison on held-out conditions."""

    x: Float[Array, "sample unit"]
    held: Float[Array, "fold sample"]
    size: Float[Array, " fold"]
    fit: Fitted


def of_shapes(alpha: float = 1.0) -> Pairwise:
    """Shape distance on held-out conditions, for a `Measure` of your own settings.

    Parameters
    ----------
    alpha
        1: rotations (Procrustes). 0: any invertible map, whitened on the fitted conditions. Not in
        between, because the blend depends on the scale of the data, which `compare` takes out: use
        :func:`shape_distances`.

    Raises
    ------
    ValueError
        If `alpha` is neither 0 nor 1.

    Examples
    --------
    >>> from neurodyn import analysis
    >>> measure = analysis.Measure(
    ...     analysis.shape_distances, "distance of whitened shapes", "rad", (0.0, 3.1416),
    ...     higher_is_better=False, pairwise=analysis.of_shapes(alpha=0), name="heldout_cca",
    ... )
    """
    if alpha not in (0, 1):
        raise ValueError(
            f"alpha must be 0 or 1, got {alpha}: in between it depends on the scale of the data, "
            "which compare takes out. Use analysis.shape_distances."
        )

    def held_products(x, y, held):
        return jax.lax.map(lambda fold: products(x * fold[:, None], y), held)

    def side(x, held) -> Side:
        x = normed(x)
        size = held.sum(1)
        mean = -products(held.T, x) / (len(x) - size)[:, None]
        if alpha == 1:
            n = jnp.asarray(len(x), x.dtype)
            power = held @ (x**2).sum(1) + (2 * n - size) * (mean**2).sum(1)
            return Side(x, held, size, Fitted(mean, None, power))
        return Side(x, held, size, fitted(held_products(x, x, held), mean, size, 0.0))

    def prepare(x: Activity, folds: CrossValidation) -> Side:
        held = jnp.repeat(folds.held_out.astype(x.dtype), x.shape[1], axis=1)
        return side(x.reshape(-1, x.shape[-1]), held)

    def score(a: Side, y: Activity) -> Float[Array, ""]:
        b = side(y.reshape(-1, y.shape[-1]), a.held)
        inner = overlap(held_products(a.x, b.x, a.held), a.fit, b.fit, a.size)
        return apart(inner.sum(), a.fit.norm.sum(), b.fit.norm.sum())

    return Pairwise(prepare, score, cross_validated=True)


#: Rotations only.
HELD_OUT_PROCRUSTES = of_shapes()
