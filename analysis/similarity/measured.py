"""Two labelled populations brought onto the same samples, and a measure of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import xarray as xr

from neurodyn.analysis.shared.arrays import pick, samples
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.analysis.shared.moments import moments, streams, surrogate
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
    by_chunks: Callable[[xr.DataArray, xr.DataArray], Any] | bool = False,
    **attrs: Any,
) -> xr.DataArray:
    """Compute a measure of two populations in double precision, and label it.

    Parameters
    ----------
    function
        Of two arrays ``(sample, unit)`` of the same samples.
    a, b, by, variable
        As of `neurodyn.analysis.cka`.
    by_chunks
        How it is computed of data in chunks: True if the function knows the samples by the sums of
        products of their units alone, so that these are summed chunk by chunk; or a function of the
        two labelled arrays. False: all samples are needed at once.
    **attrs
        Attributes of the result.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    """
    a, b, by = matched(a, b, by, variable, streams=bool(by_chunks))
    with jax.enable_x64(True):
        if not (by_chunks and streams(a, b)):
            value = float(function(samples(a, what="a"), samples(b, what="b")))
        elif callable(by_chunks):
            value = float(by_chunks(a, b))
        else:
            found = moments(a, b, names=("a", "b"))
            value = float(function(*surrogate(found, a.sizes["unit"])))
    attrs |= {"n_units": [a.sizes["unit"], b.sizes["unit"]], "by": ", ".join(by)}
    return xr.DataArray(value, attrs=attrs)


def matched(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None,
    variable: str | None,
    *,
    streams: bool = False,
) -> tuple[xr.DataArray, xr.DataArray, list[str]]:
    """Activity of two populations with the same labels along all dims but ``unit``.

    Also the labels of trials over which both were averaged, if any.

    Raises
    ------
    LabelError
        If labels differ.
    """
    streams = streams or by is not None  # averages read chunks one after the other
    a, b = (pick(v, variable, what=n, streams=streams) for v, n in ((a, "a"), (b, "b")))
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
