"""Signals of netCDF and Zarr that stay in their file until they are computed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.io.select import select
from neurodyn.io.selection import Selection
from neurodyn.io.stored import Stored, stays
from neurodyn.signals.chunked import chunk_sizes

Labelled = xr.Dataset | xr.DataArray | xr.DataTree


def taken(opened: Labelled, path: Path, selection: Selection) -> Labelled:
    """Take a selection from a file that is open, and read it.

    Parameters
    ----------
    opened
        Object of xarray whose variables are read when they are needed.
    path
        The file. Signals that stay there open it when they are computed.
    selection
        What to take. Its `lazy` says which signals stay.
    """
    kept = _mapped(opened, lambda at, ds: _lazily(ds, at, path, selection.lazy))
    if isinstance(kept, xr.DataArray):
        name = kept.name
        cut: Labelled = select(kept.to_dataset(name="signal"), selection)["signal"].rename(name)
    else:
        cut = select(kept, selection)
    return read_small(cut, selection.lazy)


def read_small(obj: Any, lazy: bool | None) -> Any:
    """Read all of an object of xarray but the signals that are to stay in their file.

    Parameters
    ----------
    obj
        Dataset, DataArray or DataTree.
    lazy
        Whether lazy signals stay so; None: those above 1 GiB.
    """
    return _mapped(obj, lambda _, ds: _read(ds, lazy))


def _mapped(obj: Labelled, change: Callable[[str, xr.Dataset], xr.Dataset]) -> Labelled:
    if isinstance(obj, xr.Dataset):
        return change("", obj)
    if isinstance(obj, xr.DataArray):
        name = "values" if obj.name in (None, *obj.coords) else str(obj.name)
        return change("", obj.to_dataset(name=name))[name].rename(obj.name)
    nodes = {node.path: change(node.path, node.to_dataset(inherit=False)) for node in obj.subtree}
    return xr.DataTree.from_dict(nodes, name=obj.name)


def _lazily(ds: xr.Dataset, node: str, path: Path, lazy: bool | None) -> xr.Dataset:
    """Large signals of a group as dask arrays that do not need the open file."""
    for name, variable in ds.data_vars.items():
        kept = stays(variable.nbytes, lazy)
        if not kept or "time" not in variable.dims or variable.dtype.kind not in "fiu":
            continue
        array = _dask(path, f"{node.strip('/')}/{name}".strip("/"), variable.dims)
        if (array.shape, array.dtype) == (variable.shape, variable.dtype):  # else it is encoded
            ds = ds.assign({name: (variable.dims, array, variable.attrs)})
    return ds


def _dask(path: Path, name: str, dims: Sequence[Any]) -> Any:
    if path.is_dir():
        import dask.array
        import zarr

        stored = zarr.open_array(str(path.absolute()), path=name, mode="r")
        names = [str(dim) for dim in dims]
        within = dict(zip(names, stored.chunks, strict=True)) if len(names) == stored.ndim else {}
        sizes = chunk_sizes(names, stored.shape, stored.dtype.itemsize, within)
        return dask.array.from_zarr(stored, chunks=tuple(sizes.values()))
    import h5py

    with h5py.File(path, "r") as file:
        return Stored(file[name]).lazy(reopen=True)


def _read(ds: xr.Dataset, lazy: bool | None) -> xr.Dataset:
    """Read all of a group but the signals that stay in the file."""
    for variable in ds.variables.values():
        if variable.chunks is None or not stays(variable.nbytes, lazy):
            variable.load()
    return ds
