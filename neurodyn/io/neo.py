"""Read neo's Blocks of spike trains, signals, epochs and events."""

from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn import spikes
from neurodyn.io import layout
from neurodyn.io.neo_write import NOTE
from neurodyn.io.parts import combine, decode, signal, table
from neurodyn.labels import LabelError


def from_neo(block: Any) -> xr.Dataset | xr.DataTree:
    """Convert a neo Block or Segment.

    Parameters
    ----------
    block
        `neo.Block` or `neo.Segment`, loaded (no proxy objects).

    Returns
    -------
    One Dataset if it can hold everything, else a DataTree of `spikes`, `intervals/NAME` (epochs),
    `events/NAME` and `signals/NAME`. One segment is a continuous recording. Several segments are
    trials of spikes and sweeps of signals: spikes (trial) and signals (sweep, time, channel). Their
    times count from the start of the segment, which `start_time` holds; if all segments start at
    the same time, their times stay unchanged. Voltages are in mV as variable `v`, currents in pA as
    `i`. Annotations of spike trains become unit coordinates. The attribute `not_read` lists the
    parts that could not be labelled. A Block made by `to_neo` comes back identical.

    Raises
    ------
    LabelError
        If the Block holds nothing, or its segments do not fit together.

    Examples
    --------
    >>> import neo, quantities as pq
    >>> segment = neo.Segment()
    >>> segment.spiketrains.append(neo.SpikeTrain([0.1, 0.2] * pq.s, t_stop=1.0))
    >>> from_neo(segment).spike_time.values
    array([100., 200.])
    """
    if not isinstance(block, (neo.Block, neo.Segment)):
        raise TypeError(f"from_neo takes a neo Block or Segment, got {type(block).__name__}.")
    segments = [block] if isinstance(block, neo.Segment) else list(block.segments)
    if not segments:
        raise LabelError("the neo Block has no segments, so there is nothing to read.")
    if NOTE in block.annotations:
        return _restored(str(block.annotations[NOTE]), segments)
    left_out: list[str] = []
    parts: dict[str, xr.Dataset] = {}
    if any(len(segment.spiketrains) for segment in segments):
        parts["spikes"] = _spikes(segments)
    if any(train.waveforms is not None for segment in segments for train in segment.spiketrains):
        left_out.append("waveforms of the spikes")
    for index, segment in enumerate(segments):
        suffix = f"_{index}" if len(segments) > 1 else ""
        for kind, found in (("intervals", segment.epochs), ("events", segment.events)):
            for i, each in enumerate(found):
                if len(each):
                    path = _free(parts, f"{kind}/{_name(each, i)}{suffix}")
                    parts[path] = _intervals(each)
    parts |= _signals(segments, left_out)
    about = {"title": block.name} if block.name else {}
    return combine(parts, about | ({"not_read": left_out} if left_out else {}))


def _name(each: Any, i: int) -> str:
    return str(each.name).strip().replace("/", "_") if each.name else str(i)


def _free(parts: dict, path: str) -> str:
    taken = [path, *(f"{path}_{k}" for k in range(1, len(parts) + 1))]
    return next(name for name in taken if name not in parts)


def _ms(quantity: Any) -> np.ndarray:
    """Times in ms; those that are in ms stay exact."""
    return np.asarray(quantity.rescale(pq.ms).magnitude, np.float64)


def _spikes(segments: Sequence[neo.Segment]) -> xr.Dataset:
    trains = [list(segment.spiketrains) for segment in segments]
    counts = {len(each) for each in trains}
    names = {tuple(train.name for train in each) for each in trains}
    if len(counts) > 1 or (len(names) > 1 and not any(None in each for each in names)):
        raise LabelError(
            "the segments hold different spike trains "
            f"({', '.join(str(len(each)) for each in trains[:8])} ...): units cannot be matched. "
            "Convert them one by one: from_neo(block.segments[i])."
        )
    starts = [float(_ms(each[0].t_start)) for each in trains]
    ends = np.array([float(_ms(each[0].t_stop)) for each in trains])
    coords: dict[str, Any] = {"unit": np.arange(len(trains[0])), **_annotations(trains[0])}
    if len(segments) == 1:
        window, offset = (starts[0], ends[0]), np.zeros(1)
    else:
        # Segments that start at the same time have clocks of their own; else one clock goes on.
        shared = np.ptp(starts) == 0
        offset = np.zeros(len(segments)) if shared else np.array(starts)
        window = (starts[0] if shared else 0.0, (ends - offset).max())
        coords["trial"] = np.arange(len(segments))
        if not shared:
            coords["start_time"] = ("trial", offset, "ms")
        if np.ptp(ends - offset) > 1e-6:
            coords["valid_until"] = ("trial", ends - offset, "ms", "end of the segment")
    flat = [_ms(train) - offset[s] for s, each in enumerate(trains) for train in each]
    unit, trial = _numbers(trains)
    return spikes.dataset(
        np.concatenate(flat),
        unit,
        trial if len(segments) > 1 else None,
        coords=coords,
        source="recording",
        window=window,
    )


def _annotations(trains: Sequence[neo.SpikeTrain]) -> dict[str, tuple]:
    """Unit coordinates from names and from annotations that every train has."""
    rows = [dict(train.annotations) for train in trains]
    if all(train.name for train in trains):
        rows = [{"unit_id": train.name} | row for train, row in zip(trains, rows, strict=True)]
    found = {}
    for name in rows[0] if rows else ():
        values = [row.get(name) for row in rows]
        plain = all(isinstance(v, (str, bytes, bool, int, float, np.generic)) for v in values)
        if plain and name not in ("nix_name", "unit") and len({type(v) for v in values}) == 1:
            found[name] = ("unit", decode(values))
    return found


def _intervals(each: neo.Epoch | neo.Event) -> xr.Dataset:
    start = _ms(each.times)
    columns: dict[str, Any] = {"trial": np.arange(len(each))}
    if isinstance(each, neo.Epoch):
        columns["start_time"] = ("trial", start, "ms")
        columns["stop_time"] = ("trial", start + _ms(each.durations), "ms")
    else:
        columns["event_time"] = ("trial", start, "ms", "time of the event")
    if len(each.labels) == len(each):
        columns["label"] = ("trial", decode(each.labels))
    for name, values in each.array_annotations.items():
        if np.shape(values) == (len(each),) and name not in columns:
            columns[name] = ("trial", decode(getattr(values, "magnitude", values)))
    return table(columns, {"table": each.name or "events"})


def _signals(segments: Sequence[neo.Segment], left_out: list[str]) -> dict[str, xr.Dataset]:
    parts: dict[str, xr.Dataset] = {}
    per_segment = [[*s.analogsignals, *s.irregularlysampledsignals] for s in segments]
    if any(segment.imagesequences for segment in segments):
        left_out.append("image sequences")
    if len({len(each) for each in per_segment}) > 1:
        raise LabelError(
            f"the segments hold {[len(each) for each in per_segment[:8]]} signals: sweeps cannot "
            "be stacked. Convert them one by one: from_neo(block.segments[i])."
        )
    for i, sweeps in enumerate(zip(*per_segment, strict=True)):
        parts[_free(parts, f"signals/{_name(sweeps[0], i)}")] = stack(sweeps)
    return parts


def stack(sweeps: Sequence[Any]) -> xr.Dataset:
    """Stack one signal over its sweeps: (sweep, time, channel), or (time, channel) if it is one."""
    first = sweeps[0]
    starts = np.array([_ms(each.t_start) for each in sweeps], np.float64)
    # Sweeps that start at the same time have clocks of their own; else time counts from each start.
    offsets = starts if np.ptp(starts) else np.zeros(len(sweeps))
    time = _ms(first.times) - offsets[0]
    for k, each in enumerate(sweeps):
        own = _ms(each.times) - offsets[k]
        if each.shape != first.shape or not np.allclose(own, time, rtol=0, atol=1e-6):
            raise LabelError(
                f"sweep {k} of signal '{first.name}' has shape {each.shape} or times unlike the "
                f"first ({first.shape}): sweeps cannot be stacked. Convert segments one by one."
            )
    if isinstance(first, neo.AnalogSignal):  # from integers, not from a sum of steps
        step = 1.0 / float(first.sampling_rate.rescale(pq.kHz).magnitude)
        time = starts[0] - offsets[0] + np.arange(len(first)) * step
    coords: dict[str, Any] = {}
    if np.ptp(starts):
        coords["start_time"] = ("sweep", starts, "ms", "start of the sweep")
    names = first.array_annotations.get("channel_names")
    if names is not None:
        coords["channel_name"] = ("channel", decode(names))
    values = np.stack([np.asarray(each.magnitude) for each in sweeps])
    return signal(
        values if len(sweeps) > 1 else values[0],
        first.units.dimensionality.string,
        time,
        dims=("sweep", "time", "channel") if len(sweeps) > 1 else ("time", "channel"),
        long_name=first.name or "signal",
        coords=coords,
    )


def _restored(text: str, segments: Sequence[neo.Segment]) -> xr.Dataset:
    trains = [list(segment.spiketrains) for segment in segments]
    times = np.concatenate([_ms(train) for each in trains for train in each])
    unit, trial = _numbers(trains)
    arrays = {"spike_time": times, "spike_unit": unit, "spike_trial": trial}
    return layout.restore(text, arrays)


def _numbers(trains: Sequence[Sequence[neo.SpikeTrain]]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the unit and of the segment of each spike."""
    lengths = [[len(train) for train in each] for each in trains]
    unit = np.concatenate([np.repeat(np.arange(len(n)), n) for n in lengths])
    return unit, np.repeat(np.arange(len(lengths)), [sum(n) for n in lengths])
