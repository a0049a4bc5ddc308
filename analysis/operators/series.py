"""Activity of one system, as trials on an even clock, and the inputs that drove it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn import labels
from neurodyn.analysis.shared.arrays import ROW_DIMS, checked, pick
from neurodyn.labels import LabelError, clock
from neurodyn.labels.only import only

Values = Float[np.ndarray, "trial time unit"]


class Series(NamedTuple):
    """Activity of a system.

    Attributes
    ----------
    values
        Activity, NaN where it is missing.
    step, unit
        Step of the clock, and its unit: "ms", or "1" for steps without physical time.
    array
        The labelled activity ``(trial | condition, time, unit)``.
    """

    values: Values
    step: float
    unit: str
    array: xr.DataArray

    @property
    def row(self) -> str:
        """The dim of the trials."""
        return str(self.array.dims[0])

    @property
    def order(self) -> np.ndarray:
        """Positions of trials in the order of their labels, by which folds are made."""
        row = self.row
        own = [c.values for n, c in sorted(self.array.coords.items()) if c.dims == (row,)]
        if row in self.array.coords:
            own = [self.array[row].values]
        keys = [x if x.dtype.kind in "iufb" else x.astype(str) for x in own]
        return np.lexsort(keys[::-1]) if keys else np.arange(len(self.values))


def read(
    activity: Any, *, dt: float | None = None, variable: str | None = None, what: str = "activity"
) -> Series:
    """Read and check the activity of one system.

    Parameters
    ----------
    activity
        Labelled, ``(trial | condition, time, unit)`` in any order or of a single trial; or an array
        ``(trial, time, unit)`` or ``(time, unit)``. NaN are missing samples; samples past the end
        of a trial count as missing.
    dt
        Step of an array [ms]; None: steps without physical time.
    variable
        Which variable of a Dataset.
    what
        Name of the activity in errors.

    Raises
    ------
    LabelError
        If dims are others, times are uneven, values are infinite, or nothing varies.
    """
    if isinstance(activity, (xr.Dataset, xr.DataArray)):
        array = pick(activity, variable, what=what)
    else:
        array = _wrapped(activity, dt, what)
    row = next((d for d in ROW_DIMS if d in array.dims), "trial")
    if extra := [str(d) for d in array.dims if d not in (row, "time", "unit")]:
        raise LabelError(
            f"{what} has the dims {extra} besides: select one entry, .isel({extra[0]}=0)."
        )
    if "time" not in array.dims:
        raise LabelError(f"{what} needs a dim 'time', got dims {array.dims}.")
    _, step, unit = clock(array, what=what, dt=dt, default=1.0)
    ended = labels.valid(array)
    if row not in array.dims:
        array = array.drop_vars(row, errors="ignore").expand_dims(row)
    array = array.transpose(row, "time", "unit")
    values = checked(array, what=what, missing=True).astype(np.float64)
    inside = np.broadcast_to(ended.values, values.shape[:2])  # (time,) or (trial, time)
    values = np.where(inside[..., None], values, np.nan)
    seen = values[np.isfinite(values).all(-1)]
    if not len(seen):
        raise LabelError(
            f"in no sample of {what} are all {values.shape[2]} units there: leave out units that "
            "were recorded in other trials."
        )
    if (seen == seen[0]).all():
        raise LabelError(f"{what} is constant: it has no dynamics to fit.")
    return Series(values, step, unit, array)


def _wrapped(activity: Any, dt: float | None, what: str) -> xr.DataArray:
    values = np.asarray(activity)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not values.size or values.dtype.kind not in "iufb":
        raise ValueError(
            f"{what} must be numbers (trial, time, unit) or (time, unit), got {values.dtype} of "
            f"shape {np.shape(activity)}."
        )
    unit = "1" if dt is None else "ms"
    step = 1.0 if dt is None else float(dt)
    time = xr.Variable("time", labels.time_axis(values.shape[1], step), {"units": unit})
    return xr.DataArray(values, {"time": time}, ("trial", "time", "unit"))


def inputs_of(series: Series, inputs: Any, lag: int) -> Float[np.ndarray, "trial time input"]:
    """Inputs, so that the one at a sample acted in the step that led to it.

    Raises
    ------
    LabelError, ValueError
        If labels or shapes differ from those of the activity, or values are missing within it.
    """
    n, steps = series.values.shape[:2]
    inputs = only(inputs, "inputs", ["time", "input"])
    if isinstance(inputs, xr.DataArray):
        if not {"time", "input"} <= set(inputs.dims):
            raise LabelError(f"inputs need the dims 'time' and 'input', got {inputs.dims}.")
        dims = [d for d in (series.row, "time") if d in inputs.dims]
        _, inputs = labels.pair(series.array, inputs, dims, what=("activity", "inputs"))
        inputs = inputs.transpose(*dims, "input").values
    u = np.asarray(inputs, np.float64)
    u = np.broadcast_to(u, (n, *u.shape)) if u.ndim == 2 else u
    if u.ndim != 3 or u.shape[:2] != (n, steps) or not u.shape[2]:
        raise ValueError(
            f"inputs must be (trial, time, input) or (time, input) with {n} trials and {steps} "
            f"times, got shape {np.shape(inputs)}."
        )
    if lag:
        u = np.concatenate([np.full_like(u[:, :lag], np.nan), u[:, :-lag]], axis=1)
    there = np.isfinite(series.values).all(-1)
    there[:, : 1 + lag] = False
    if not np.isfinite(u[there]).all():
        raise LabelError("inputs hold NaN or infinite values where there is activity.")
    return u
