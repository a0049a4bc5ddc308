"""Time bins and windows, read from the labels of `time`."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.clock import clock, slack_of
from neurodyn.labels.convention import END_OF_STEP, TIME_TOLERANCE, LabelError, Window
from neurodyn.labels.plain import refuse_units
from neurodyn.labels.wording import in_unit, told

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def bin_width(obj: xr.Dataset | xr.DataArray, *, what: str = "data") -> float:
    """Width of the time bins of counts or averages [ms].

    The width is the distance of neighbouring labels of `time`. If bins were left out, the attribute
    ``bin_width`` is the width. It is also the width of a single bin, unless the attribute
    ``window`` contradicts it. Contradictions are refused, because most xarray operations, such as
    ``.coarsen(time=2).sum()``, keep attributes that are wrong afterwards.

    Parameters
    ----------
    obj
        Dataset or DataArray with times.
    what
        Name of `obj` in errors.

    Raises
    ------
    LabelError
        If labels and attribute contradict each other, or there is no width in either.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import labels
    >>> labels.bin_width(xr.DataArray([4, 1, 0], coords={"time": [5.0, 15.0, 25.0]}))
    10.0
    """
    known = obj.attrs.get("bin_width")
    if known is None:
        if obj.sizes.get("time") == 1:
            raise LabelError(f"{what} has a single bin: .assign_attrs(bin_width=...) in ms.")
        return clock(obj, what=what).step
    if not (isinstance(known, (int, float, np.number)) and np.isfinite(known) and known > 0):
        raise LabelError(f"{what}: the attribute bin_width must be a number of ms, got {known!r}.")
    time = clock(obj, what=what, even=False).time
    if time.size < 2:
        _refuse_stale(time, float(known), obj.attrs.get("window"), what)
        return float(known)
    nearest = float(np.diff(time).min())
    if not np.isclose(nearest, known, rtol=1e-6, atol=TIME_TOLERANCE):
        raise LabelError(
            f"{what}: bin_width is {known:g} ms in attrs, but bins are {nearest:g} ms apart. "
            "If counts were added, as .coarsen(...).sum() does, or rates were averaged, correct "
            f"the attribute: .assign_attrs(bin_width={nearest:g}). A mean of counts is not the "
            "count of the wide bin: turn counts into rates (neurodyn.spikes.rate) before you "
            "average them. If bins were taken out, count or average anew in wider bins."
        )
    return float(known)


def _refuse_stale(time: np.ndarray, width: float, window: Any, what: str) -> None:
    """Refuse the width of a single bin if it is not its window: bins may have been joined."""
    if not time.size or np.shape(window) != (2,):
        return
    start, stop = (float(edge) for edge in window)
    around = [time[0] - width / 2, time[0] + width / 2]
    if not np.allclose([start, stop], around, rtol=1e-6, atol=TIME_TOLERANCE):
        raise LabelError(
            f"{what} has a single bin at {told(time[0])} ms of unknown width: its attributes are "
            f"bin_width {width:g} ms and a window from {told(start)} to {told(stop)} ms. Bin "
            "anew with window=(start, stop) of that bin, or select two bins at least. For a sum "
            "over bins, as of .coarsen(...).sum(), assign bin_width=stop - start, "
            "window=[start, stop]."
        )


def edges_of(window: Any, what: str = "", *, finite: bool = False) -> tuple[float, float]:
    """Start and stop of a window [ms].

    Parameters
    ----------
    window
        Start and stop.
    what
        Name of the data in errors.
    finite
        Whether both must be finite.

    Raises
    ------
    LabelError
        If `window` is no pair of numbers with start < stop.
    """
    refuse_units("window", window)
    for edge in window if isinstance(window, (list, tuple)) else ():
        refuse_units("window", edge)
    found = np.asarray(window)
    if found.shape != (2,) or found.dtype.kind not in "iuf" or not found[0] < found[1]:
        raise LabelError(
            f"{what}{': ' * bool(what)}a window is (start, stop) in ms with start < stop, got "
            f"{window!r}."
        )
    if finite and not np.isfinite(found).all():
        raise LabelError(f"a window has a finite start and stop [ms], got {window}.")
    return float(found[0]), float(found[1])


def labels_ends(obj: xr.Dataset | xr.DataArray) -> bool:
    """Whether times are the ends of steps, as those of runs and tasks are unless they are bins.

    The times have an attribute for it, because a variable taken out of a Dataset has no `source`.
    """
    of_steps = obj["time"].attrs.get("sample") == END_OF_STEP
    return "bin_width" not in obj.attrs and (
        of_steps or obj.attrs.get("source") in ("model", "task")
    )


def between(obj: _Labelled, window: Window | None, *, what: str = "data") -> _Labelled:
    """Select the samples of a window [ms]; windows are half-open, so that neighbours share none.

    A sample belongs to the window that holds its middle. Bins are labelled by their middle, so they
    and samples of recordings are taken if ``start <= time < stop``. Samples of runs and tasks are
    labelled by the end of their step (the attribute ``sample`` of their ``time``), so they are
    taken if ``start < time <= stop``. A window thus selects the same part of a run, of its spikes
    and of its binned spikes.

    Parameters
    ----------
    obj
        Dataset or DataArray with times.
    window
        Start and stop [ms], or in steps if times count steps; None: everything.
    what
        Name of `obj` in errors.

    Raises
    ------
    LabelError
        As `clock`; also if `window` is no window, or holds no sample.

    Examples
    --------
    >>> import xarray as xr
    >>> from neurodyn import labels
    >>> bins = xr.DataArray([4, 1, 0], coords={"time": [5.0, 15.0, 25.0]}, dims="time")
    >>> labels.between(bins, (5, 25)).time.values
    array([ 5., 15.])
    """
    time, _, unit = clock(obj, what=what, default=1.0, even=False)
    if window is None:
        return obj
    start, stop = edges_of(window, what)
    # Labels beside an edge by no more than rounding lie on the edge.
    slack = slack_of(time)
    slack = slack if labels_ends(obj) else -slack
    inside = (time > start + slack) & (time <= stop + slack)
    if not inside.any():
        raise LabelError(
            f"{what} has no sample from {told(start)} to {told(stop)} {in_unit(unit)}: its "
            f"times run from {told(time[0])} to {told(time[-1])}."
        )
    return obj.isel(time=inside)
