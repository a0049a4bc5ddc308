"""Bring the samples of a run into the time bins of a recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurodyn.labels import TIME_TOLERANCE, LabelError

__all__ = ["bin_edges", "rebin", "time_step"]


def _times(array: xr.DataArray, what: str) -> np.ndarray:
    if "time" not in array.dims or "time" not in array.coords:
        raise LabelError(f"{what} needs a labelled dim 'time' [ms], got dims {array.dims}.")
    times = array["time"].values.astype(np.float64)
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise LabelError(f"the times of {what} must be finite and increase.")
    return times


def time_step(array: xr.DataArray, *, what: str = "data") -> float:
    """Spacing of the times [ms], which must be even.

    Raises
    ------
    LabelError
        If it is not, or there is a single time.
    """
    steps = np.diff(_times(array, what))
    if not steps.size or not np.allclose(steps, steps[0], rtol=1e-6, atol=TIME_TOLERANCE):
        raise LabelError(
            f"{what} has {'uneven times' if steps.size else 'a single time'}: an even step is "
            "needed (for bins, set .attrs['bin_width'] [ms])."
        )
    return float(steps.mean())


def _width(array: xr.DataArray, what: str) -> float:
    """Width of a bin: attribute ``bin_width``, else the spacing of the times."""
    if "bin_width" in array.attrs:
        return float(array.attrs["bin_width"])
    return time_step(array, what=what)


def bin_edges(array: xr.DataArray, *, what: str = "data") -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each time bin [ms]; times are bin centres."""
    centres, width = _times(array, what), _width(array, what)
    return centres - width / 2, centres + width / 2


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
        Gives the bins: ``time`` holds their centres; width from attribute ``bin_width``, else from
        the spacing.
    window
        Take only bins between these times [ms]; all of them must then be covered.

    Returns
    -------
    `run` on the times of those bins, with attribute ``bin_width``.

    Raises
    ------
    LabelError
        If the two do not overlap, a bin holds no sample, or `window` is not covered.

    Examples
    --------
    >>> run = xr.DataArray([1.0, 3.0, 5.0, 7.0], coords={"time": [10.0, 20.0, 30.0, 40.0]})
    >>> bins = xr.DataArray([0.0, 0.0], coords={"time": [10.0, 30.0]}, attrs={"bin_width": 20.0})
    >>> rebin(run, bins).values
    array([2., 6.])
    """
    times, step = _times(run, "the run"), _width(run, "the run")
    start, end = bin_edges(like, what="the recording")
    # A binned run has its own bins around its times; a simulated one steps that end at them.
    centres = (start + end) / 2
    lead = step / 2 if "bin_width" in run.attrs else step
    first, last = times[0] - lead, times[-1] + step - lead
    inside = np.ones(start.size, bool)
    if window is not None:
        inside = (start >= window[0] - TIME_TOLERANCE) & (end <= window[1] + TIME_TOLERANCE)
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
    binned = xr.dot(run, weights, dim="time").rename(bin="time")
    binned = binned.assign_coords(time=like["time"].isel(time=keep).variable)
    return binned.transpose(*run.dims).assign_attrs(
        run.attrs | {"bin_width": float(end[0] - start[0])}
    )
