"""Labelled data in netCDF and Zarr, identical after a round trip."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.atomic import atomic_path
from neurodyn.io.heaps import check_heaps, check_scales
from neurodyn.io.lazy import taken
from neurodyn.io.lossless import from_file, in_order, of_earlier, refuse_nul, to_file
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError, check
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
    _refuse_names(tree, path)
    if suffix == ".nc":
        refuse_nul(tree, path)
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            if suffix == ".nc":
                tree.to_netcdf(temporary, engine="h5netcdf", format="NETCDF4")
            else:
                zarr = _import_zarr()
                # Chunks of nothing but -0.0 count as empty, and would come back as 0.0.
                with zarr.config.set({"array.write_empty_chunks": True}):
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


def read(path: Path, selection: Selection | None = None, *, checked: bool = False) -> Labelled:
    """Read a file, in the present convention.

    Parameters
    ----------
    path
        The file.
    selection
        What to read of it; large signals then stay in the file. None: everything, into memory.
    checked
        Whether `check_heaps` has passed the file already; in large ones it takes longest.

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
        _refuse_other_hdf5(path, checked=checked)
        options = {}
    try:
        with xr.open_datatree(path, engine=engine, decode_timedelta=False, **options) as tree:
            whole = _from_tree(tree.load() if selection is None else tree)
            found = whole if selection is None else taken(whole, path, selection)
            _check_shapes(found)
            return found
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
    nodes, kept = {}, {}
    for node in tree.subtree:
        nodes[node.path], kept[node.path] = to_file(node.to_dataset(inherit=False))
    frame = {path: _frame(ds) for path, ds in nodes.items()}
    mark |= {"nodes": kept, "root": tree.name, "frame": frame, "checked": _problem(obj) is None}
    nodes["/"].attrs[_MARK] = json.dumps(mark)
    return xr.DataTree.from_dict(nodes)


def _refuse_names(tree: xr.DataTree, path: Path) -> None:
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
    _check_frame(tree, mark.get("frame"))
    nodes, kept = {}, mark.get("nodes", {})
    found = {node.path: node for node in tree.subtree}
    for path in in_order(found, kept):  # Zarr gives them in any order
        node = found[path]
        ds = node.to_dataset(inherit=False)
        ds.attrs.pop(_MARK, None)
        ds = from_file(ds, kept.get(path) or of_earlier(mark, path))
        # The tables of units and trials may stand in a group above.
        nodes[path] = from_positions(ds, dict(node.coords))
    kind = mark.get("type", "Dataset" if len(nodes) == 1 else "DataTree")
    whole: Labelled = xr.DataTree.from_dict(nodes, name=mark.get("root"))
    if kind == "Dataset":
        whole = nodes["/"]
    elif kind == "DataArray":
        whole = nodes["/"][mark["variable"]].rename(mark["name"])
    if mark.get("checked") and (problem := _problem(whole)):
        raise ValueError(f"what was written followed the convention, and this does not: {problem}")
    return whole


def _problem(obj: Labelled) -> str | None:
    """What breaks the convention, but for its values."""
    try:
        check(obj, values=False)
    except LabelError as error:
        return str(error)
    return None


def _frame(ds: xr.Dataset) -> dict[str, list]:
    """Dims and shape of each variable."""
    return {str(name): [list(map(str, v.dims)), list(v.shape)] for name, v in ds.variables.items()}


def _check_frame(tree: xr.DataTree, frame: dict[str, dict] | None) -> None:
    """Refuse a file whose arrays are not those that were written."""
    found = {node.path: _frame(node.to_dataset(inherit=False)) for node in tree.subtree}
    if frame is None or found == frame:  # files of neurodyn 0.1 had none
        return
    for path in sorted({*found} | {*frame}):
        old, new = frame.get(path, {}), found.get(path, {})
        for name in sorted({*old} | {*new}):
            if old.get(name) != new.get(name):
                raise ValueError(
                    f"'{path.rstrip('/')}/{name}' is not what was written: {_words(old.get(name))} "
                    f"then, {_words(new.get(name))} now. If you changed it, remove the attribute "
                    f"'{_MARK}' from the file, as this does: ds.attrs.pop('{_MARK}')"
                )


def _check_shapes(obj: Labelled) -> None:
    """Refuse arrays that are not as large as their dims, which xarray notices when it uses them."""
    if isinstance(obj, xr.DataArray):
        obj = obj.to_dataset(name="values" if obj.name in (None, *obj.coords) else obj.name)
    for node in obj.subtree if isinstance(obj, xr.DataTree) else [obj]:
        for name, variable in node.variables.items():
            sizes = [node.sizes[dim] for dim in variable.dims]
            if list(np.shape(variable.data)) != sizes:
                raise ValueError(f"'{name}' has shape {np.shape(variable.data)} for {sizes} labels")


def _words(about: list | None) -> str:
    if about is None:
        return "absent"
    dims, shape = about
    sizes = ", ".join(f"{d}: {n}" for d, n in zip(dims, shape, strict=False))
    return f"on ({sizes})"


def _refuse_other_hdf5(path: Path, *, checked: bool) -> None:
    import h5py

    if not checked:
        check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            if "nwb_version" in file.attrs:
                raise FileFormatError(
                    f"'{path}' is an NWB file: read recordings with neurodyn.io.read."
                )
            check_scales(file)
    except FileFormatError:
        raise
    except Exception as error:  # h5py raises errors of many types
        raise FileFormatError(
            f"'{path}' is a damaged or truncated netCDF file ({error}). Copy or write it again."
        ) from error


def _import_zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError(
            "Zarr files need the package zarr: pip install 'neurodyn[zarr]', or save as .nc."
        ) from error
    return zarr
