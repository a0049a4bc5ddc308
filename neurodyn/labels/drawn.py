"""Trials of a task, before any run, as a labelled dataset."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.build import dataset
from neurodyn.labels.clock import time_axis
from neurodyn.labels.ends import end_coords, padded
from neurodyn.labels.epochs import epoch_coords, epoch_times
from neurodyn.labels.numbers import exact
from neurodyn.labels.roles import marked


def drawn(task: Any, trials: Any) -> xr.Dataset:
    """Trials that a task drew as a labelled dataset, see `neurodyn.task.AbstractTask.trials`."""
    units = task.units()
    n_steps = trials.inputs.shape[1] if trials.length is None else int(trials.length)
    unit = units.get("time", "ms")
    coords: dict[str, Any] = {"time": ("time", time_axis(n_steps, task.dt, task.t0), unit)}
    columns = {}
    for name, values in trials.conditions.items():
        step = task.dt if units.get(name) == unit else None
        columns[name] = ("trial", exact(values, step), units.get(name, "1"))
    # Values in double precision replace the float32 conditions.
    columns |= {name: ("trial", *about) for name, about in task.coordinates(trials).items()}
    coords |= marked(columns, design=task.condition_table())
    attrs: dict[str, Any] = {"task": type(task).__name__, "align_event": task.align_event}
    for name, (start, stop) in epoch_times(trials.epochs, task.dt, task.t0).items():
        if np.ptp(start) == 0 and np.ptp(stop) == 0:
            attrs[f"epoch_{name}"] = [float(start[0]), float(stop[0])]
        else:
            coords |= epoch_coords({name: trials.epochs[name]}, task.dt, task.t0, unit)
    if named := task.labels():
        attrs["labels"] = named
    if task.evidence:
        attrs["evidence"] = task.evidence
    targets, mask = trials.targets[:, :n_steps], trials.mask[:, :n_steps]
    inputs, dims = trials.inputs[:, :n_steps], ("trial", "time", "output")
    if trials.n_valid is not None:
        steps = np.arange(1, n_steps + 1)
        coords |= end_coords(trials.n_valid, steps, task.dt, task.t0, unit)
        inputs = padded(inputs, trials.n_valid, steps)
        if task.scored == "every":
            targets = padded(targets, trials.n_valid, steps)
    if task.scored == "last":
        targets, mask, dims = targets[:, 0], mask[:, 0], ("trial", "output")
    if targets.shape[-1] == task.n_outputs:
        coords["output"] = list(task.output_names)
    elif targets.shape[-1] == 1:
        targets, mask, dims = targets[..., 0], mask[..., 0], dims[:-1]
    variables = {
        "targets": (dims, targets, "1", "target output", "target"),
        "mask": (dims, mask, "1", "weight in the loss"),
    }
    if task.n_inputs:
        variables["inputs"] = (("trial", "time", "input"), inputs, "1", "input", "input")
        coords["input"] = list(task.input_names)
    return dataset(variables, coords, source="task", attrs=attrs)
