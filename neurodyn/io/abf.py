"""Commands to the cell, from the protocol of Axon files."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io.neo import stack


def with_commands(recording: Any, reader: Any) -> Any:
    """Add the commands to the cell from the protocol of an Axon file."""
    if not isinstance(recording, xr.Dataset) or "sweep" not in recording.dims:
        return recording
    try:
        protocol = reader.read_protocol()
    except Exception as error:  # only some versions and modes of the format keep it
        noted = [*recording.attrs.get("not_read", []), f"protocol: {error or type(error).__name__}"]
        return recording.assign_attrs(not_read=noted)
    commands: dict[str, xr.DataArray] = {}
    for sweeps in zip(*(segment.analogsignals for segment in protocol), strict=True):
        (command,) = stack(sweeps).data_vars.values()
        fits = command.sizes["time"] == recording.sizes["time"]
        if np.any(command.values) and command.sizes["sweep"] == recording.sizes["sweep"] and fits:
            name = f"{command.name}_command"
            name = name if name not in commands else f"{name}_{command.attrs['long_name']}"
            commands[name] = command.isel(channel=0, drop=True).drop_vars(
                ["channel_name", "start_time", "time"], errors="ignore"
            )
    return recording.assign(commands)
