"""The points of a sweep in rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurodyn.sweeps.parts import RECORD
from neurodyn.sweeps.store import STATES

if TYPE_CHECKING:
    import pandas as pd


def table(result: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    """One row for every point of a sweep.

    Parameters
    ----------
    result
        Result of :func:`neurodyn.sweep`.

    Returns
    -------
    pandas.DataFrame
        Columns: those of the grid and the seed, ``state`` ("done", "failed", "waiting"),
        ``seconds``, ``attempts``, ``error``, then every result that is a single value and, of an
        experiment, the rows of its summary, as text. Where a result or a dim is called ``state``,
        the column of the sweep is ``point_state``, and so on.

    Raises
    ------
    ValueError
        If it is no result of a sweep.
    """
    root = result.to_dataset() if isinstance(result, xr.DataTree) else result
    if not isinstance(root, xr.Dataset) or f"{RECORD}state" not in root:
        raise ValueError("table takes the result of neurodyn.sweep, which holds 'point_state'.")
    state = root[f"{RECORD}state"]
    kind, message = (root[f"{RECORD}{name}"].values.ravel() for name in ("error_type", "error"))
    records = {
        "state": np.asarray(STATES)[state.values.ravel().astype(int)],
        "seconds": root[f"{RECORD}seconds"].values.ravel(),
        "attempts": root[f"{RECORD}attempts"].values.ravel(),
        "error": [f"{k}: {m}" if k else "" for k, m in zip(kind, message, strict=True)],
    }
    columns = {}
    for name, variable in root.data_vars.items():
        if set(variable.dims) == set(state.dims) and not str(name).startswith(RECORD):
            columns[str(name)] = variable.transpose(*state.dims).values.ravel()
    if f"{RECORD}summary" in root:
        rows = [json.loads(str(one) or "{}") for one in root[f"{RECORD}summary"].values.ravel()]
        for name in dict.fromkeys(name for row in rows for name in row):
            own = f"summary_{name}" if name in columns else name
            columns[own] = [row.get(name, "") for row in rows]
    import pandas as pd

    labels = np.meshgrid(*(root[dim].values for dim in state.dims), indexing="ij")
    dims = {str(dim): x.ravel() for dim, x in zip(state.dims, labels, strict=True)}
    taken = {*dims, *columns}
    named = {f"{RECORD}{k}" if k in taken else k: values for k, values in records.items()}
    return pd.DataFrame(dims | named | columns)
