"""The content of a result, in an order of its own; and the comparison of two results."""

import itertools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

import neurodyn as nd
from tests.conformance.labelled import zoo
from tests.conformance.labelled.figures import panels

__all__ = ["difference", "labels_of_spikes", "seen"]

SECONDS = ("s", "sec", "seconds")


def labels_of_spikes(ds: xr.Dataset) -> xr.Dataset:
    """The labels of the unit and the trial of each spike, where they are held as positions."""
    for name, held in ds.variables.items():
        dim = str(name).rsplit("_", 1)[-1]
        held_so = str(name) in ("spike_unit", "spike_trial", "interval_unit", "interval_trial")
        if held_so and zoo.POSITIONS and dim in ds.indexes and held.dtype.kind in "iu":
            place = np.clip(held.values, 0, ds.sizes[dim] - 1)
            ds = ds.assign({name: (held.dims, ds[dim].values[place], held.attrs)})
    return ds


def seen(x: Any) -> Any:
    """Plain dicts, lists and arrays out of a result, sorted by labels."""
    if isinstance(x, xr.DataTree):
        return {node.path: seen(node.to_dataset()) for node in x.subtree}
    if isinstance(x, xr.DataArray):
        return seen(x.to_dataset(name="values" if x.name is None else x.name))
    if isinstance(x, xr.Dataset):
        return Table(x)
    if isinstance(x, xr.Variable):
        return np.asarray(x.values)
    if isinstance(x, Figure):
        return panels(x)
    if isinstance(x, Mapping) and x and all(isinstance(v, pd.DataFrame) for v in x.values()):
        return seen(nd.io.from_pandas(x))
    if isinstance(x, Mapping):
        return {str(k): seen(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [seen(v) for v in x]
    if isinstance(x, str | bytes) or x is None:
        return np.array(str(x))
    if isinstance(x, jax.Array | np.ndarray | np.generic | int | float):
        return np.asarray(jax.random.key_data(x) if _is_key(x) else x)
    if type(x).__module__.startswith("neo."):
        return seen(nd.io.from_neo(x))
    if hasattr(x, "__dict__"):
        return {k: seen(v) for k, v in vars(x).items() if not callable(v) and not k.startswith("_")}
    return np.array(str(x))


def _is_key(x: Any) -> bool:
    return isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)


class Table:
    """Variables of a Dataset, sorted along every dim that has labels; rows that have none too."""

    def __init__(self, ds: xr.Dataset):
        ds = _spikes_there(labels_of_spikes(ds))
        labels = {dim: ds.indexes[dim] for dim in ds.dims if dim in ds.indexes}
        ds = ds.isel(
            {
                dim: index.argsort()
                for dim, index in labels.items()
                if index.is_unique and not index.is_monotonic_increasing
            }
        )
        for dim in ds.dims:
            on = [v for _, v in named(ds) if dim in v.dims]
            if dim not in ds.indexes and on and all(v.ndim == 1 for v in on):
                ds = ds.isel({dim: np.lexsort([_sortable(v.values) for v in on])})
        self.variables = {name: _in_ms(v) for name, v in named(ds)}
        self.loose = tuple(d for d in ds.dims if d not in ds.indexes)


def named(ds: xr.Dataset) -> list[tuple[str, xr.Variable]]:
    """Variables and coordinates with their names, in the order of these."""
    return sorted(((str(n), v) for n, v in ds.variables.items()), key=lambda item: item[0])


def _spikes_there(ds: xr.Dataset) -> xr.Dataset:
    """Spikes of the units and trials that are there, which are all that any function counts."""
    if "spike_time" in ds.variables and "unit" in ds.dims:
        inside = np.isin(ds["spike_unit"].values, ds["unit"].values)
        if "spike_trial" in ds.variables and "trial" in ds.coords:
            inside &= np.isin(ds["spike_trial"].values, np.atleast_1d(ds["trial"].values))
        ds = ds.isel(spike=np.flatnonzero(inside))
    return ds.drop_vars(["unit_key", "trial_key"], errors="ignore")


def _sortable(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "fc":
        return np.round(values, 6)
    return values if values.dtype.kind in "iubmM" else values.astype(str)


def _in_ms(v: xr.Variable) -> xr.Variable:
    if v.dtype.kind == "m":
        return v.copy(data=v.values / np.timedelta64(1, "ms"))
    if v.attrs.get("units") in SECONDS:
        return v.copy(data=np.asarray(v.values, float) * 1e3)
    return v


Perms = Mapping[str, np.ndarray]


def difference(got: Any, want: Any, perms: Perms | None = None, *, rtol: float = 2e-3) -> str:
    """Where `got` differs from `want`; empty where it does not.

    Arrays without labels may be in the order of `perms` (dim -> positions in the original).
    """
    perms = perms or {}
    if isinstance(got, Table) and isinstance(want, Table):
        return _tables(got, want, perms, rtol)
    if isinstance(got, dict) and isinstance(want, dict):
        if set(got) != set(want):
            return f"has {sorted(got)}, should have {sorted(want)}"
        pairs = ((f"{k}: ", got[k], want[k]) for k in want)
    elif isinstance(got, list | tuple) and isinstance(want, list | tuple):
        if len(got) != len(want):
            return f"has {len(got)} parts, should have {len(want)}"
        for perm in (p for p in perms.values() if len(p) == len(want)):
            if not any(difference(g, want[i], rtol=rtol) for g, i in zip(got, perm, strict=True)):
                return ""
        pairs = (("", g, w) for g, w in zip(got, want, strict=True))
    elif isinstance(got, np.ndarray | str) and isinstance(want, np.ndarray | str):
        return _arrays(np.asarray(got), np.asarray(want), perms, rtol)
    else:
        return f"is {type(got).__name__}, should be {type(want).__name__}"
    return next((name + d for name, g, w in pairs if (d := difference(g, w, perms, rtol=rtol))), "")


def _tables(got: Table, want: Table, perms: Perms, rtol: float) -> str:
    if set(got.variables) != set(want.variables):
        return f"has {sorted(got.variables)}, should have {sorted(want.variables)}"
    for name, w in want.variables.items():
        g = got.variables[name]
        if set(g.dims) != set(w.dims):
            return f"{name} has dims {g.dims}, should have {w.dims}"
        g = g.transpose(*w.dims)
        free = {d: p for d, p in perms.items() if d in w.dims and d in want.loose}
        orders = itertools.product(*[(None, p) for p in free.values()])
        tried = []
        for order in orders:
            take = {d: p for d, p in zip(free, order, strict=True) if p is not None}
            take = {d: p for d, p in take.items() if len(p) <= w.sizes[d] and p.max() < w.sizes[d]}
            tried.append(_values(g.values, w.isel(take).values, rtol))
        if all(tried):
            return f"{name} {tried[0]}"
    return ""


def _arrays(got: np.ndarray, want: np.ndarray, perms: Perms, rtol: float) -> str:
    said = _values(got, want, rtol)
    for perm in perms.values() if said else ():
        for axis in range(want.ndim):
            if perm.max() < want.shape[axis] and not _values(got, want.take(perm, axis), rtol):
                return ""
    return said


def _values(got: np.ndarray, want: np.ndarray, rtol: float) -> str:
    if got.shape != want.shape:
        return f"has shape {got.shape}, should have {want.shape}"
    if got.dtype.kind in "fciub" and want.dtype.kind in "fciub":
        got, want = got.astype(float), want.astype(float)
        finite = np.abs(want[np.isfinite(want)])
        atol = 1e-6 + 3e-4 * (finite.max() if finite.size else 0.0)
        if np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
            return ""
        differs = ~np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    else:
        differs = got.astype(str) != want.astype(str)
        if not differs.any():
            return ""
    g, w = got[differs].ravel()[:3], want[differs].ravel()[:3]
    return f"is {np.array2string(g, precision=4)}, should be {np.array2string(w, precision=4)}"
