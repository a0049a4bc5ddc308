"""Cut continuous signals into trials around events."""

from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.bins import edges_of
from neurodyn.labels.convention import SPIKE_KEYS, TIME_TOLERANCE, Window
from neurodyn.signals.events import refuse_invalid, trial_column

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
#: Attributes of the whole recording, which trials do not have.
_OF_RECORD = ("window", "obs_intervals")


def align(
    signal: _Labelled,
    events: str | xr.DataArray | Any,
    window: Window,
    *,
    until: str | xr.DataArray | Any = None,
    invalid: Literal["raise", "drop"] = "raise",
) -> _Labelled:
    """Cut a continuous signal into trials around events: a field potential, a running speed.

    Parameters
    ----------
    signal
        DataArray or Dataset over an even `time`, and any other dims but `trial`, perhaps with a
        trial table on `trial`. Spikes are cut by `neurodyn.spikes.align`.
    events
        Time of the event in each trial [ms, clock of the signal]: the name of a column of the trial
        table, a DataArray on `trial` whose coordinates are then the trial table, or an array.
    window
        Start and stop around the event [ms], half-open: ``(-100, 500)``.
    until
        Time at which each trial ends, in the same three forms, for trials that may end before the
        window does.
    invalid
        Treatment of trials without an event (NaN), or whose window starts outside of the signal:
        "raise" an error that lists them, or "drop" them.

    Returns
    -------
    The signal on `trial`, `time` and its other dims. `time` counts from the sample that is nearest
    to the event, at most half a step from it, in steps of the signal, so that no value is
    interpolated. The trial table is kept; `event_time` (trial) is the time of the event. Samples
    after the end of the signal or of the trial are NaN; then `valid_until` (trial) [ms] is the time
    of the last sample of each trial, and `n_valid` (trial) the number of samples. Whole numbers
    become floats.

    Raises
    ------
    LabelError
        If the signal has trials already or no even clock, the event is unknown, or trials are
        invalid.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import trials
    >>> speed = xr.DataArray([0.0, 1.0, 4.0, 9.0], {"time": [0.0, 10.0, 20.0, 30.0]}, "time")
    >>> trials.align(speed, [10.0, 20.0], (-10, 20)).values
    array([[0., 1., 4.],
           [1., 4., 9.]])
    """
    if not isinstance(signal, xr.Dataset | xr.DataArray):
        raise LabelError(
            f"a signal must have labels of its times, got {type(signal).__name__}: use "
            "xarray.DataArray(values, {'time': times}, ('time', ...)), or neurodyn.labels.dataset."
        )
    ds = signal if isinstance(signal, xr.Dataset) else signal.to_dataset(name="signal")
    ds = ds.assign_attrs(signal.attrs)
    names = _variables(ds)
    times, step, unit = labels.clock(ds, what="the signal")
    column = trial_column(ds, events, "events")
    event, end = column.values.astype(np.float64), np.full(column.size, np.inf)
    if until is not None:
        ends = trial_column(ds, until, "until")
        end = labels.pair(column, ends, what=("events", "until"))[1].values.astype(np.float64)
    ahead = _steps(ds, window, step)
    at = np.where(np.isfinite(event), np.floor((event - times[0]) / step + 0.5), -np.inf)
    # Samples before the end of the trial, on the half-open window that ends there.
    last = np.fmin(np.ceil((end - times[0]) / step - TIME_TOLERANCE), times.size)
    valid = (at + ahead[0] >= 0) & (at + ahead[0] < last)
    if not valid.all():
        refuse_invalid(event, valid, float(window[0]), [times[0], times[-1]], invalid)
    index = at[valid].astype(np.int64)[:, None] + ahead[None, :]
    inside = index < last[valid][:, None]
    coords = _coords(ds, column, event, valid)
    # The attributes keep that samples of a run are labelled by the ends of their steps.
    about = {"units": unit, "long_name": "time"}
    coords["time"] = xr.Variable("time", ahead * step, ds["time"].attrs | about)
    if not inside.all():
        coords |= _ends(inside, ahead, step, unit)
    place = xr.Variable(("trial", "time"), np.minimum(index, times.size - 1))
    seen = xr.Variable(("trial", "time"), inside)
    cut = {n: _cut(v.variable, place, seen) if n in names else v.variable for n, v in ds.items()}
    attrs = {n: v for n, v in signal.attrs.items() if n not in _OF_RECORD}
    attrs["align_event"] = str(column.name or "event")
    if isinstance(signal, xr.Dataset):
        return xr.Dataset(cut, coords, attrs)
    return xr.DataArray(cut["signal"], coords, name=signal.name, attrs=attrs)


def _variables(ds: xr.Dataset) -> list[Any]:
    """Names of the variables to cut."""
    names = [name for name, v in ds.items() if "time" in v.dims]
    if not names:
        raise LabelError(f"no signal lies on 'time': variables are {list(ds.data_vars)}.")
    if in_trials := [name for name in names if "trial" in ds[name].dims]:
        raise LabelError(f"{in_trials} are cut into trials already: align the continuous signal.")
    if other := [n for n, c in ds.coords.items() if "time" in c.dims and n != "time"]:
        raise LabelError(
            f"the coordinates {other} lie on 'time': .reset_coords({other}) makes them variables, "
            f"which are cut, too; .drop_vars({other}) leaves them out."
        )
    if wrong := [name for name in names if ds[name].dtype.kind not in "biuf"]:
        raise LabelError(
            f"{wrong} hold no real numbers, so that NaN cannot mark missing samples: leave them "
            "out."
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
    about = {"units": "ms", "long_name": "time of the event on the recording's clock"}
    coords["event_time"] = xr.Variable("trial", event[valid], about)
    return coords


def _ends(inside: np.ndarray, ahead: np.ndarray, step: float, unit: str) -> dict[Any, xr.Variable]:
    """The end and the number of samples of each trial, as coordinates."""
    n = inside.sum(1)
    until = {"units": unit, "long_name": "end of the observed part of the trial"}
    number = {"units": "count", "long_name": "number of valid samples"}
    return {
        "valid_until": xr.Variable("trial", ahead[n - 1] * step, until),
        "n_valid": xr.Variable("trial", n, number),
    }


def _cut(variable: xr.Variable, place: xr.Variable, inside: xr.Variable) -> xr.Variable:
    """Samples at these places, NaN where they are not inside."""
    dtype = np.result_type(variable.dtype, np.float32)
    found = variable.isel(time=place).astype(dtype).where(inside)
    rest = [dim for dim in variable.dims if dim != "time"]
    found = found.transpose("trial", "time", *rest)
    found.attrs = variable.attrs
    return found
