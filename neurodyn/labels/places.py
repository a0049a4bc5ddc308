"""The position of a label along a dim, and the entry with that label."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.convention import LabelError

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def place(obj: xr.Dataset | xr.DataArray, dim: str, label: Any = None) -> int:
    """Position of a label along a dim.

    Parameters
    ----------
    obj
        Labelled data.
    dim
        One of its dims.
    label
        One of the labels of `dim`; if it has none, a number from 0 on. None: the first entry.

    Raises
    ------
    LabelError
        If there is no such label; the error lists those of the dim.

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


def entry(obj: _Labelled, dim: str, label: Any = None) -> _Labelled:
    """Select the entry with a label along a dim; the dim is dropped.

    Parameters
    ----------
    obj
        Labelled data; or a single entry of them, which is returned if its label is `label`.
    dim
        Name of the dim.
    label
        As in `place`; None: the first, or the only one.

    Raises
    ------
    LabelError
        If there is no such label, or the single entry has another label or none.

    Examples
    --------
    >>> from neurodyn import labels
    >>> import xarray as xr
    >>> x = xr.DataArray([1, 2], {"trial": [7, 9]}, "trial")
    >>> int(labels.entry(x, "trial", 9)), int(labels.entry(x.isel(trial=1), "trial", 9))
    (2, 2)
    """
    if dim in obj.dims:
        return obj.isel({dim: place(obj, dim, label)})
    if label is None:
        return obj
    if dim not in obj.coords:
        raise LabelError(
            f"there is no {dim} {label!r}: the data have neither a dim nor a label "
            f"'{dim}'. Leave out {dim}=, or select before with a list of one."
        )
    if obj[dim].item() != label:
        raise LabelError(
            f"there is no {dim} {label!r}: the data hold {dim} {obj[dim].item()!r} alone."
        )
    return obj
