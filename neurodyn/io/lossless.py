"""Keep what netCDF and Zarr lose of a Dataset: order, short lists, and types of dates and text."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

#: How dates and durations are stored: as whole nanoseconds.
_DATES = {"M": "nanoseconds since 1970-01-01", "m": "nanoseconds"}
_ENCODING = ("units", "dtype", "calendar")


def to_file(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """A Dataset that netCDF and Zarr can hold, and what is to be stored beside it.

    Parameters
    ----------
    ds
        The Dataset. Lazy variables stay lazy.

    Returns
    -------
    The Dataset without what is lost, and a description of that, which JSON can hold.
    """
    ds = ds.copy()  # its attrs are changed below
    about: dict[str, Any] = {
        "order": [str(name) for name in ds.variables],
        "coords": [str(name) for name in ds.coords],  # netCDF loses those with a space
        "attrs": {name: [str(k) for k in attrs] for name, attrs in _all_attrs(ds)},
        "lists": {},
        "types": {},
    }
    for name, attrs in _all_attrs(ds):
        # A list of one comes back as its item, an empty one not at all.
        short = [k for k, v in attrs.items() if np.ndim(v) == 1 and len(v) < 2]
        if short:
            about["lists"][name] = {k: np.asarray(attrs.pop(k)).tolist() for k in short}
    for name, variable in ds.variables.items():
        kind = variable.dtype.kind
        variable.encoding = {"_FillValue": None} if kind == "f" else {}
        if kind in "mMO":
            about["types"][str(name)] = variable.dtype.str
        if kind in "mM":
            variable.encoding = {"units": _DATES[kind], "dtype": "int64"}
            if "units" in variable.attrs:
                own = about["lists"].setdefault(str(name), {})
                own["units"] = variable.attrs.pop("units")
    for name, array in ds.variables.items():
        if array.chunks is not None:  # Zarr takes chunks of one size only
            sizes = {d: max(c) for d, c in zip(array.dims, array.chunks, strict=True)}
            ds = ds.assign({name: array.chunk(sizes)})
    return ds, about


def from_file(ds: xr.Dataset, about: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset of which `to_file` made this one.

    What another program added or changed since stays as it is.
    """
    types, lists, orders = (about.get(each, {}) for each in ("types", "lists", "attrs"))
    built: dict[str, xr.Variable] = {}
    for name in in_order(ds.variables, about.get("order", ())):
        variable = _plain_text(ds.variables[name])
        if name in types and variable.dtype != types[name]:
            variable = variable.astype(np.dtype(types[name]))
        built[name] = variable
    # Not by `assign`, which puts new variables last.
    coords = {*ds.coords, *about.get("coords", ())}
    whole = xr.Dataset(built, attrs=ds.attrs).set_coords([n for n in built if n in coords])
    for name, attrs in _all_attrs(whole):
        found = {k: _plain(v) for k, v in attrs.items()} | lists.get(name, {})
        if name in types:  # what xarray says of the encoding of dates
            found = {k: v for k, v in found.items() if k not in _ENCODING or k in orders[name]}
        attrs.clear()
        attrs.update({k: found[k] for k in in_order(found, orders.get(name, ()))})
    return whole


def of_earlier(mark: Mapping[str, Any], path: str) -> dict[str, Any]:
    """What files of neurodyn 0.1 say of a group: its short lists."""
    start = f"{path}:"
    lists = mark.get("lists", {})
    return {"lists": {n.removeprefix(start): v for n, v in lists.items() if n.startswith(start)}}


def in_order(names: Iterable[Any], order: Iterable[str]) -> list[Any]:
    """Names in an order; those that it lacks come last."""
    rank = {name: i for i, name in enumerate(order)}
    return sorted(names, key=lambda name: rank.get(name, len(rank)))


def refuse_nul(tree: xr.DataTree, path: Path) -> None:
    """Refuse text with NUL characters, at which netCDF ends a text."""
    for node in tree.subtree:
        ds = node.to_dataset(inherit=False)
        at = node.path.rstrip("/")
        for name, variable in ds.variables.items():
            if variable.dtype.kind in "UO" and any("\0" in str(v) for v in variable.values.flat):
                raise ValueError(
                    f"'{path.name}' cannot hold '{at}/{name}', whose text has NUL characters: take "
                    f"them out (.str.replace('\\0', '')), or save as '{path.stem}.zarr'."
                )
        for name, attrs in _all_attrs(ds):
            for key, value in attrs.items():
                texts = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
                if any("\0" in text for text in texts if isinstance(text, str)):
                    raise ValueError(
                        f"'{path.name}' cannot hold the attribute '{key}' of '{at}/{name}', whose "
                        f"text has NUL characters: take them out, or save as '{path.stem}.zarr'."
                    )


def _all_attrs(ds: xr.Dataset) -> Iterator[tuple[str, dict]]:
    yield "", ds.attrs
    for name, variable in ds.variables.items():
        yield str(name), variable.attrs


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _plain_text(variable: xr.Variable) -> xr.Variable:
    """Text comes back as objects; make it text again."""
    if variable.dtype == object and all(isinstance(x, str) for x in variable.values.flat):
        return variable.astype(str)
    return variable
