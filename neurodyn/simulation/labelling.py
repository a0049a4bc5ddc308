"""Labels of the records of a simulation."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common.arrays import as_array
from neurodyn.engine.abilities import MarksFirstStep, with_room
from neurodyn.engine.record import Save, window_steps
from neurodyn.labels.convention import SPIKE_COLUMNS
from neurodyn.labels.ends import end_coords, end_time, padded
from neurodyn.labels.epochs import epoch_coords
from neurodyn.labels.roles import marked
from neurodyn.params import with_values
from neurodyn.simulation.parts import by_part
from neurodyn.simulation.plan import Plan
from neurodyn.spikes.build import spike_table


def label(
    model: Any, plan: Plan, save: Save, arrays: dict[str, np.ndarray], start: int = 0
) -> xr.Dataset:
    """The records from step ``start`` on as a labelled Dataset."""
    known = model.variables()
    plan, arrays = by_part(plan, arrays)
    trial_coords = _trial_coords(plan, save, arrays)
    arrays = _ended(plan, save, known, arrays, start)
    n_times = [a.shape[1] for n, a in arrays.items() if n in known]
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for name, array in arrays.items():
        if name in known:
            v = known[name]
            variables[name] = (("trial", "time", *v.dims), array, v.units, v.long_name, v.kind)
        elif name == "outputs" and save.outputs == "last":
            variables[name] = (("trial", "output"), array[:, 0], "1", "output", "output")
        elif name == "outputs":
            variables[name] = (("trial", "time", "output"), array, "1", "output", "output")
            n_times.append(array.shape[1])
    if n_times:
        # Sample k holds at (k + 1) dt; from integers, so that pieces of a run fit together exactly.
        steps = _steps(plan, save, start)[: n_times[0]]
        coords["time"] = ("time", plan.t0 + steps * plan.dt, plan.unit)
        if isinstance(model, MarksFirstStep):
            first = (steps == 1).astype(np.int64)
            coords["first_step"] = ("time", first, "1", model.first_step)
    # Spikes name units and trials, also where nothing else was recorded of them.
    dims = {dim for v in variables.values() for dim in v[0]}
    if "spike_time" in arrays:
        dims |= {"unit"}
    for name, value in with_values(with_room(model)).unit_coords().items():
        dim, value, *about = value if isinstance(value, tuple) else ("unit", value)
        if dim in dims:
            numbers, value = np.arange(len(value), dtype=np.int64), np.asarray(value)
            if dim == "unit" and save.units is not None:
                numbers = numbers[list(save.units)]
                value = value[numbers]
            coords[name] = (dim, value, *about)
            coords.setdefault(dim, numbers)
    if save.units is not None and "unit" in dims:
        coords.setdefault("unit", np.asarray(save.units, np.int64))
    if plan.task is not None and "outputs" in variables:
        coords["output"] = list(plan.task.output_names)
    coords |= trial_coords
    attrs = _attrs(model, plan)
    if "spike_time" in arrays:
        # The label of a unit is its position; trials have labels of their own.
        trial = np.asarray(plan.coords["trial"].values)
        columns = {name: arrays[name] for name in SPIKE_COLUMNS}
        columns["spike_trial"] = trial[arrays["spike_trial"]]
        tables = {"trial": trial} | ({"unit": coords["unit"]} if "unit" in coords else {})
        coords |= spike_table(columns, tables)
        first, last = window_steps(save, plan.dt, plan.n_steps)
        attrs["window"] = [plan.t0 + first * plan.dt, plan.t0 + last * plan.dt]
        # A spike carries the end of its step, like every sample: see `neurodyn.spikes`.
        attrs["closed"] = "right"
    return labels.dataset(variables, coords, source="model", attrs=attrs)


def _attrs(model: Any, plan: Plan) -> dict[str, Any]:
    attrs = {"model": type(model).__name__, "dt": plan.dt, "align_event": plan.align_event}
    if plan.task is not None:
        attrs["task"] = type(plan.task).__name__
        attrs |= {"labels": plan.task.labels()} if plan.task.labels() else {}
        attrs |= {"evidence": plan.task.evidence} if plan.task.evidence else {}
    return attrs


def _trial_coords(plan: Plan, save: Save, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Labels, conditions, epochs and scores that have one value for each trial."""
    coords: dict[str, Any] = dict(plan.coords)
    if plan.n_valid is not None:
        coords |= end_coords(plan.n_valid, _steps(plan, save), plan.dt, plan.t0, plan.unit)
    if plan.trials is None:
        return coords
    found: dict[str, Any] = dict(plan.trials.conditions)
    units: dict[str, str] = {}
    # Without the task nothing is known to follow from other conditions, so all are design.
    design, scores = list(found), {}
    if plan.task is not None:
        units, design = plan.task.units(), list(plan.task.condition_table())
        every_step = save.every == 1 and save.window is None and save.outputs == plan.task.scored
        if "outputs" in arrays and plan.whole and every_step:
            outputs = _all_steps(plan, save, arrays["outputs"])
            scores = _score(plan.task, outputs, plan.trials)
    columns = {}
    for name, value in (found | scores).items():
        if np.shape(value) != (plan.n_trials,):
            continue
        about = units.get(name, "1")
        step = plan.dt if about == plan.unit else None
        # Conditions and times are labels and get exact values; other scores are measurements.
        is_label = name in plan.trials.conditions or step is not None
        value = labels.exact(value, step) if is_label else np.asarray(value)
        if name in plan.coords:  # the task knows these in higher precision than float32
            value = plan.coords[name].values
        columns[name] = ("trial", value, about)
    found = coords | marked(columns, design=design, outcome=scores)
    epochs = epoch_coords(plan.trials.epochs, plan.dt, plan.t0, plan.unit)
    return found | {name: spec for name, spec in epochs.items() if name not in found}


def _score(task: Any, outputs: Any, trials: Any) -> dict[str, Any]:
    """Scores of the outputs, in one compiled program."""
    try:
        return _compiled_score(task, outputs, trials)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
        # The task scores on the host: by NumPy, or by masks that select.
        return task.score(outputs, trials)


@eqx.filter_jit
def _compiled_score(task: Any, outputs: Any, trials: Any) -> dict[str, Any]:
    return task.score(outputs, trials)


def _steps(plan: Plan, save: Save, start: int = 0) -> np.ndarray:
    """Numbers of the recorded steps, the first step of the run being 1, from ``start`` on."""
    first, last = window_steps(save, plan.dt, plan.n_steps)
    return np.arange(start + first + save.every, last + 1, save.every)


def _ended(
    plan: Plan, save: Save, known: Any, arrays: dict[str, np.ndarray], start: int
) -> dict[str, np.ndarray]:
    """The records without the samples after the end of their trials."""
    if plan.n_valid is None:
        return arrays
    n_valid, steps, arrays = np.asarray(plan.n_valid), _steps(plan, save, start), {**arrays}
    for name, array in arrays.items():
        if name in known or (name == "outputs" and save.outputs == "every"):
            arrays[name] = padded(array, n_valid, steps[: array.shape[1]])
    if "spike_time" in arrays:
        until = end_time(n_valid, plan.dt, plan.t0)[arrays["spike_trial"]]
        inside = arrays["spike_time"] <= until + labels.TIME_TOLERANCE
        arrays |= {name: arrays[name][inside] for name in arrays if name.startswith("spike_")}
    return arrays


def _all_steps(plan: Plan, save: Save, outputs: np.ndarray) -> Any:
    """Outputs in the form that tasks score: padded with zeros to the buffer of the trials."""
    missing = 0 if save.outputs == "last" else plan.n_steps - outputs.shape[1]
    return as_array(np.pad(outputs, [(0, 0), (0, missing), (0, 0)]), outputs.dtype)


def join(runs: list[xr.Dataset], plan: Plan) -> xr.Dataset:
    """Runs of the members along `seed`."""
    plan = by_part(plan, {})[0]
    # Coordinates of the members (scores, time constants) have one value for each member; those of
    # the trials (conditions) are shared.
    shared = {*runs[0].dims, "area", "ei", "n_valid", "valid_until", "first_step"}
    if plan.trials is not None:
        shared |= {*plan.trials.conditions, *epoch_coords(plan.trials.epochs, plan.dt, plan.t0)}
    shared |= {*plan.coords}
    own = [name for name in runs[0].coords if name not in shared]
    seed = xr.Variable("seed", np.arange(len(runs)), {"units": "1", "long_name": "member"})
    joined = xr.concat(
        [run.reset_coords(own) for run in runs],
        xr.DataArray(seed, {"seed": seed}, name="seed"),
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
    )
    return joined.set_coords(own)
