"""Where a label stands along a dim."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.convention import LabelError

__all__ = ["place"]


def place(obj: xr.Dataset | xr.DataArray, dim: str, label: Any = None) -> int:
    """Position of a label along a dim.

    Parameters
    ----------
    obj
        Labelled data.
    dim
        One of its dims.
    label
        One of the labels of `dim`; where `dim` has none, entries count from 0. None: the first.

    Raises
    ------
    LabelError
        If there is no such label, with those that there are.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> labels.place(xr.DataArray([1, 2], {"trial": [7, 9]}, "trial"), "trial", 9)
    1
    """
    if dim not in obj.dims or not obj.sizes[dim]:
        raise LabelError(f"there is no entry along '{dim}': sizes are {dict(obj.sizes)}.")
    if label is None:
        return 0
    known = obj[dim].values  # xarray counts where a dim has no labels
    found = np.flatnonzero(known == label)
    if not found.size:
        shown = ", ".join(map(str, known[:12].tolist())) + ("..." if known.size > 12 else "")
        raise LabelError(f"there is no {dim} {label!r}; the labels of '{dim}' are {shown}.")
    return int(found[0])
