"""Spike trains as flat labelled Datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.clock import unit_problem
from neurodyn.labels.convention import Window

__all__ = [
    "SLACK",
    "dataset",
    "from_times",
    "require_spikes",
    "step_middles",
    "times",
    "window_edges",
]

#: Slack [ms] when comparing times that went through sums and unit conversions.
SLACK = 1e-6


def dataset(
    spike_time: Any,
    spike_unit: Any,
    spike_trial: Any = None,
    *,
    coords: Mapping[str, Any],
    source: str,
    window: Window | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Build a spike Dataset from flat arrays.

    Parameters
    ----------
    spike_time
        Times of all spikes [ms], shape ``(spike,)``.
    spike_unit
        Position of each spike's unit along `unit`, integers from 0.
    spike_trial
        Position of each spike's trial along `trial`; None for a continuous recording.
    coords
        Unit and trial tables, in the form that `neurodyn.labels.dataset` takes. `unit` (and `trial`
        with `spike_trial`) must be there, so that silent ones are not forgotten.
    source
        "model" or "recording".
    window
        First and last time that was observed [ms], relative to the trial's event when in trials.
    attrs
        Further attributes.

    Returns
    -------
    Dataset with `spike_time`, `spike_unit` and perhaps `spike_trial`, sorted by trial, unit, time.

    Raises
    ------
    LabelError
        If a position has no entry in its table, a time is not finite or lies outside `window`, or
        sizes differ.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.dataset([5.0, 2.0], [1, 0], coords={"unit": ["a", "b"]}, source="recording")
    >>> ds.spike_time.values, ds.spike_unit.values
    (array([2., 5.]), array([0, 1]))
    """
    columns = {
        "spike_time": np.asarray(spike_time, np.float64),
        "spike_unit": _positions("spike_unit", spike_unit),
    }
    if spike_trial is not None:
        columns["spike_trial"] = _positions("spike_trial", spike_trial)
    sizes = {name: column.shape for name, column in columns.items()}
    if len(set(sizes.values())) > 1 or columns["spike_time"].ndim != 1:
        raise LabelError(f"spike arrays must be 1-D and of one length, got shapes {sizes}.")
    for name in ("unit", "trial") if spike_trial is not None else ("unit",):
        if name not in coords:
            raise LabelError(f"coords must give '{name}', the labels of all {name}s.")
    _check_window(columns["spike_time"], window)

    keys = [columns["spike_time"], columns["spike_unit"], columns.get("spike_trial")]
    order = np.lexsort([key for key in keys if key is not None])
    described = {
        "spike_time": ("ms", "spike time"),
        "spike_unit": ("1", "position of the unit"),
        "spike_trial": ("1", "position of the trial"),
    }
    variables = {n: ("spike", column[order], *described[n]) for n, column in columns.items()}
    about = {} if window is None else {"window": [float(edge) for edge in window]}
    return labels.dataset(
        variables, coords, source=source, kind="spike_time", attrs=about | dict(attrs or {})
    )


def _positions(name: str, given: Any) -> np.ndarray:
    positions = np.asarray(given)
    if positions.size == 0:
        return positions.astype(np.int64)
    if positions.dtype.kind not in "iu":
        raise LabelError(f"{name} holds integer positions from 0, got dtype {positions.dtype}.")
    return positions.astype(np.int64)


def _check_window(spike_time: np.ndarray, window: Window | None) -> None:
    if window is None:
        return
    start, stop = window_edges(window)
    outside = (spike_time < start - SLACK) | (spike_time > stop + SLACK)
    if outside.any():
        raise LabelError(
            f"{outside.sum()} of {spike_time.size} spikes lie outside the window {start:g} to "
            f"{stop:g} ms (the first at {spike_time[outside][0]:g} ms). Are times and window both "
            "in ms, and relative to the same event?"
        )


def window_edges(window: Window) -> tuple[float, float]:
    """Check a window and return its start and stop [ms]."""
    start, stop = (float(edge) for edge in window)
    if not (np.isfinite(start) and np.isfinite(stop) and start < stop):
        raise LabelError(f"a window is (start, stop) in ms with start < stop, got {window}.")
    return start, stop


def from_times(
    times: Sequence[Any],
    *,
    coords: Mapping[str, Any] | None = None,
    source: str = "recording",
    window: Window | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Build a spike Dataset from one array of times per unit.

    Parameters
    ----------
    times
        For each unit its spike times [ms], in any order; an empty array for a silent unit.
    coords, source, window, attrs
        As in `dataset`; units are numbered from 0 unless `coords` names them.

    Returns
    -------
    A continuous spike Dataset (no trials).

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[10.0, 20.0], []], coords={"area": ("unit", ["V1", "V4"])})
    >>> dict(ds.sizes)
    {'spike': 2, 'unit': 2}
    """
    arrays = [np.asarray(array, np.float64) for array in times]
    if not arrays:
        raise LabelError("times is empty: give one array of spike times [ms] per unit.")
    wrong = [i for i, array in enumerate(arrays) if array.ndim != 1]
    if wrong:
        raise LabelError(
            f"times must hold one 1-D array of spike times [ms] per unit; entry {wrong[0]} has "
            f"shape {arrays[wrong[0]].shape}. For trials use neurodyn.spikes.dataset."
        )
    return dataset(
        np.concatenate(arrays),
        np.repeat(np.arange(len(arrays)), [array.size for array in arrays]),
        coords={"unit": np.arange(len(arrays))} | dict(coords or {}),
        source=source,
        window=window,
        attrs=attrs,
    )


def times(ds: xr.Dataset) -> list[np.ndarray]:
    """Return the spike times of each unit [ms], all trials together.

    Parameters
    ----------
    ds
        Spike Dataset.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> spikes.times(spikes.from_times([[10.0, 20.0], []]))
    [array([10., 20.]), array([], dtype=float64)]
    """
    require_spikes(ds)
    order = np.argsort(ds["spike_unit"].values, kind="stable")
    ends = np.cumsum(np.bincount(ds["spike_unit"].values, minlength=ds.sizes["unit"]))
    return np.split(ds["spike_time"].values[order], ends[:-1])


def require_spikes(ds: xr.Dataset) -> None:
    """Raise unless `ds` is a spike Dataset."""
    if not isinstance(ds, xr.Dataset) or "spike_time" not in ds:
        held = list(ds.data_vars) if isinstance(ds, xr.Dataset) else type(ds).__name__
        raise LabelError(
            f"this needs a spike Dataset (spike_time, spike_unit on dim 'spike'), got {held}. "
            "Build one with neurodyn.spikes.from_times; of a DataTree take tree['spikes'].dataset."
        )
    if problem := unit_problem(ds["spike_time"]):
        raise LabelError(f"the spikes: {problem}.")


def step_middles(ds: xr.Dataset) -> np.ndarray:
    """Times of spikes [ms] for counting in half-open intervals.

    A run labels a spike with the end of the step that it fell into (``closed="right"``); the middle
    of that step is taken, so that it counts in the interval in which the step lies. Recorded times
    are as they are.
    """
    shift = float(ds.attrs["dt"]) / 2 if ds.attrs.get("closed") == "right" else 0.0
    return ds["spike_time"].values - shift
