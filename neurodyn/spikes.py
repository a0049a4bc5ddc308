"""Spike trains as flat labelled Datasets: build, cut around events, bin, estimate rates.

All spikes lie on one dim `spike`: `spike_time` [ms], `spike_unit` and, once cut into trials,
`spike_trial`; the last two are positions along `unit` and `trial`, whose coordinates are the unit
and trial tables. Spikes are sorted by trial, unit and time. `window` in attrs says which times were
observed, so that "no spikes" and "not recorded" stay apart; trials that end early carry
`valid_until` (trial) [ms], units that were lost or found along the way `observed_start` and
`observed_stop` (unit) [ms].

Intervals are half-open: a spike at `start` belongs to ``[start, stop)``, one at `stop` does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.trials import smooth

__all__ = ["align", "bin", "dataset", "from_times", "rate", "times"]

#: Slack [ms] when comparing times that went through sums and unit conversions.
_SLACK = 1e-6


def dataset(
    spike_time: Any,
    spike_unit: Any,
    spike_trial: Any = None,
    *,
    coords: Mapping[str, Any],
    source: str,
    window: Sequence[float] | None = None,
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
    >>> ds = dataset([5.0, 2.0], [1, 0], coords={"unit": ["a", "b"]}, source="recording")
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


def _check_window(spike_time: np.ndarray, window: Sequence[float] | None) -> None:
    if window is None:
        return
    start, stop = _window(window)
    outside = (spike_time < start - _SLACK) | (spike_time > stop + _SLACK)
    if outside.any():
        raise LabelError(
            f"{outside.sum()} of {spike_time.size} spikes lie outside the window {start:g} to "
            f"{stop:g} ms (the first at {spike_time[outside][0]:g} ms). Are times and window both "
            "in ms, and relative to the same event?"
        )


def _window(window: Sequence[float]) -> tuple[float, float]:
    start, stop = (float(edge) for edge in window)
    if not (np.isfinite(start) and np.isfinite(stop) and start < stop):
        raise LabelError(f"a window is (start, stop) in ms with start < stop, got {window}.")
    return start, stop


def from_times(
    times: Sequence[Any],
    *,
    coords: Mapping[str, Any] | None = None,
    source: str = "recording",
    window: Sequence[float] | None = None,
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
    >>> ds = from_times([[10.0, 20.0], []], coords={"area": ("unit", ["V1", "V4"])})
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
    >>> times(from_times([[10.0, 20.0], []]))
    [array([10., 20.]), array([], dtype=float64)]
    """
    _require_spikes(ds)
    order = np.argsort(ds["spike_unit"].values, kind="stable")
    ends = np.cumsum(np.bincount(ds["spike_unit"].values, minlength=ds.sizes["unit"]))
    return np.split(ds["spike_time"].values[order], ends[:-1])


def _require_spikes(ds: xr.Dataset) -> None:
    if not isinstance(ds, xr.Dataset) or "spike_time" not in ds:
        held = list(ds.data_vars) if isinstance(ds, xr.Dataset) else type(ds).__name__
        raise LabelError(
            f"this needs a spike Dataset (spike_time, spike_unit on dim 'spike'), got {held}. "
            "Build one with neurodyn.spikes.from_times; of a DataTree take tree['spikes'].dataset."
        )


def align(
    ds: xr.Dataset,
    events: str | xr.DataArray | Any,
    window: Sequence[float],
    *,
    until: str | xr.DataArray | Any = None,
    invalid: Literal["raise", "drop"] = "raise",
) -> xr.Dataset:
    """Cut a continuous recording into trials around events.

    Parameters
    ----------
    ds
        Continuous spike Dataset, perhaps with a trial table on `trial`.
    events
        Time of the event in each trial [ms, clock of the recording]: the name of a column of the
        trial table, a DataArray on `trial` whose coordinates are then the trial table, or an array.
    window
        Start and stop around the event [ms], half-open: ``(-500, 1000)``.
    until
        Where each trial ends, in the same three forms, when that may be before the window does
        (``"stop_time"``). Such trials keep `valid_until` (trial), and binning pads them.
    invalid
        What to do with trials without an event (NaN) or whose window starts outside what was
        recorded: "raise" an error that lists them, or "drop" them.

    Returns
    -------
    Spike Dataset in trials: time 0 is the event, the trial table is carried along, `event_time`
    (trial) tells when the event was. Windows may overlap; a spike then appears in each of them.
    Units that were not observed for all of it get `observed` (trial, unit).

    Raises
    ------
    LabelError
        If `ds` has trials already, the event is unknown, or trials are invalid.

    Examples
    --------
    >>> ds = from_times([[990.0, 1010.0, 2005.0]], window=(0, 3000))
    >>> cut = align(ds, [1000.0, 2000.0], (-20, 20))
    >>> cut.spike_time.values, cut.spike_trial.values
    (array([-10.,  10.,   5.]), array([0, 0, 1]))
    """
    _require_spikes(ds)
    if "spike_trial" in ds:
        raise LabelError("these spikes are cut into trials already; align the continuous recording")
    start, stop = _window(window)
    event, table, name = _trial_column(ds, events, "events")
    end = np.full(event.shape, np.inf)
    if until is not None:
        end = _trial_column(ds, until, "until")[0]
        if end.shape != event.shape:
            raise LabelError(f"until has {end.size} trials, events has {event.size}.")

    first, last = _observed_from(ds, event + start)
    last = np.fmin(last, end)
    valid = np.isfinite(event) & (event + start >= first - _SLACK) & (event + start < last)
    if not valid.all():
        if invalid != "drop":
            _raise_invalid(event, valid, start, ds)
        if not valid.any():
            raise LabelError("no trial is left: no event lies within the recording.")
    event, last = event[valid], last[valid]

    order = np.argsort(ds["spike_time"].values, kind="stable")
    sorted_times = ds["spike_time"].values[order]
    # Search a little wider, then decide on the relative time, which is what is stored.
    low = np.searchsorted(sorted_times, event + start - _SLACK)
    high = np.searchsorted(sorted_times, event + np.minimum(stop, last - event) + _SLACK)
    counts = np.maximum(high - low, 0)
    trial = np.repeat(np.arange(event.size), counts)
    index = np.arange(trial.size) + np.repeat(low - np.cumsum(counts) + counts, counts)
    relative = sorted_times[index] - event[trial]
    keep = (relative >= start) & (relative < np.minimum(stop, (last - event)[trial]))

    coords = {n: c for n, c in ds.coords.items() if c.dims == ("unit",)}
    coords |= {n: c.isel(trial=valid) for n, c in table.items()}
    coords["event_time"] = ("trial", event, "ms", "time of the event on the recording's clock")
    coords.setdefault("trial", np.flatnonzero(valid))
    if (last - event < stop - _SLACK).any():
        ends = np.minimum(last - event, stop)
        coords["valid_until"] = ("trial", ends, "ms", "end of the observed part of the trial")
    about = {n: v for n, v in ds.attrs.items() if n not in ("obs_intervals", "window")}
    cut = dataset(
        relative[keep],
        ds["spike_unit"].values[order][index][keep],
        trial[keep],
        coords={n: c for n, c in coords.items() if not n.startswith("observed_")},
        source=ds.attrs.get("source", "recording"),
        window=(start, stop),
        attrs=about | {"align_event": name},
    )
    return cut.assign(_observed(ds, event + start, event + np.minimum(stop, last - event)))


def _trial_column(ds: xr.Dataset, given: Any, role: str):
    """Times per trial [ms], the trial table they come with, and a name for them."""
    if isinstance(given, str):
        if given not in ds.coords or ds[given].dims != ("trial",):
            columns = [n for n, c in ds.coords.items() if c.dims == ("trial",) and n != "trial"]
            raise LabelError(
                f"{role}: there is no trial column '{given}'. The trial table has "
                f"{columns or 'no columns'}; pass a DataArray on 'trial' or an array of times [ms]."
            )
        given = ds[given]
    if isinstance(given, xr.DataArray):
        if given.dims != ("trial",):
            raise LabelError(f"{role} must lie on dim 'trial', got dims {given.dims}.")
        if given.attrs.get("units", "ms") != "ms":
            raise LabelError(f"{role} is in {given.attrs['units']!r}; times are in ms.")
        table = {n: c for n, c in given.coords.items() if c.dims == ("trial",)}
        return given.values.astype(np.float64), table, str(given.name or "event")
    array = np.asarray(given, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise LabelError(f"{role} must hold one time [ms] per trial, got shape {array.shape}.")
    table = {n: c for n, c in ds.coords.items() if c.dims == ("trial",)}
    return array, table if ds.sizes.get("trial") == array.size else {}, "event"


def _observed_from(ds: xr.Dataset, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each time the observed interval that it lies in (else an empty one)."""
    edges = ds.attrs.get("obs_intervals", ds.attrs.get("window"))
    if edges is None:
        return np.full(start.shape, -np.inf), np.full(start.shape, np.inf)
    begins, ends = np.asarray(edges, np.float64).reshape(-1, 2).T
    inside = np.searchsorted(begins, start + _SLACK, side="right") - 1
    found = np.isfinite(start) & (inside >= 0)
    inside = np.where(found, inside, 0)
    return np.where(found, begins[inside], np.inf), np.where(found, ends[inside], -np.inf)


def _raise_invalid(event: np.ndarray, valid: np.ndarray, start: float, ds: xr.Dataset) -> None:
    edges = ds.attrs.get("obs_intervals", ds.attrs.get("window"))
    listed = ", ".join(f"{i} (event at {event[i]:g})" for i in np.flatnonzero(~valid)[:8])
    raise LabelError(
        f"{(~valid).sum()} of {valid.size} trials have no event or start ({start:+g} ms from the "
        f"event) outside what was recorded ({edges} ms): trials {listed}. Choose a shorter window, "
        "or pass invalid='drop' to leave them out."
    )


def _observed(ds: xr.Dataset, start: np.ndarray, stop: np.ndarray) -> dict[str, xr.Variable]:
    if "observed_start" not in ds.coords:
        return {}
    seen = start[:, None] >= ds["observed_start"].values[None, :] - _SLACK
    seen &= stop[:, None] <= ds["observed_stop"].values[None, :] + _SLACK
    if seen.all():
        return {}
    about = {"units": "1", "long_name": "whether the unit was observed in the trial"}
    return {"observed": xr.Variable(("trial", "unit"), seen, about)}


def bin(ds: xr.Dataset, *, bin_width: float, window: Sequence[float] | None = None) -> xr.Dataset:
    """Count spikes in bins.

    Parameters
    ----------
    ds
        Spike Dataset, in trials or continuous.
    bin_width
        Width of the bins [ms]; must divide the window.
    window
        First and last edge [ms]; default is the window of `ds`.

    Returns
    -------
    Dataset with `spike_count` (trial, time, unit), or (time, unit) for a continuous recording.
    Bin k is ``[start + k bin_width, start + (k + 1) bin_width)``; `time` is the centre. Counts are
    int32. Where trials end early or units were not observed throughout they are float32: NaN fills
    the bins that were not observed in full, and `n_valid` (trial) counts those that were.

    Raises
    ------
    LabelError
        If `bin_width` does not divide the window, or the window leaves what was observed.

    Examples
    --------
    >>> ds = from_times([[1.0, 2.0, 10.0]], window=(0, 20))
    >>> bin(ds, bin_width=10.0).spike_count.values.ravel()
    array([2, 1], dtype=int32)
    """
    _require_spikes(ds)
    start, stop = _bin_window(ds, window)
    n_bins = _n_bins(start, stop, float(bin_width))
    edges = start + np.arange(n_bins + 1) * float(bin_width)

    spike_time = ds["spike_time"].values
    place = np.clip(((spike_time - start) // bin_width).astype(np.int64), 0, n_bins - 1)
    # The quotient is rounded; the edges decide.
    place -= spike_time < edges[place]
    place += spike_time >= edges[np.clip(place + 1, 0, n_bins)]
    inside = (place >= 0) & (place < n_bins)

    dims = ("trial", "time", "unit") if "spike_trial" in ds else ("time", "unit")
    index = [place[inside], ds["spike_unit"].values[inside]]
    if "spike_trial" in ds:
        index.insert(0, ds["spike_trial"].values[inside])
    counts = np.zeros([n_bins if dim == "time" else ds.sizes[dim] for dim in dims], np.int32)
    np.add.at(counts.reshape(-1), np.ravel_multi_index(index, counts.shape), 1)

    coords = {n: c for n, c in ds.coords.items() if set(c.dims) <= set(dims)}
    coords.pop("valid_until", None)
    coords["time"] = edges[:-1] + float(bin_width) / 2
    counts, padded = _pad(ds, counts, edges)
    if padded is not None:
        coords["n_valid"] = ("trial", padded)
    about = {n: v for n, v in ds.attrs.items() if n not in ("kind", "source", "obs_intervals")}
    if "observed" in ds:
        about["simultaneous"] = 0
    return labels.dataset(
        {"spike_count": (dims, counts, "count", "spike count")},
        coords,
        source=ds.attrs.get("source", "recording"),
        kind="spike_count",
        attrs=about | {"bin_width": float(bin_width), "window": [start, stop]},
    )


def _bin_window(ds: xr.Dataset, window: Sequence[float] | None) -> tuple[float, float]:
    known = ds.attrs.get("window")
    if window is None and known is None:
        raise LabelError("which times were observed is not known: pass window=(start, stop) in ms.")
    start, stop = _window(known if window is None else window)
    if known is not None and (start < known[0] - _SLACK or stop > known[1] + _SLACK):
        raise LabelError(
            f"the window {start:g} to {stop:g} ms leaves what was observed, {known[0]:g} to "
            f"{known[1]:g} ms: counts there would be zeros that nobody measured."
        )
    gaps = np.asarray(ds.attrs.get("obs_intervals", (start, stop))).reshape(-1, 2)
    if not ((gaps[:, 0] <= start + _SLACK) & (gaps[:, 1] >= stop - _SLACK)).any():
        raise LabelError(
            f"the recording has gaps between {start:g} and {stop:g} ms; it was observed in "
            f"{gaps.tolist()}: choose a window within one interval, or cut trials with align."
        )
    return start, stop


def _n_bins(start: float, stop: float, bin_width: float) -> int:
    if not (np.isfinite(bin_width) and bin_width > 0):
        raise LabelError(f"bin_width must be a positive number of ms, got {bin_width}.")
    exact = (stop - start) / bin_width
    n_bins = round(exact)
    if n_bins < 1 or abs(exact - n_bins) > 1e-6:
        shorter = start + np.floor(exact + 1e-6) * bin_width
        hint = f"end the window at {shorter:g} ms" if shorter > start else "use narrower bins"
        raise LabelError(
            f"bins of {bin_width:g} ms do not divide the window {start:g} to {stop:g} ms "
            f"({exact:g} bins): {hint}, or choose another width."
        )
    return n_bins


def _pad(ds: xr.Dataset, counts: np.ndarray, edges: np.ndarray):
    """NaN where nothing was observed, and the number of valid bins of each trial, if any is cut."""
    n_valid = None
    if "valid_until" in ds.coords:
        until = ds["valid_until"].values
        n_valid = np.searchsorted(edges, until + _SLACK, side="right") - 1
        n_valid = np.clip(n_valid, 0, len(edges) - 1)
        if (n_valid == len(edges) - 1).all():
            n_valid = None
    if n_valid is None and "observed" not in ds:
        return counts, None
    padded = counts.astype(np.float32)
    if n_valid is not None:
        padded[np.arange(len(edges) - 1)[None, :] >= n_valid[:, None]] = np.nan
    if "observed" in ds:
        padded = np.where(ds["observed"].values[:, None, :], padded, np.float32(np.nan))
    return padded, n_valid


def rate(
    ds: xr.Dataset,
    sigma: float | None = None,
    *,
    bin_width: float = 10.0,
    window: Sequence[float] | None = None,
) -> xr.Dataset:
    """Firing rates: binned, and smoothed with a Gaussian when `sigma` is given.

    Parameters
    ----------
    ds
        Spike Dataset, or a Dataset with `spike_count` (its bins are then used as they are).
    sigma
        Standard deviation of the Gaussian [ms]; None does not smooth. See `neurodyn.trials.smooth`.
    bin_width
        Width of the bins [ms]; 10 ms is fine for kernels of 20 ms and more.
    window
        First and last edge [ms]; default is the window of `ds`.

    Returns
    -------
    Dataset with `rate` (trial, time, unit) [Hz].

    Examples
    --------
    >>> ds = from_times([[5.0, 15.0]], window=(0, 20))
    >>> rate(ds, bin_width=10.0)["rate"].values.ravel()
    array([100., 100.], dtype=float32)
    """
    counts = ds if "spike_count" in ds else bin(ds, bin_width=bin_width, window=window)
    if "bin_width" not in counts.attrs:
        raise LabelError(
            "the Dataset has no bin_width in attrs: set it to the width of a bin [ms]."
        )
    hertz = (counts["spike_count"] * (1e3 / counts.attrs["bin_width"])).astype(np.float32)
    hertz.attrs = {"units": "Hz", "long_name": "firing rate"}
    rates = counts.drop_vars("spike_count").assign(rate=hertz).assign_attrs(kind="rate")
    return rates if sigma is None else smooth(rates, sigma)
