"""How alike two populations represent the same conditions and times.

The functions take arrays ``(sample, unit)`` whose samples (conditions x times) correspond; the
numbers of units may differ. `cka` and `procrustes` take labelled data. All are invariant to
rotations, reflections, offsets and overall scale of either side, and can be differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.populations.pca import principal_axes
from neurodyn.analysis.shared.arrays import centred, normed, pair, pick, samples
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.labels import LabelError, match
from neurodyn.labels.matching import shared_coords
from neurodyn.labels.only import takes
from neurodyn.labels.roles import OUTCOMES, conditions

__all__ = ["cka", "debiased_cka", "linear_cka", "procrustes", "procrustes_angle", "shape_angle"]

Samples = Float[Array, "sample unit"]
Others = Float[Array, "sample other"]


class Side(NamedTuple):
    """One side of a comparison: centred samples, and what depends on this side alone."""

    x: Samples
    norm: Float[Array, ""]


def _cross_energy(x: Samples, y: Others) -> Float[Array, ""]:
    """``|x'y|_F^2``, through units or samples, whichever are fewer."""
    (n, p), q = x.shape, y.shape[1]
    if n * (p + q) < p * q:
        return jnp.sum((x @ x.T) * (y @ y.T))
    return jnp.sum((x.T @ y) ** 2)


def _unbiased_energy(x: Samples, y: Others) -> Float[Array, ""]:
    # The unbiased HSIC drops the diagonals of both kernels. Centring first leaves it unchanged (it
    # ignores terms a_i + a_j) and turns its sums over kernels into sums over units.
    n = x.shape[0]
    a, b = jnp.sum(x**2, axis=1), jnp.sum(y**2, axis=1)
    ab = jnp.sum(a * b)
    return _cross_energy(x, y) - ab + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * ab / (n - 2)


def cka_side(x: Samples) -> Side:
    """Prepare one side for `cka_score`."""
    x = normed(x)
    return Side(x, _cross_energy(x, x))


def cka_score(a: Side, y: Others) -> Float[Array, ""]:
    """Linear CKA of a prepared side with samples `y`."""
    b = cka_side(y)
    return _cross_energy(a.x, b.x) / (jnp.sqrt(a.norm) * jnp.sqrt(b.norm))


def debiased_side(x: Samples) -> Side:
    """Prepare one side for `debiased_score`."""
    x = normed(x)
    return Side(x, _unbiased_energy(x, x))


def debiased_score(a: Side, y: Others) -> Float[Array, ""]:
    """Debiased CKA of a prepared side with samples `y`."""
    b = debiased_side(y)
    return _unbiased_energy(a.x, b.x) / jnp.sqrt(a.norm * b.norm)


def procrustes_side(x: Samples) -> Side:
    """Prepare one side for `procrustes_score`."""
    x = normed(x)
    return Side(x, jnp.sqrt(jnp.sum(x**2)))


def procrustes_score(a: Side, y: Others) -> Float[Array, ""]:
    """Procrustes angle of a prepared side with samples `y`."""
    b = procrustes_side(y)
    aligned = jnp.linalg.svd(a.x.T @ b.x, compute_uv=False).sum()
    # Rounding may carry the cosine of equal shapes beyond 1.
    return jnp.arccos(jnp.clip(aligned / (a.norm * b.norm), -1, 1))


def _partly_whitened(x: Samples, alpha: Float[Array, ""]) -> Float[Array, "sample axis"]:
    variance, axes = principal_axes(centred(x))
    # Directions without variance beyond rounding have no direction to whiten.
    present = variance > variance[0] * max(x.shape) * jnp.finfo(x.dtype).eps
    whitening = jnp.where(present, 1 / jnp.sqrt(jnp.where(present, variance, 1)), 0)
    return (centred(x) @ axes) * (alpha + (1 - alpha) * whitening)[None, :]


_linear_cka = jax.jit(lambda x, y: cka_score(cka_side(x), y))
_debiased_cka = jax.jit(lambda x, y: debiased_score(debiased_side(x), y))
_procrustes_angle = jax.jit(lambda x, y: procrustes_score(procrustes_side(x), y))


@jax.jit
def _shape_angle(x: Samples, y: Others, alpha: Float[Array, ""]) -> Float[Array, ""]:
    return _procrustes_angle(_partly_whitened(x, alpha), _partly_whitened(y, alpha))


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
    silent units. In float32 an angle below about 5e-4 cannot be told from 0.

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
    x, y = pair(x, y, scale=False)
    return _shape_angle(x, y, jnp.asarray(alpha, dtype=x.dtype))


def _labelled(function, a, b, by, name: str | None, **attrs) -> xr.DataArray:
    a, b = pick(a, name, what="a"), pick(b, name, what="b")
    if by is not None:
        by = [by] if isinstance(by, str) else list(by)
        a, b = condition_means(a, by, what="a"), condition_means(b, by, what="b")
    dims = [str(dim) for dim in a.dims if dim != "unit"]
    for dim in dims:
        try:
            a, b = match(a, b, dim, by=by if dim == "condition" and by else None)
        except LabelError as error:
            raise LabelError(f"{error}{_advice(a, b) if dim == 'trial' else ''}") from None
    b = b.transpose(*a.dims)
    value = function(samples(a, what="a"), samples(b, what="b"))
    attrs |= {"n_units": [a.sizes["unit"], b.sizes["unit"]], "by": ", ".join(by or [])}
    return xr.DataArray(float(value), attrs=attrs)


def _advice(a: xr.DataArray, b: xr.DataArray) -> str:
    """What else may be compared where trials are not the same."""
    shared = conditions(a) or [n for n in shared_coords(a, b, "trial") if n not in OUTCOMES]
    names = [n for n in shared if n in b.coords]
    return f" Or compare the means of conditions, by={names}." if names else ""


def cka(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    *,
    by: str | Sequence[str] | None = None,
    debiased: bool = False,
    variable: str | None = None,
) -> xr.DataArray:
    """Linear CKA of two labelled populations.

    Parameters
    ----------
    a, b
        Data with dim ``unit`` and the same labels along all other dims (conditions by their
        coordinates, times within 1e-6 ms). Single trials are compared trial by trial; what runs
        came to (`choice`, `rt`) may differ. `compare` brings trials and time axes together.
    by
        Labels of trials that make a condition: the means of conditions are compared instead.
    debiased
        Whether to use `debiased_cka`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    """
    return _labelled(
        debiased_cka if debiased else linear_cka,
        a,
        b,
        by,
        variable,
        units="1",
        long_name="debiased linear CKA" if debiased else "linear CKA",
    )


def procrustes(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    *,
    by: str | Sequence[str] | None = None,
    alpha: float = 1.0,
    variable: str | None = None,
) -> xr.DataArray:
    """Procrustes angle of two labelled populations.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    alpha
        As for `shape_angle`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray [rad].

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    """
    return _labelled(
        lambda x, y: procrustes_angle(x, y) if alpha == 1 else shape_angle(x, y, alpha=alpha),
        a,
        b,
        by,
        variable,
        units="rad",
        long_name="Procrustes angle",
        alpha=float(alpha),
    )
