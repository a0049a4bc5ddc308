"""Read back what `to_neo` made."""

import json
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
    return layout.rebuild(note, lambda at, text: _part(at, text, block.segments))


def _part(at: str, text: str, segments: list[neo.Segment]) -> xr.Dataset:
    about = json.loads(text)
    if "spike_time" in about["variables"]:
        return layout.restore(text, _spikes(at, text, segments))
    return layout.restore(text, signal_arrays(about, segments))


def _spikes(at: str, text: str, segments: list[neo.Segment]) -> dict[str, np.ndarray]:
    names = [clean_text(name) for name in layout.table_of(text, "unit")]
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
