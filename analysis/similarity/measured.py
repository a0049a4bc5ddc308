"""Two labelled populations brought onto the same samples, and a measure of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import xarray as xr

from neurodyn.analysis.shared.arrays import pick, samples
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.labels import LabelError, match
from neurodyn.labels.matching import shared_coords
from neurodyn.labels.roles import OUTCOMES, conditions

Population = xr.Dataset | xr.DataArray


def measured(
    function: Callable[[Any, Any], Any],
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None,
    variable: str | None,
    **attrs: Any,
) -> xr.DataArray:
    """Compute a measure of two populations in double precision, and label it.

    Parameters
    ----------
    function
        Of two arrays ``(sample, unit)`` of the same samples.
    a, b, by, variable
        As of `neurodyn.analysis.cka`.
    **attrs
        Attributes of the result.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    """
    a, b, by = matched(a, b, by, variable)
    with jax.enable_x64(True):
        value = float(function(samples(a, what="a"), samples(b, what="b")))
    attrs |= {"n_units": [a.sizes["unit"], b.sizes["unit"]], "by": ", ".join(by)}
    return xr.DataArray(value, attrs=attrs)


def matched(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None,
    variable: str | None,
) -> tuple[xr.DataArray, xr.DataArray, list[str]]:
    """Activity of two populations with the same labels along all dims but ``unit``.

    Also the labels of trials over which both were averaged, if any.

    Raises
    ------
    LabelError
        If labels differ.
    """
    a, b = pick(a, variable, what="a"), pick(b, variable, what="b")
    if by is not None:
        by = [by] if isinstance(by, str) else list(by)
        a, b = condition_means(a, by, what="a"), condition_means(b, by, what="b")
    dims = [str(dim) for dim in a.dims if dim != "unit"]
    for dim in dims:
        try:
            a, b = match(a, b, dim, by=by if dim == "condition" and by else None)
        except LabelError as error:
            raise LabelError(f"{error}{_advice(a, b) if dim == 'trial' else ''}") from None
    return a, b.transpose(*a.dims), list(by or [])


def _advice(a: xr.DataArray, b: xr.DataArray) -> str:
    """Hint for an error: conditions whose means can be compared where trials differ."""
    shared = conditions(a) or [n for n in shared_coords(a, b, "trial") if n not in OUTCOMES]
    names = [n for n in shared if n in b.coords]
    return f" Or compare the means of conditions, by={names}." if names else ""
