"""The labelling convention: how dims, times, units and trials are named in runs and recordings.

Dims are singular and come in the order of `DIMS`, so ``(trial | condition, time, unit)``. Time is
in milliseconds, rates in Hz. Every variable says its `units` and `long_name`; attrs hold only what
netCDF and Zarr can store. `dataset` builds such objects, `check` says what is off with one, `match`
pairs two of them by label.

A spike Dataset is flat: `spike_time`, `spike_unit` and (when cut into trials) `spike_trial` on dim
`spike`, the last two being positions along `unit` and `trial`, whose coords hold the unit and trial
tables. See `neurodyn.spikes`.
"""

from neurodyn.labels.build import dataset, encode_attrs, time_axis
from neurodyn.labels.checks import check
from neurodyn.labels.convention import (
    CONVENTION,
    DIMS,
    KINDS,
    SOURCES,
    TIME_TOLERANCE,
    LabelError,
)
from neurodyn.labels.ends import valid
from neurodyn.labels.matching import match
from neurodyn.labels.seconds import to_seconds
from neurodyn.labels.sequences import Observed, read_sequences

__all__ = [
    "CONVENTION",
    "DIMS",
    "KINDS",
    "SOURCES",
    "TIME_TOLERANCE",
    "LabelError",
    "Observed",
    "check",
    "dataset",
    "encode_attrs",
    "match",
    "read_sequences",
    "time_axis",
    "to_seconds",
    "valid",
]
