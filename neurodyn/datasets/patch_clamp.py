"""A fast-spiking interneuron in current clamp (example file of pyABF)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from neurodyn import io

__all__ = ["read"]

DURING = 1900.0  # ms, a time within the step; a test pulse of -100 pA comes before it


def read(paths: Sequence[Path]) -> xr.Dataset:
    """Read the responses to 17 current steps.

    Parameters
    ----------
    paths
        The .abf file.

    Returns
    -------
    Membrane potential `v` (sweep, time) [mV] and injected current `i` (sweep, time) [pA] at 20 kHz,
    time from the start of each sweep; `step` is the height of the step of each sweep [pA], which
    lasts from 1646.8 to 2146.8 ms, after a test pulse of -100 pA.
    """
    recording = io.read(paths[0]).isel(channel=0, drop=True).rename(i_command="i")
    recording["v"].attrs["long_name"] = "membrane potential"
    recording["i"].attrs["long_name"] = "injected current"
    height = recording["i"].sel(time=DURING, method="nearest").values
    about = {"units": "pA", "long_name": "height of the current step"}
    return recording.assign_coords(step=("sweep", height, about))
