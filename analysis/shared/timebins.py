"""Bring the samples of a run into the time bins of a recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurodyn.labels import TIME_TOLERANCE, LabelError, bin_width, clock
from neurodyn.labels.bins import labels_ends
from neurodyn.labels.only import takes


def bin_edges(array: xr.DataArray, *, what: str = "activity") -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each time bin [ms]; times are bin centres, in runs the ends of steps."""
    time, width = clock(array, what=what, even=False).time, bin_width(array, what=what)
    lead = width if labels_ends(array) else width / 2
    return time - lead, time + (width - lead)


@takes(True, run=["time"], like=["time"])
def rebin(
    run: xr.DataArray, like: xr.DataArray, *, window: Sequence[float | int] | None = None
) -> xr.DataArray:
    """Average the samples of `run` within each time bin of `like`.

    A sample labelled t holds for the step that ends at t, so a bin takes the samples after its
    start and up to its end. Bins that the run does not cover from start to end are left out.

    Parameters
    ----------
    run
        Any dims and ``time`` [ms].
    like
        Gives the bins: ``time`` holds their centres, or the ends of their steps if this is a run
        that was not binned; width from attribute ``bin_width``, else from the spacing.
    window
        Take only bins whose centres lie in ``[start, stop)`` [ms], as `neurodyn.labels.between`
        does; all of them must then be covered.

    Returns
    -------
    `run` on the times of those bins, with attribute ``bin_width`` if they are centres; NaN in bins
    in which a value is missing.

    Raises
    ------
    LabelError
        If the two do not overlap, a bin holds no sample, `window` is not covered, or labels and
        ``bin_width`` contradict each other.

    Examples
    --------
    >>> run = xr.DataArray([1.0, 3.0, 5.0, 7.0], coords={"time": [10.0, 20.0, 30.0, 40.0]})
    >>> bins = xr.DataArray([0.0, 0.0], coords={"time": [10.0, 30.0]}, attrs={"bin_width": 20.0})
    >>> rebin(run, bins).values
    array([2., 6.])
    """
    step = bin_width(run, what="the run")
    times, _, unit = clock(run, what="the run", default=step)
    start, end = bin_edges(like, what="the recording")
    if unit != (other := clock(like, even=False).unit):
        raise LabelError(
            f"the run's times are in {unit!r}, the recording's in {other!r} ('1' for steps): "
            "label both in ms."
        )
    # Times are the centres of bins in a binned run, and the ends of steps in a simulated one.
    centres = (start + end) / 2
    lead = step / 2 if "bin_width" in run.attrs else step
    first, last = times[0] - lead, times[-1] + step - lead
    inside = np.ones(start.size, bool)
    if window is not None:
        inside = (centres >= window[0] - TIME_TOLERANCE) & (centres < window[1] - TIME_TOLERANCE)
    covered = (start >= first - TIME_TOLERANCE) & (end <= last + TIME_TOLERANCE)
    spans = (
        f"the run covers {first:g} to {last:g} ms, the recording's bins "
        f"{start[0]:g} to {end[-1]:g} ms"
    )
    if not (inside & covered).any():
        raise LabelError(
            f"no bin to compare in{'' if window is None else f' {window[0]:g} to {window[1]:g} ms'}"
            f": {spans}. Are both aligned to the same event, in ms?"
        )
    if window is not None and not covered[inside].all():
        raise LabelError(f"window {window[0]:g} to {window[1]:g} ms is not covered: {spans}.")
    keep = np.flatnonzero(inside & covered)
    member = (times[None, :] > start[keep, None] + TIME_TOLERANCE) & (
        times[None, :] <= end[keep, None] + TIME_TOLERANCE
    )
    empty = np.flatnonzero(~member.any(axis=1))
    if empty.size:
        raise LabelError(
            f"{empty.size} bins hold no sample, the first at {centres[keep[empty[0]]]:g} ms: the "
            f"run steps {step:g} ms, bins are {end[0] - start[0]:g} ms wide. Simulate with a "
            "smaller dt, or bin the recording more coarsely."
        )
    weights = xr.DataArray(
        member / member.sum(axis=1, keepdims=True),
        dims=("bin", "time"),
        coords={"time": run["time"]},
    )
    # A missing value spoils its own bin only: NaN times a weight of 0 would spoil all bins.
    there = np.isfinite(run)
    if bool(there.all()):
        binned = xr.dot(run, weights, dim="time")
    else:
        binned = xr.dot(run.where(there, 0), weights, dim="time")
        binned = binned.where(xr.dot(there.astype(float), weights, dim="time") > 1 - 1e-6)
    binned = binned.rename(bin="time")
    binned = binned.assign_coords(time=like["time"].isel(time=keep).variable)
    binned = binned.transpose(*run.dims)
    binned.attrs = run.attrs | {"bin_width": float(end[0] - start[0])}
    if labels_ends(like):  # `bin_width` would say that the times are centres
        del binned.attrs["bin_width"]
    return binned
