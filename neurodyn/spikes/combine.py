"""Join spike Datasets, and give units and trials new labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, pair
from neurodyn.labels.convention import (
    COORDS,
    GAPS,
    OBSERVED_EDGES,
    SPIKE_COLUMNS,
    SPIKE_KEYS,
    TIME_TOLERANCE,
)
from neurodyn.spikes.gaps import has_gaps
from neurodyn.spikes.join import joined, require_spikes, tidy
from neurodyn.spikes.observation import observation, observed_intervals

#: The convention in which spikes held positions, and the one in which they hold labels.
_OLD, _NEW = "neurodyn-1", "neurodyn-2"
#: Columns that held positions, and the dims of these.
_POSITIONS = {
    "spike_unit": "unit",
    "spike_trial": "trial",
    "interval_unit": "unit",
    "interval_trial": "trial",
}


def concat(datasets: Sequence[xr.Dataset], dim: Literal["trial", "unit"] = "trial") -> xr.Dataset:
    """Join the trials, or the units, of several spike Datasets.

    Parameters
    ----------
    datasets
        Spike Datasets. Along the other dim they must have the same labels, in any order.
    dim
        Dim to join along: "trial" or "unit". Labels along it must differ; see `relabel`.

    Returns
    -------
    One spike Dataset, with the attributes that all of them share. Units of continuous recordings
    keep the times at which each was observed, which may differ.

    Raises
    ------
    LabelError
        If labels along `dim` repeat, labels of the other dim differ, or the observed times differ.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> a = spikes.from_times([[1.0]], coords={"unit": ["a"]}, window=(0, 10))
    >>> b = spikes.from_times([[2.0, 3.0]], coords={"unit": ["b"]}, window=(0, 10))
    >>> [times.size for times in spikes.times(spikes.concat([a, b], "unit"))]
    [1, 2]
    """
    if dim not in ("trial", "unit"):
        raise ValueError(f"spikes are put together along 'trial' or 'unit', not {dim!r}.")
    if not datasets:
        raise ValueError("concat needs at least one spike Dataset.")
    parts = [_under_labels(ds) for ds in datasets]
    seen = _seen(parts) if dim == "unit" else None
    if seen is not None:
        parts = [_plain(part) for part in parts]
    parts = [_complete(part, parts) for part in parts]
    _refuse_different(parts, dim)
    tables = [part.drop_dims("spike") for part in parts]
    options: Any = {"coords": "minimal", "compat": "override", "combine_attrs": "drop_conflicts"}
    whole = xr.concat(tables, dim, join="outer", data_vars="minimal", **options)
    if whole.indexes[dim].has_duplicates:
        repeated = whole.indexes[dim][whole.indexes[dim].duplicated()].unique()[:6].tolist()
        raise LabelError(
            f"labels along '{dim}' come more than once: {repeated}. Give them other labels first, "
            f"e.g. neurodyn.spikes.relabel(ds, {dim}=new_labels)."
        )
    columns = [n for n, v in parts[0].variables.items() if v.dims == ("spike",)]
    spikes = {
        str(name): ("spike", np.concatenate([p[name].values for p in parts]), parts[0][name].attrs)
        for name in columns
    }
    if seen is not None:
        when, about = observation(seen, whole["unit"].values)
        coords = {name: (*spec[:2], _about(name)) for name, spec in when.items()}
        whole = whole.assign_coords(coords).assign_attrs(about)
    return tidy(whole.assign_coords(spikes))


def _seen(parts: Sequence[xr.Dataset]) -> list[np.ndarray] | None:
    """When each unit of continuous recordings was observed; None if all were, for equally long."""
    if any("spike_trial" in part for part in parts):
        return None
    windows = [part.attrs.get("window") for part in parts]
    known = all(window is not None for window in windows)
    if not known or not (any(map(has_gaps, parts)) or np.ptp(np.array(windows), axis=0).any()):
        return None
    return [each for part in parts for each in observed_intervals(part)]


def _plain(ds: xr.Dataset) -> xr.Dataset:
    """Without labels that say when units were observed."""
    ds = ds.drop_vars([*GAPS, *OBSERVED_EDGES, "gap"], errors="ignore")
    ds.attrs = {n: v for n, v in ds.attrs.items() if n not in ("window", "obs_intervals")}
    return ds


def _under_labels(ds: xr.Dataset) -> xr.Dataset:
    """The spikes of the present units and trials, named by their present labels."""
    require_spikes(ds)
    dims = [d for d in ("unit", "trial") if d in ds.dims and d in ds.coords]
    return tidy(relabel(ds, **{dim: ds[dim].values for dim in dims}))


def _complete(ds: xr.Dataset, others: Sequence[xr.Dataset]) -> xr.Dataset:
    """Add labels that other parts have, and that this part lacks because all was observed."""
    if "observed" not in ds and any("observed" in other for other in others):
        shape = ds.sizes["trial"], ds.sizes["unit"]
        ds = ds.assign(observed=(("trial", "unit"), np.ones(shape, bool)))
    if "gap" not in ds.dims and any("gap" in o.dims for o in others) and "trial" in ds.dims:
        none = np.full((ds.sizes["trial"], ds.sizes["unit"], 1), np.nan)
        gaps = {name: (("trial", "unit", "gap"), none, _about(name)) for name in GAPS}
        ds = ds.assign_coords({"gap": ("gap", [0], _about("gap"))} | gaps)
    if "valid_until" not in ds.coords and any("valid_until" in o.coords for o in others):
        if "window" not in ds.attrs:
            raise LabelError("which times were observed is not known: set .attrs['window'] [ms].")
        ends = np.full(ds.sizes["trial"], float(ds.attrs["window"][1]))
        ds = ds.assign_coords(valid_until=("trial", ends, {"units": "ms", "long_name": "end"}))
    return ds.drop_vars("n_valid", errors="ignore")


def _refuse_different(parts: Sequence[xr.Dataset], dim: str) -> None:
    first, others = parts[0], ("trial", "unit")
    for i, part in enumerate(parts):
        for other in others:
            if (other in part.dims) != (other in first.dims) or dim not in part.dims:
                raise LabelError(
                    f"Dataset {i} has dims {tuple(part.sizes)}, the first has "
                    f"{tuple(first.sizes)}: all need the same, '{dim}' among them."
                )
            if other != dim and other in first.dims:
                _refuse_other_columns(first, part, other, i)
        for name in ("window", "obs_intervals", "closed", "dt"):
            a, b = first.attrs.get(name), part.attrs.get(name)
            same = (
                a == b
                if isinstance(a, str) or None in (a, b)
                else (np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=0, atol=TIME_TOLERANCE))
            )
            if not same:
                raise LabelError(
                    f"Dataset {i} has {name} {b}, the first {a}: cut both to one window "
                    "(neurodyn.spikes.align), or bin them one by one."
                )


def _refuse_other_columns(first: xr.Dataset, part: xr.Dataset, dim: str, i: int) -> None:
    """Refuse parts with other values in the tables of the same units or trials."""
    _, mine = pair(first, part, dim, what=("first Dataset", f"Dataset {i}"))
    for name, column in first.coords.items():
        ours = column.dims == (dim,) and name not in SPIKE_KEYS.values()
        if ours and name in mine.coords and not column.variable.equals(mine[name].variable):
            raise LabelError(
                f"'{name}' of Dataset {i} differs from that of the first: drop it, "
                f".drop_vars('{name}'), or correct it."
            )


def relabel(spikes: xr.Dataset, *, unit: Any = None, trial: Any = None) -> xr.Dataset:
    """Give units or trials new labels, and name the spikes by them.

    ``ds.assign_coords(unit=...)`` changes the labels of the dim alone; functions then find the
    spikes by `unit_key`. `relabel` writes the new labels into `spike_unit` and `unit_key`, too.

    Parameters
    ----------
    spikes
        Spike Dataset.
    unit, trial
        New labels in the order of the old ones; None keeps the old ones. Old labels may repeat, as
        in a bootstrap sample.

    Returns
    -------
    The Dataset with new labels, and with the spikes of its units and trials only.

    Raises
    ------
    LabelError
        If there is no such dim, or labels repeat or are too few or many.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> spikes.relabel(spikes.from_times([[1.0], [2.0]]), unit=["a", "b"]).spike_unit.values
    array(['a', 'b'], dtype='<U1')
    """
    which, *place = joined(spikes)
    spikes = spikes.isel(spike=which)
    for dim, given, at in zip(("unit", "trial"), (unit, trial), place, strict=True):
        if given is None:
            continue
        new = np.asarray(given)
        if at is None or dim not in spikes.dims:
            raise LabelError(f"these spikes have no '{dim}': their dims are {tuple(spikes.sizes)}.")
        if new.shape != (spikes.sizes[dim],) or np.unique(new).size < new.size:
            raise LabelError(
                f"'{dim}' needs {spikes.sizes[dim]} labels that differ, got {new.size} of which "
                f"{np.unique(new).size} differ."
            )
        column = ("spike", new[at], _about(f"spike_{dim}"))
        key = (dim, new, _about(SPIKE_KEYS[dim]))
        attrs = spikes[dim].attrs
        spikes = spikes.assign_coords(
            {dim: (dim, new, attrs), f"spike_{dim}": column, SPIKE_KEYS[dim]: key}
        )
    return spikes


def _about(name: str) -> dict[str, str]:
    return dict(zip(("units", "long_name"), COORDS[name], strict=True))


def from_positions(ds: xr.Dataset, tables: Mapping[Any, Any] | None = None) -> xr.Dataset:
    """Translate a Dataset whose spikes (or intervals) hold positions, as in files of 0.1.

    Parameters
    ----------
    ds
        Dataset with positions along `unit` and `trial`, as it was stored.
    tables
        Coordinates of the groups above it in a tree.

    Returns
    -------
    The Dataset in the present convention.

    Raises
    ------
    LabelError
        If a position lies outside of its dim, because units or trials had been selected before it
        was stored.
    """
    if ds.attrs.get("convention") != _OLD:
        return ds
    translated: dict[str, Any] = {n: ds[n].variable for n in ("spike_time",) if n in ds}
    keys: dict[str, Any] = {}
    for name, dim in _POSITIONS.items():
        if name not in ds:
            continue
        place = ds[name].values
        table = np.atleast_1d((ds.coords.get(dim, (tables or {}).get(dim, ()))).values)
        if place.size and not (place.min() >= 0 and place.max() < table.size):
            raise LabelError(
                f"'{name}' runs from {place.min()} to {place.max()}, and '{dim}' has {table.size} "
                "entries. neurodyn 0.1 stored positions, which stay behind when units or trials "
                "are selected, so that this file does not say whose spikes these are: select with "
                "this version from the whole recording."
            )
        about = {"units": "1", "long_name": f"label of the {dim}"}
        translated[name] = (ds[name].dims, table[place], about)
        if name in SPIKE_COLUMNS:
            keys[SPIKE_KEYS[dim]] = (dim, table, _about(SPIKE_KEYS[dim]))
    new = ds.drop_vars(list(translated)).assign_coords(translated | keys)
    return new.assign_attrs(convention=_NEW)
