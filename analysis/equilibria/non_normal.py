"""How far linear dynamics are from normal ones, whose modes are orthogonal."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.jacobians import jacobians_of
from neurodyn.analysis.equilibria.modes import growth_of, modes_of
from neurodyn.analysis.shared.signs import positive

#: Largest entry below the blocks of a Schur form, relative to the matrix, that counts as rounding.
_BELOW = 1e-12


def non_normality(linear: xr.Dataset) -> xr.Dataset:
    r"""How far linear dynamics are from normal, with the feedforward part of their Schur form.

    The modes of a normal matrix are orthogonal, and each decays or grows for itself. Otherwise one
    mode feeds others, and activity may grow for a while though all modes decay. All measures but
    the growth rates are 0 (the condition 1) for normal matrices only, and none depends on the
    basis, as long as it is orthonormal.

    Parameters
    ----------
    linear
        Result of :func:`linearise`, :func:`fixed_points` or :func:`local_linear`, with Jacobians J.

    Returns
    -------
    Dataset on the dims of the points (here ``...``):

    ``departure`` (...)
        Henrici's departure from normality,
        :math:`\sqrt{\|J\|_F^2 - \sum_i |\lambda_i|^2}` [units of J]: the size of the feedforward
        part.
    ``relative_departure`` (...)
        The same over :math:`\|J\|_F`, from 0 (normal) to 1 (feedforward only); 0 where J is 0.
    ``initial_growth_rate`` (...)
        Largest growth rate at the first moment, over all directions: of flows the numerical
        abscissa [1/ms], the largest eigenvalue of :math:`(J + J^T) / 2`; of maps the logarithm of
        the largest singular value, per step.
    ``final_growth_rate`` (...)
        Growth rate of the fastest mode, which remains in the end [1/ms, or per step]. Where it is
        negative and the initial one positive, activity grows before it decays.
    ``eigenvector_condition`` (...)
        Condition number of the eigenvectors, which bounds transient growth; NaN where they are
        no basis.
    ``schur`` (..., source, component), ``schur_vectors`` (..., unit, component)
        Real Schur form: orthonormal axes, and how much the axis of ``source`` drives that of
        ``component``. A later axis drives earlier ones, but is not driven by them, except in pairs
        of complex eigenvalues. The fastest growing mode is first; where eigenvectors are no basis,
        in no particular order.

    Raises
    ------
    TypeError, LabelError
        If `linear` has no Jacobians, or they are not finite.

    References
    ----------
    Henrici, "Bounds for iterates, inverses, spectral variation and fields of values of non-normal
    matrices", Numer. Math. 1962. Trefethen & Embree, Spectra and Pseudospectra, 2005. Murphy &
    Miller, "Balanced amplification", Neuron 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> W = np.array([[0, 5], [0, 0]], "float32")  # unit 0 drives unit 1
    >>> model = models.CTRNN(1, 2, 1, tau=10.0, W=W, key=0)
    >>> found = analysis.non_normality(analysis.linearise(model, np.zeros(2)))
    >>> float(found["departure"].round(3)), float(found["initial_growth_rate"].round(3))
    (0.5, 0.15)
    """
    stack = jacobians_of(linear)
    J = stack.matrix
    modes = modes_of(J, stack.is_map)
    squares = (J**2).sum((1, 2))
    departure = np.sqrt(np.maximum(squares - (np.abs(modes.values) ** 2).sum(1), 0.0))
    relative = np.divide(departure, np.sqrt(squares), np.zeros_like(departure), where=squares > 0)
    with np.errstate(divide="ignore"):
        if stack.is_map:
            first = np.log(np.linalg.norm(J, 2, (1, 2)))
        else:
            first = np.linalg.eigvalsh((J + J.swapaxes(1, 2)) / 2)[:, -1]
        condition = np.linalg.cond(modes.right)
    last = growth_of(modes.values, stack.is_map).max(1)
    condition[np.isnan(modes.left).any((1, 2))] = np.nan
    form, axes = ordered_schur(J, modes.values, modes.right)
    unit, per = ("1", "1") if stack.is_map else ("1/ms", "1/ms")
    D, C = stack.dim, "component"
    return stack.labelled(
        {
            "departure": ((), departure, unit, "departure from normality"),
            "relative_departure": ((), relative, "1", "relative departure from normality"),
            "initial_growth_rate": ((), first, per, "largest growth rate at first"),
            "final_growth_rate": ((), last, per, "growth rate of the fastest mode"),
            "eigenvector_condition": ((), condition, "1", "condition number of the eigenvectors"),
            "schur": (("source", C), form.swapaxes(1, 2), unit, "real Schur form"),
            "schur_vectors": ((D, C), axes, "1", "axes of the Schur form"),
        },
        dims=("source",),
    )


def ordered_schur(
    J: Float[np.ndarray, "point d d"], values: np.ndarray, right: np.ndarray
) -> tuple[Float[np.ndarray, "point d d"], Float[np.ndarray, "point d d"]]:
    """Real Schur forms and their axes as columns, in the order of given eigenvectors.

    Eigenvectors made orthonormal, one after the other, are the axes. Where they are no basis, or
    nearly, LAPACK's own order is taken, because its algorithm needs no basis.
    """
    paired = values.imag != 0
    second = values.imag < 0  # of a pair the one with the positive frequency is first
    basis = np.where((paired & second)[:, None, :], np.roll(right, 1, -1).imag, right.real)
    axes = positive(np.linalg.qr(basis)[0], 1)
    form = axes.swapaxes(1, 2) @ J @ axes
    inside = np.zeros_like(form, bool)
    i = np.arange(1, J.shape[-1])
    inside[:, i, i - 1] = second[:, 1:]
    below = np.tril(np.where(inside, 0.0, form), -1)
    size = np.linalg.norm(J, axis=(1, 2))
    bad = np.abs(below).max((1, 2), initial=0.0) > _BELOW * size
    form = form - below
    if bad.any():
        axes[bad] = positive(scipy.linalg.schur(J[bad], output="real")[1], 1)
        form[bad] = _hessenberg(axes[bad].swapaxes(1, 2) @ J[bad] @ axes[bad])
    return form, axes


def _hessenberg(form: Float[np.ndarray, "point d d"]) -> Float[np.ndarray, "point d d"]:
    """Without what is below the blocks of a Schur form, which is rounding there."""
    size = np.linalg.norm(form, axis=(1, 2))[:, None, None]
    below = np.tril(form, -1)
    return form - np.where(np.abs(below) <= _BELOW * size, below, 0.0)
