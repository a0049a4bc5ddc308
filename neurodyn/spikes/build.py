"""Build spike Datasets, and read spike times from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.bins import edges_of
from neurodyn.labels.convention import SPIKE_KEYS, Window
from neurodyn.labels.plain import plain_times
from neurodyn.labels.wording import told
from neurodyn.spikes.gaps import has_gaps, trial_observation
from neurodyn.spikes.join import in_order, places, positions
from neurodyn.spikes.observation import observation, slack
from neurodyn.spikes.unobserved import refuse_unobserved


def dataset(
    spike_time: Any,
    spike_unit: Any,
    spike_trial: Any = None,
    *,
    coords: Mapping[str, Any],
    source: str,
    window: Window | None = None,
    observed: Any = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Build a spike Dataset from flat arrays.

    Parameters
    ----------
    spike_time
        Times of all spikes [ms], shape ``(spike,)``.
    spike_unit
        Label of each spike's unit, one of the labels in ``coords["unit"]``.
    spike_trial
        Label of each spike's trial, one of those in ``coords["trial"]``; None for a continuous
        recording.
    coords
        Unit and trial tables, in the form that `neurodyn.labels.dataset` takes. `unit` (and `trial`
        with `spike_trial`) is required, because silent units and trials have no spikes to tell of
        them.
    source
        "model" or "recording".
    window
        Start and stop of the observation [ms]; in trials, relative to the event of the trial.
    observed
        When units were observed, for recordings with gaps or units that come late and are lost:
        one array ``(n, 2)`` of intervals [ms] for all units, or a list with one such array for each
        (an empty one for a unit that was never observed). In trials a list with one of these for
        each trial. With `window`, the parts of them within it.
    attrs
        Further attributes.

    Returns
    -------
    Dataset with the coordinates `spike_time`, `spike_unit` and perhaps `spike_trial` on dim
    `spike`, sorted by trial, unit (in the order of their tables) and time. `unit_key` and
    `trial_key` keep the labels of the tables, so that spikes are found after these get new labels.

    Raises
    ------
    LabelError
        If a spike's label is not in the table, labels repeat, a time is not finite or lies outside
        of `window` or of what was observed of its unit, or sizes differ.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.dataset([5.0, 2.0], ["b", "a"], coords={"unit": ["a", "b"]}, source="recording")
    >>> ds.spike_time.values, ds.spike_unit.values
    (array([2., 5.]), array(['a', 'b'], dtype='<U1'))
    """
    columns = {"spike_time": plain_times(spike_time, "spike_time")}
    place: dict[str, np.ndarray] = {}
    tables: dict[str, np.ndarray] = {}
    for dim, given in (("unit", spike_unit), ("trial", spike_trial)):
        if given is not None:
            table = _table(coords, dim)
            name = f"spike_{dim}"
            place[dim] = _known(name, np.asarray(given), table, dim)
            columns[name], tables[dim] = table[place[dim]], table
    sizes = {name: column.shape for name, column in columns.items()}
    if len(set(sizes.values())) > 1 or columns["spike_time"].ndim != 1:
        raise LabelError(f"spike arrays must be 1-D and of one length, got shapes {sizes}.")
    _check_window(columns["spike_time"], window, dict(attrs or {}))

    order = in_order(columns["spike_time"], place["unit"], place.get("trial"))
    if order is not None:
        columns = {name: column[order] for name, column in columns.items()}
    spikes = spike_table(columns, tables)
    about = {} if window is None else {"window": [float(edge) for edge in window]}
    seen: dict[str, Any] = {}
    if observed is not None and spike_trial is None:
        seen, about = observation(observed, tables["unit"], window)
    elif observed is not None:
        seen, about = trial_observation(observed, tables["trial"], tables["unit"], window)
    marks = {name: seen.pop(name) for name in ("observed",) if name in seen}
    ds = labels.dataset(
        {},
        dict(coords) | seen | spikes,
        source=source,
        kind="spike_time",
        attrs=about | dict(attrs or {}),
    ).assign(marks)
    if observed is not None or ("spike_trial" not in ds and has_gaps(ds)):
        found = positions(ds)
        refuse_unobserved(ds, found, step_middles(ds, found.time))
    return ds


def spike_table(
    columns: Mapping[str, np.ndarray], tables: Mapping[str, np.ndarray]
) -> dict[str, tuple[str, np.ndarray]]:
    """Coordinates that hold spikes, as `neurodyn.labels.dataset` takes them.

    Parameters
    ----------
    columns
        ``spike_time`` [ms], and the labels ``spike_unit`` and perhaps ``spike_trial``.
    tables
        All labels of `unit` and perhaps `trial`, by dim.
    """
    spikes = {name: ("spike", values) for name, values in columns.items()}
    return spikes | {SPIKE_KEYS[dim]: (dim, table) for dim, table in tables.items()}


def _table(coords: Mapping[str, Any], dim: str) -> np.ndarray:
    """The labels of all units or trials."""
    if dim not in coords:
        raise LabelError(f"coords must give '{dim}', the labels of all {dim}s.")
    given = coords[dim]
    if isinstance(given, (xr.DataArray, xr.Variable)):
        given = given.values
    table = np.asarray(given[1] if isinstance(given, tuple) else given)
    return table.astype(str) if table.dtype.kind in "OS" else table


def _known(name: str, given: np.ndarray, table: np.ndarray, dim: str) -> np.ndarray:
    if np.unique(table).size < table.size:
        raise LabelError(
            f"the labels of '{dim}' repeat, so that spikes cannot name their {dim}: number them, "
            "and keep these labels in another coordinate."
        )
    place = places(given.ravel(), table, name=name, dim=dim)
    if (place < 0).any():
        unknown = np.unique(given.ravel()[place < 0])[:6].tolist()
        raise LabelError(
            f"{name} names {unknown}, which '{dim}' does not have: its labels are "
            f"{table[:6].tolist()}{'...' if table.size > 6 else ''}. {name} holds labels; from "
            f"positions p take np.asarray({dim}_labels)[p]."
        )
    return place.reshape(given.shape)


def _check_window(spike_time: np.ndarray, window: Window | None, attrs: dict[str, Any]) -> None:
    if window is None:
        return
    start, stop = window_edges(window)
    near = slack(start, stop)
    # The label of a step may lie beyond the window that holds its middle.
    shift = float(attrs["dt"]) / 2 if attrs.get("closed") == "right" else 0.0
    outside = (spike_time < start - near) | (spike_time - shift > stop + near)
    if outside.any():
        raise LabelError(
            f"{outside.sum()} of {spike_time.size} spikes lie outside the window {told(start)} to "
            f"{told(stop)} ms (the first at {told(spike_time[outside][0])} ms). Are times and "
            "window both in ms, and relative to the same event?"
        )


def window_edges(window: Window) -> tuple[float, float]:
    """Check a window and return its start and stop [ms]."""
    return edges_of(window, finite=True)


def from_times(
    times: Sequence[Any],
    *,
    coords: Mapping[str, Any] | None = None,
    source: str = "recording",
    window: Window | None = None,
    observed: Any = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Build a spike Dataset from one array of times per unit.

    Parameters
    ----------
    times
        For each unit its spike times [ms], in any order; an empty array for a silent unit.
    coords, source, window, observed, attrs
        As in `dataset`; units are numbered from 0 unless `coords` names them.

    Returns
    -------
    A continuous spike Dataset (no trials).

    Examples
    --------
    >>> from neurodyn import spikes
    >>> ds = spikes.from_times([[10.0, 20.0], []], coords={"area": ("unit", ["V1", "V4"])})
    >>> ds.sizes["unit"], ds.sizes["spike"]
    (2, 2)
    """
    arrays = [plain_times(each, f"`times` of unit {u}") for u, each in enumerate(times)]
    if not arrays:
        raise LabelError("times is empty: give one array of spike times [ms] per unit.")
    wrong = [i for i, array in enumerate(arrays) if array.ndim != 1]
    if wrong:
        raise LabelError(
            f"times must hold one 1-D array of spike times [ms] per unit; entry {wrong[0]} has "
            f"shape {arrays[wrong[0]].shape}. For trials use neurodyn.spikes.dataset."
        )
    coords = {"unit": np.arange(len(arrays))} | dict(coords or {})
    unit = _table(coords, "unit")
    if unit.shape != (len(arrays),):
        raise LabelError(
            f"there are {len(arrays)} arrays of times, and labels of {unit.size} units."
        )
    return dataset(
        np.concatenate(arrays),
        np.repeat(unit, [array.size for array in arrays]),
        coords=coords,
        source=source,
        window=window,
        observed=observed,
        attrs=attrs,
    )


def times(spikes: xr.Dataset) -> list[np.ndarray]:
    """Return the spike times of each unit [ms], trial after trial.

    Parameters
    ----------
    spikes
        Spike Dataset.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> spikes.times(spikes.from_times([[10.0, 20.0], []]))
    [array([10., 20.]), array([], dtype=float64)]
    """
    found = positions(spikes)
    trial = found.unit if found.trial is None else found.trial
    order = np.lexsort([found.time, trial, found.unit])
    ends = np.cumsum(np.bincount(found.unit, minlength=spikes.sizes["unit"]))
    return np.split(found.time[order], ends[:-1])


def step_middles(ds: xr.Dataset, time: np.ndarray) -> np.ndarray:
    """Times of spikes [ms] for counting in half-open intervals.

    A run labels a spike with the end of its step (``closed="right"``). This returns the middle of
    the step, so that the spike counts in the interval that holds the step. Recorded times are
    returned unchanged.

    Parameters
    ----------
    ds
        Spike Dataset.
    time
        Times of some of its spikes [ms].
    """
    shift = float(ds.attrs["dt"]) / 2 if ds.attrs.get("closed") == "right" else 0.0
    return time - shift if shift else time
