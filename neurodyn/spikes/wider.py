"""Add counts up in wider bins, and cut them to a window."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.convention import TIME_TOLERANCE, Number, Window
from neurodyn.labels.wording import told
from neurodyn.signals.chunked import chunked
from neurodyn.spikes.build import window_edges


def rebinned(ds: xr.Dataset, bin_width: Number | None, window: Window | None) -> xr.Dataset:
    """Cut counts to a window, and add them up in wider bins.

    Parameters
    ----------
    ds
        Dataset with ``spike_count``.
    bin_width
        Width of the new bins [ms]; None: the present bins.
    window
        First and last edge [ms]; None: the whole.

    Raises
    ------
    LabelError
        If the window does not begin and end with a bin, or bins do not add up to the width.
    """
    ds = chunked(ds)
    width = labels.bin_width(ds, what="the counts")
    if window is not None:
        ds = _cut(ds, width, window)
    return ds if bin_width is None else wider(ds, bin_width, rest="raise", what="the counts")


def _cut(ds: xr.Dataset, width: float, window: Window) -> xr.Dataset:
    start, stop = window_edges(window)
    time = labels.clock(ds, what="the counts", default=width, even=False).time
    low, high = time - width / 2, time + width / 2
    inside = (low >= start - TIME_TOLERANCE) & (high <= stop + TIME_TOLERANCE)
    ends = (low[inside][:1] - start, high[inside][-1:] - stop)
    if not inside.any() or max(abs(float(end[0])) for end in ends) > TIME_TOLERANCE:
        raise LabelError(
            f"the window {told(start)} to {told(stop)} ms does not begin and end with a bin: "
            f"counts are in bins of {width:g} ms from {told(low[0])} to {told(high[-1])} ms. "
            "Choose edges of bins, or count the spikes themselves in this window "
            "(neurodyn.spikes.bin)."
        )
    return ds.isel(time=inside).assign_attrs(bin_width=width, window=[start, stop])


def wider(
    ds: xr.Dataset, bin_width: Number, *, rest: Literal["raise", "drop"], what: str
) -> xr.Dataset:
    """Add up counts of bins that follow each other.

    Parameters
    ----------
    ds
        Dataset with ``spike_count`` in bins.
    bin_width
        Width of the new bins [ms], a multiple of the width of the old ones.
    rest
        Treatment of bins at the end that do not fill a new one: "raise" an error, or "drop" them.
    what
        Name of the counts in errors.

    Returns
    -------
    `ds` in the new bins. A bin is NaN if one of the bins in it is; `n_valid` and `valid_until` mark
    the bins that were observed in full.

    Raises
    ------
    LabelError
        If bins do not add up to the width, or have gaps between them.
    """
    width = labels.bin_width(ds, what=what)
    many = round(float(bin_width) / width) if np.isfinite(bin_width) else 0
    if many < 1 or abs(many * width - float(bin_width)) > TIME_TOLERANCE:
        raise LabelError(
            f"{what}: bins of {width:g} ms do not add up to bin_width={float(bin_width):g} ms: "
            "choose a multiple, or count the spikes themselves (neurodyn.spikes.bin)."
        )
    if many == 1:
        return ds
    time = labels.clock(ds, what=what, default=width).time
    start, n = float(time[0] - width / 2), time.size // many
    if n < 1 or (rest == "raise" and time.size % many):
        fits = f"window=({start:g}, {start + n * many * width:g}) has {n}" if n else "use fewer"
        raise LabelError(
            f"{what}: {time.size} bins of {width:g} ms do not fill bins of {bin_width:g} ms: "
            f"{fits}."
        )
    ds = ds.isel(time=slice(0, n * many))
    beside = [str(name) for name, v in ds.variables.items() if "time" in v.dims]
    if beside := [name for name in beside if name not in ("time", "spike_count")]:
        raise LabelError(
            f"{what}: {beside} lie on 'time', too, and cannot be added up as counts are: "
            f".drop_vars({beside}) first."
        )
    count = ds["spike_count"].variable
    added = count.coarsen({"time": many}, "sum", skipna=False, keep_attrs=True)
    added = added.astype(count.dtype) if count.dtype.kind in "iu" else added
    edges = start + np.arange(n + 1) * many * width
    stop = float(edges[-1])
    centres = xr.Variable("time", (edges[:-1] + edges[1:]) / 2, ds["time"].attrs)
    out = ds.drop_vars(["spike_count", "time"]).assign_coords(time=centres)
    out = out.assign(spike_count=added).assign_coords(_ends(ds, edges, many))
    return out.assign_attrs(bin_width=many * width, window=[start, stop])


def _ends(ds: xr.Dataset, edges: np.ndarray, many: int) -> dict[str, xr.DataArray]:
    """Number of new bins that were observed in full in each trial, and the end of the last."""
    if "valid_until" not in ds.coords:
        return {"n_valid": ds["n_valid"] // many} if "n_valid" in ds.coords else {}
    until = ds["valid_until"]
    whole = np.searchsorted(edges, until.values + TIME_TOLERANCE, side="right") - 1
    whole = np.clip(whole, 0, edges.size - 1)
    last = np.where(np.isnan(until.values), np.nan, edges[whole])
    found = {"valid_until": until.copy(data=last)}
    if "n_valid" in ds.coords:
        whole = np.where(np.isnan(until.values), edges.size - 1, whole)
        found["n_valid"] = ds["n_valid"].copy(data=whole)
    return found
