"""How alike two arrays of samples are: CKA, Procrustes and shape angles.

The functions take arrays ``(sample, unit)`` whose samples (conditions x times) correspond; the
numbers of units may differ. All are invariant to rotations, reflections, offsets and the overall
scale of either side, and can be differentiated.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import pair, same_rows
from neurodyn.analysis.shared.scaling import balanced_by, normed, normed_by
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.analysis.similarity.grid import Similarity
from neurodyn.analysis.similarity.kernels import Samples, factors, whitened
from neurodyn.analysis.similarity.shapes import refuse_blend, refuse_spanned
from neurodyn.labels.only import takes

CKA = Similarity()
DEBIASED_CKA = Similarity(centre="song")
PROCRUSTES = Similarity(compare="bures", report="angle")


@jax.jit
def _shape_angle(x: Samples, y: Samples, kept: tuple[Array, Array]) -> Float[Array, ""]:
    sides = []
    for side, share in zip((x, y), kept, strict=True):
        plain, white = factors(normed(side), whitened())
        sides.append(share * plain + (1 - share) * white)
    return PROCRUSTES.score(PROCRUSTES.prepare(sides[0]), sides[1])


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


@takes(True, x=["unit"], y=["unit"])
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
    return CKA(*same_rows(x, y))


@takes(True, x=["unit"], y=["unit"])
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
    return DEBIASED_CKA(*same_rows(x, y))


@takes(True, x=["unit"], y=["unit"])
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
    return PROCRUSTES(*same_rows(x, y))


@takes(True, x=["unit"], y=["unit"])
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
        As for `linear_cka`, for alpha outside of 0 to 1, and for alpha 0 where the units of one
        side span every pattern, so that the angle would be the same for any data.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34:4738, section 2.2.
    """
    refuse_blend(alpha)
    x, y = same_rows(x, y)
    z = pair(x, y, least=3)
    for side, what in zip((x, y), "xy", strict=True):
        if alpha == 0:
            refuse_spanned(side, what)
    kept = tuple(jnp.asarray(_share_kept(side, alpha), z[0].dtype) for side in (x, y))
    return _shape_angle(*z, kept)
