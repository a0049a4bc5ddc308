"""Read the events and intervals of an NWB file, from tables and from series."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io.nwb.columns import columns
from neurodyn.io.nwb.places import is_events_table
from neurodyn.io.nwb.signals import array, texts
from neurodyn.io.parts import decode, table
from neurodyn.io.pieces import even
from neurodyn.labels import LabelError


def read_rows(each: Any, path: str, left_out: list[str]) -> xr.Dataset | None:
    """Read intervals or events: a table of events, an IntervalSeries, or a series of words.

    Parameters
    ----------
    each
        Object of pynwb.
    path
        `intervals/NAME` or `events/NAME`.
    left_out
        Takes "path: reason" of what cannot be read.

    Returns
    -------
    A table on `trial` with `start_time` and `stop_time`, or with `event_time` [ms]; None if there
    is none.
    """
    try:
        if is_events_table(each):
            return _events_table(each, path, left_out) if len(each) else None
        about = {"table": path.split("/", 1)[1], "series": each.name} | texts(each)
        return table(_events(each) if path.startswith("events/") else _intervals(each), about)
    except (LabelError, OSError, TypeError, ValueError) as error:
        left_out.append(f"{path}: {str(error).rstrip('.')}")
        return None


def _events_table(rows: Any, path: str, left_out: list[str]) -> xr.Dataset:
    found = columns(rows, "trial", left_out, path)
    for name, ours in (("timestamp", "event_time"), ("duration", "duration")):
        if name in found.coords:
            _, values, unit, text = found.coords.pop(name)
            values = values if unit == "ms" else np.asarray(values, np.float64) * 1e3
            found.coords[ours] = ("trial", values, "ms", text)
    return table(found.coords, {"table": path.split("/", 1)[1]}, found.variables)


def _stamps(series: Any, n: int) -> np.ndarray:
    """Times [ms] of a series whose samples need not be in order."""
    if not n:
        raise LabelError("it has no samples")
    if series.timestamps is None:
        if not series.rate:
            raise LabelError("it has neither time stamps nor a rate")
        return even(float(series.starting_time or 0.0) * 1e3, n, float(series.rate))
    stamps = np.asarray(array(series.timestamps)[:], np.float64)
    if stamps.shape != (n,) or not np.isfinite(stamps).all():
        raise LabelError(
            f"it has {n} entries and time stamps of shape {stamps.shape}, which must be one finite "
            "time for each"
        )
    return stamps * 1e3


def _events(series: Any) -> dict[str, Any]:
    words = decode(np.asarray(array(series.data)[:]))
    if words.ndim != 1 or words.dtype.kind != "U":
        raise LabelError(f"its data have shape {words.shape} and type {words.dtype}, not words")
    time = _stamps(series, words.size)
    return {
        "trial": np.arange(words.size),
        "event_time": ("trial", time, "ms", "time of the event"),
        "label": ("trial", words, "1", series.name),
    }


def _intervals(series: Any) -> dict[str, Any]:
    """Intervals of an IntervalSeries, in which k starts and -k ends an interval of kind k."""
    marks = np.asarray(array(series.data)[:])
    if marks.ndim != 1 or marks.dtype.kind not in "iuf" or not marks.all():
        raise LabelError("its data are not numbers above 0 at starts and below 0 at ends")
    time = _stamps(series, marks.size)
    start, stop, kind = [], [], []
    for each in np.unique(np.abs(marks)):
        of = np.abs(marks) == each
        if of.sum() % 2 or not (np.sign(marks[of]) == np.resize([1, -1], of.sum())).all():
            raise LabelError(f"starts and ends of kind {each:g} do not alternate, start first")
        start.append(time[of][::2])
        stop.append(time[of][1::2])
        kind.append(np.full(of.sum() // 2, each))
    order = np.argsort(np.concatenate(start), kind="stable")
    return {
        "trial": np.arange(order.size),
        "start_time": ("trial", np.concatenate(start)[order], "ms", "start of the interval"),
        "stop_time": ("trial", np.concatenate(stop)[order], "ms", "end of the interval"),
        "label": ("trial", np.concatenate(kind)[order], "1", "kind of interval"),
    }
