"""Time bins and windows, as the labels of times say them."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neurodyn.labels.clock import clock
from neurodyn.labels.convention import END_OF_STEP, TIME_TOLERANCE, LabelError, Window

__all__ = ["between", "bin_width", "edges_of"]

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)


def bin_width(obj: xr.Dataset | xr.DataArray, *, what: str = "data") -> float:
    """Width of the time bins that `obj` is counted or averaged in [ms].

    The labels decide: bins follow each other, so that neighbours are one width apart. The attribute
    ``bin_width`` counts where bins were left out. Of a single bin it counts if there is no
    attribute ``window``, or that is this one bin. Most xarray operations keep attributes that they
    make wrong, such as ``.coarsen(time=2).sum()``; a contradiction is refused.

    Raises
    ------
    LabelError
        If labels and attribute contradict each other, or neither tells the width.

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
            "Counts that were added, as .coarsen(...).sum() does, or rates that were averaged: "
            f".assign_attrs(bin_width={nearest:g}). A mean of counts is no count of the wide bin: "
            "turn counts into rates (neurodyn.spikes.rate) before taking it. If bins were taken "
            "out, count or average anew in wider bins."
        )
    return float(known)


def _refuse_stale(time: np.ndarray, width: float, window: Any, what: str) -> None:
    """Refuse a width that was perhaps that of bins which are one now: no neighbour tells."""
    if not time.size or np.shape(window) != (2,):
        return
    start, stop = (float(edge) for edge in window)
    around = [time[0] - width / 2, time[0] + width / 2]
    if not np.allclose([start, stop], around, rtol=1e-6, atol=TIME_TOLERANCE):
        raise LabelError(
            f"{what} has a single bin at {time[0]:g} ms, whose attributes do not say how wide it "
            f"is: bin_width {width:g} ms in a window from {start:g} to {stop:g} ms. Bin anew with "
            "window=(start, stop) of that bin, or select two bins at least. For a sum over bins, "
            "as of .coarsen(...).sum(), assign bin_width=stop - start, window=[start, stop]."
        )


def edges_of(window: Any, what: str = "", *, finite: bool = False) -> tuple[float, float]:
    """Start and stop of a window, both finite where `finite` says so.

    Raises
    ------
    LabelError
        If it is something else, or does not start before it stops.
    """
    found = np.asarray(window)
    if found.shape != (2,) or found.dtype.kind not in "iuf" or not found[0] < found[1]:
        raise LabelError(
            f"{what}{': ' * bool(what)}a window is (start, stop) in ms with start < stop, got "
            f"{window!r}."
        )
    if finite and not np.isfinite(found).all():
        raise LabelError(f"a window has a finite start and stop [ms], got {window}.")
    return float(found[0]), float(found[1])


def _labels_ends(obj: xr.Dataset | xr.DataArray) -> bool:
    """Whether times are the ends of steps: those of runs and tasks, unless they are bins.

    Their times say so themselves, since a variable that is taken out of a Dataset has no `source`.
    """
    of_steps = obj["time"].attrs.get("sample") == END_OF_STEP
    return "bin_width" not in obj.attrs and (
        of_steps or obj.attrs.get("source") in ("model", "task")
    )


def between(obj: _Labelled, window: Window | None, *, what: str = "data") -> _Labelled:
    """The samples of a window [ms], which is half-open: windows side by side share none.

    A sample counts where its middle lies. Bins, whose label is their middle, and samples of
    recordings count if ``start <= time < stop``. Samples of runs and tasks are labelled by the end
    of their step (their ``time`` says so in its attribute ``sample``), so that ``start < time <=
    stop``: the steps within the window. So a window takes the same part of a run, of its spikes and
    of its binned spikes.

    Parameters
    ----------
    obj
        Dataset or DataArray with times.
    window
        Start and stop [ms], or steps of what has no physical time; None: everything.
    what
        What errors call `obj`.

    Raises
    ------
    LabelError
        As `clock`; if start and stop are no window, or there is no sample in it.

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
    # Labels that rounding put beside an edge lie on it.
    slack = TIME_TOLERANCE if _labels_ends(obj) else -TIME_TOLERANCE
    inside = (time > start + slack) & (time <= stop + slack)
    if not inside.any():
        unit = "steps" if unit == "1" else unit
        raise LabelError(
            f"{what} has no sample from {start:g} to {stop:g} {unit}: its times run from "
            f"{time[0]:g} to {time[-1]:g}."
        )
    return obj.isel(time=inside)
