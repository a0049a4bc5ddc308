"""The program of a run, from the shapes of its trials."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from neurodyn.common.checks import whole
from neurodyn.engine.abilities import ReadsTargets
from neurodyn.engine.drive import Drive
from neurodyn.engine.inputs import as_batch, predicted, trials_for
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import as_save
from neurodyn.estimates.counting import Loops
from neurodyn.estimates.programs import Counted, counted, shapes
from neurodyn.simulation.chunks import chunk_sizes
from neurodyn.simulation.plan import Plan, record_of
from neurodyn.system import AbstractMap
from neurodyn.task import AbstractTask, Trial


class Run(NamedTuple):
    """A run as it is cut into calls.

    Attributes
    ----------
    call
        What one call does.
    n_calls, n_steps, n_trials
        Calls of the compiled program, and the steps and trials of the whole run.
    recorded
        Bytes that the run records.
    """

    call: Counted
    n_calls: float
    n_steps: int
    n_trials: int
    recorded: float


class _Clock(NamedTuple):
    dt: float
    n_steps: int
    n_trials: int


def run(
    model: Any,
    source: Any,
    *,
    n_trials: int | None,
    n_steps: int | None,
    dt: float | None,
    solver: Any,
    save: Any,
    key: Any,
    spikes: float,
) -> Run:
    """What `simulate` would do with these arguments."""
    save = as_save(save)
    model = shapes(model)
    if isinstance(source, AbstractTask):
        return _of_task(model, source, n_trials, n_steps, dt, solver, save, key, spikes)
    return _of_inputs(model, source, n_trials, n_steps, dt, solver, save, key, spikes)


def _of_task(model, task, n_trials, n_steps, dt, solver, save, key, spikes) -> Run:
    if n_steps is not None:
        raise ValueError("Trials say themselves how long they are: leave out `n_steps`.")
    if dt is not None and float(dt) != float(task.dt):
        raise ValueError(
            f"{type(task).__name__} was made with dt={task.dt:g} ms, so its trials cannot run at "
            f"{dt:g} ms: make the task with dt={dt:g}."
        )
    n = 100 if n_trials is None else whole("n_trials", n_trials)

    def drawn(count: int) -> Trial:
        trials = eqx.filter_eval_shape(lambda k: task.batch(k, count), key)
        if not trials.inputs.shape[-1] and isinstance(model, ReadsTargets) and model.reads_targets:
            trials = eqx.tree_at(lambda t: t.inputs, trials, trials.targets)
        return trials

    one = drawn(1)
    if one.inputs.shape[-1] != model.n_inputs:
        raise ValueError(
            f"{type(task).__name__} gives {one.inputs.shape[-1]} inputs, but "
            f"{type(model).__name__} takes {model.n_inputs}: build the model with "
            "n_inputs=task.n_inputs."
        )
    length = None
    if one.length is not None:
        lengths = jax.jit(lambda k: task.batch(k, min(n, 64)).length)(key)
        length = float(lengths)
    clock = _Clock(float(task.dt), predicted_steps(model, one), n)

    def plan(model, trials):
        seen = predicted(model, trials)
        inputs = Drive(input=jnp.swapaxes(seen.inputs, 0, 1))
        return _plan(clock, task=task, trials=seen, given=trials, inputs=inputs)

    record, sizes = _cut(model, plan, (drawn(1),), save, task)

    def program(model, trials, key, first, start):
        made = plan(model, trials)
        return integrate(
            model,
            made.inputs,
            dt=clock.dt,
            solver=solver,
            key=key,
            save=record,
            trial=trials_for(model, trials),
            length=trials.length,
            first_trial=first,
            start=start,
            checkpoint=False,
        )

    whole_call = sizes[1] >= clock.n_steps
    trials = drawn(sizes[0])
    if not whole_call:
        trials = _first_steps(trials, sizes[1], clock.n_steps)
    return _counted(program, (model, trials, key), clock, sizes, Loops(None, length, spikes=spikes))


def predicted_steps(model: Any, trials: Trial) -> int:
    """Steps that a model makes in these trials."""
    return eqx.filter_eval_shape(lambda t: predicted(model, t).inputs, trials).shape[1]


def _first_steps(trials: Trial, n: int, of: int) -> Trial:
    """Shapes of the trials of one piece in time."""

    def cut(x):
        fits = isinstance(x, jax.ShapeDtypeStruct) and x.ndim > 1 and x.shape[1] >= of
        return jax.ShapeDtypeStruct((x.shape[0], n, *x.shape[2:]), x.dtype) if fits else x

    return jax.tree.map(cut, trials)


def _of_inputs(model, source, n_trials, n_steps, dt, solver, save, key, spikes) -> Run:
    if isinstance(source, Trial):
        raise TypeError("`task` is a task, inputs, or None: pass the task that drew these trials.")
    if source is not None and not callable(source) and not hasattr(source, "input"):
        source = shapes_of_inputs(source)
    found = eqx.filter_eval_shape(
        lambda m, s: as_batch(m, s, n_steps=n_steps, n_trials=n_trials, dt=dt), model, source
    )
    if found.n_steps is None:
        raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
    if dt is None and not isinstance(model, AbstractMap):
        raise ValueError("Without a task, say how long a step is: pass `dt=` [ms].")
    clock = _Clock(1.0 if dt is None else float(dt), found.n_steps, found.n_trials)

    def plan(model, source):
        return _plan(clock, inputs=source)

    record, sizes = _cut(model, plan, (found.source,), save, source)
    inputs = found.source
    if found.held:
        inputs = jax.tree.map(
            lambda a: jax.ShapeDtypeStruct((sizes[1], sizes[0], *a.shape[2:]), a.dtype), inputs
        )

    def program(model, source, key, first, start):
        return integrate(
            model,
            source,
            dt=clock.dt,
            solver=solver,
            key=key,
            save=record,
            n_steps=sizes[1],
            n_trials=sizes[0],
            first_trial=first,
            start=start,
            checkpoint=False,
        )

    return _counted(program, (model, inputs, key), clock, sizes, Loops(spikes=spikes))


def shapes_of_inputs(source: Any) -> Any:
    """Shapes of inputs; double precision counts as single, as in JAX."""
    dtype = getattr(source, "dtype", jnp.result_type(float))
    return jax.ShapeDtypeStruct(jnp.shape(source), jax.dtypes.canonicalize_dtype(dtype))


def _plan(clock: _Clock, *, task=None, trials=None, given=None, inputs=None) -> Plan:
    return Plan(
        task=task,
        trials=trials,
        given=given,
        inputs=inputs,
        dt=clock.dt,
        n_steps=clock.n_steps,
        n_trials=clock.n_trials,
        t0=0.0,
        align_event="start of the run",
        coords={},
    )


def _cut(model, plan, args, save, source) -> tuple[Any, tuple[int, int]]:
    """What is recorded, and the trials and steps of a call, as `simulate` decides them."""
    kept = {}

    def decide(model, *args):
        kept["record"] = record_of(model, save, source)
        kept["sizes"] = chunk_sizes(model, plan(model, *args), kept["record"], None, None)
        return jnp.zeros(())

    eqx.filter_eval_shape(decide, model, *args)
    return kept["record"], kept["sizes"]


def _counted(program, args, clock: _Clock, sizes: tuple[int, int], loops: Loops) -> Run:
    number = jax.ShapeDtypeStruct((), jnp.uint32)
    start = jax.ShapeDtypeStruct((), jnp.int32)
    call = counted(program, (*args, number, start), loops)
    n_calls = -(-clock.n_trials // sizes[0]) * -(-clock.n_steps // sizes[1])
    recorded = call.memory.results * n_calls
    return Run(call, n_calls, clock.n_steps, clock.n_trials, recorded)
