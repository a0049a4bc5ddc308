"""What a sweep returns: its store, as labelled data."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import xarray as xr

from neurodyn.sweeps.parts import as_text
from neurodyn.sweeps.store import DONE, FAILED, LAYOUT

#: Results up to this size are loaded [bytes].
_SMALL = 2**26


def opened(path: Path) -> xr.Dataset | xr.DataTree:
    """The results in a store; large ones are read when they are used."""
    tree = xr.open_datatree(path, engine="zarr", consolidated=False, chunks=None)
    small = sum(node.to_dataset(inherit=False).nbytes for node in tree.subtree) <= _SMALL
    if small:
        tree = tree.load()
    nodes = {node.path: _as_text(node.to_dataset(inherit=False)) for node in tree.subtree}
    root = nodes["/"]
    states = np.asarray(root["point_state"].values)
    root.attrs.pop(LAYOUT, None)
    root.attrs |= {
        "n_points": math.prod(states.shape),
        "n_done": int((states == DONE).sum()),
        "n_failed": int((states == FAILED).sum()),
    }
    return xr.DataTree.from_dict(nodes) if len(nodes) > 1 else root


def _as_text(ds: xr.Dataset) -> xr.Dataset:
    """A Dataset whose text has NumPy's own type, as all of the library has."""
    found = {
        name: (variable.dims, as_text(variable.values), variable.attrs)
        for name, variable in ds.variables.items()
        if variable.dtype.kind in "TO"
    }
    return ds.assign_coords({n: v for n, v in found.items() if n in ds.coords}).assign(
        {n: v for n, v in found.items() if n not in ds.coords}
    )
