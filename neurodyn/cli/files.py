"""Data named on the command line: files, parts of files, datasets."""

from typing import Any

__all__ = ["activity", "opened"]


def opened(name: str) -> Any:
    """Labelled data from a file or a dataset by name, or a part of one (``NAME:/part``).

    Raises
    ------
    ValueError, OSError
        If there is neither a file nor a dataset of this name, or it cannot be read.
    """
    from neurodyn import datasets

    path, _, part = name.partition(":/")
    return _part(datasets.open(path), path, part)


def _part(data: Any, path: str, part: str) -> Any:
    import xarray as xr

    if not isinstance(data, xr.DataTree):
        if part:
            raise ValueError(f"'{path}' has no parts; leave out ':/{part}'.")
        return data
    parts = [node.path for node in data.subtree if node.has_data]
    if not part and len(parts) > 1:
        shown = ", ".join(f"{path}:{p}" for p in parts)
        raise ValueError(f"'{path}' has several parts; name one of {shown}.")
    wanted = f"/{part}" if part else parts[0]
    if wanted not in parts:
        raise ValueError(f"'{path}' has no part '{wanted}'; it has {', '.join(parts)}.")
    return data[wanted].to_dataset()


def activity(name: str, bin_width: float, window: tuple[float, float] | None) -> Any:
    """Labelled data as activity on a time axis; spikes become rates in bins.

    Raises
    ------
    ValueError
        If the data hold spikes without trials.
    """
    from neurodyn import spikes

    data = opened(name)
    if "spike" not in data.dims:
        return data
    if "spike_trial" not in data.coords:
        raise ValueError(
            f"'{name}' holds spikes without trials: cut them into trials with "
            "neurodyn.spikes.align and save the result."
        )
    return spikes.rate(data, bin_width=bin_width, window=window)
