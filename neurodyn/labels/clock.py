"""The clock of labelled data: the unit, step, direction and gaps of its times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.labels.convention import TIME_TOLERANCE, LabelError, Number
from neurodyn.labels.plain import plain_step
from neurodyn.labels.wording import in_unit

#: Units of a clock: milliseconds, or steps where there is no physical time.
UNITS = {"frequency": ("Hz", "1")}
_MS_OR_STEPS = ("ms", "1")
SECONDS = ("s", "sec", "secs", "second", "seconds")


class Clock(NamedTuple):
    """Times of samples.

    Attributes
    ----------
    time
        Label of each sample, in `unit`, increasing.
    step
        Distance of neighbours in `unit`; NaN if it is uneven and that was allowed.
    unit
        "ms", or "1" if times count steps ("s" if seconds were allowed).
    """

    time: Float[np.ndarray, " time"]
    step: float
    unit: str


def time_axis(n: int, dt: Number, t0: Number = 0.0) -> np.ndarray:
    """Time labels of `n` samples. Sample k is the state after input k, at ``t0 + (k + 1) dt``.

    Parameters
    ----------
    n
        Number of samples.
    dt
        Step [ms].
    t0
        Time at which the first input starts [ms].

    Returns
    -------
    Float64 array of shape ``(n,)``. It is computed from integers, not by adding steps, so that late
    labels are as exact as early ones.

    Examples
    --------
    >>> from neurodyn import labels
    >>> labels.time_axis(3, 20.0)
    array([20., 40., 60.])
    """
    if n < 0:
        raise ValueError(f"n is the number of samples and cannot be {n}.")
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be a positive number of ms, got {dt}.")
    return float(t0) + np.arange(1, n + 1, dtype=np.float64) * float(dt)


def clock(
    obj: xr.Dataset | xr.DataArray,
    *,
    dim: str = "time",
    what: str = "data",
    dt: Number | None = None,
    default: Number | None = None,
    even: bool = True,
    pieces: bool = False,
    seconds: bool = False,
) -> Clock:
    """Read the times of labelled data; all functions of the library read them in this way.

    Times without `units` are milliseconds. Other units are refused, never guessed or converted
    silently; `neurodyn.to_milliseconds` converts them.

    Parameters
    ----------
    obj
        Dataset or DataArray with the dim `dim`.
    dim
        "time", or another dim with a step: "lag", "frequency".
    what
        Name of `obj` in errors.
    dt
        Step [ms] that the user gave, if any. It must agree with the labels, and is used if there is
        no label or only one.
    default
        Step to use if there is no label or only one, and no `dt`. Times without labels then count
        steps. None: an error.
    even
        Whether the step must be even. If not, times must increase.
    pieces
        Whether the calling function accepts a list of pieces; an error about a gap then advises so.
    seconds
        Whether seconds are accepted, with the unit "s", as figures do.

    Returns
    -------
    Times, step and unit.

    Raises
    ------
    LabelError
        If the dim or its labels are missing; if labels are in another unit, NaN, repeated, or not
        in increasing order; if they have gaps or uneven steps; or if `dt` contradicts them.
    TypeError
        If `obj` is no Dataset or DataArray.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import labels
    >>> labels.clock(xr.DataArray([0.0, 1.0, 2.0], coords={"time": [10.0, 20.0, 30.0]}))
    Clock(time=array([10., 20., 30.]), step=10.0, unit='ms')
    """
    check_labelled(obj, what)
    if dim not in obj.dims:
        raise LabelError(f"{what} has no dim '{dim}': its dims are {tuple(map(str, obj.dims))}.")
    given = default if dt is None else plain_step(dt)
    if dim not in obj.coords:
        if given is None:
            raise LabelError(
                f"{what} has a dim '{dim}' without labels: .assign_coords({dim}=...), in ms."
            )
        unit = "1" if dt is None else "ms"
        return Clock(time_axis(obj.sizes[dim], given), float(given), unit)
    if problem := axis_problem(obj[dim], seconds=seconds):
        raise LabelError(f"{what}: {problem}.")
    time = obj[dim].values.astype(np.float64)
    unit = unit_of(obj[dim])
    if time.size < 2:
        if even and given is None:
            raise LabelError(
                f"{what} has {_count(time.size)} on '{dim}', which has no step: take two at least."
            )
        return Clock(time, np.nan if given is None else float(given), unit)
    step, slack = _step(time, obj[dim].dtype)
    if np.isnan(step):
        if even or dt is not None:
            raise LabelError(f"{what}: {_uneven(time, slack, dim, unit, pieces)}")
    elif dt is not None and not np.isclose(dt, step, rtol=1e-6, atol=slack / time.size):
        raise LabelError(
            f"dt={dt:g}, but the labels of '{dim}' in {what} are {step:g} {in_unit(unit)} apart: "
            "leave dt out, or correct the labels."
        )
    return Clock(time, step, unit)


def check_labelled(obj: object, what: str) -> None:
    """Refuse everything but a Dataset or a DataArray."""
    if not isinstance(obj, (xr.Dataset, xr.DataArray)):
        how = "neurodyn.labels.dataset builds one from arrays."
        if isinstance(obj, xr.DataTree):
            held = [node.path.strip("/") for node in obj.subtree if node.variables]
            how = f"take one part of it, tree[{held[0] if held else '...'!r}].to_dataset()."
            how += f" Its parts are {held}." if held[1:] else ""
        raise TypeError(
            f"{what} must be an xarray Dataset or DataArray, got {type(obj).__name__}; {how}"
        )


def unit_of(axis: xr.DataArray) -> str:
    """Unit of times without `unit_problem`; if they have no unit, the default of their dim."""
    unit = str(axis.attrs.get("units", UNITS.get(str(axis.name), _MS_OR_STEPS)[0]))
    return "s" if unit in SECONDS else unit


def slack_of(times: np.ndarray, dtype: np.dtype | None = None) -> float:
    """Tolerance for labels of this dtype: the farther from 0, the coarser they are rounded."""
    dtype = times.dtype if dtype is None else dtype
    precision = np.finfo(dtype).eps if dtype.kind == "f" else 0.0
    return max(TIME_TOLERANCE, 4 * float(precision) * float(np.abs(times).max(initial=0)))


def axis_problem(axis: xr.DataArray, *, seconds: bool = False) -> str | None:
    """A mistake in times other than uneven steps; None if there is none."""
    return unit_problem(axis, seconds=seconds) or _order_problem(axis)


def unit_problem(axis: xr.DataArray, *, seconds: bool = False) -> str | None:
    """A mistake in the unit or type of times in any order; None if there is none."""
    dim = str(axis.name)
    if axis.dtype.kind == "m":
        return f"'{dim}' is {axis.dtype}: times are float64 ms; neurodyn.to_milliseconds converts"
    if axis.dtype.kind == "M":
        return (
            f"'{dim}' holds dates ({axis.dtype}): times are ms from an event, "
            f".assign_coords({dim}=obj.{dim} - obj.{dim}[0]), then neurodyn.to_milliseconds"
        )
    if axis.dtype.kind not in "iuf":
        return f"'{dim}' has dtype {axis.dtype}: labels are float64"
    allowed = UNITS.get(dim, _MS_OR_STEPS)
    unit = axis.attrs.get("units", allowed[0])
    if unit in SECONDS and dim not in UNITS:
        told = f"'{dim}' is in seconds; all times are in ms: neurodyn.to_milliseconds(obj)"
        return None if seconds else told
    if unit not in allowed:
        return (
            f"'{dim}' has units {unit!r}: convert it and set .{dim}.attrs['units'] = "
            f"'{allowed[0]}' ('1' if times count steps)"
        )
    return None


def _order_problem(axis: xr.DataArray) -> str | None:
    dim, values = str(axis.name), axis.values.astype(np.float64)
    if not np.isfinite(values).all():
        return f"'{dim}' holds NaN or infinite values: every sample needs its label"
    steps = np.diff(values)
    if (steps > 0).all():
        return None
    if (steps < 0).all() and steps.size:
        ends = f"from {_label(values[0])} to {_label(values[-1])}"
        return f"'{dim}' runs backwards, {ends}: .sortby('{dim}')"
    ordered = np.sort(values)
    if (twice := np.flatnonzero(np.diff(ordered) == 0)).size:
        return (
            f"'{dim}' does not increase strictly, {_label(ordered[twice[0]])} is there more than "
            f"once: .drop_duplicates('{dim}'), or keep pieces that overlap apart"
        )
    return f"'{dim}' does not increase strictly: .sortby('{dim}')"


def _step(time: np.ndarray, dtype: np.dtype) -> tuple[float, float]:
    """The step, NaN if it is uneven; and the tolerance for labels."""
    slack = slack_of(time, dtype)
    step = float((time[-1] - time[0]) / (time.size - 1))
    # Beyond a quarter of a step, rounding would hide that a sample is missing.
    even = np.allclose(np.diff(time), step, rtol=1e-6, atol=min(slack, 0.25 * step))
    return (step if even else np.nan), slack


def _uneven(time: np.ndarray, slack: float, dim: str, unit: str, pieces: bool) -> str:
    steps = np.diff(time)
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > 1.5 * usual)
    rest = np.delete(steps, gaps)
    if not gaps.size or not np.allclose(rest, usual, rtol=1e-6, atol=slack):
        return (
            f"'{dim}' is uneven, with steps from {steps.min():g} to {steps.max():g} "
            f"{in_unit(unit)}: resample it to an even axis first, .interp({dim}=...)."
        )
    at, far = _label(time[gaps[0]]), _label(time[gaps[0] + 1])
    use = "pass the pieces as a list" if pieces else "take one piece"
    return (
        f"'{dim}' is uneven, with {_count(gaps.size, 'gap')}, the first from {at} to {far} "
        f"{in_unit(unit)} (steps are {usual:g}): cut at the gap and {use}, "
        f".sel({dim}=slice(None, {at})) and .sel({dim}=slice({far}, None))."
    )


def _label(value: np.floating) -> str:
    """A label with all its digits, because `sel` does not find a rounded one."""
    return repr(float(value)).removesuffix(".0")


def _count(n: int, noun: str = "sample") -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
