"""Bring signals onto another clock."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.convention import END_OF_STEP, TIME_TOLERANCE, Number
from neurodyn.labels.plain import plain_step
from neurodyn.labels.wording import told
from neurodyn.signals.chunked import chunked
from neurodyn.signals.sampling import between, find_gap, on_time, values_at

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
Filter = Literal["fir", "mean"]
#: Half length of the filter in new steps, and its cutoff as a fraction of the new Nyquist
#: frequency: with a Hamming window it then stops from 0.9 of it on.
_HALF, _CUTOFF = 16, 0.8


def resample(
    signal: _Labelled,
    dt: Number | None = None,
    *,
    like: xr.Dataset | xr.DataArray | None = None,
    filter: Filter | None = "fir",
    max_gap: Number | None = None,
) -> _Labelled:
    """Bring a signal onto another clock: of another step, or of another signal.

    Fewer samples need a filter before, because faster oscillations would appear as slow ones.

    Parameters
    ----------
    signal
        DataArray or Dataset over `time`, continuous or in trials, with an even clock or not; in a
        Dataset all variables on `time`. Data in chunks (dask), and those above 1 GiB in a file,
        are filtered chunk by chunk when they are used.
    dt
        New step [ms]. The first sample keeps its time (of a run, the start of its first step).
    like
        Instead of `dt`: data whose `time` is taken, such as another signal, or rates.
    filter
        "fir": a low-pass without delay: a windowed sinc (Hamming, 16 new steps to either side) that
        passes up to 0.7 of the new Nyquist frequency ``500 / dt`` Hz, is 6 dB down at 0.8, and more
        than 50 dB from 0.9 on. "mean": the mean of the samples of each new step, labelled by its
        middle, as bins are; the new step must be a multiple of the old one. None: no filter. More
        samples need none.
    max_gap
        Samples further apart [ms] have NaN between them. Default: three of their usual steps,
        because more would be made up.

    Returns
    -------
    A new object; values between two samples, after the filter, lie on the line between these. The
    attribute `resample_filter` states what was done. The filter is normalised over the samples
    under it, so that a constant stays constant up to the ends; NaN has no weight, and where more
    than half of the weight is missing, the result is NaN. Times of `like` outside of the signal
    have NaN. Whole numbers become floats.

    Raises
    ------
    LabelError
        If the signal has no clock, both or neither of `dt` and `like` are given, they do not
        overlap, or "mean" has no whole number of samples to a step.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from neurodyn import trials
    >>> x = xr.DataArray(np.arange(6.0), {"time": np.arange(6) * 10.0}, "time")
    >>> trials.resample(x, 5.0).values[:4]
    array([0. , 0.5, 1. , 1.5])
    >>> trials.resample(x, 20.0, filter="mean").values
    array([0.5, 2.5, 4.5])
    """
    if isinstance(signal, xr.DataArray):
        ds = signal.to_dataset(name="signal").assign_attrs(signal.attrs)
        done = resample(ds, dt, like=like, filter=filter, max_gap=max_gap)
        attrs = {**signal.attrs, **done.attrs}
        return done["signal"].rename(signal.name).assign_attrs(attrs)
    if filter not in ("fir", "mean", None):
        raise LabelError(f"filter must be 'fir', 'mean' or None, got {filter!r}.")
    if not isinstance(signal, xr.Dataset):
        raise LabelError(
            f"resample takes one signal, a DataArray or Dataset over 'time', got "
            f"{type(signal).__name__}; of a recording take session['signals/NAME'].to_dataset()."
        )
    signal = chunked(signal)
    names = on_time(signal, "the signal", "resampled")
    times, step, _ = labels.clock(signal, what="the signal", even=signal.sizes["time"] < 2)
    usual = float(np.median(np.diff(times))) if np.isnan(step) else step
    new, at = _new_clock(signal, times, usual, dt, like)
    if filter == "mean":
        return _means(signal, names, step, new, at if like is not None else None)
    if (at > times[-1]).all() or (at < times[0]).all():
        raise LabelError(
            f"the signal ({told(times[0])} to {told(times[-1])} ms) and the new times "
            f"({told(at[0])} to {told(at[-1])} ms) do not overlap: are both on one clock?"
        )
    gap, about = find_gap(max_gap, usual), []
    variables = {name: signal[name].variable for name in names}
    if np.isnan(step):
        about.append(f"lines over gaps of up to {gap:g} ms")
    if filter == "fir" and new > usual * (1 + 1e-6):
        if np.isnan(step):
            even = times[0] + np.arange(int((times[-1] - times[0]) / usual) + 1) * usual
            variables = {n: _on_line(v, times, even, gap) for n, v in variables.items()}
            times = even
        variables = {n: _low_pass(v, new / usual) for n, v in variables.items()}
        nyquist = 500 / new
        about.append(f"low-pass without delay, 6 dB down at {_CUTOFF * nyquist:g} Hz")
    variables = {n: _on_line(v, times, at, gap) for n, v in variables.items()}
    text = "; ".join(about) or "none"
    return _built(signal, variables, at, {"resample_filter": text})


def _new_clock(
    ds: xr.Dataset, times: np.ndarray, step: float, dt: Number | None, like: Any
) -> tuple[float, np.ndarray]:
    """The new step and the new times."""
    if (dt is None) == (like is None):
        raise LabelError("resample needs a new step dt [ms], or like= with the times to take.")
    if like is not None:
        found = labels.clock(like, what="like", even=like.sizes.get("time", 0) < 2)
        new = float(np.median(np.diff(found.time))) if np.isnan(found.step) else found.step
        return new, found.time
    new = plain_step(dt)
    first = times[0]
    if ds["time"].attrs.get("sample") == END_OF_STEP:
        first = first - step + new
    n = int(np.floor((times[-1] - first) / new + TIME_TOLERANCE)) + 1
    if n < 1:
        raise LabelError(
            f"the signal is shorter ({times[-1] - times[0]:g} ms) than one step of dt={new:g} ms."
        )
    return new, first + np.arange(n) * new


def _on_line(v: xr.Variable, times: np.ndarray, at: np.ndarray, gap: float) -> xr.Variable:
    samples = between(times, at, gap)
    return values_at(v, samples, ("time",), samples.found).transpose(*v.dims)


def _low_pass(v: xr.Variable, ratio: float) -> xr.Variable:
    """Filter a variable on an even clock, `ratio` of whose steps make a new one."""
    from scipy.signal import firwin

    half = int(np.ceil(_HALF * ratio))
    taps = firwin(2 * half + 1, _CUTOFF / ratio, window="hamming")
    dtype = np.result_type(v.dtype, np.float32)
    axis, data = v.dims.index("time"), v.data
    if not hasattr(data, "dask"):
        return v.copy(data=_filtered(np.asarray(data), taps, axis, dtype))
    how = {"depth": {axis: half}, "boundary": "none", "dtype": dtype}
    meta = data._meta.astype(dtype)
    data = data.map_overlap(_filtered, taps=taps, axis=axis, kind=dtype, meta=meta, **how)
    return v.copy(data=data)


def _filtered(values: np.ndarray, taps: np.ndarray, axis: int, kind: np.dtype) -> np.ndarray:
    from scipy.signal import oaconvolve

    shape = [-1 if i == axis else 1 for i in range(values.ndim)]
    kernel = taps.reshape(shape)

    def added(x: np.ndarray) -> np.ndarray:
        return oaconvolve(x, kernel, mode="same", axes=axis)

    x = values.astype(np.float64)
    missing = np.isnan(x)
    if missing.any():
        # The mean is taken out, because rounding of a large one would show beside few samples.
        base = np.nanmean(np.where(np.isinf(x), np.nan, x)) if not missing.all() else 0.0
        weight = added((~missing).astype(np.float64))
        total = added(np.where(missing, 0.0, x - base))
        whole = np.where(weight > 0.5, weight, np.nan)
        return (total / whole + base).astype(kind)
    weight = oaconvolve(np.ones(x.shape[axis]), taps, mode="same")
    return (added(x) / weight.reshape(shape)).astype(kind)


def _means(
    ds: xr.Dataset, names: list[Any], step: float, new: float, centres: np.ndarray | None
) -> xr.Dataset:
    """Means of the samples of each new step."""
    many = round(new / step) if np.isfinite(step) else 0
    if many < 1 or abs(many * step - new) > TIME_TOLERANCE * max(1, many):
        known = f"every {step:g} ms" if np.isfinite(step) else "at uneven times"
        raise LabelError(
            f"steps of {new:g} ms have no whole number of samples, which lie {known}: choose a "
            "multiple, or filter='fir'."
        )
    ends = ds["time"].attrs.get("sample") == END_OF_STEP
    times = labels.clock(ds, what="the signal", even=False).time
    start = times[0] - step if ends else times[0]
    skip = 0
    if centres is not None:
        skip = round((centres[0] - new / 2 - start) / step)
        if skip < 0 or skip + many * centres.size > times.size:
            edges = f"{told(centres[0] - new / 2)} to {told(centres[-1] + new / 2)} ms"
            raise LabelError(
                f"the bins of like ({edges}) are not all within the signal ({told(times[0])} to "
                f"{told(times[-1])} ms): cut them first, neurodyn.labels.between."
            )
    n = (times.size - skip) // many if centres is None else centres.size
    if n < 1:
        raise LabelError(f"the signal is shorter than one step of {new:g} ms.")
    part = slice(skip, skip + n * many)
    variables = {}
    for name in names:
        v = ds[name].variable.isel(time=part)
        v = v.astype(np.result_type(v.dtype, np.float32))
        variables[name] = v.coarsen({"time": many}, "mean", skipna=True, keep_attrs=True)
    at = start + (skip + np.arange(n) * many) * step + new / 2 if centres is None else centres
    text = {"resample_filter": f"means of {many} samples", "bin_width": new}
    built = _built(ds, variables, at, text)
    built["time"].attrs.pop("sample", None)
    return built


def _built(
    ds: xr.Dataset, variables: dict[Any, xr.Variable], at: np.ndarray, about: dict[str, Any]
) -> xr.Dataset:
    time = xr.Variable("time", at, ds["time"].attrs)
    rest = ds.drop_vars([*variables, "time", "n_valid"], errors="ignore")
    attrs = {n: v for n, v in ds.attrs.items() if n != "bin_width"}
    return (
        rest.assign_coords(time=time)
        .assign(variables)[list(ds.data_vars)]
        .assign_attrs(attrs | about)
    )
