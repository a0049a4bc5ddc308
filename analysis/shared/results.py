"""The labelled results of measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels.convention import INFINITE, ordered


def results(
    variables: Mapping[str, tuple],
    coords: Mapping[str, Any] | None = None,
    *,
    kind: str | None = "statistic",
    values: bool = True,
    dims: Sequence[str] = (),
    infinite: Sequence[str] = (),
    **attrs: Any,
) -> xr.Dataset:
    """Results of a measure, built and checked by `neurodyn.labels.dataset`.

    Dims may come in any order; they are put into that of the convention. Infinity is a value of the
    variables named in `infinite`, so that they are checked without it.
    """
    built = labels.dataset(
        {name: _in_order(*column) for name, column in variables.items()},
        coords or {},
        source="analysis",
        kind=kind,
        attrs=attrs,
        dims=dims,
        values=values and not infinite,
    )
    for name in set(infinite) & set(built):
        built[name].attrs[INFINITE] = 1
    if values and infinite:
        labels.check(built)
    return built


def _in_order(dims: str | tuple[str, ...], array: Any, *about: Any) -> tuple:
    if isinstance(dims, str) or (right := ordered(dims)) == tuple(dims):
        return dims, array, *about
    return right, np.transpose(array, [dims.index(dim) for dim in right]), *about


def table(
    variables: Mapping[str, tuple], coords: Mapping[Any, Any] | None = None, **attrs: Any
) -> xr.Dataset:
    """Results ``{name: (dims, values, units, long_name)}`` whose dims stay without labels."""
    columns = {name: described(*column) for name, column in variables.items()}
    return xr.Dataset(columns, coords, {"source": "analysis", "kind": "statistic"} | attrs)


def described(dims: Any, values: Any, units: str, long_name: str) -> tuple:
    """A variable with its attributes, as xarray takes it."""
    return dims, values, {"units": units, "long_name": long_name}


def coords_of(
    data: xr.Dataset | xr.DataArray, dim: str, *, without: Sequence[str] = ()
) -> dict[str, xr.Variable]:
    """The coordinates on a dim alone."""
    return {
        str(name): c.variable
        for name, c in data.coords.items()
        if c.dims == (dim,) and name not in without
    }
