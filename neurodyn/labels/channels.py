"""Pair channels (outputs, units, latents) that two objects hold on dims of different names."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.pairing import like, pair


def pair_channels(
    a: xr.DataArray,
    b: xr.DataArray,
    dim: str,
    other: str,
    *,
    positions: bool = False,
    what: tuple[str, str] = ("first", "second"),
) -> xr.DataArray:
    """Bring the channels of `b` into the order of those of `a`, on the dim of `a`.

    The channels of a model lie on `output` with labels that are text, whatever the dim of the data
    is. Channels are matched by their labels.

    Parameters
    ----------
    a, b
        Labelled arrays.
    dim, other
        Dim of the channels in `a` and in `b`.
    positions
        Whether a side without labels is accepted; its channels are then in the order of the labels
        of the other side.
    what
        Names of the two in errors, after "the".

    Raises
    ------
    LabelError
        If channels differ, or one side has no labels.
    """
    if other != dim:
        b = b.drop_vars(dim, errors="ignore").rename({other: dim})
    mine, theirs = _names(a, dim), _names(b, dim)
    if positions and (dim in mine.coords) != (dim in theirs.coords) and mine.size == theirs.size:
        labelled, bare = (mine, theirs) if dim in mine.coords else (theirs, mine)
        numbered = like(bare.values, labelled, what=("labelled side", "other"))
        mine, theirs = (mine, numbered) if bare is theirs else (numbered, theirs)
    if len({x[dim].dtype.kind for x in (mine, theirs) if dim in x.coords}) > 1:
        mine, theirs = (_as_text(x, dim) for x in (mine, theirs))
    b = b.isel({dim: pair(mine, theirs, what=what)[1].values})
    return b.assign_coords({dim: a[dim].variable}) if dim in a.coords else b


def _names(array: xr.DataArray, dim: str) -> xr.DataArray:
    """Positions of the channels, with their labels."""
    coords: dict[str, Any] = {dim: array[dim].variable} if dim in array.coords else {}
    return xr.DataArray(np.arange(array.sizes[dim]), coords, [dim])


def _as_text(names: xr.DataArray, dim: str) -> xr.DataArray:
    return (
        names.assign_coords({dim: names[dim].values.astype(str)}) if dim in names.coords else names
    )
