"""What `simulate` runs: trials or inputs, in pieces that fit in memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.common.arrays import refuse_units
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key, fold_in
from neurodyn.engine.abilities import HasStartTime, ReadsTargets, SizedByStep
from neurodyn.engine.drive import Drive
from neurodyn.engine.inputs import as_batch, check_finite, check_trial, predicted
from neurodyn.engine.intervene import (
    AbstractIntervention,
    Clamp,
    Current,
    Lesion,
    Silence,
    WeightChange,
)
from neurodyn.engine.record import Save, observe, window_steps
from neurodyn.labels import LabelError
from neurodyn.params import resolve
from neurodyn.simulation.inputs import input_labels
from neurodyn.system import AbstractMap, AbstractSpiking
from neurodyn.task import AbstractTask, Trial

__all__ = ["Plan", "check_window", "chunk_sizes", "make_plan", "part", "take"]

#: A chunk of trials records at most about this many bytes, so that long runs stay in memory.
CHUNK_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Plan:
    """Which trials to run and how they are labelled.

    Attributes
    ----------
    task
        The task, or None.
    trials
        A Trial with a leading trial axis, as it is scored and labelled, or None.
    given
        The same as it came, with the observations that runs start from.
    inputs
        A Drive of arrays ``(time, trial, ...)``, or a callable of time.
    dt, n_steps, n_trials
        Step [ms], and how much there is to run.
    t0, align_event
        Time of the start of a trial, and what happens at time 0.
    coords
        Labels of the trials, and what else labels them.
    n_valid
        Steps of each trial, where they last differently long; else None.
    unit
        Of `dt` and `t0`: "ms", or "1" for steps that are no time.
    whole
        False for a piece of a run, which cannot be scored.
    """

    task: AbstractTask | None
    trials: Trial | None
    given: Trial | None
    inputs: Any
    dt: float
    n_steps: int
    n_trials: int
    t0: float
    align_event: str
    coords: dict[str, xr.Variable]
    n_valid: Any = None
    unit: str = "ms"
    whole: bool = True


def make_plan(
    model: Any,
    source: Any,
    *,
    n_trials: int | None,
    repeats: int | None,
    key: Any,
    dt: float | None,
    n_steps: int | None,
) -> Plan:
    """Check what `simulate` was asked for."""
    n_trials = None if n_trials is None else whole("n_trials", n_trials)
    repeats = None if repeats is None else whole("repeats", repeats)
    refuse_units("`dt`", dt)
    if isinstance(source, (str, type)):
        name = source if isinstance(source, str) else source.__name__
        raise TypeError(
            f"What drives the model is a task, trials or inputs, got {source!r}: pass an instance, "
            f"e.g. neurodyn.tasks.{name}()."
        )
    if isinstance(source, (AbstractTask, Trial)) and n_steps is not None:
        raise ValueError("Trials say themselves how long they are: leave out `n_steps`.")
    if isinstance(source, AbstractTask):
        if dt is not None and float(dt) != float(source.dt):
            raise ValueError(
                f"{type(source).__name__} was made with dt={source.dt:g} ms, so its trials cannot "
                f"run at {dt:g} ms: make the task with dt={dt:g}."
            )
        trials = _draw(source, n_trials, repeats, key)
        return _of_trials(model, source, trials, float(source.dt))
    if repeats is not None:
        raise ValueError("`repeats` needs a task, whose conditions it repeats.")
    if isinstance(source, Trial):
        dt, unit = _step_of(model, source, dt)
        if n_trials is not None:
            raise ValueError("The trials are there already: leave out `n_trials`.")
        return _of_trials(model, None, source, dt, unit)
    batch = as_batch(model, source, n_steps=n_steps, n_trials=n_trials, dt=dt)
    seen = input_labels(source, dt)
    starts = source is None and isinstance(model, HasStartTime)
    unit = "ms"
    if seen is not None:
        dt = seen.dt
    elif dt is None and isinstance(model, AbstractMap):
        late = starts and model.start_time(1.0) != 0 and model.time_unit() == "ms"
        dt, unit = (None, unit) if late else (1.0, "1")
    dt = _known(dt)
    if batch.n_steps is None:
        raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
    if batch.held:
        check_finite(batch.source)
    check_trial(model, None)
    size = batch.n_steps, batch.n_trials
    if seen is not None:
        coords = _coords(model, seen.coords, batch.n_trials)
        about: Any = seen.t0, seen.align_event, coords, seen.n_valid, seen.unit
        return _checked(model, Plan(None, None, None, batch.source, dt, *size, *about))
    t0 = 0.0
    if starts and model.start_time(dt) != 0:
        t0, unit = model.start_time(dt), model.time_unit()
    coords = _coords(model, {}, batch.n_trials)
    about = t0, "start of the run", coords, None, unit
    return _checked(model, Plan(None, None, None, batch.source, dt, *size, *about))


def _step_of(model: Any, trials: Trial, dt: float | None) -> tuple[float, str]:
    """Step of trials that were drawn before, and its unit."""
    if trials.dt is None:
        if dt is None and isinstance(model, AbstractMap):
            return 1.0, "1"
        return _known(dt), trials.time_unit
    if dt is not None and float(dt) != trials.dt:
        raise ValueError(
            f"These trials were drawn with dt={trials.dt:g}, so they cannot run at dt={dt:g}: "
            "leave out `dt`, or make the task with that step and draw its trials again."
        )
    return trials.dt, trials.time_unit


def _known(dt: float | None) -> float:
    if dt is None:
        raise ValueError(
            "Without a task or trials drawn from one, say how long a step is: pass `dt=` [ms], or "
            "inputs with labels of `time`."
        )
    return float(dt)


def _coords(model: Any, given: dict[str, xr.Variable], n_trials: int) -> dict[str, xr.Variable]:
    """Labels of trials, which are numbered where nothing labels them."""
    taken = {"outputs", "time", "output", "unit", *model.variables(), *resolve(model).unit_coords()}
    if clash := sorted(taken & set(given)):
        raise LabelError(
            f"trials have the coordinates {clash}, as what {type(model).__name__} records is "
            f"called: rename them first, .rename({clash[0]}=...)."
        )
    return {"trial": xr.Variable("trial", np.arange(n_trials))} | given


def _checked(model: Any, plan: Plan) -> Plan:
    if plan.unit != "ms" and isinstance(model, AbstractSpiking):
        raise LabelError(
            f"times are in steps (units '1'), but {type(model).__name__} spikes in ms: give what "
            "drives it times in ms."
        )
    return plan


def check_window(plan: Plan, window: tuple[float, float]) -> None:
    """Refuse a window that leaves the run, on both clocks: that of the run, and its labels."""
    try:
        window_steps(Save(window=window), plan.dt, plan.n_steps)
    except ValueError as error:
        raise ValueError(f"{error} {_two_clocks(plan)}") from error


def check_times(plan: Plan, interventions: Sequence[AbstractIntervention]) -> None:
    """Refuse an intervention in whose window no step starts, since it would change nothing."""
    starts = np.arange(plan.n_steps) * plan.dt
    starts += 2 * float(np.finfo(np.float32).eps) * starts  # edges as the run itself compares them
    for each in interventions:
        if not isinstance(each, (Current, Clamp, Silence, Lesion, WeightChange)):
            continue
        start, stop = float(each.start), float(each.stop)
        if not ((starts >= start) & (starts < stop)).any():
            raise ValueError(
                f"{type(each).__name__}: no step starts from {start:g} to {stop:g} ms of the run, "
                f"which has {plan.n_steps} steps of {plan.dt:g} ms, so that nothing would happen. "
                f"{_two_clocks(plan)}"
            )


def _two_clocks(plan: Plan) -> str:
    last = plan.t0 + plan.n_steps * plan.dt
    return (
        "A window counts from the start of the run, while its labels count from time 0 "
        f"({plan.align_event}) and go from {plan.t0:g} to {last:g}: the label t is at "
        f"t - ({plan.t0:g}) of the run."
    )


def _of_trials(
    model: Any, task: AbstractTask | None, trials: Trial, dt: float, unit: str = "ms"
) -> Plan:
    owner = "These trials" if task is None else type(task).__name__
    shape = trials.inputs.shape
    if len(shape) != 3:
        raise ValueError(f"Trials need a leading trial axis, but their inputs are {shape}.")
    if not shape[-1] and isinstance(model, ReadsTargets) and model.reads_targets:
        # It explains what it reads, so that the output of a step is about the input of that step.
        trials = replace(trials, inputs=trials.targets, from_first=False)
        shape = trials.inputs.shape
    if shape[-1] != model.n_inputs:
        raise ValueError(_other_inputs(model, owner, trials))
    run = predicted(model, trials)
    inputs = Drive(input=np.swapaxes(np.asarray(run.inputs), 0, 1))
    check_finite(inputs)
    check_trial(model, trials)
    t0 = 0.0 if task is None else float(task.t0)
    if task is not None and run is not trials:
        t0 += dt  # what the run starts from has the label of the first sample
    event = "start of the run" if task is None else task.align_event
    n_trials, n_steps = run.inputs.shape[:2]
    found: dict[str, tuple] = {}
    if task is not None:
        found = task.coordinates(trials)
    elif trials.item is not None:
        found = {"item": (trials.item, "1")}
    named = {
        name: xr.Variable("trial", np.asarray(values), {"units": units})
        for name, (values, units) in found.items()
    }
    about = t0, event, _coords(model, named, n_trials), run.n_valid
    unit = unit if task is None else task.units().get("time", "ms")
    return _checked(model, Plan(task, run, trials, inputs, dt, n_steps, n_trials, *about, unit))


def _other_inputs(model: Any, owner: str, trials: Trial) -> str:
    name, n = type(model).__name__, trials.inputs.shape[-1]
    verb = "give" if owner == "These trials" else "gives"
    message = f"{owner} {verb} {n} inputs, but {name} takes {model.n_inputs}"
    if n or model.n_inputs != trials.targets.shape[-1]:
        return f"{message}: build the model with n_inputs=task.n_inputs."
    return (
        f"{message}, as many as there are targets: a network that reads the sequence and predicts "
        "its next step is trained by neurodyn.training.NextStep and run by "
        "neurodyn.analysis.forecast."
    )


def _draw(task: AbstractTask, n_trials: int | None, repeats: int | None, key: Any) -> Trial:
    if n_trials is not None and repeats is not None:
        raise ValueError("Pass `n_trials` (random conditions) or `repeats` (of each), not both.")
    trial_key = fold_in(as_key(key, needed_for="Drawing trials"), 0)
    if repeats is None:
        return task.batch(trial_key, 100 if n_trials is None else n_trials)
    table = task.condition_table()
    if not table:
        raise ValueError(f"{type(task).__name__} has no finite set of conditions: use `n_trials`.")
    columns = {name: jnp.repeat(jnp.asarray(c), repeats, axis=0) for name, c in table.items()}
    n = len(next(iter(columns.values())))
    return task.batch(trial_key, n, **columns)


def take(trials: Trial, first: int, stop: int) -> Trial:
    """Some of the trials."""
    return jax.tree.map(lambda a: a[first:stop] if a.ndim else a, trials)


def part(plan: Plan, first: int, stop: int) -> Plan:
    """The plan for some of the trials."""
    return replace(
        plan,
        n_trials=stop - first,
        trials=None if plan.trials is None else take(plan.trials, first, stop),
        coords={name: column[first:stop] for name, column in plan.coords.items()},
        n_valid=None if plan.n_valid is None else plan.n_valid[first:stop],
    )


def chunk_sizes(
    model: Any, plan: Plan, save: Save, chunk: int | None, chunk_steps: int | None
) -> tuple[int, int]:
    """Trials and steps of each compiled call."""
    for name, value in (("chunk", chunk), ("chunk_steps", chunk_steps)):
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1, got {value}.")
    per_step = max(1, _bytes_per_step(model, plan, save) // save.every)
    # Equal chunks, so that all of them run the same compiled program.
    divisible = save.window is None and (plan.trials is None or plan.trials.length is None)
    if chunk_steps is None:
        fit = max(save.every, CHUNK_BYTES // per_step // save.every * save.every)
        chunk_steps = fit if divisible else plan.n_steps
    elif not divisible or chunk_steps % save.every:
        raise ValueError(
            f"`chunk_steps` must be a multiple of every={save.every}, and cannot be combined with "
            "`window` or with trials of varying length."
        )
    chunk_steps = min(plan.n_steps, chunk_steps)
    if chunk is None:
        chunk = max(1, CHUNK_BYTES // (per_step * chunk_steps))
        chunk = math.ceil(plan.n_trials / math.ceil(plan.n_trials / chunk))
    return min(chunk, plan.n_trials), chunk_steps


def _bytes_per_step(model: Any, plan: Plan, save: Save) -> int:
    """What one trial records in a step."""

    def record():
        trial = None
        if plan.given is not None:
            trial = jax.tree.map(lambda a: a[0] if a.ndim else a, plan.given)
        system = resolve(model, trial)
        system = system.sized(plan.dt) if isinstance(system, SizedByStep) else system
        state = system.initial_state(dt=plan.dt, trial=trial, key=jax.random.key(0))
        known = tuple(name for name in save.variables if name in system.variables())
        seen = observe(system, state, save._replace(variables=known, outputs=None))
        return seen, system.readout(state)

    shapes = jax.tree.leaves(eqx.filter_eval_shape(record))
    return sum(math.prod(s.shape) * s.dtype.itemsize for s in shapes)
