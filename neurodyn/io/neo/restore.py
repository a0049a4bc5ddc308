"""Read back what `to_neo` made."""

from collections.abc import Mapping
from typing import Any

import neo
import numpy as np
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.neo.trains import ms
from neurodyn.io.neo.write import NOTE, PART
from neurodyn.io.neo.write_parts import clean_text, signal_arrays


def is_ours(block: Any) -> bool:
    """Whether `to_neo` made a Block."""
    return isinstance(block, neo.Block) and NOTE in block.annotations


def restored(block: neo.Block) -> xr.Dataset | xr.DataTree:
    """The recording of which `to_neo` made a Block.

    Raises
    ------
    FileFormatError
        If the Block is from a newer version, lacks a signal, or its note was changed.
    """
    note = str(block.annotations[NOTE])
    return layout.rebuild(note, lambda at, about: _part(at, about, block.segments))


def _part(at: str, about: Mapping[str, Any], segments: list[neo.Segment]) -> xr.Dataset:
    of_spikes = "spike_time" in about["variables"]
    arrays = _spikes(at, about, segments) if of_spikes else signal_arrays(about, segments)
    return layout.restore(about, arrays)


def _spikes(
    at: str, about: Mapping[str, Any], segments: list[neo.Segment]
) -> dict[str, np.ndarray]:
    units = about["variables"].get("unit", {}).get("values", [])
    names = [clean_text(name) for name in units]
    trains = [
        (s, i, t)
        for s, each in enumerate(segments)
        for i, t in enumerate(t for t in each.spiketrains if t.annotations.get(PART, "") == at)
    ]
    # Trains are found by their name, because units have none in trials without them.
    rows = [names.index(t.name) if t.name in names else i for _, i, t in trains]
    lengths = [len(train) for _, _, train in trains]
    return {
        "spike_time": np.concatenate([ms(train) for _, _, train in trains] or [np.zeros(0)]),
        "spike_unit": np.repeat(np.array(rows, np.int64), lengths),
        "spike_trial": np.repeat(np.array([s for s, _, _ in trains], np.int64), lengths),
    }
