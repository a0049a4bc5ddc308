"""Human hippocampus and amygdala during film clips with boundaries (Zheng et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from neurodyn import io

__all__ = ["read"]


def read(paths: Sequence[Path]) -> xr.DataTree:
    """Read one session of one patient.

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
            seconds = table.coords["RT"]
            about = {"units": "ms", "long_name": "reaction time"}
            table = table.assign_coords(rt=(seconds.dims, seconds.values * 1e3, about))
            recording[f"intervals/{name}"] = xr.DataTree(table.drop_vars("RT"))
    recording["spikes"].attrs["simultaneous"] = 1
    return recording
