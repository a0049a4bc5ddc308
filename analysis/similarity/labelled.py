"""How alike two labelled populations represent the same conditions and times."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from neurodyn.analysis.shared.arrays import pick, samples
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.analysis.similarity.alignment import (
    debiased_cka,
    linear_cka,
    procrustes_angle,
    shape_angle,
)
from neurodyn.labels import LabelError, match
from neurodyn.labels.matching import shared_coords
from neurodyn.labels.roles import OUTCOMES, conditions


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
    """Hint for an error: conditions whose means can be compared where trials differ."""
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
        coordinates, times within 1e-6 ms). Single trials are compared trial by trial; outcomes
        (`choice`, `rt`) may differ. `compare` brings trials and time axes together.
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
