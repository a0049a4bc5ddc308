"""Signals of neo segments as Datasets, one for each signal with all its sweeps."""

from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn.io.neo.match import SIGNALS, match
from neurodyn.io.neo.trains import ms, segment_columns
from neurodyn.io.parts import decode, signal, unit_of
from neurodyn.io.pieces import even
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name

#: Annotation of a signal with its unit in the file, if neo does not know that.
UNIT = "unit_in_file"
#: Units of the quantities that have one unit in the library.
_OURS = (pq.mV, pq.pA, pq.nS)
#: Annotation of a signal of which only a part was loaded: the number of its first sample.
FIRST = "first_sample"


def signals_of(segments: Sequence[neo.Segment], left_out: list[str]) -> dict[str, xr.Dataset]:
    """Build the Datasets of all signals, by their path in the recording."""
    per_segment = [[*s.analogsignals, *s.irregularlysampledsignals] for s in segments]
    rows = match(per_segment, SIGNALS, "signals")
    names = _names([next(each for each in row if each is not None) for row in rows])
    about = segment_columns(segments, "sweep", left_out) if len(segments) > 1 else {}
    parts: dict[str, xr.Dataset] = {}
    for name, row in zip(names, rows, strict=True):
        # An empty signal has no times; a sweep without samples is one of length 0.
        empty = all(each is None or not len(each) for each in row)
        timed = [each is not None and (len(each) or hasattr(each, "sampling_rate")) for each in row]
        there = [s for s, has_time in enumerate(timed) if has_time and not empty]
        if empty:
            left_out.append(f"signal '{name}': no samples")
            continue
        sweeps = [row[s] for s in there]
        _refuse_other_quantity(name, sweeps, there)
        if len(sweeps) > 1 and not _alike(sweeps):
            for s, each in zip(there, sweeps, strict=True):
                parts[f"signals/{name}_{s}"] = _stack([each], [s], left_out).assign_attrs(
                    series=f"{name}_{s}"
                )
        else:
            stacked = _stack(sweeps, there, left_out).assign_attrs(series=name)
            if "sweep" in stacked.dims:
                stacked = stacked.assign_coords(_rows(about, there, stacked))
            parts[f"signals/{name}"] = stacked
    return parts


def _rows(about: dict[str, tuple], there: list[int], taken: xr.Dataset) -> dict[str, tuple]:
    """Annotations of the segments that have the signal."""
    found = {}
    for name, (dim, values, *unit) in about.items():
        if name not in taken.coords:
            attrs = {"units": unit[0] if unit else "1", "long_name": name.replace("_", " ")}
            found[name] = (dim, np.asarray(values)[there], attrs)
    return found


def _names(signals: Sequence[Any]) -> list[str]:
    """A name for each signal; those of one name get their quantity, or a number, after it."""
    names = [clean(each, i) for i, each in enumerate(signals)]
    twice = {name for name in names if names.count(name) > 1}
    kinds = [unit_of(each.units.dimensionality.string)[2] for each in signals]
    full = [f"{n}_{k}" if n in twice else n for n, k in zip(names, kinds, strict=True)]
    found: list[str] = []
    for i, name in enumerate(full):
        again = full.count(name) > 1 or name in found
        found.append(f"{name}_{full[:i].count(name)}" if again else name)
    return found


def clean(each: Any, i: int) -> str:
    """The name of a part of a segment, as it can stand in a path; its number if it has none."""
    name = str(each.name).strip().replace("/", "_") if each.name else ""
    return name if name.strip(".") else str(i)


def _refuse_other_quantity(name: str, sweeps: Sequence[Any], there: Sequence[int]) -> None:
    first = sweeps[0].units.dimensionality
    for s, each in zip(there, sweeps, strict=True):
        if each.units.dimensionality.simplified != first.simplified:
            raise LabelError(
                f"signal '{name}' is in {first.string} in segment {there[0]}, and in "
                f"{each.units.dimensionality.string} in segment {s}: one name stands for two "
                "quantities. Give them different names (.name of the signals of neo), or convert "
                "the segments one by one: from_neo(block.segments[i])."
            )


def _alike(sweeps: Sequence[Any]) -> bool:
    """Whether signals can be sweeps of one: of the same channels and rate, or the same times."""
    first = sweeps[0]
    if any(type(each) is not type(first) or each.shape[1:] != first.shape[1:] for each in sweeps):
        return False
    names = [_channels(each, "channel_names") for each in sweeps]
    if any(not np.array_equal(names[0], each) for each in names):
        return False
    if isinstance(first, neo.AnalogSignal):
        return all(np.isclose(rate_of(each), rate_of(first), rtol=1e-12, atol=0) for each in sweeps)
    own = [ms(each.times) - ms(each.times)[:1] for each in sweeps]
    longest = max(own, key=len)
    return all(np.allclose(each, longest[: len(each)], rtol=0, atol=1e-6) for each in own)


def _channels(each: Any, name: str) -> Any:
    values = each.array_annotations.get(name)
    return None if values is None else decode(values)


def rate_of(each: Any) -> float:
    """Sampling rate [Hz]; whole numbers that went through a period are whole again."""
    rate = float(each.sampling_rate.rescale(pq.Hz).magnitude)
    return float(round(rate)) if abs(rate - round(rate)) <= 4 * np.spacing(rate) else rate


def _stack(sweeps: Sequence[Any], there: Sequence[int], left_out: list[str]) -> xr.Dataset:
    """One signal: (sweep, time, channel), or (time, channel) if there is a single sweep."""
    longest = max(sweeps, key=len)
    starts = np.array([float(ms(each.t_start)) for each in sweeps])
    # Sweeps that start at the same time have clocks of their own; else time counts from each start.
    one_start = not np.ptp(starts)
    begin = starts[0] if one_start else 0.0
    if isinstance(longest, neo.AnalogSignal):  # from integers, not from a sum of steps
        first = longest.annotations.get(FIRST, 0)
        time = even(begin, len(longest), rate_of(longest), first)
    else:
        time = ms(longest.times) - (0.0 if one_start else ms(longest.t_start))
    lengths = np.array([len(each) for each in sweeps])
    units = _plain(sweeps[0].units)
    arrays = [np.asarray((e if e.units == units else e.rescale(units)).magnitude) for e in sweeps]
    coords = _channel_coords(sweeps[0], left_out)
    if len(sweeps) > 1:
        coords["sweep"] = np.array(there)
        if not one_start:
            coords["start_time"] = ("sweep", starts, "ms", "start of the sweep")
        if np.ptp(lengths):
            arrays = [_padded(each, len(longest)) for each in arrays]
            ends = np.where(lengths > 0, time[np.maximum(lengths, 1) - 1], -np.inf)
            coords["n_valid"] = ("sweep", lengths, "1", "number of samples of the sweep")
            coords["valid_until"] = ("sweep", ends, "ms", "end of the sweep")
    noted = sweeps[0].annotations.get("long_name")
    return signal(
        np.stack(arrays) if len(arrays) > 1 else arrays[0],
        str(sweeps[0].annotations.get(UNIT) or units.dimensionality.string),
        time,
        dims=("sweep", "time", "channel") if len(arrays) > 1 else ("time", "channel"),
        long_name=str(noted or sweeps[0].name or "signal"),
        coords=coords,
    )


def _plain(units: pq.Quantity) -> pq.Quantity:
    """The unit; one that only neo can spell out, as of steps of 10 µV, becomes one of ours."""
    if unit_of(units.dimensionality.string)[2] != "signal":
        return units
    own = (
        each for each in _OURS if each.simplified.dimensionality == units.dimensionality.simplified
    )
    return next(own, units)


def _padded(values: np.ndarray, n: int) -> np.ndarray:
    """Samples with NaN after their end."""
    full = np.full((n, *values.shape[1:]), np.nan, np.result_type(values, np.float32))
    full[: len(values)] = values
    return full


def _channel_coords(each: Any, left_out: list[str]) -> dict[str, Any]:
    """Array annotations as coordinates of channels; names or ids that are unique label them."""
    n, found = each.shape[1], dict[str, Any]()
    for name, values in each.array_annotations.items():
        if np.shape(values) != (n,):
            left_out.append(f"array annotation '{name}' of signal '{each.name}'")
            continue
        name = {"channel_names": "channel_name", "channel_ids": "channel_id"}.get(name, name)
        unit = [values.dimensionality.string] if hasattr(values, "dimensionality") else []
        column = decode(getattr(values, "magnitude", values))
        found[free_name(str(name), found)] = ("channel", column, *unit)
    for name in ("channel_name", "channel_id"):
        if name in found:
            labels = np.asarray(found[name][1])
            if len(set(labels.tolist())) == n and all(str(x).strip() for x in labels):
                return {"channel": labels} | found
    return found
