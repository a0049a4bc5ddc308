"""What a sweep returns: its store, as labelled data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from neurodyn.sweeps.needs import needed
from neurodyn.sweeps.parts import RECORD, as_text
from neurodyn.sweeps.store import DONE, FAILED, LAYOUT, open_group

#: Results up to this size are loaded [bytes].
_SMALL = 2**26


def read(path: str | Path) -> xr.Dataset | xr.DataTree:
    """Read the results of a sweep, also of one that is running.

    Parameters
    ----------
    path
        Folder of the store.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        What :func:`neurodyn.sweep` returns. Results above 64 MB stay in the store until they are
        used.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds something else.
    ImportError
        If Zarr is missing: ``pip install 'neurodyn[sweep]'``.

    Examples
    --------
    >>> from neurodyn import sweeps
    >>> found = sweeps.read("sweep.zarr")  # doctest: +SKIP
    """
    needed("zarr")
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no sweep at {path}.")
    open_group(path, writing=False)
    tree = xr.open_datatree(path, engine="zarr", consolidated=False, chunks=None)
    nodes = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    small = sum(ds.nbytes for ds in nodes.values()) <= _SMALL
    nodes = {at: _ordered(ds.load() if small else ds) for at, ds in sorted(nodes.items())}
    root = nodes["/"]
    states = root["point_state"].values
    root.attrs.pop(LAYOUT, None)
    n_done, n_failed = int((states == DONE).sum()), int((states == FAILED).sum())
    root.attrs |= {"n_points": states.size, "n_done": n_done, "n_failed": n_failed}
    if n_done < states.size:
        for ds in nodes.values():
            ds.attrs["gaps"] = 1  # NaN marks what is not there
    return xr.DataTree.from_dict(nodes) if len(nodes) > 1 else root


def _ordered(ds: xr.Dataset) -> xr.Dataset:
    """A Dataset with its results before the records, and text in NumPy's own type."""
    names = sorted(map(str, ds.data_vars), key=lambda name: (name.startswith(RECORD), name))
    found = ds[names]
    for name, variable in ds.variables.items():
        if variable.dtype.kind in "TO":
            text = xr.Variable(variable.dims, as_text(np.asarray(variable.values)), variable.attrs)
            found = (
                found.assign_coords({name: text})
                if name in ds.coords
                else found.assign({name: text})
            )
    return found.assign_attrs(ds.attrs)
