"""Spike trains of neo segments as a spike Dataset."""

from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn import spikes
from neurodyn.io.neo.match import TRAINS, columns, match


def ms(quantity: Any) -> np.ndarray:
    """Times in ms; those that are in ms stay exact."""
    return np.asarray(quantity.rescale(pq.ms).magnitude, np.float64)


def spikes_of(segments: Sequence[neo.Segment], left_out: list[str]) -> xr.Dataset:
    """Build a spike Dataset: continuous from one segment, in trials from several."""
    rows = match([list(segment.spiketrains) for segment in segments], TRAINS, "spike trains")
    if any(t is not None and t.waveforms is not None for row in rows for t in row):
        left_out.append("waveforms of the spikes")
    coords = {"unit": np.arange(len(rows)), **_unit_columns(rows, left_out)}
    if len(segments) == 1:
        return _continuous([row[0] for row in rows], coords)
    return _in_trials(rows, segments, coords, left_out)


def _continuous(trains: Sequence[neo.SpikeTrain], coords: dict[str, Any]) -> xr.Dataset:
    times = [ms(train) for train in trains]
    edges = [(float(ms(t.t_start)), float(ms(t.t_stop))) for t in trains]
    return spikes.from_times(
        times, coords=coords, source="recording", observed=[np.array([edge]) for edge in edges]
    )


def _in_trials(
    rows: Sequence[Sequence[neo.SpikeTrain | None]],
    segments: Sequence[neo.Segment],
    coords: dict[str, Any],
    left_out: list[str],
) -> xr.Dataset:
    edges = [[_edges(row[s]) for row in rows] for s in range(len(segments))]
    starts = np.array([min((e[0] for e in each if e), default=np.nan) for each in edges])
    # Segments that start at the same time have clocks of their own; else one clock goes on.
    own = np.nanmax(starts) - np.nanmin(starts) == 0
    offset = np.where(own | np.isnan(starts), 0.0, starts)
    coords["trial"] = np.arange(len(segments))
    if not own:
        coords["start_time"] = ("trial", starts, "ms")
    for name, column in segment_columns(segments, "trial", left_out).items():
        coords.setdefault(name, column)
    time, unit, trial = [], [], []
    for u, row in enumerate(rows):
        for s, train in enumerate(row):
            if train is not None:
                time.append(ms(train) - offset[s])
                unit.append(np.full(len(train), u))
                trial.append(np.full(len(train), s))
    seen = [[np.reshape(e, (-1, 2)) - offset[s] for e in each] for s, each in enumerate(edges)]
    return spikes.dataset(
        np.concatenate(time),
        np.concatenate(unit),
        np.concatenate(trial),
        coords=coords,
        source="recording",
        observed=seen,
    )


def _edges(train: neo.SpikeTrain | None) -> tuple[float, ...]:
    """Start and end of a train [ms]; none of a train that a segment lacks."""
    return () if train is None else (float(ms(train.t_start)), float(ms(train.t_stop)))


def segment_columns(
    segments: Sequence[neo.Segment], dim: str, left_out: list[str]
) -> dict[str, tuple]:
    """Annotations of segments as coordinates; those of their Block are left to it."""
    block = getattr(segments[0], "block", None)
    common = block.annotations if block is not None else {}
    rows = [
        {n: v for n, v in segment.annotations.items() if _differs(common.get(n), v)}
        for segment in segments
    ]
    names = {segment.name for segment in segments}
    if len(names) > 1:
        for row, segment in zip(rows, segments, strict=True):
            row.setdefault("segment_name", segment.name or "")
    return columns(rows, dim, "segments", left_out)


def _differs(a: Any, b: Any) -> bool:
    return type(a) is not type(b) or not np.all(np.asarray(a == b))


def _unit_columns(
    rows: Sequence[Sequence[neo.SpikeTrain | None]], left_out: list[str]
) -> dict[str, tuple]:
    """Unit coordinates from names and annotations; those that differ by segment are left out."""
    found: list[dict[str, Any]] = []
    varying: dict[str, None] = {}
    for row in rows:
        there = [train for train in row if train is not None]
        notes = [dict(train.annotations) for train in there]
        for name in dict.fromkeys(name for note in notes for name in note):
            if any(_differs(note.get(name), notes[0].get(name)) for note in notes):
                varying[name] = None
        found.append(notes[0])
        for train in there[:1]:
            if train.name:
                found[-1]["name" if "unit_id" in notes[0] else "unit_id"] = train.name
    left_out += [f"annotation '{n}' of spike trains: differs between segments" for n in varying]
    found = [{n: v for n, v in note.items() if n not in varying} for note in found]
    return columns(found, "unit", "spike trains", left_out)
