"""Clock and trials of a run, read from the labels of its inputs."""

from typing import Any, NamedTuple

import jax
import numpy as np
import xarray as xr
from jaxtyping import Int

from neurodyn import labels
from neurodyn.engine.drive import as_drive

#: Dims of inputs that become the trials of a run.
_BATCH = ("trial", "condition")


class InputLabels(NamedTuple):
    """Labels that a run takes from its inputs.

    Attributes
    ----------
    dt, t0, unit
        Step, and time before the first step, in `unit`: "ms", or "1" for steps.
    coords
        Labels of trials and the coordinates on them.
    n_valid
        Steps of each trial, where they end at different times; else None.
    align_event
        Name of the event at time 0.
    """

    dt: float
    t0: float
    unit: str
    coords: dict[str, xr.Variable]
    n_valid: Int[np.ndarray, " trial"] | None
    align_event: str


def input_labels(inputs: Any, dt: float | None) -> InputLabels | None:
    """The labels of inputs of any form; None if they have no labels or no step.

    Raises
    ------
    LabelError
        If their times are no clock, `dt` contradicts them, or labels of trials repeat.
    """
    found = [x for x in jax.tree.leaves(as_drive(inputs)) if isinstance(x, xr.DataArray)]
    if not found or (dt is None and ("time" not in found[0].coords or found[0].sizes["time"] < 2)):
        return None
    time, step, unit = labels.clock(found[0], what="the inputs", dt=dt)
    step = step if dt is None else float(dt)
    ends = {"n_valid", "valid_until"} & set(found[0].coords)
    n_valid = labels.valid(found[0]).sum("time").values.reshape(-1) if ends else None
    event = found[0].attrs.get("align_event", "time 0 of the inputs")
    return InputLabels(step, float(time[0] - step), unit, _of_trials(found[0]), n_valid, event)


def _of_trials(inputs: xr.DataArray) -> dict[str, xr.Variable]:
    """Coordinates of the trials; in a single trial all scalar coordinates belong to it."""
    many = tuple(dim for dim in inputs.dims if dim in _BATCH)
    coords: dict[str, xr.Variable] = {}
    for name, coord in inputs.coords.items():
        if coord.dims == many and name not in ("time", "n_valid", "valid_until"):
            values = np.atleast_1d(coord.values)
            coords["trial" if name in _BATCH else str(name)] = xr.Variable(
                "trial", values, coord.attrs
            )
    if "trial" in coords and len(set(coords["trial"].values.tolist())) < coords["trial"].size:
        raise labels.LabelError(
            f"the inputs label trials by {coords['trial'].values.tolist()[:12]}, where labels "
            f"repeat: give each trial its own, .assign_coords({(many or _BATCH)[0]}=...)."
        )
    return coords
