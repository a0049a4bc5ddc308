"""The bundled example: a simulated decision network, recorded like an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from neurodyn import io

__all__ = ["read"]


def read(paths: Sequence[Path], *, window: Sequence[float] = (-250.0, 1250.0)) -> xr.Dataset:
    """Read the spikes in trials around stimulus onset.

    Parameters
    ----------
    paths
        The .nwb file.
    window
        Start and stop around stimulus onset [ms]; the default is a whole trial, whose stimulus ends
        at 1000 ms. Beyond that lie the neighbouring trials, which were simulated on their own.

    Returns
    -------
    Spike Dataset with `coherence` (signed fraction, positive favours B), `choice` (0 is A, 1 is B),
    `target` (the rewarded alternative; by a fair coin at coherence 0), `correct` (whether they
    agree) and `rt` [ms] (NaN where the network reached no threshold) of each trial, and `pool`,
    `cell_type` and `ei` of each unit. `neurodyn.spikes.bin` and `rate` make (trial, time, unit) of
    it, `neurodyn.trials.psth` (condition, time, unit).
    """
    recording = io.read(paths[0], align_event="stimulus_on_time", window=window)
    return recording.assign_attrs(simultaneous=1, synthetic=1)
