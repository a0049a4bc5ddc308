"""How alike two populations represent the same samples: CKA, Procrustes and shape angles.

The functions take arrays ``(sample, unit)`` whose samples (conditions x times) correspond; the
numbers of units may differ. All are invariant to rotations, reflections, offsets and the overall
scale of either side, and can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.populations.pca import principal_axes
from neurodyn.analysis.shared.arrays import pair, same_rows
from neurodyn.analysis.shared.measure import Pairwise, of_samples
from neurodyn.analysis.shared.scaling import balanced_by, normed, normed_by, products
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.labels.only import takes

Samples = Float[Array, "sample unit"]
Others = Float[Array, "sample other"]


class Side(NamedTuple):
    """One side of a comparison: centred samples, and the norm of this side alone."""

    x: Samples
    norm: Float[Array, ""]


def _cross_energy(x: Samples, y: Others) -> Float[Array, ""]:
    """``|x'y|_F^2``, through units or samples, whichever are fewer."""
    (n, p), q = x.shape, y.shape[1]
    if n * (p + q) < p * q:
        return jnp.sum((x @ x.T) * (y @ y.T))
    return jnp.sum(products(x, y) ** 2)


def _unbiased_energy(x: Samples, y: Others) -> Float[Array, ""]:
    # The unbiased HSIC drops the diagonals of both kernels. Centring first leaves it unchanged (it
    # ignores terms a_i + a_j) and turns its sums over kernels into sums over units.
    n = x.shape[0]
    a, b = jnp.sum(x**2, axis=1), jnp.sum(y**2, axis=1)
    ab = jnp.sum(a * b)
    # One division after the other, because a product of sample numbers leaves 32 bits.
    both = (a.sum() / (n - 1)) * (b.sum() / (n - 2))
    return _cross_energy(x, y) - ab + both - 2 * ab / (n - 2)


def _between_sides(norm: Callable[[Samples], Array], score: Callable[[Side, Side], Array]):
    """A measure of two sides, each centred and scaled, that divides by the norms of both."""

    def side(x: Samples) -> Side:
        x = normed(x)
        return Side(x, norm(x))

    return of_samples(lambda a, y: score(a, side(y)), side)


def _rotated(wide: Samples, narrow: Others) -> tuple[Array, Array]:
    """The best rotation of ``narrow`` into the space of ``wide``, and what it leaves of that."""
    u, _, v = jnp.linalg.svd(products(wide, narrow), full_matrices=False)
    rotation = (u @ v).T
    return rotation, wide - narrow @ rotation


@jax.custom_jvp
@jax.custom_batching.sequential_vmap  # so that each pair of shapes takes one branch
def _gap(wide: Samples, narrow: Others) -> Float[Array, ""]:
    """Squared distance of two shapes of norm 1 after the best rotation."""
    aligned = jnp.linalg.svd(products(wide, narrow), compute_uv=False).sum()
    # Near 1 the cosine says little of the distance, which then costs singular vectors.
    return jax.lax.cond(
        aligned < 0.9,
        lambda: 2 - 2 * aligned,
        lambda: jnp.sum(_rotated(wide, narrow)[1] ** 2),
    )


@_gap.defjvp
def _gap_jvp(sides, tangents):
    # To first order a change of the best rotation has no effect, so it needs no derivative, which
    # would be infinite where singular values are equal.
    rotation, rest = _rotated(*sides)
    return jnp.sum(rest**2), 2 * jnp.sum(rest * (tangents[0] - tangents[1] @ rotation))


def _angle(a: Side, b: Side) -> Float[Array, ""]:
    sides = a.x / a.norm, b.x / b.norm
    narrow, wide = sorted(sides, key=lambda x: x.shape[1])
    # An angle near 0 is known from the distance of the shapes, but not from its cosine near 1.
    gap = _gap(wide, narrow)
    # The root has no derivative at 0.
    distance = jnp.where(gap == 0, 0, jnp.sqrt(jnp.where(gap == 0, 1, gap)))
    return 2 * jnp.arcsin(distance / 2)


CKA = _between_sides(
    lambda x: jnp.sqrt(_cross_energy(x, x)),
    lambda a, b: _cross_energy(a.x, b.x) / (a.norm * b.norm),
)
DEBIASED_CKA = _between_sides(
    lambda x: _unbiased_energy(x, x),
    lambda a, b: _unbiased_energy(a.x, b.x) / jnp.sqrt(a.norm * b.norm),
)
PROCRUSTES = _between_sides(lambda x: jnp.sqrt(jnp.sum(x**2)), _angle)


def _jitted(measure: Pairwise) -> Callable[[Samples, Others], Array]:
    return jax.jit(lambda x, y: measure.score(measure.prepare(x, None), y))


_linear_cka, _debiased_cka, _procrustes_angle = map(_jitted, (CKA, DEBIASED_CKA, PROCRUSTES))


def _partly_whitened(x: Samples, kept: Float[Array, ""]) -> Float[Array, "sample axis"]:
    """Samples of any scale, of which the share `kept` stays and the rest is whitened."""
    x = normed(x)
    variance, axes = principal_axes(x)
    # Directions without variance beyond rounding have no direction to whiten.
    present = variance > variance[0] * max(x.shape) * jnp.finfo(x.dtype).eps
    whitening = jnp.where(present, 1 / jnp.sqrt(jnp.where(present, variance, 1)), 0)
    return (x @ axes) * (kept + (1 - kept) * whitening)[None, :]


@jax.jit
def _shape_angle(x: Samples, y: Others, kept: tuple[Array, Array]) -> Float[Array, ""]:
    x, y = (_partly_whitened(side, share) for side, share in zip((x, y), kept, strict=True))
    return _procrustes_angle(x, y)


def _share_kept(x: Any, alpha: float) -> Any:
    """The share of samples on the scale of `normed` that is not whitened.

    Whitening undoes the scale s of samples: ``alpha s z + (1 - alpha) w(z)``, of which the angle
    takes the direction only. So s enters as a share, however large or small it is.
    """
    if isinstance(x, jax.core.Tracer):
        size = normed_by(x)[1]
    else:
        size = np.float64(balanced_by(np.asarray(x))[1])
    kept = alpha * size
    return kept / (kept + (1 - alpha))


@takes(x=["unit"], y=["unit"])
def linear_cka(x: ArrayLike | xr.DataArray, y: ArrayLike | xr.DataArray) -> Float[Array, ""]:
    r"""Linear centred kernel alignment, :math:`|X'Y|_F^2 / (|X'X|_F |Y'Y|_F)` of centred samples.

    Biased upwards when units outnumber samples: it then tends to 1 for any two populations; see
    `debiased_cka`.

    Parameters
    ----------
    x, y
        Arrays ``(sample, unit)`` of the same samples; labelled ones are matched by their labels.

    Returns
    -------
    Scalar between 0 and 1 (same geometry).

    Raises
    ------
    ValueError
        If the arrays are not matrices of the same samples, are not finite, or do not vary.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton (2019), ICML 97:3519, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 0.5]])
    >>> round(float(linear_cka(x, 3 * x[:, ::-1] + 1)), 3)
    1.0
    """
    return _linear_cka(*pair(x, y))


@takes(x=["unit"], y=["unit"])
def debiased_cka(x: ArrayLike | xr.DataArray, y: ArrayLike | xr.DataArray) -> Float[Array, ""]:
    """Linear CKA from unbiased estimates of its three terms: 0 on average for unrelated samples.

    Can be negative, and is NaN where the samples of one side hold no more structure than chance (an
    unbiased estimate of a squared norm may be negative).

    Parameters
    ----------
    x, y
        Arrays ``(sample, unit)`` of the same samples, four at least.

    Returns
    -------
    Scalar, at most about 1.

    Raises
    ------
    ValueError
        As for `linear_cka`, and for fewer than four samples.

    References
    ----------
    Song et al. (2012), JMLR 13:1393, theorem 5 (unbiased HSIC); Nguyen, Raghu & Kornblith (2021),
    ICLR, section 3 (its use in CKA).
    """
    return _debiased_cka(*pair(x, y, least=4))


@takes(x=["unit"], y=["unit"])
@one_lapack_thread
def procrustes_angle(x: ArrayLike | xr.DataArray, y: ArrayLike | xr.DataArray) -> Float[Array, ""]:
    r"""Angle between two shapes after the best rotation, :math:`\arccos(|X'Y|_* / (|X|_F |Y|_F))`.

    A metric on centred, scaled samples: symmetric, with the triangle inequality, 0 only for shapes
    equal up to rotation, reflection, offset and scale. The smaller population counts as padded with
    silent units. In float32 an angle below about 1e-6 cannot be told from 0; at 0 the gradient is
    finite, but without meaning.

    Parameters
    ----------
    x, y
        Arrays ``(sample, unit)`` of the same samples; labelled ones are matched by their labels.

    Returns
    -------
    Angle [rad] between 0 and pi/2.

    Raises
    ------
    ValueError
        As for `linear_cka`.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34:4738, section 2.
    """
    return _procrustes_angle(*pair(x, y))


@takes(x=["unit"], y=["unit"])
@one_lapack_thread
def shape_angle(
    x: ArrayLike | xr.DataArray, y: ArrayLike | xr.DataArray, *, alpha: float = 1.0
) -> Float[Array, ""]:
    r"""Procrustes angle after whitening each side by :math:`\alpha I + (1-\alpha)(X'X)^{-1/2}`.

    Parameters
    ----------
    x, y
        Arrays ``(sample, unit)`` of the same samples; labelled ones are matched by their labels.
    alpha
        1: `procrustes_angle`. 0: fully whitened, so invariant to any invertible map, as canonical
        correlations are. In between the angle depends on the scale of the data, since the identity
        is blended with an inverse square root of the scatter matrix.

    Returns
    -------
    Angle [rad].

    Raises
    ------
    ValueError
        As for `linear_cka`, and for alpha outside of 0 to 1.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34:4738, section 2.2.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha blends between 0 (whitened) and 1 (not whitened), got {alpha}.")
    x, y = same_rows(x, y)
    z = pair(x, y)
    kept = tuple(jnp.asarray(_share_kept(side, alpha), z[0].dtype) for side in (x, y))
    return _shape_angle(*z, kept)
