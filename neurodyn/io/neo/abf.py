"""Axon files: commands to the cell, tags and starts of sweeps, which neo does not read right."""

from collections.abc import Mapping
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn.io.neo.abf_command import CommandError, Output, command
from neurodyn.io.neo.abf_header import Header
from neurodyn.io.parts import unit_of


def correct(block: neo.Block, info: Mapping[str, Any], header: Header) -> None:
    """Give a Block that neo has read from an Axon file the times that the file states.

    neo takes tags and starts of sweeps as samples of one channel. They have a unit of their own, or
    count the samples of all channels. Files without a table of sweeps are read in one piece.
    """
    own = info.get("protocol", info)["fSynchTimeUnit"]
    for segment in block.segments:
        for each in segment.analogsignals:
            start = float(each.t_start.rescale(pq.us).magnitude)
            count = round(start / (own or float(each.sampling_period.rescale(pq.us).magnitude)))
            each.t_start = count * header.unit / 1000 * pq.ms
    _cut_sweeps(block, info)
    columns = [np.array(column) for column in zip(*header.tags, strict=True)]
    for segment in block.segments:
        events = [each for each in segment.events if each.name != "Tag"]
        if columns:
            times, comments, kinds = columns
            about = {"tag_type": kinds}
            events.append(neo.Event(times * pq.ms, comments, name="Tag", array_annotations=about))
        segment.events[:] = events


def _cut_sweeps(block: neo.Block, info: Mapping[str, Any]) -> None:
    """Cut a recording in one piece into sweeps of equal length, one after the other."""
    sections, n = info.get("sections"), int(info["lActualEpisodes"])
    mode = (info["protocol"] if sections else info)["nOperationMode"]
    table = sections["SynchArraySection"]["llNumEntries"] if sections else info["lSynchArraySize"]
    (whole, *others) = block.segments
    lengths = {len(each) for each in whole.analogsignals}
    if mode not in (2, 5) or table or others or n < 2 or any(length % n for length in lengths):
        return
    block.segments[:] = []
    for k in range(n):
        sweep = neo.Segment(index=k, **whole.annotations)
        for each in whole.analogsignals:
            length = len(each) // n
            sweep.analogsignals.append(each[k * length : (k + 1) * length])
        sweep.block = block
        block.segments.append(sweep)


def add_commands(parts: dict[str, xr.Dataset], about: dict[str, Any], header: Header) -> None:
    """Add the commands to the parts of a recording, and notes on those that cannot be built.

    They become variables of the signal if there is one, else `signals/command`.
    """
    notes = list(header.notes)
    signals = [path for path in parts if path.startswith("signals/")]
    commands: dict[str, xr.Variable] = {}
    if header.outputs and signals:
        ds = parts[signals[0]]
        if "n_valid" in ds.coords:
            notes.append("commands: the sweeps differ in length")
        else:
            commands = _commands(header.outputs, ds, notes)
    if commands and len(signals) == 1:
        parts[signals[0]] = parts[signals[0]].assign(commands)
    elif commands:
        ds = parts[signals[0]]
        coords = {n: c for n, c in ds.coords.items() if "channel" not in c.dims}
        parts["signals/command"] = xr.Dataset(commands, coords, ds.attrs)
    if notes:
        about["not_read"] = [*about.get("not_read", []), *notes]


def _commands(outputs: list[Output], ds: xr.Dataset, notes: list[str]) -> dict[str, xr.Variable]:
    dims = tuple(dim for dim in ("sweep", "time") if dim in ds.dims)
    found: list[tuple[str, str, xr.Variable]] = []
    for output in outputs:
        factor, unit, variable, kind = unit_of(output.unit)
        try:
            values = command(output, ds.sizes.get("sweep", 1), ds.sizes["time"])
        except CommandError as error:
            notes.append(f"command '{output.name}': {error}")
            continue
        attrs = {"units": unit, "long_name": output.name or "command"}
        attrs |= {"kind": kind} if kind else {}
        values = factor * (values if "sweep" in dims else values[0])
        found.append((f"{variable}_command", output.name, xr.Variable(dims, values, attrs)))
    kinds = [name for name, _, _ in found]
    return {
        name if kinds.count(name) == 1 else f"{name}_{of}": values for name, of, values in found
    }
