"""Sequences of observations out of arrays and labelled arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neurodyn.labels.build import time_axis
from neurodyn.labels.convention import TIME_TOLERANCE
from neurodyn.labels.ends import valid

__all__ = ["Observed", "read_sequences"]


class Observed(NamedTuple):
    """Sequences and their labels.

    Attributes
    ----------
    values
        Numbers, as they came.
    dt
        Step [ms].
    time
        Label of each step [ms].
    coords
        Labels of trials and outputs, as :func:`neurodyn.labels.dataset` takes them.
    n_valid
        Steps of each sequence that are there before it ends, where some end early.
    """

    values: Float[np.ndarray, "trial time output"]
    dt: float
    time: Float[np.ndarray, " time"]
    coords: dict[str, Any]
    n_valid: Int[np.ndarray, " trial"] | None


def read_sequences(observed: Any, *, dt: float | None = None, name: str = "observed") -> Observed:
    """Read sequences by their dims, whatever the order they come in.

    Parameters
    ----------
    observed
        ``(trial, time, output)``: an array in this order; a labelled array with `trial`, `time` and
        one more dim (`output`, `unit`...); or a Dataset with ``targets``.
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels.
    name
        What errors call it.

    Raises
    ------
    ValueError
        If dims are missing, steps are uneven, or ``dt`` contradicts the labels of `time`.
    """
    if isinstance(observed, xr.Dataset):
        if "targets" not in observed:
            held = sorted(map(str, observed.data_vars))
            raise ValueError(
                f"`{name}` is a Dataset without `targets` (it has {held}): pass the variable that "
                "holds the sequences."
            )
        observed = observed["targets"]
    if dt is not None and not (np.ndim(dt) == 0 and np.isfinite(dt) and dt > 0):
        raise ValueError(f"`dt` must be a number of ms above 0, got {dt!r}.")
    labelled = isinstance(observed, xr.DataArray)
    if labelled:
        last = [d for d in observed.dims if d not in ("trial", "time")]
        if {"trial", "time"} - set(observed.dims) or len(last) != 1:
            raise ValueError(
                f"`{name}` needs the dims trial, time and one of outputs (or units), got "
                f"{observed.dims}; rename or select them first."
            )
        observed = observed.transpose("trial", "time", last[0])
    values = np.asarray(observed)
    if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "iufb":
        raise ValueError(
            f"`{name}` must be numbers (trial, time, output), got {values.dtype} of shape "
            f"{values.shape}. A single sequence is {name}[None], a single output "
            f"{name}[..., None]."
        )
    if not labelled:
        step = 1.0 if dt is None else float(dt)
        return Observed(values, step, time_axis(values.shape[1], step), {}, None)
    step, time = _clock(observed, dt, name)
    coords = _labels_of(observed)
    ends = {"n_valid", "valid_until"} & set(observed.coords)
    n_valid = valid(observed).sum("time").values if ends else None
    return Observed(values, step, time, coords, n_valid)


def _clock(x: xr.DataArray, dt: float | None, name: str) -> tuple[float, np.ndarray]:
    n = x.sizes["time"]
    if "time" not in x.coords:
        step = 1.0 if dt is None else float(dt)
        return step, time_axis(n, step)
    time = np.asarray(x["time"].values, np.float64)
    if n == 1:
        return (1.0 if dt is None else float(dt)), time
    steps = np.diff(time)
    if not steps[0] > 0 or not np.allclose(steps, steps[0], rtol=1e-6, atol=TIME_TOLERANCE):
        raise ValueError(
            f"`{name}` has steps from {steps.min():g} to {steps.max():g} ms: resample it to an "
            "even time axis first."
        )
    # Labels far from 0 have rounding errors that their mean step has not.
    step = float((time[-1] - time[0]) / (n - 1))
    if dt is not None and not np.isclose(dt, step, rtol=1e-6):
        raise ValueError(
            f"dt={dt:g}, but the labels of `time` in `{name}` are {step:g} ms apart: leave dt out, "
            "or correct the labels."
        )
    return step, time


def _labels_of(x: xr.DataArray) -> dict[str, Any]:
    """Plain labels of trials, and the names of the outputs."""
    coords: dict[str, Any] = {}
    for label, coord in x.coords.items():
        if coord.dims == ("trial",) and coord.dtype != object:
            coords[str(label)] = xr.Variable("trial", coord.values, coord.attrs)
    last = x.dims[2]
    if last in x.coords:
        coords["output"] = np.asarray([str(v) for v in x[last].values])
    return coords
