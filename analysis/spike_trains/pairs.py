"""Labels of pairs: the second dim of a matrix of units or of trials."""

from __future__ import annotations

import xarray as xr

from neurodyn.labels.convention import SPIKE_KEYS


def partners(data: xr.Dataset | xr.DataArray, dim: str) -> dict[str, xr.Variable]:
    """The labels of ``unit`` (or ``trial``) as those of ``unit_to``, the second of a pair.

    Other coordinates of the first, such as areas, are given as ``NAME_to``.
    """
    return {
        f"{name}_to": xr.Variable(f"{dim}_to", c.values, c.attrs)
        for name, c in data.coords.items()
        if c.dims == (dim,) and name not in SPIKE_KEYS.values()
    }
