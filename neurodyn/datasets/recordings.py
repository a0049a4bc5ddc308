"""Recordings in files of common formats: the bundled example, film clips, current clamp."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from neurodyn import io

DURING = 1900.0  # ms, a time within the current step; a test pulse of -100 pA comes before it


def read_example(
    paths: Sequence[Path], *, window: Sequence[float] = (-250.0, 1250.0)
) -> xr.Dataset:
    """Read the spikes of a simulated decision network in trials around stimulus onset.

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


def read_steps(paths: Sequence[Path]) -> xr.Dataset:
    """Read the responses of a fast-spiking interneuron to 17 current steps (a file of pyABF).

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


def read_zheng(paths: Sequence[Path]) -> xr.DataTree:
    """Read one session of one patient: film clips with boundaries (Zheng et al. 2022).

    Parameters
    ----------
    paths
        The .nwb file.

    Returns
    -------
    DataTree of `spikes`, the whole session (no trials), with the `area` of each unit, and of the
    trial tables `intervals/encoding_table`, `intervals/recognition_table` and
    `intervals/timediscrimination_table`; times in ms on the clock of the session, `rt` in ms.
    """
    recording = io.read(paths[0])
    assert isinstance(recording, xr.DataTree)  # it holds spikes and several tables
    for name, node in recording["intervals"].children.items():
        table = node.to_dataset()
        if "RT" in table.coords:
            times = table.coords["RT"]  # in ms where the file says that it holds seconds
            scale = 1.0 if times.attrs["units"] == "ms" else 1e3
            about = {"units": "ms", "long_name": "reaction time"}
            table = table.assign_coords(rt=(times.dims, times.values * scale, about))
            recording[f"intervals/{name}"] = xr.DataTree(table.drop_vars("RT"))
    recording["spikes"].attrs["simultaneous"] = 1
    return recording
