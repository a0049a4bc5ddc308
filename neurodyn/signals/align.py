"""Cut continuous signals into trials around events."""

from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.bins import edges_of
from neurodyn.labels.clock import slack_of
from neurodyn.labels.convention import SPIKE_KEYS, TIME_TOLERANCE, Number, Window
from neurodyn.labels.plain import plain_step
from neurodyn.labels.wording import in_unit
from neurodyn.signals.chunked import chunked
from neurodyn.signals.events import refuse_invalid, trial_column
from neurodyn.signals.sampling import (
    Method,
    Samples,
    between,
    find_gap,
    in_pieces,
    nearest,
    on_time,
    tidy_step,
    values_at,
)

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
#: Attributes of the whole recording, which trials do not have.
_OF_RECORD = ("window", "obs_intervals")
#: Part of a step by which distances may differ and still be alike.
_TIE = 1e-6


def align(
    signal: _Labelled,
    events: str | xr.DataArray | Any,
    window: Window,
    *,
    until: str | xr.DataArray | Any = None,
    invalid: Literal["raise", "drop"] = "raise",
    method: Method | None = None,
    dt: Number | None = None,
    max_gap: Number | None = None,
    invalid_times: np.ndarray | None = None,
    what: str = "the signal",
) -> _Labelled:
    """Cut a continuous signal into trials around events.

    Parameters
    ----------
    signal
        DataArray or Dataset over `time`, and any other dims but `trial`, perhaps with a trial table
        on `trial`.
    events, window, until, invalid, method, dt, max_gap
        See `neurodyn.trials.align`.
    invalid_times
        Intervals (n, 2) whose samples do not count [ms].
    what
        Name of the signal in errors.

    Raises
    ------
    LabelError
        If the signal has trials already or no clock, the event is unknown, or trials are invalid.
    """
    if not isinstance(signal, xr.Dataset | xr.DataArray):
        raise LabelError(
            f"a signal must have labels of its times, got {type(signal).__name__}: use "
            "xarray.DataArray(values, {'time': times}, ('time', ...)), or neurodyn.labels.dataset."
        )
    ds = signal if isinstance(signal, xr.Dataset) else signal.to_dataset(name="signal")
    ds = chunked(ds.assign_attrs(signal.attrs))
    names = _variables(ds, what)
    times, step, unit, even = _clock(ds, dt, what)
    method = _method(method, times, even)
    column = trial_column(ds, events, "events")
    event, end = column.values.astype(np.float64), np.full(column.size, np.inf)
    if until is not None:
        ends = trial_column(ds, until, "until")
        end = labels.pair(column, ends, what=("events", "until"))[1].values.astype(np.float64)
    end = np.where(np.isnan(end), np.inf, end)
    ahead = _steps(ds, window, step)
    known = np.where(np.isfinite(event), event, times[0])
    gap = find_gap(max_gap, float(np.median(np.diff(times))))
    samples = _samples(times, step if even else None, step, known, ahead, method, gap)
    inside = samples.found & (samples.when < end[:, None] - TIME_TOLERANCE)
    for start, stop in () if invalid_times is None else invalid_times:
        inside &= (samples.when < start) | (samples.when >= stop)
    # A gap at the start of a trial is missing data as any other gap; a start before the first
    # sample is no trial.
    early = times[0] - (step / 2 if method == "nearest" else 0.0) - slack_of(times)
    begun = event + ahead[0] * step >= early
    valid = np.isfinite(event) & begun & inside.any(1)
    if not valid.all():
        recorded = [float(times[0]), float(times[-1])]
        refuse_invalid(event, valid, float(window[0]), recorded, invalid, what)
    samples = Samples(*(each[valid] for each in samples))
    inside = inside[valid]
    coords = _coords(ds, column, event, valid)
    # The attributes keep that samples of a run are labelled by the ends of their steps.
    about = {"units": unit, "long_name": "time"}
    away = samples.when - event[valid][:, None] - ahead * step
    beside = _beside(away[inside]) if _binned(ds, names) else 0.0
    ahead = ahead * step + beside
    coords["time"] = xr.Variable("time", ahead, ds["time"].attrs | about)
    if not inside[:, -1].all():
        coords |= _ends(inside, ahead, unit)
    cut = {
        n: values_at(v.variable, samples, ("trial", "time"), inside) if n in names else v.variable
        for n, v in ds.items()
    }
    attrs = {n: v for n, v in signal.attrs.items() if n not in _OF_RECORD}
    attrs |= {"align_event": str(column.name or "event"), "align_method": method}
    attrs["align_error"] = float(np.round(np.abs(away[inside] - beside).max(initial=0.0), 9))
    if isinstance(signal, xr.Dataset):
        return xr.Dataset(cut, coords, attrs)
    return xr.DataArray(cut["signal"], coords, name=signal.name, attrs=attrs)


def _clock(ds: xr.Dataset, dt: Number | None, what: str) -> tuple[np.ndarray, float, str, bool]:
    """Times of the signal, the step of the trials, its unit, and whether the clock is even."""
    times, step, unit = labels.clock(ds, what=what, even=ds.sizes["time"] < 2)
    if even := not np.isnan(step):
        usual = tidy_step(step, times)
    else:
        usual = tidy_step(float(np.median(np.diff(times))), times[:2])
    if dt is None:
        return times, usual, unit, even
    given = plain_step(dt)
    if (even or in_pieces(times)) and not np.isclose(given, usual, rtol=1e-6):
        raise LabelError(
            f"{what} has a sample every {usual:g} {in_unit(unit)}, not every {given:g}: leave "
            f"dt out, or take neurodyn.trials.resample(signal, {given:g}) first, which filters."
        )
    return times, usual if even else given, unit, even


def _method(method: Method | None, times: np.ndarray, even: bool) -> Method:
    if method is None:
        return "nearest" if even or in_pieces(times) else "linear"
    if method not in ("nearest", "linear"):
        raise LabelError(f"method must be 'nearest' or 'linear', got {method!r}.")
    return method


def _samples(
    times: np.ndarray,
    even: float | None,
    step: float,
    event: np.ndarray,
    ahead: np.ndarray,
    method: Method,
    gap: float,
) -> Samples:
    """Samples of each trial; `even` is the step of an even clock."""
    at = event[:, None] + ahead[None, :] * step
    if method == "linear":
        return between(times, at, gap)
    if even is None:
        return nearest(times, at, step)
    # One distance from the event for the whole trial, so that no sample is left out. Of two samples
    # that are as near the later one is taken, whatever was rounded.
    place = (
        np.floor((event - times[0]) / even + 0.5 + _TIE).astype(np.int64)[:, None] + ahead[None, :]
    )
    found = (place >= 0) & (place < times.size)
    place = np.clip(place, 0, times.size - 1)
    return Samples(place, place, np.zeros(at.shape), found, times[place])


def _variables(ds: xr.Dataset, what: str) -> list[Any]:
    """Names of the variables to cut."""
    names = on_time(ds, what, "cut")
    if in_trials := [name for name in names if "trial" in ds[name].dims]:
        raise LabelError(f"{in_trials} are cut into trials already: align the continuous signal.")
    if "sweep" in ds[names[0]].dims:
        raise LabelError(
            f"{what} lies in sweeps, whose times start anew: select one, .isel(sweep=0), or leave "
            "this signal out, signals=[...]."
        )
    return names


def _steps(ds: xr.Dataset, window: Window, step: float) -> np.ndarray:
    """Samples of the window, counted from that of the event."""
    start, stop = edges_of(window, finite=True)
    around = np.arange(int(np.floor(start / step)) - 1, int(np.ceil(stop / step)) + 2)
    time = xr.Variable("time", around * step, ds["time"].attrs)
    axis = xr.DataArray(around, {"time": time}, "time", attrs=ds.attrs)
    return labels.between(axis, (start, stop), what="the signal").values


def _coords(
    ds: xr.Dataset, column: xr.DataArray, event: np.ndarray, valid: np.ndarray
) -> dict[Any, xr.Variable]:
    coords = {n: c.variable for n, c in ds.coords.items() if not {"trial", "time"} & {*c.dims}}
    table = {n: c.variable for n, c in column.coords.items() if c.dims == ("trial",)}
    table.setdefault("trial", xr.Variable("trial", np.arange(valid.size)))
    # The table may be that of spikes; a signal has no use for the keys of these.
    coords |= {n: v[valid] for n, v in table.items() if n not in SPIKE_KEYS.values()}
    if "event_time" in coords and column.name != "event_time":
        coords["event_time_"] = coords["event_time"]
    about = {"units": "ms", "long_name": "time of the event on the recording's clock"}
    coords["event_time"] = xr.Variable("trial", event[valid], about)
    return coords


def _binned(ds: xr.Dataset, names: list[Any]) -> bool:
    return any("bin_width" in attrs for attrs in (ds.attrs, *(ds[n].attrs for n in names)))


def _beside(away: np.ndarray) -> float:
    """Distance of the bins from their labels, if it is the same in all trials; else 0.

    Bins whose edge is the event have their centres half a bin beside it in every trial.
    """
    same = away.size and np.ptp(away) <= TIME_TOLERANCE
    return float(np.round(away.mean(), 9)) if same else 0.0


def _ends(inside: np.ndarray, ahead: np.ndarray, unit: str) -> dict[Any, xr.Variable]:
    """The end and the number of samples of each trial, as coordinates."""
    n = inside.shape[1] - np.argmax(inside[:, ::-1], axis=1)
    until = {"units": unit, "long_name": "end of the observed part of the trial"}
    number = {"units": "count", "long_name": "number of valid samples"}
    return {
        "valid_until": xr.Variable("trial", ahead[n - 1], until),
        "n_valid": xr.Variable("trial", n, number),
    }
