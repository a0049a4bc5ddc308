"""The checked arguments of `simulate`: trials or inputs, their labels, and what is recorded."""

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.common.arrays import refuse_units
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key, fold_in
from neurodyn.engine.abilities import HasStartTime, ReadsTargets, with_room
from neurodyn.engine.drive import Drive
from neurodyn.engine.inputs import as_batch, check_finite, check_trial, predicted
from neurodyn.engine.record import Save, checked_save
from neurodyn.labels import LabelError
from neurodyn.params import with_values
from neurodyn.simulation.inputs import input_labels
from neurodyn.system import AbstractMap, AbstractSpiking, AbstractSystem
from neurodyn.task import AbstractTask, Trial


@dataclass(frozen=True)
class Plan:
    """Which trials to run, and their labels.

    Attributes
    ----------
    task
        The task, or None.
    trials
        Trials with a leading trial axis, in the form that is scored and labelled, or None.
    given
        The same trials as given, with the observations from which runs start.
    inputs
        A Drive of arrays ``(time, trial, ...)``, or a callable of time.
    dt, n_steps, n_trials
        Step [ms], and how much there is to run.
    t0, align_event
        Time of the start of a trial, and name of the event at time 0.
    coords
        Labels of the trials and other coordinates on them.
    n_valid
        Steps of each trial, if their durations differ; else None.
    unit
        Unit of `dt` and `t0`: "ms", or "1" for systems that count in steps.
    whole
        False for a piece of a run in time, which cannot be scored.
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
    """Check the arguments of `simulate`."""
    n_trials = None if n_trials is None else whole("n_trials", n_trials)
    repeats = None if repeats is None else whole("repeats", repeats)
    refuse_units("`dt`", dt)
    if isinstance(source, (str, type)):
        name = source if isinstance(source, str) else source.__name__
        raise TypeError(
            f"The source is an instance of a task, trials or inputs, got {source!r}: pass one, "
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
    return _of_inputs(model, source, dt=dt, n_steps=n_steps, n_trials=n_trials)


def _of_inputs(
    model: Any, source: Any, *, dt: float | None, n_steps: int | None, n_trials: int | None
) -> Plan:
    """The plan of a run that inputs drive, or nothing."""
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
    t0 = model.start_time(dt) if starts else 0.0
    plan = Plan(
        task=None,
        trials=None,
        given=None,
        inputs=batch.source,
        dt=dt,
        n_steps=batch.n_steps,
        n_trials=batch.n_trials,
        t0=t0,
        align_event="start of the run",
        coords=_coords(model, {} if seen is None else seen.coords, batch.n_trials),
        unit=model.time_unit() if t0 else unit,
    )
    if seen is not None:
        about: dict[str, Any] = {"t0": seen.t0, "align_event": seen.align_event}
        plan = replace(plan, **about, n_valid=seen.n_valid, unit=seen.unit)
    return _checked(model, plan)


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
    """Labels of trials; without given labels, their numbers."""
    taken = {
        "outputs",
        "time",
        "output",
        "unit",
        *model.variables(),
        *with_values(with_room(model)).unit_coords(),
    }
    if clash := sorted(taken & set(given)):
        raise LabelError(
            f"trials have coordinates with names of records of {type(model).__name__}, {clash}: "
            f"rename them first, .rename({clash[0]}=...)."
        )
    return {"trial": xr.Variable("trial", np.arange(n_trials))} | given


def _checked(model: Any, plan: Plan) -> Plan:
    if plan.unit != "ms" and isinstance(model, AbstractSpiking):
        raise LabelError(
            f"times are in steps (units '1'), but {type(model).__name__} spikes in ms: give the "
            "inputs times in ms."
        )
    return plan


def _of_trials(
    model: Any, task: AbstractTask | None, trials: Trial, dt: float, unit: str = "ms"
) -> Plan:
    owner = "These trials" if task is None else type(task).__name__
    shape = trials.inputs.shape
    if len(shape) != 3:
        raise ValueError(f"Trials need a leading trial axis, but their inputs are {shape}.")
    if not shape[-1] and isinstance(model, ReadsTargets) and model.reads_targets:
        # Its output in a step explains the input of the same step.
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
        t0 += dt  # the first sample is the observation from which the run starts
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
    plan = Plan(
        task=task,
        trials=run,
        given=trials,
        inputs=inputs,
        dt=dt,
        n_steps=n_steps,
        n_trials=n_trials,
        t0=t0,
        align_event=event,
        coords=_coords(model, named, n_trials),
        n_valid=run.n_valid,
        unit=unit if task is None else task.units().get("time", "ms"),
    )
    return _checked(model, plan)


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


def record_of(member: AbstractSystem, save: Save, source: Any) -> Save:
    """The record of one model, with everything that labelled runs record by default."""
    if save.spikes is not None:
        raise ValueError(
            "`simulate` records all spikes by their times: leave out Save(spikes=...), or take "
            "nd.integrate for arrays of spikes."
        )
    outputs = save.outputs if member.n_outputs else None
    if outputs == "every" and getattr(source, "scored", "every") == "last":
        outputs = "last"
    return checked_save(
        member,
        save._replace(
            variables=tuple(member.variables()) if save.variables is None else save.variables,
            outputs=outputs,
            spikes="packed" if isinstance(member, AbstractSpiking) else None,
        ),
    )
