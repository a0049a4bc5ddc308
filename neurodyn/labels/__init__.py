"""The labelling convention: how dims, times, units and trials are named in runs and recordings.

Dims are singular and come in the order of `DIMS`, so ``(trial | condition, time, unit)``. Time is
in milliseconds, rates in Hz. Every variable says its `units` and `long_name`; attrs hold only what
netCDF and Zarr can store. `dataset` builds such objects, `check` lists their mistakes, `pair`
brings two of them onto the same labels, `clock` reads their times.

A spike Dataset is flat: `spike_time`, `spike_unit` and (when cut into trials) `spike_trial` are
coordinates on dim `spike`, the last two being labels along `unit` and `trial`, whose coords hold
the unit and trial tables. See `neurodyn.spikes`.
"""

from neurodyn.labels.bins import between, bin_width
from neurodyn.labels.build import dataset, encode_attrs, horizons
from neurodyn.labels.channels import pair_channels
from neurodyn.labels.checks import check
from neurodyn.labels.clock import Clock, clock, time_axis
from neurodyn.labels.convention import (
    CONVENTION,
    DIMS,
    KINDS,
    SOURCES,
    TIME_TOLERANCE,
    LabelError,
    ordered,
)
from neurodyn.labels.ends import valid
from neurodyn.labels.matching import match
from neurodyn.labels.numbers import exact
from neurodyn.labels.pairing import in_positions, like, pair
from neurodyn.labels.places import entry, place
from neurodyn.labels.seconds import to_milliseconds, to_seconds
from neurodyn.labels.sequences import Observed, for_model, pair_sequences, read_sequences

__all__ = [
    # Build and check
    "dataset",
    "check",
    "encode_attrs",
    "horizons",
    "time_axis",
    # Times, windows and ends of trials
    "Clock",
    "clock",
    "between",
    "bin_width",
    "valid",
    "to_milliseconds",
    "to_seconds",
    # Match two objects
    "pair",
    "match",
    "pair_channels",
    "pair_sequences",
    "like",
    "in_positions",
    # Entries and sequences
    "entry",
    "place",
    "exact",
    "Observed",
    "read_sequences",
    "for_model",
    # The convention
    "DIMS",
    "ordered",
    "KINDS",
    "SOURCES",
    "CONVENTION",
    "TIME_TOLERANCE",
    "LabelError",
]
