"""Signals, epochs and events of neo from the parts of a recording."""

from collections.abc import Mapping
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn import labels
from neurodyn.io.neo.signals import UNIT
from neurodyn.io.pieces import PIECES, even, exact_rate, padded
from neurodyn.labels import LabelError

#: Columns of sweeps that the times of their signals hold.
_TIMES = ("start_time", "n_valid", "valid_until", "sweep")

#: Names that neo and NIX keep for themselves.
_RESERVED = {
    *("name", "times", "units", "t_start", "t_stop", "index", "description", "file_origin"),
    *("nix_name", "neo_name", "array_annotations", "waveforms", "sampling_rate", "left_sweep"),
    *("durations", "labels", "file_datetime", "rec_datetime", "sampling_period", "long_name"),
    *("neurodyn", "neurodyn_part", "unit_in_file"),
}
#: Largest whole number of an annotation in NIX; larger ones are written as text.
_LARGEST = 2**63 - 1


def row(ds: xr.Dataset, dim: str, i: int, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Annotations of one unit, trial or sweep: the columns on a dim."""
    columns = {n: v for n, v in ds.variables.items() if v.dims == (dim,) and n not in skip}
    found = {}
    for n, v in columns.items():
        value = v.values[i].item() if v.dtype.kind != "M" else str(v.values[i])
        text = isinstance(value, str) or (isinstance(value, int) and value > _LARGEST)
        found[_key(n)] = clean_text(value) if text else value
    return found


def _key(name: Any) -> str:
    """Name of an annotation: with an underscore if neo or NIX keep the name for themselves."""
    name = clean_text(name).replace("/", "_")
    return f"{name}_" if name in _RESERVED else name


def clean_text(text: Any) -> str:
    """Text that files can hold: UTF-8 without NUL."""
    return str(text).replace("\0", " ").encode("utf-8", "replace").decode()


def add_signals(block: neo.Block, at: str, ds: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Add the signals of a Dataset to a block.

    Parameters
    ----------
    block
        The block. Segments that it lacks are made.
    at
        Path of the part, "" if it is the only one.
    ds
        Signals on `time` [ms].

    Returns
    -------
    Place of each variable that can be restored from the block.
    """
    names = [n for n, v in ds.data_vars.items() if "time" in v.dims]
    dim = _split(ds, names, at)
    ticks = labels.clock(ds, even=False)
    if ticks.unit != "ms":
        raise LabelError(
            f"the times of '{at or names[0]}' count steps, and neo's signals have physical time: "
            "label them in ms, .assign_coords(time=ds.time * dt) with .time.attrs['units'] = 'ms'."
        )
    start = ds["start_time"] if "start_time" in ds and ds["start_time"].dims == (dim,) else None
    titles = {n: clean_text(n) for n in names}
    if at:
        base = clean_text(at.removeprefix("signals/")).replace("/", "_")
        titles = {n: f"{base}_{t}" if len(names) > 1 else base for n, t in titles.items()}
    taken = {each.name for segment in block.segments for each in _all(segment)}
    for name in names:  # they are found by their names, because NIX does not keep their order
        while titles[name] in taken:
            titles[name] += "_"
        taken.add(titles[name])
    n_pieces, kept = ds.sizes[dim] if dim else 1, {}
    block.segments.extend([neo.Segment() for _ in range(len(block.segments), n_pieces)])
    places: dict[str, dict[str, Any]] = {}
    for s, segment in enumerate(block.segments[:n_pieces]):
        one = ds.isel({dim: s}) if dim else ds
        segment.annotations |= row(ds, dim, s, _TIMES) if dim else {}
        n, begin = _samples(one, ticks.time), 0.0 if start is None else float(start[s])
        for name in names:
            signal = _analog(one[name].isel(time=slice(n)), titles[name], ticks, begin)
            kept[name] = kept.get(name, True) and _is_kept(one[name], n)
            regular = isinstance(signal, neo.AnalogSignal)
            (segment.analogsignals if regular else segment.irregularlysampledsignals).append(signal)
            places[str(name)] = {"name": titles[name], "split": dim}
    places = {n: place for n, place in places.items() if kept[n]}
    if hertz := exact_rate(ticks.time):
        places["time"] = {"rate": hertz, "start": float(ticks.time[0])}
    elif places and start is None and dim is None and np.isnan(ticks.step):
        places["time"] = {"of": next(iter(places))}
    return places


def signal_arrays(about: Mapping[str, Any], segments: list[neo.Segment]) -> dict[str, np.ndarray]:
    """Values of the variables that `add_signals` gave places."""
    arrays = {}
    for name, place in about["columns"].items():
        if "rate" in place:
            arrays[name] = even(place["start"], about["sizes"]["time"], place["rate"])
            continue
        held = _held(about["columns"][place.get("of", name)], segments)
        if "of" in place:
            arrays[name] = np.asarray(held[0].times.magnitude)
            continue
        variable = about["variables"][name]
        dtype, sizes = np.dtype(variable["dtype"]), about["sizes"]
        rest = [d for d in variable["dims"] if d not in (place["split"], "time")]
        shape = [sizes["time"], *(sizes[d] for d in rest)]
        whole = padded([each.magnitude for each in held], shape, dtype)
        dims = [place["split"], "time", *rest]
        if place["split"] is None:
            whole, dims = whole[0], dims[1:]
        arrays[name] = whole.transpose([dims.index(d) for d in variable["dims"]])
    return arrays


def _held(place: dict[str, Any], segments: list[neo.Segment]) -> list[Any]:
    """The signals of a variable, one for each piece."""
    return [each for s in segments for each in _all(s) if each.name == place["name"]]


def _all(segment: neo.Segment) -> list[Any]:
    return [*segment.analogsignals, *segment.irregularlysampledsignals]


def add_rows(segment: neo.Segment, at: str, ds: xr.Dataset) -> None:
    """Add a table of intervals or events to a segment, as Epoch or Event; others are left out."""
    kind, _, name = at.partition("/")
    edges = [
        ds[n].values.astype(np.float64)
        for n in ("start_time", "stop_time", "event_time")
        if n in ds.coords and ds[n].dims == ("trial",) and ds[n].dtype.kind in "iuf"
    ]
    own = {n: c for n, c in ds.coords.items() if c.dims == ("trial",) and c.dtype.kind in "biufU"}
    words = own.get("label", ds["trial"] if "trial" in ds.coords else None)
    if words is None or not edges:
        return
    text = np.array([clean_text(v) for v in words.values.tolist()], dtype=str)
    about = {
        "name": clean_text(name or kind or "table"),
        "labels": text,
        "array_annotations": {
            _key(n): c.values
            for n, c in own.items()
            if n not in ("label", "start_time", "stop_time", "event_time") and c.dtype.kind in "if"
        },
    }
    if "event_time" in ds.coords and len(edges) == 1:
        segment.events.append(neo.Event(edges[0] * pq.ms, **about))
    elif len(edges) > 1 and "stop_time" in ds.coords:
        start, stop = edges[:2]
        segment.epochs.append(neo.Epoch(start * pq.ms, durations=(stop - start) * pq.ms, **about))


def _split(ds: xr.Dataset, names: list[Any], at: str) -> str | None:
    """The dim whose entries become segments."""
    axes = {str(dim) for n in names for dim in ds[n].dims}
    split = axes & {*PIECES}
    if len(split) > 1 or any(len({*ds[n].dims} - split - {"time"}) > 1 for n in names):
        raise LabelError(
            f"{at or 'signals'}: signals have dims {sorted(axes)}; neo takes sweeps (or trials), "
            "time and channels (or units): select along the others."
        )
    without = [n for n in names if split - {*ds[n].dims}]
    if without:
        raise LabelError(f"{at or 'signals'}: {without} are not in {split.pop()}s as the others.")
    for n in names:
        if ds[n].dtype.kind not in "biuf":
            raise LabelError(
                f"'{at}/{n}' is {ds[n].dtype}, and neo's signals are real numbers: convert it, or "
                "use neurodyn.save."
            )
    return split.pop() if split else None


def _samples(sweep: xr.Dataset, time: np.ndarray) -> int:
    """Number of samples of a sweep; those after its end only pad it."""
    if "valid_until" in sweep and not np.isnan(sweep["valid_until"]):
        inside = time <= float(sweep["valid_until"]) + labels.convention.TIME_TOLERANCE
        return int(inside.sum())
    return int(sweep["n_valid"]) if "n_valid" in sweep else time.size


def _analog(da: xr.DataArray, name: str, ticks: labels.Clock, begin: float) -> Any:
    last = [dim for dim in da.dims if dim != "time"]
    values = da.transpose("time", ...).values.reshape(da.sizes["time"], -1)
    values = values.astype(np.uint8) if values.dtype == bool else values
    unit = str(da.attrs["units"])
    known = "dimensionless" if unit in ("1", "count") or not _is_known(unit) else unit
    about: dict[str, Any] = {"name": name, "units": known}
    about |= {} if known == unit or unit in ("1", "count") else {UNIT: clean_text(unit)}
    if "long_name" in da.attrs:
        about["long_name"] = clean_text(da.attrs["long_name"])
    if last:
        about["array_annotations"] = _channels(da, str(last[0]))
    time = ticks.time[: len(values)] + begin
    if np.isnan(ticks.step):
        return neo.IrregularlySampledSignal(time * pq.ms, values, **about)
    start = (ticks.time[0] + begin) * pq.ms
    return neo.AnalogSignal(values, t_start=start, sampling_period=ticks.step * pq.ms, **about)


def _channels(da: xr.DataArray, dim: str) -> dict[str, Any]:
    """Columns of the channels; their labels are names if there are no others."""
    columns = {n: c for n, c in da.coords.items() if c.dims == (dim,) and n != dim}
    names = {"channel_name": "channel_names", "channel_id": "channel_ids"}
    found = {names.get(str(n), _key(n)): _plain(c.values) for n, c in columns.items()}
    if dim in da.coords and da[dim].dtype.kind in "UO" and "channel_names" not in found:
        found["channel_names"] = _plain(da[dim].values)
    return found


def _plain(values: np.ndarray) -> np.ndarray:
    """Numbers and text that files can hold."""
    kind = values.dtype.kind
    if kind in "bif" or (kind == "u" and values.max(initial=0) <= _LARGEST):
        return values
    return np.array([clean_text(v) for v in values.tolist()], dtype=str)


def _is_known(unit: str) -> bool:
    """Whether neo knows a unit."""
    try:
        pq.Quantity(1.0, unit)
    except (LookupError, ValueError, SyntaxError, TypeError, AttributeError):
        return False
    return True


def _is_kept(da: xr.DataArray, n: int) -> bool:
    """Whether a signal of neo, whose numbers are float64, gives the samples back."""
    values = da.transpose("time", ...).values
    rest = values[n:]
    padding = np.isnan(rest).all() if values.dtype.kind == "f" else not rest.any()
    exact = values.dtype.kind in "bf" or values.dtype.itemsize < 8
    return bool(padding and exact)
