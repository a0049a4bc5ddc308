"""External inputs of recordings: brought to the recordings that they belong to."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, in_positions, like, pair
from neurodyn.tasks.recordings.recordings import (
    LAST,
    MANY,
    Recordings,
    as_recordings,
    only_variable,
)


def external_inputs(inputs: Any, data: Any, recordings: Recordings) -> Recordings:
    """Inputs in the order of the recordings, matched by times and trials.

    Raises
    ------
    ValueError
        If they are not as many and as long as the recordings, or hold NaN. LabelError if labels
        differ.
    """
    found = as_recordings(_paired(data, inputs), what="inputs")
    lengths = [[len(x) for x in r.parts] for r in (found, recordings)]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"Windows: `inputs` must be as long as the recordings, {lengths[1]} samples, got "
            f"{lengths[0]}."
        )
    timed = np.isfinite(found.starts).any()
    same = np.isclose(found.dt, recordings.dt, rtol=1e-6) and found.unit == recordings.unit
    if timed and not same:
        raise LabelError(
            f"Windows: `inputs` have a step of {found.dt:g} (units {found.unit!r}), the recordings "
            f"{recordings.dt:g} (units {recordings.unit!r}): give `data` labels of time, or `dt=`."
        )
    if not all(np.isfinite(x).all() for x in found.parts):
        raise ValueError("Windows: `inputs` hold NaN or infinite values.")
    return found


def _paired(data: Any, inputs: Any) -> Any:
    data, inputs = (
        only_variable(x, what) if isinstance(x, xr.Dataset) else x
        for x, what in ((data, "data"), (inputs, "inputs"))
    )
    if isinstance(data, xr.DataArray) and isinstance(inputs, xr.DataArray):
        return _one(data, inputs)
    # A list or an array is in the order of the recordings, or else of the labels that count them.
    recordings, pieces = _pieces(data), _pieces(inputs)
    if len(recordings) != len(pieces):
        return inputs
    if isinstance(inputs, xr.DataArray) and not any(map(_label, recordings)):
        many = [dim for dim in inputs.dims if dim in MANY]
        pieces = _pieces(in_positions(inputs, str(many[0]), what="inputs") if many else inputs)
    if isinstance(data, xr.DataArray) and not any(map(_label, pieces)):
        pieces = _arranged(data, pieces)
    return [_one(x, u) for x, u in zip(recordings, pieces, strict=True)]


def _pieces(x: Any) -> list[Any]:
    """Single recordings, with the label of their trial where they have one."""
    if isinstance(x, (list, tuple)):
        return [piece for part in x for piece in _pieces(part)]
    if isinstance(x, xr.Dataset):
        x = only_variable(x, "a piece")
    if isinstance(x, xr.DataArray):
        many = [dim for dim in x.dims if dim in MANY]
        return [x.isel({many[0]: i}) for i in range(x.sizes[many[0]])] if many else [x]
    return list(np.asarray(x)) if np.ndim(x) == 3 else [x]


def _label(x: Any) -> dict[str, Any]:
    """The trial or subject that a single recording is."""
    if not isinstance(x, xr.DataArray):
        return {}
    return {dim: x[dim].item() for dim in MANY if dim in x.coords and not x[dim].ndim}


def _arranged(data: xr.DataArray, pieces: list[Any]) -> list[Any]:
    """Pieces without labels, in the order of the recordings."""
    many = [dim for dim in data.dims if dim in MANY and dim in data.coords]
    if not many:
        return pieces
    names = data[many[0]]
    places = like(np.arange(len(pieces)), names, what=("data", "inputs"))
    return [pieces[i] for i in pair(names, places, what=("data", "inputs"))[1].values]


def _one(data: Any, inputs: Any) -> Any:
    """Inputs with the times, trials and ends of the recordings that they belong to."""
    if not isinstance(data, xr.DataArray):
        return inputs
    if not isinstance(inputs, xr.DataArray):
        if np.shape(inputs)[:1] != (data.sizes.get("time"),) or np.ndim(inputs) != 2:
            return inputs
        time = {"time": data["time"].variable} if "time" in data.coords else {}
        inputs = xr.DataArray(np.asarray(inputs), time, ("time", "input"))
    mine, theirs = _label(data), _label(inputs)
    if other := [dim for dim in mine if dim in theirs and mine[dim] != theirs[dim]]:
        raise LabelError(
            f"Windows: a recording is {other[0]} {mine[other[0]]!r}, but the inputs in its place "
            f"are of {other[0]} {theirs[other[0]]!r}: bring both lists into the same order."
        )
    shared = [str(dim) for dim in data.dims if dim not in LAST]
    inputs = pair(data, inputs, shared, what=("data", "inputs"))[1]
    return inputs.assign_coords(
        {name: c for name, c in data.coords.items() if name in ("n_valid", "valid_until")}
    )
