"""Labelled data in netCDF and Zarr, identical after a round trip."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.atomic import atomic_path
from neurodyn.io.lazy import taken
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError
from neurodyn.spikes.combine import from_positions

SUFFIXES = (".nc", ".zarr")
HDF5 = b"\x89HDF\r\n\x1a\n"
#: Attribute at the root with the type of the saved object, which the formats do not store.
_MARK = "neurodyn_saved"

Labelled = xr.Dataset | xr.DataArray | xr.DataTree


def write(path: Path, obj: Labelled, *, overwrite: bool) -> None:
    """Write to netCDF or Zarr, by the extension of the name.

    Raises
    ------
    ValueError
        If the extension is neither, or the format cannot hold the data.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"labelled data are saved as netCDF or Zarr: call the file '{path.stem}.nc' or "
            f"'{path.stem}.zarr', not '{path.name}'."
        )
    tree = _as_tree(obj)
    _check_names(tree, path)
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            if suffix == ".nc":
                tree.to_netcdf(temporary, engine="h5netcdf", format="NETCDF4")
            else:
                _import_zarr()
                # Format 2, since 3 has no settled way to hold text.
                tree.to_zarr(temporary, consolidated=False, zarr_format=2)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise ValueError(
                f"'{path.name}' cannot hold these data ({error}). neurodyn.labels.check lists "
                "their mistakes."
            ) from error


def recognises(path: Path) -> bool:
    """Whether something is netCDF or Zarr, by its content."""
    if path.is_dir():
        return any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zattrs"))
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(8) == HDF5 or path.suffix.lower() == ".nc"


def read(path: Path, selection: Selection | None = None) -> Labelled:
    """Read a file, in the present convention.

    Parameters
    ----------
    path
        The file.
    selection
        What to read of it; large signals then stay in the file. None: everything, into memory.

    Raises
    ------
    FileFormatError
        If the file is damaged, or HDF5 of another kind.
    """
    engine = "zarr" if path.is_dir() else "h5netcdf"
    if engine == "zarr":
        _import_zarr()
        options: dict[str, Any] = {"consolidated": False}
    else:
        _refuse_other_hdf5(path)
        options = {}
    try:
        with xr.open_datatree(path, engine=engine, decode_timedelta=False, **options) as tree:
            if selection is None:
                return _from_tree(tree.load())
            return taken(_from_tree(tree), path, selection)
    except LabelError:
        raise
    except Exception as error:  # h5netcdf, zarr and xarray raise errors of many types
        raise FileFormatError(
            f"'{path}' is damaged or truncated ({type(error).__name__}: {error}). Copy or write it "
            "again."
        ) from error


def _as_tree(obj: Labelled) -> xr.DataTree:
    """The object as a tree that netCDF and Zarr can hold, with a mark of its type."""
    mark: dict[str, Any] = {"type": type(obj).__name__}
    if isinstance(obj, xr.DataArray):
        mark["name"] = obj.name
        obj = obj.to_dataset(name="values" if obj.name in (None, *obj.coords) else obj.name)
        mark["variable"] = next(iter(obj.data_vars))
    tree = xr.DataTree(obj) if isinstance(obj, xr.Dataset) else obj.copy()
    lists: dict[str, dict[str, list]] = {}
    nodes = {}
    for node in tree.subtree:
        ds = node.to_dataset(inherit=False).copy()  # its attrs are changed below
        for name, attrs in _all_attrs(ds):
            short = [k for k, v in attrs.items() if isinstance(v, (list, tuple)) and len(v) < 2]
            if short:  # a list of one comes back as its item, an empty one not at all
                lists[f"{node.path}:{name}"] = {k: list(attrs[k]) for k in short}
                for k in short:
                    del attrs[k]
        for variable in ds.variables.values():
            variable.encoding = {"_FillValue": None} if variable.dtype.kind == "f" else {}
        nodes[node.path] = ds
    nodes["/"].attrs[_MARK] = json.dumps(mark | {"lists": lists, "root": tree.name})
    return xr.DataTree.from_dict(nodes)


def _check_names(tree: xr.DataTree, path: Path) -> None:
    """Refuse names that netCDF would store but not give back."""
    for node in tree.subtree:
        above = {str(dim) for parent in node.parents for dim in parent.to_dataset(False).dims}
        for name, variable in node.to_dataset(False).variables.items():
            if name in above and name not in variable.dims:
                raise ValueError(
                    f"'{path.name}' cannot hold '{node.path}/{name}': groups above have a dim of "
                    f"that name, and it has dims {variable.dims}. Rename it, or leave it out with "
                    f".drop_vars({name!r})."
                )


def _from_tree(tree: xr.DataTree) -> Labelled:
    mark = json.loads(tree.attrs.get(_MARK, "{}"))
    lists = mark.get("lists", {})
    nodes = {}
    for node in tree.subtree:
        ds = node.to_dataset(inherit=False)
        ds.attrs.pop(_MARK, None)
        # Not by Dataset.map, which loses coords that no variable uses (units without a spike).
        ds = ds.assign({n: _plain_text(v) for n, v in ds.data_vars.items()})
        ds = ds.assign_coords({n: _plain_text(c) for n, c in ds.coords.items()})
        for name, attrs in _all_attrs(ds):
            attrs.update({k: _plain(v) for k, v in attrs.items()})
            attrs.update(lists.get(f"{node.path}:{name}", {}))
        # The tables of units and trials may stand in a group above.
        nodes[node.path] = from_positions(ds, dict(node.coords))
    kind = mark.get("type", "Dataset" if len(nodes) == 1 else "DataTree")
    if kind == "Dataset":
        return nodes["/"]
    if kind == "DataArray":
        return nodes["/"][mark["variable"]].rename(mark["name"])
    return xr.DataTree.from_dict(nodes, name=mark.get("root"))


def _all_attrs(ds: xr.Dataset):
    yield "", ds.attrs
    for name, variable in ds.variables.items():
        yield str(name), variable.attrs


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _plain_text(array: xr.DataArray) -> xr.DataArray:
    """Text comes back as objects; make it text again."""
    if array.dtype == object and all(isinstance(x, str) for x in array.values.flat):
        return array.astype(str)
    return array


def _refuse_other_hdf5(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "nwb_version" in file.attrs:
                raise FileFormatError(
                    f"'{path}' is an NWB file: read recordings with neurodyn.io.read."
                )
    except OSError as error:
        raise FileFormatError(
            f"'{path}' is a damaged or truncated netCDF file ({error}). Copy or write it again."
        ) from error


def _import_zarr() -> None:
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Zarr files need the package zarr: pip install 'neurodyn[zarr]', or save as .nc."
        ) from error
