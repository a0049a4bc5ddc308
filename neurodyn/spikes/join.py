"""Join spikes with the units and trials of a Dataset, by label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Bool, Float, Int

from neurodyn.labels import LabelError
from neurodyn.labels.clock import unit_problem
from neurodyn.labels.convention import SPIKE_COLUMNS, SPIKE_KEYS

#: Largest ratio of the rows of a table from labels to positions to the number of labels.
_SPARSE = 64


class Positions(NamedTuple):
    """Spikes of the units and trials of a Dataset.

    Attributes
    ----------
    time
        Spike times [ms].
    unit, trial
        Position of each spike along `unit` and `trial`; `trial` is None without such a dim.
    """

    time: Float[np.ndarray, " spike"]
    unit: Int[np.ndarray, " spike"]
    trial: Int[np.ndarray, " spike"] | None


def positions(spikes: xr.Dataset) -> Positions:
    """Find the position of each spike along the present `unit` and `trial` of a Dataset.

    Spikes name their unit and trial by label, so that they stay right when units and trials are
    selected, sorted or repeated. Spikes of units or trials that are not in the Dataset are left
    out; spikes of an entry that is in it twice (a bootstrap sample) are returned twice.

    Parameters
    ----------
    spikes
        Spike Dataset. A single trial, selected by ``.isel(trial=0)``, is a Dataset without trials.

    Returns
    -------
    Times and positions, in the order in which the spikes are stored unless entries repeat.

    Raises
    ------
    LabelError
        If there are no spikes, or their units (and trials) cannot be found: a dim has no labels,
        its labels are of another kind than those of the spikes, or columns lie on other dims.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[10.0], [20.0]])
    >>> spikes.positions(ds.isel(unit=[1]))
    Positions(time=array([20.]), unit=array([0]), trial=None)
    """
    which, unit, trial = joined(spikes)
    return Positions(spikes["spike_time"].values[which], unit, trial if in_trials(spikes) else None)


def joined(ds: xr.Dataset) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Index of the spikes of present units and trials, and their positions along both."""
    require_spikes(ds)
    found, which = {}, slice(None)
    for name, dim in SPIKE_COLUMNS.items():
        if dim is None or name not in ds:
            continue
        now = _labels(ds, dim, name)
        unique, back = np.unique(now, return_inverse=True)
        repeats = unique.size < now.size
        place = places(ds[name].values, unique if repeats else now, name=name, dim=dim)[which]
        if repeats or (place < 0).any():
            kept, place = _copies(place, back) if repeats else _kept(place)
            which = kept if isinstance(which, slice) else which[kept]
            found = {other: p[kept] for other, p in found.items()}
        found[dim] = place
    return which, found["unit"], found.get("trial")


def _kept(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = np.flatnonzero(place >= 0)
    return kept, place[kept]


def _copies(place: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index and positions of spikes if entry k is a copy of the distinct entry ``back[k]``."""
    order = np.argsort(place, kind="stable")[(place < 0).sum() :]
    counts = np.bincount(place[order], minlength=int(back.max()) + 1)
    copies, starts = counts[back], (np.cumsum(counts) - counts)[back]
    entry = np.repeat(np.arange(back.size), copies)
    within = np.arange(entry.size) - np.repeat(np.cumsum(copies) - copies, copies)
    return order[np.repeat(starts, copies) + within], entry


def in_trials(ds: xr.Dataset) -> bool:
    """Whether spikes are cut into trials, and the Dataset has the dim `trial`."""
    return "spike_trial" in ds and "trial" in ds.dims


def refuse_single_trial(ds: xr.Dataset) -> None:
    """Refuse a single trial that was selected as a number, for formats that need the dim."""
    if "spike_trial" in ds and "trial" not in ds.dims:
        label = ds["trial"].values.item() if "trial" in ds.coords else 0
        raise LabelError(
            "a single trial was selected as a number, which removes the dim: select a list of one, "
            f".sel(trial=[{label!r}])."
        )


def observed(ds: xr.Dataset) -> Bool[np.ndarray, "*trial unit"] | None:
    """Whether each unit was observed for the whole of each trial; None if all were."""
    if "observed" not in ds:
        return None
    # `where` turns truth values into numbers or objects, with NaN for masked ones.
    return ds["observed"].transpose(..., "unit").values == True  # noqa: E712


def _labels(ds: xr.Dataset, dim: str, name: str) -> np.ndarray:
    """The labels by which spikes name the present entries of a dim."""
    key = next((n for n in (SPIKE_KEYS[dim], dim) if n in ds.coords), None)
    if key is None:
        raise LabelError(
            f"'{name}' names entries of '{dim}', which this Dataset no longer has with labels: "
            f"dims are {tuple(ds.sizes)}. Average or sum rates (neurodyn.spikes.rate) rather than "
            f"spikes; select with .isel({dim}=[...])."
        )
    values, dims = ds[key].values, ds[key].dims
    if dims == (dim,):
        missing = pd.isnull(values)
        if missing.any():  # they came from reindexing
            strange = ds[dim].values[missing] if dim in ds.coords else np.flatnonzero(missing)
            raise LabelError(
                f"'{dim}' has entries that were not recorded, {strange[:6].tolist()}, as after "
                f"reindex or an outer merge: leave them out, .isel({dim}=...), because they were "
                "not silent but unobserved."
            )
        return values
    if dims:
        raise LabelError(
            f"the entries of '{dim}' lie on {dims}: spikes are found along '{dim}' only. Rename "
            f"it back, or stack and rename rates instead (neurodyn.spikes.rate)."
        )
    if dim == "trial":
        return values.reshape(1)
    raise LabelError(
        f"a single {dim} was selected as a number ({values}), which removes the dim: select a "
        f"list of one, .sel({dim}=[{values.item()!r}])."
    )


def places(
    values: np.ndarray, labels: np.ndarray, *, name: str = "values", dim: str = "unit"
) -> Int[np.ndarray, " spike"]:
    """Position of each value among unique labels; -1 for values that are not among them."""
    if not values.size:
        return np.zeros(0, np.int64)
    if _kind(values) != _kind(labels):
        raise LabelError(
            f"'{name}' holds {values.dtype} such as {values[:1].tolist()}, the labels of '{dim}' "
            f"are {labels.dtype} such as {labels[:1].tolist()}: they cannot be the same labels. "
            f"Bin spikes before averaging over '{dim}', as .coarsen does; neurodyn.spikes.relabel "
            "gives other labels."
        )
    if not labels.size:
        return np.full(values.size, -1)
    if _kind(values) == "whole numbers":
        return _whole_places(values, labels)
    # Spikes of one unit or trial stand together, so each run is looked up once: comparing text is
    # slow.
    starts = np.r_[0, np.flatnonzero(values[1:] != values[:-1]) + 1]
    order = np.argsort(labels, kind="stable")
    at = np.minimum(np.searchsorted(labels, values[starts], sorter=order), labels.size - 1)
    place = np.where(labels[order[at]] == values[starts], order[at], -1)
    return np.repeat(place, np.diff(np.r_[starts, values.size]))


def _kind(array: np.ndarray) -> str:
    kinds = {"i": "whole numbers", "u": "whole numbers", "f": "numbers"}
    return kinds.get(array.dtype.kind, "text")


def _whole_places(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    low, high = int(labels.min()), int(labels.max())
    inside = int(values.min()) >= low and int(values.max()) <= high
    if low == 0 and high == labels.size - 1 and (labels[1:] > labels[:-1]).all():
        place = values.astype(np.int64, copy=False)
        return place if inside else np.where((values >= 0) & (values <= high), place, -1)
    if high - low < _SPARSE * max(labels.size, 1024):
        table = np.full(high - low + 1, -1)
        table[labels - low] = np.arange(labels.size)
        if inside:
            return table[values - low]
        there = (values >= low) & (values <= high)
        return np.where(there, table[np.where(there, values - low, 0)], -1)
    order = np.argsort(labels)
    at = np.minimum(np.searchsorted(labels, values, sorter=order), labels.size - 1)
    return np.where(labels[order[at]] == values, order[at], -1)


def require_spikes(ds: xr.Dataset) -> None:
    """Raise unless `ds` is a spike Dataset of this convention.

    Raises
    ------
    LabelError
        If it is not; the error explains how to convert it.
    """
    if not isinstance(ds, xr.Dataset) or "spike_time" not in ds or "spike_unit" not in ds:
        held = list(ds.variables) if isinstance(ds, xr.Dataset) else type(ds).__name__
        raise LabelError(
            f"this needs a spike Dataset (spike_time, spike_unit on dim 'spike'), got {held}. "
            "Build one with neurodyn.spikes.from_times; of a DataTree take tree['spikes'].dataset."
        )
    if ds.attrs.get("convention") == "neurodyn-1":
        raise LabelError(
            "these spikes were saved by neurodyn 0.1, which stored positions of units and trials "
            "instead of their labels: open the file with neurodyn.load or neurodyn.io.read, which "
            "translate them."
        )
    for name in SPIKE_COLUMNS:
        if name in ds and ds[name].dims != ("spike",):
            raise LabelError(
                f"'{name}' lies on {ds[name].dims} instead of ('spike',): xarray spread the spikes "
                "over another dim. Concatenate spike Datasets with neurodyn.spikes.concat."
            )
    if problem := unit_problem(ds["spike_time"]):
        raise LabelError(f"the spikes: {problem}.")


def in_order(
    time: np.ndarray, unit: np.ndarray, trial: np.ndarray | None = None
) -> np.ndarray | None:
    """Order that sorts spikes by trial, unit and time; None if they are sorted already.

    Recordings hold the spikes of a unit in order of time, and `align` keeps them so. Then one
    stable sort of whole numbers is enough, which takes a third of the time of sorting by all three.
    """
    group = unit if trial is None else trial * (int(unit.max(initial=0)) + 1) + unit
    order = None
    if (group[1:] < group[:-1]).any():
        order = np.argsort(group, kind="stable")
        time_, group_ = time[order], group[order]
    else:
        time_, group_ = time, group
    if ((time_[1:] < time_[:-1]) & (group_[1:] == group_[:-1])).any():
        return np.lexsort([time, group])
    return order


def tidy(spikes: xr.Dataset) -> xr.Dataset:
    """Keep the spikes of the units and trials that are there, sorted by trial, unit and time.

    Selecting units or trials does not change the table of spikes, so that it costs no time. `tidy`
    drops the spikes of entries that were not selected, for instance before saving.

    Parameters
    ----------
    spikes
        Spike Dataset.

    Returns
    -------
    The same Dataset with a shorter table of spikes.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[10.0], [20.0]])
    >>> spikes.tidy(ds.isel(unit=[1])).spike_time.values
    array([20.])
    """
    which, unit, trial = joined(spikes)
    # Spikes of entries that repeat are kept once, because `positions` finds them for each entry.
    kept, first = np.unique(np.arange(spikes.sizes["spike"])[which], return_index=True)
    time = spikes["spike_time"].values[kept]
    order = in_order(time, unit[first], None if trial is None else trial[first])
    if order is None and kept.size == spikes.sizes["spike"]:
        return spikes
    return spikes.isel(spike=kept if order is None else kept[order])
