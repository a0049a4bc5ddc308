"""The two sides of a comparison, from files, datasets and models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def sides(
    names: Sequence[str],
    *,
    bin_width: float,
    window: tuple[float, float] | None,
    task: str | None = None,
    repeats: int | None = None,
    key: int = 0,
) -> Any:
    """Labelled data of one file, or of several by their names.

    Parameters
    ----------
    names
        Files, datasets, or parts of files (``FILE:/part``).
    bin_width, window
        Bins of spikes, and the times that are wanted [ms].
    task, repeats, key
        For model files: name of the task (None: the one in the file), simulated trials of each of
        its conditions (None: model files are refused), and the seed.

    Raises
    ------
    ValueError, OSError
        If one is not there, cannot be read, or cannot be simulated.
    """
    stems = [Path(name.partition(":/")[0]).stem + name.partition(":/")[2] for name in names]
    found = {}
    for name, stem in zip(names, stems, strict=True):
        shown = stem if stems.count(stem) == 1 else name
        if shown in found:
            raise ValueError(f"'{name}' is given twice.")
        if is_model(name):
            if repeats is None:
                raise ValueError(f"'{name}' is a model: name models before the recordings.")
            found[shown] = simulated(name, task, repeats, key)
        else:
            found[shown] = activity(name, bin_width, window)
    return found if len(found) > 1 else next(iter(found.values()))


def is_model(name: str) -> bool:
    """Whether this is a model file, which is a zip archive."""
    path = Path(name)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def simulated(name: str, task: str | None, repeats: int, key: int) -> Any:
    """Run a model of a file on the task that is stored with it, or on one by name.

    Raises
    ------
    ValueError
        If there is no task, or the model does not fit it.
    """
    from neurodyn.common import registry
    from neurodyn.io.files import info, load
    from neurodyn.simulation.simulate import simulate

    if task is None:
        stored = info(name)["task"]
        if stored is None:
            raise ValueError(
                f"'{name}' holds no task to simulate the model on: name one with --task, or save "
                "the model with it (neurodyn.save(..., task=task))."
            )
    else:
        try:
            stored = registry.find(task, "task").object()
        except TypeError as error:
            raise ValueError(
                f"--task {task} needs arguments ({error}): simulate the model in Python, and save "
                "the run."
            ) from None
    return simulate(load(name), stored, repeats=repeats, key=key, progress=False)


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
