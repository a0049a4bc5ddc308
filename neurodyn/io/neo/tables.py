"""Epochs and events of neo segments as tables."""

from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import xarray as xr

from neurodyn.io.neo.signals import clean
from neurodyn.io.neo.trains import ms
from neurodyn.io.parts import decode, table
from neurodyn.labels.names import free_name


def tables_of(segments: Sequence[neo.Segment], left_out: list[str]) -> dict[str, xr.Dataset]:
    """Build the tables of epochs (`intervals/NAME`) and events (`events/NAME`).

    Those that are the same in every segment belong to the Block, unless segments have clocks of
    their own, on which the same may happen again. Others are joined, with the number of their
    segment in the column `segment`.
    """
    own = _own_clocks(segments)
    parts: dict[str, xr.Dataset] = {}
    for kind, attribute in (("intervals", "epochs"), ("events", "events")):
        grouped: dict[str, list[tuple[int, Any]]] = {}
        for s, segment in enumerate(segments):
            seen: dict[str, int] = {}
            for i, each in enumerate(getattr(segment, attribute)):
                name = clean(each, i)
                seen[name] = seen.get(name, 0) + 1
                # A second one of this name in a segment is another one.
                name = name if seen[name] == 1 else f"{name}_{seen[name] - 1}"
                if len(each):
                    grouped.setdefault(name, []).append((s, each))
        for name, found in grouped.items():
            parts[f"{kind}/{name}"] = _table(name, found, segments, own, left_out)
    return parts


def _own_clocks(segments: Sequence[neo.Segment]) -> np.ndarray | None:
    """First and last time of data if all segments start at one time; else one clock goes on."""
    kinds = ("analogsignals", "irregularlysampledsignals", "spiketrains")
    timed = [[e for kind in kinds for e in getattr(each, kind) if e.size] for each in segments]
    if not all(timed):
        return None
    starts = [min(float(ms(each.t_start)) for each in row) for row in timed]
    stops = [max(float(ms(each.t_stop)) for each in row) for row in timed]
    return np.array([starts[0], max(stops)]) if max(starts) == min(starts) else None


def _table(
    name: str,
    found: list[tuple[int, Any]],
    segments: Sequence[neo.Segment],
    own: np.ndarray | None,
    left_out: list[str],
) -> xr.Dataset:
    rows = [_columns(each, left_out) for _, each in found]
    n_segments, times = len(segments), ms(found[0][1].times)
    again = own is not None and times.min() >= own[0] and times.max() <= own[1]
    same = len(found) == n_segments and all(_same(rows[0], row) for row in rows)
    if n_segments > 1 and same and not again:
        rows, found = rows[:1], found[:1]
    elif n_segments > 1:
        for (s, each), row in zip(found, rows, strict=True):
            row["segment"] = ("trial", np.full(len(each), s))
    joined: dict[str, Any] = {}
    for column in dict.fromkeys(name for row in rows for name in row):
        specs = [row.get(column) for row in rows]
        if None in specs:
            left_out.append(f"column '{column}' of '{name}', which some segments lack")
            continue
        dim, _, *described = specs[0]
        if any(spec[2:] != specs[0][2:] for spec in specs):
            left_out.append(f"column '{column}' of '{name}', whose units differ")
            continue
        joined[column] = (dim, np.concatenate([spec[1] for spec in specs]), *described)
    n = len(next(iter(joined.values()))[1])
    return table({"trial": np.arange(n)} | joined, {"table": found[0][1].name or name})


def _same(a: dict[str, tuple], b: dict[str, tuple]) -> bool:
    return a.keys() == b.keys() and all(
        np.array_equal(a[name][1], b[name][1]) and a[name][2:] == b[name][2:] for name in a
    )


def _columns(each: neo.Epoch | neo.Event, left_out: list[str]) -> dict[str, tuple]:
    start, what = ms(each.times), f"'{each.name or type(each).__name__}'"
    columns: dict[str, Any] = {}
    if isinstance(each, neo.Epoch):
        columns["start_time"] = ("trial", start, "ms")
        durations = ms(each.durations)
        if durations.shape in ((), (1,), start.shape):
            columns["stop_time"] = ("trial", start + durations, "ms")
        else:
            left_out.append(f"durations of {what}: {durations.size} for {start.size} epochs")
    else:
        columns["event_time"] = ("trial", start, "ms", "time of the event")
    if len(each.labels) == len(each):
        columns["label"] = ("trial", decode(each.labels))
    elif len(each.labels):
        left_out.append(f"labels of {what}: {len(each.labels)} for {start.size} times")
    for name, values in each.array_annotations.items():
        if np.shape(values) == (len(each),):
            unit = [values.dimensionality.string] if hasattr(values, "dimensionality") else []
            column = decode(getattr(values, "magnitude", values))
            columns[free_name(str(name), columns)] = ("trial", column, *unit)
        else:
            left_out.append(f"array annotation '{name}' of {what}")
    return columns
