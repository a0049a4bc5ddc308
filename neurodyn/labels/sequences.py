"""Read sequences of observations from arrays and labelled arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int

from neurodyn.labels.channels import pair_channels
from neurodyn.labels.check_values import held
from neurodyn.labels.clock import clock, time_axis
from neurodyn.labels.convention import LabelError
from neurodyn.labels.ends import valid
from neurodyn.labels.only import only
from neurodyn.labels.pairing import in_positions, like, pair


class Observed(NamedTuple):
    """Sequences and their labels.

    Attributes
    ----------
    values
        The observations, unchanged.
    dt
        Step [ms].
    time
        Label of each step [ms].
    coords
        Labels of trials and outputs, as :func:`neurodyn.labels.dataset` takes them.
    n_valid
        Number of steps of each sequence; None if all fill the axis `time`.
    unit
        Unit of `dt` and `time`: "ms", or "1" for steps.
    """

    values: Float[np.ndarray, "trial time output"]
    dt: float
    time: Float[np.ndarray, " time"]
    coords: dict[str, Any]
    n_valid: Int[np.ndarray, " trial"] | None
    unit: str = "ms"

    @property
    def start(self) -> float:
        """Time at which the first step begins, one step before its label."""
        return float(self.time[0]) - self.dt

    @property
    def ranks(self) -> Int[np.ndarray, " trial"]:
        """Position of each trial in the order of labels; random draws are made in that order."""
        n = self.values.shape[0]
        if "trial" not in self.coords:
            return np.arange(n)
        labels = np.asarray(self.coords["trial"])
        return np.argsort(np.argsort(labels, kind="stable"), kind="stable")

    @property
    def axis(self) -> tuple[str, np.ndarray, str]:
        """The coordinate `time`, as :func:`neurodyn.labels.dataset` takes it."""
        return "time", self.time, self.unit

    def labelled(self) -> xr.DataArray:
        """The values with their labels; dims without labels are numbered, as in results."""
        trial, output = (np.arange(self.values.shape[axis]) for axis in (0, 2))
        coords = {"trial": trial, "output": output} | self.coords
        coords["time"] = xr.Variable("time", self.time, {"units": self.unit})
        return xr.DataArray(self.values, coords, ("trial", "time", "output"))


def pair_sequences(result: xr.DataArray, observed: Any, *, name: str = "observed") -> xr.DataArray:
    """Bring observations into the order of a result that was computed from them.

    Parameters
    ----------
    result
        Result of a function of `observed`, with the dims `trial`, `time` and `output` in any order.
        Dims without labels in `observed` are numbered in it.
    observed
        Observations, in a form that :func:`read_sequences` takes. An array is in the order of the
        labels of `result`.
    name
        Name of `observed` in errors.

    Raises
    ------
    LabelError, ValueError
        If labels differ, or as :func:`read_sequences`.
    """
    seen, what = read_sequences(observed, name=name), ("result", name)
    if not isinstance(observed, (xr.DataArray, xr.Dataset)):
        result = result.transpose("trial", "time", "output")
        return pair(result, like(seen.values, result, what=what), what=what)[1]
    array = pair(result, seen.labelled(), ("trial", "time"), what=what)[1]
    array = pair_channels(result, array, "output", "output", positions=True, what=what)
    return array.transpose(*result.dims)


def for_model(observed: Any, *, name: str = "observed") -> Any:
    """Sort the outputs of sequences into the order of a model; return arrays unchanged.

    The outputs of a model have positions. Labels that count from 0 are such positions; outputs with
    other names stay in their order, see :func:`in_positions`.
    """
    source = _targets(observed, name)
    if not isinstance(source, xr.DataArray):
        return observed
    last = [str(d) for d in source.dims if d not in ("trial", "time")]
    return in_positions(source, last[0], what=f"`{name}`") if len(last) == 1 else source


def _targets(observed: Any, name: str) -> Any:
    """The sequences of a Dataset: ``targets``, or its only variable on trials."""
    if isinstance(observed, xr.Dataset) and "targets" in observed:
        return observed["targets"]
    if not isinstance(observed, (xr.Dataset, xr.DataArray)) and hasattr(observed, "targets"):
        raise ValueError(
            f"`{name}` is a {type(observed).__name__}: pass the sequences that it holds, its "
            "`targets`."
        )
    return only(observed, name, ["trial", "time"])


def read_sequences(observed: Any, *, dt: float | None = None, name: str = "observed") -> Observed:
    """Read sequences by their dims, in any order of the dims.

    Parameters
    ----------
    observed
        ``(trial, time, output)``: an array in this order; a labelled array with `trial`, `time` and
        one more dim (`output`, `unit`...); or a Dataset with ``targets`` or one such variable.
    dt
        Step [ms]. None: the step of `time`, or 1 without labels.
    name
        Name of `observed` in errors.

    Raises
    ------
    ValueError
        If dims are missing, or `clock` refuses the labels of `time`.
    """
    observed = _targets(observed, name)
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
        observed = held(observed.transpose("trial", "time", last[0]), what=f"`{name}`")
    refuse_frame(observed, name)
    values = np.asarray(observed)
    if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "iufb":
        raise ValueError(
            f"`{name}` must be numbers (trial, time, output), got {values.dtype} of shape "
            f"{values.shape}. A single sequence is {name}[None], a single output "
            f"{name}[..., None]."
        )
    if not labelled:
        step, unit = (1.0, "1") if dt is None else (float(dt), "ms")
        return Observed(values, step, time_axis(values.shape[1], step), {}, None, unit)
    time, step, unit = clock(observed, what=f"`{name}`", dt=dt, default=1.0)
    coords = _labels_of(observed)
    ends = {"n_valid", "valid_until"} & set(observed.coords)
    n_valid = valid(observed).sum("time").values if ends else None
    return Observed(values, step, time, coords, n_valid, unit)


def refuse_frame(data: Any, name: str) -> None:
    """Refuse a DataFrame, one of whose columns may be time."""
    if isinstance(data, pd.DataFrame):
        raise LabelError(
            f"`{name}` is a DataFrame with the columns {list(map(str, data.columns))}. Is one of "
            "them time, and in which unit? Pass the others as a DataArray with the dims "
            "('time', 'output') and the coordinate time [ms], or as an array and the step `dt=`: "
            "df[[...]].to_numpy()."
        )


def _labels_of(x: xr.DataArray) -> dict[str, Any]:
    """Plain labels of trials, and the names of the outputs."""
    coords: dict[str, Any] = {}
    for label, coord in x.coords.items():
        if coord.dims == ("trial",) and coord.dtype != object:
            coords[str(label)] = xr.Variable("trial", coord.values, coord.attrs)
    last = x.dims[2]
    if last in x.coords:
        names = x[last].values
        coords["output"] = np.array([str(v) for v in names]) if names.dtype == object else names
    return coords
