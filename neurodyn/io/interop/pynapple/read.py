"""Objects of pynapple, which hold times in seconds, as recordings."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io.interop import notes
from neurodyn.io.interop.pynapple.write import LABEL, OBSERVED, TOUCH
from neurodyn.io.interop.times import UNITS, to_ms
from neurodyn.io.parts import combine, signal, table
from neurodyn.io.pieces import even, exact_rate
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name
from neurodyn.spikes.observation import intersection

_KINDS = ("Ts", "Tsd", "TsdFrame", "TsdTensor", "TsGroup", "IntervalSet")


def from_pynapple(
    obj: Any,
    *,
    name: str = "signal",
    unit: str = "1",
    dims: Sequence[str] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Convert objects of pynapple.

    Parameters
    ----------
    obj
        `TsGroup`, `Ts`, `Tsd`, `TsdFrame`, `TsdTensor` or `IntervalSet`; or a dict of them by path,
        as `to_pynapple` gives it, or by name.
    name, unit
        Name of a signal or table, and unit of a signal, which pynapple does not keep. Objects of
        `to_pynapple` remember theirs.
    dims
        Dims of a `TsdFrame` or `TsdTensor` after ``time``. Default: those of `to_pynapple`, or
        ``channel`` (and ``unit``).

    Returns
    -------
    Dataset with times in ms: spikes observed in the `time_support`, a signal, or a table of
    intervals or events; of a dict what `neurodyn.io.read` returns. Metadata become columns of units
    and intervals, those of a `TsdFrame` of channels. Samples that lie on an even clock but for the
    rounding of their times, up to 1 ns, are put on it.

    Raises
    ------
    LabelError
        If the object is empty or its times are not finite.
    TypeError
        If it is no object of pynapple.

    Examples
    --------
    >>> recording = from_pynapple(group)  # doctest: +SKIP
    """
    if isinstance(obj, Mapping) and type(obj).__name__ != "TsGroup":
        parts: dict[str, Any] = {}
        for path, each in obj.items():
            own = str(path).split("/")[-1]
            kind = _folder(str(path), each)
            at = kind if kind == "spikes" else f"{kind}/{own}"
            parts[at] = from_pynapple(each, name=own, unit=unit, dims=dims)
        return combine(parts, {})
    kind = type(obj).__name__
    if kind not in _KINDS:
        raise TypeError(f"from_pynapple takes {', '.join(_KINDS)}, got a {kind}.")
    if kind == "TsGroup":
        return _of_group(obj)
    if kind == "IntervalSet":
        return _of_intervals(obj, name if name != "signal" else "intervals")
    time = to_ms(np.asarray(obj.t, np.float64), UNITS["s"], "times")
    if kind == "Ts":
        rows = _numbers(notes.attached(obj), time.size) | {"event_time": ("trial", time, "ms")}
        found = table(rows, {"table": name if name != "signal" else "events"})
        return notes.noted(found, notes.attached(obj))
    return _of_series(obj, _on_clock(time), name, unit, dims)


def _folder(path: str, obj: Any) -> str:
    kind = type(obj).__name__
    known = {"TsGroup": "spikes", "IntervalSet": "intervals", "Ts": "events"}
    return known.get(kind, "signals")


def _metadata(obj: Any) -> dict[str, np.ndarray]:
    held = getattr(obj, "metadata", None)
    if held is None:
        return {}
    return {str(name): np.asarray(held[name]) for name in held if str(name) != "rate"}


def _plain(values: np.ndarray) -> np.ndarray:
    words = values.dtype == object and all(isinstance(each, str) for each in values)
    return values.astype(str) if words else values


def _of_group(obj: Any) -> xr.Dataset:
    keys = [int(key) for key in obj]
    if not keys:
        raise LabelError("the TsGroup is empty: it has no units.")
    held = _metadata(obj)
    about = notes.attached(obj)
    label = _plain(held.pop(LABEL)) if LABEL in held else np.array(keys)
    if about is not None and "unit" in about["variables"]:
        dtype = about["variables"]["unit"]["dtype"]
        label = label.astype(str if dtype == "str" else np.dtype(dtype))
    times = [
        to_ms(np.asarray(obj[key].t, np.float64), UNITS["s"], f"times of {key}") for key in keys
    ]
    support = obj.time_support
    whole = np.stack([_ms(support.start), _ms(support.end)], 1)
    observed: Any = whole
    if OBSERVED in held:
        texts = held.pop(OBSERVED).tolist()
        own = [np.array(json.loads(text), np.float64).reshape(-1, 2) for text in texts]
        observed = [intersection(each, whole) for each in own]
    coords: dict[str, Any] = {"unit": label}
    for column, values in held.items():
        given = about is not None and column in about["variables"]
        coords[column if given else free_name(column, coords)] = ("unit", _plain(values))
    times = _inside(times, observed)
    ds = spikes.from_times(times, coords=coords, source="recording", observed=observed)
    return notes.noted(ds, about)


def _inside(times: list[np.ndarray], observed: Any) -> list[np.ndarray]:
    """Times, of which those that rounding moved over an edge are put back on it."""
    edges = np.concatenate(observed).ravel() if isinstance(observed, list) else observed.ravel()
    edges = np.unique(edges)
    found = []
    for each in times:
        near = edges[np.clip(np.searchsorted(edges, each), 0, edges.size - 1)]
        close = (near != each) & (np.abs(near - each) <= 4 * np.spacing(np.abs(near)))
        found.append(np.where(close, near, each))
    return found


def _ms(seconds: Any) -> np.ndarray:
    return to_ms(np.asarray(seconds, np.float64), UNITS["s"], "times")


def _numbers(about: Mapping[str, Any] | None, n: int) -> dict[str, Any]:
    """Labels of rows; none for those of which a note says that they had none."""
    return {"trial": np.arange(n)} if about is None or "trial" in about["variables"] else {}


def _of_intervals(obj: Any, name: str) -> xr.Dataset:
    start, stop = _ms(obj.start), _ms(obj.end)
    touching = np.r_[np.abs(start[1:] - stop[:-1] - TOUCH) <= 1e-6, False]
    stop = np.where(touching, np.r_[start[1:], 0.0], stop)
    held = _metadata(obj)
    about = notes.attached(obj)
    rows = {"trial": held.pop("trial")} if "trial" in held else _numbers(about, start.size)
    rows |= {"start_time": ("trial", start, "ms"), "stop_time": ("trial", stop, "ms")}
    for column, values in held.items():
        given = about is not None and column in about["variables"]
        rows[column if given else free_name(column, rows)] = ("trial", _plain(values))
    return notes.noted(table(rows, {"table": name}), about)


def _of_series(
    obj: Any, time: np.ndarray, name: str, unit: str, dims: Sequence[str] | None
) -> xr.Dataset:
    values, about = np.asarray(obj.values), notes.attached(obj)
    variable, entry = _noted_variable(about, values.ndim)
    own = [dim for dim in entry["dims"] if dim != "time"] if entry else None
    extra = values.ndim - 1
    named = [*(dims or own or ["channel", "unit"][:extra])]
    if len(named) != extra:
        raise LabelError(
            f"'{name}' has {extra} dims after time: name them, dims={['channel', '...'][:extra]}."
        )
    coords: dict[str, Any] = {}
    if type(obj).__name__ == "TsdFrame":
        coords[named[0]] = _plain(np.asarray(obj.columns))
        for column, each in _metadata(obj).items():
            given = about is not None and column in about["variables"]
            coords[column if given else free_name(column, coords)] = (named[0], _plain(each))
    order = labels.ordered(["time", *named])
    given_order = ["time", *named]
    values = values.transpose([given_order.index(dim) for dim in order])
    mine = tuple(dim for dim in named if dim not in labels.DIMS)
    if variable is None or own != named:
        return signal(
            values, unit, time, dims=order, long_name=name, coords=coords, attrs={"series": name},
            own_dims=mine,
        )  # fmt: skip
    attrs = entry["attrs"]
    ds = labels.dataset(
        {variable: (order, values, attrs["units"], attrs["long_name"])},
        {"time": time} | coords, source="recording", values=False, dims=mine,
    )  # fmt: skip
    return notes.noted(ds.transpose(*entry["dims"], ...), about)


def _noted_variable(about: Any, n_dims: int) -> tuple[str | None, Mapping[str, Any]]:
    for name, entry in (about or {"variables": {}})["variables"].items():
        if "time" in entry["dims"] and len(entry["dims"]) == n_dims and not entry["coord"]:
            return name, entry
    return None, {}


def _on_clock(time: np.ndarray) -> np.ndarray:
    """Times on the even clock from which they differ by no more than rounding to 1 ns."""
    if time.size < 3 or exact_rate(time):
        return time
    mean = (time.size - 1) * 1e3 / (time[-1] - time[0])
    for hertz in (float(round(mean)), round(mean, 6)):
        if hertz > 0:
            clock = even(time[0], time.size, hertz)
            if np.abs(clock - time).max() <= 1e-6:
                return clock
    return time
