"""The labelled front door: run a model on a task or on inputs and get an ``xarray.Dataset``."""

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.drive import Drive
from neurodyn.integrate import integrate
from neurodyn.intervene import AbstractIntervention
from neurodyn.params import IndexedParameter, resolve
from neurodyn.progress import bar
from neurodyn.recording import Save, unpack_spikes
from neurodyn.system import AbstractSpiking, AbstractSystem, as_key
from neurodyn.task import AbstractTask, Trial

__all__ = ["SimulationError", "simulate"]

#: A chunk of trials records at most about this many bytes, so that long runs stay in memory.
CHUNK_BYTES = 256 * 2**20


class SimulationError(RuntimeError):
    """A run produced NaN or infinite values."""


def simulate(
    model: Any,
    source: AbstractTask | Trial | Any = None,
    *,
    n_trials: int | None = None,
    repeats: int | None = None,
    key: Any = None,
    dt: float | None = None,
    n_steps: int | None = None,
    solver: Any = None,
    variables: Sequence[str] | None = None,
    outputs: bool = True,
    every: int = 1,
    window: tuple[float, float] | None = None,
    interventions: Sequence[AbstractIntervention] = (),
    chunk: int | None = None,
    chunk_steps: int | None = None,
    progress: bool | None = None,
    to: str | Path | None = None,
) -> xr.Dataset:
    """Run a model and label the result.

    Parameters
    ----------
    model
        A system, or an ensemble of trained models (the result then has a `seed` dim).
    source
        What drives it: a task; one batch of its trials; an array ``(time, *trial, input)`` held for
        `dt` each, or a Drive of such; a callable of time [ms]; None for an autonomous system.
    n_trials
        How many trials to draw from the task (default 100), or of an autonomous system.
    repeats
        Instead of drawing: this many trials of every condition of the task's design.
    key
        Seed or key for trials, noise and initial states.
    dt
        Step [ms]; default: the task's.
    n_steps
        Number of steps where the source does not say.
    solver
        As for :func:`neurodyn.integrate`.
    variables
        Names of the variables to record; default: all that the model observes.
    outputs
        Whether to record the readout, as `outputs`.
    every, window
        Record every so many steps, and only inside ``(start, stop]`` [ms from the start of the
        trial].
    interventions
        See :mod:`neurodyn.intervene`; times in ms from the start of the trial.
    chunk, chunk_steps
        Trials (two at least) and steps per compiled call; by default as many as fit in about 256 MB
        of results. The result does not depend on them.
    progress
        Whether to show a bar; default: when the run takes long.
    to
        Stream to this Zarr store chunk by chunk and return it opened lazily, instead of holding the
        result in memory (needs the `sweep` extra).

    Returns
    -------
    xarray.Dataset
        Dims (trial, time, unit...); conditions and scores of the task as coords on `trial`; unit
        coordinates of the model; spikes, for spiking models, as `spike_time`, `spike_unit` and
        `spike_trial` on dim `spike`.

    Raises
    ------
    ValueError, TypeError
        On arguments that do not fit together, before compilation.
    SimulationError
        When values become NaN or infinite; it names the trial and the time.

    Examples
    --------
    >>> from neurodyn import models, tasks
    >>> task = tasks.PerceptualDecision()
    >>> model = models.CTRNN(task.n_inputs, 16, task.n_outputs, key=0)
    >>> run = simulate(model, task, n_trials=4, key=1)
    >>> run.rate.dims
    ('trial', 'time', 'unit')
    """
    key = as_key(key)
    members = [model] if isinstance(model, AbstractSystem) else _members(model)
    plan = _plan(members[0], source, n_trials, repeats, key, dt, n_steps)

    def runner(member: AbstractSystem) -> _Runner:
        save = Save(
            tuple(member.variables() if variables is None else variables),
            every,
            window,
            _which_outputs(source, outputs),
            "packed" if isinstance(member, AbstractSpiking) else None,
        )
        sizes = _chunk_sizes(member, plan, save, chunk, chunk_steps)
        run_key = None if key is None else jax.random.fold_in(key, 1)
        return _Runner(member, plan, save, solver, tuple(interventions), run_key, *sizes)

    runs = [runner(member) for member in members]
    if to is not None and len(members) > 1:
        raise ValueError("`to` streams one model at a time; loop over the ensemble.")
    with bar("simulate", sum(run.n_calls for run in runs), show=progress) as advance:
        if to is not None:
            return _stream(runs[0], Path(to), advance)
        done = [run.whole(advance) for run in runs]
    return done[0] if isinstance(model, AbstractSystem) else _join(done, plan)


@dataclass(frozen=True)
class _Plan:
    """Which trials to run and how they are labelled."""

    task: Any
    trials: Any  # a Trial with a leading trial axis, or None
    inputs: Any  # time-major Drive, callable or None
    dt: float
    n_steps: int
    n_trials: int
    t0: float
    align_event: str
    whole: bool = True  # False for a piece of a run, which cannot be scored


def _plan(model, source, n_trials, repeats, key, dt, n_steps) -> _Plan:
    task, trials = None, None
    if isinstance(source, AbstractTask):
        task = source
        trials = _draw(task, n_trials, repeats, key)
        dt = task.dt if dt is None else dt
    elif isinstance(source, Trial):
        trials = source
    elif repeats is not None:
        raise ValueError("`repeats` needs a task, whose conditions it repeats.")
    if dt is None:
        raise ValueError("Without a task, say how long a step is: pass `dt=` [ms].")
    dt = float(dt)
    t0 = float(task.t0) if task is not None else 0.0
    event = task.align_event if task is not None else "start of the run"
    if trials is not None:
        shape = trials.inputs.shape
        if len(shape) != 3 or shape[-1] != model.n_inputs:
            owner = type(task).__name__ if task is not None else "the trials"
            raise ValueError(
                f"{owner} gives {shape[-1]} inputs, but {type(model).__name__} takes "
                f"{model.n_inputs}: build the model with n_inputs=task.n_inputs."
            )
        inputs = Drive(input=jnp.swapaxes(trials.inputs, 0, 1))
        return _Plan(task, trials, inputs, dt, shape[1], shape[0], t0, event)
    if source is None or (callable(source) and not isinstance(source, Drive)):
        if n_steps is None:
            raise ValueError("Without input arrays, say how long to run: pass `n_steps=`.")
        return _Plan(None, None, source, dt, n_steps, n_trials or 1, t0, event)
    drive = source if isinstance(source, Drive) else Drive(input=source)
    drive = jax.tree.map(jnp.asarray, drive)
    lead = drive.input
    if lead is None or lead.ndim not in (2, 3) or lead.shape[-1] != model.n_inputs:
        got = None if lead is None else lead.shape
        raise ValueError(
            f"Inputs must be (time, *trial, input) with {model.n_inputs} inputs, got shape {got}."
        )
    if not bool(jnp.isfinite(lead).all()):
        raise ValueError("The inputs hold NaN or infinite values; interpolate or mask them first.")
    if lead.ndim == 2:
        drive = jax.tree.map(lambda a: a[:, None], drive)
    return _Plan(None, None, drive, dt, lead.shape[0], drive.input.shape[1], t0, event)


def _draw(task: AbstractTask, n_trials: int | None, repeats: int | None, key: Any) -> Trial:
    if n_trials is not None and repeats is not None:
        raise ValueError("Pass `n_trials` (random conditions) or `repeats` (of each), not both.")
    for name, value in (("n_trials", n_trials), ("repeats", repeats)):
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1, got {value}.")
    trial_key = jax.random.fold_in(as_key(key, needed_for="Drawing trials"), 0)
    if repeats is None:
        return task.batch(trial_key, 100 if n_trials is None else n_trials)
    table = task.condition_table()
    if not table:
        raise ValueError(f"{type(task).__name__} has no finite set of conditions: use `n_trials`.")
    columns = {name: jnp.repeat(jnp.asarray(c), repeats, axis=0) for name, c in table.items()}
    n = len(next(iter(columns.values())))
    return task.batch(trial_key, n, **columns)


def _which_outputs(source: Any, outputs: bool) -> Literal["every", "last"] | None:
    if not outputs:
        return None
    return "last" if getattr(source, "scored", "every") == "last" else "every"


@dataclass(frozen=True)
class _Runner:
    """Runs blocks of trials and labels what they give."""

    model: Any
    plan: _Plan
    save: Save
    solver: Any
    interventions: tuple
    key: Any
    chunk: int
    chunk_steps: int

    @property
    def n_pieces(self) -> int:
        """How many pieces a run is cut into along time."""
        return math.ceil(self.plan.n_steps / self.chunk_steps)

    @property
    def blocks(self) -> range:
        """First trial of each chunk of trials."""
        return range(0, self.plan.n_trials, self.chunk)

    @property
    def n_calls(self) -> int:
        """How many compiled calls the run takes."""
        return len(self.blocks) * self.n_pieces

    def whole(self, advance: Callable) -> xr.Dataset:
        """The labelled result of all trials."""
        parts = [self.block(first, advance) for first in self.blocks]
        return self.label({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})

    def block(self, first: int, advance: Callable) -> dict[str, np.ndarray]:
        """All that the chunk of trials from ``first`` on records, trial-first, on the host."""
        pieces = list(self.pieces(first, advance))
        out = {}
        for name in pieces[-1]:
            if name == "outputs" and self.save.outputs == "last":
                out[name] = pieces[-1][name]
            else:
                axis = 0 if name.startswith("spike_") else 1
                out[name] = np.concatenate([p[name] for p in pieces], axis=axis)
        return out

    def pieces(self, first: int, advance: Callable) -> Iterator[dict[str, np.ndarray]]:
        """The same, piece after piece along time."""
        plan, state = self.plan, None
        # The last chunk reaches back, so that it runs the same program on as many trials.
        here = min(first, plan.n_trials - self.chunk)
        skip = first - here
        for start in range(0, plan.n_steps, self.chunk_steps):
            end = min(start + self.chunk_steps, plan.n_steps)
            run = integrate(
                self.model,
                self._inputs(here, start, end),
                dt=plan.dt,
                solver=self.solver,
                state=state,
                key=self.key,
                save=self.save,
                interventions=self.interventions,
                trial=self._trials(here),
                length=None if plan.trials is None else plan.trials.length,
                n_steps=end - start,
                n_trials=self.chunk,
                first_trial=here,
                start=start,
                checkpoint=False,
            )
            state = run.final_state
            self._check(run, here)
            yield self._collect(run, here, skip, start)
            advance()

    def _inputs(self, here: int, start: int, end: int) -> Any:
        inputs = self.plan.inputs
        if not isinstance(inputs, Drive):
            return inputs
        return jax.tree.map(lambda a: a[start:end, here : here + self.chunk], inputs)

    def _trials(self, here: int) -> Trial | None:
        if self.plan.trials is None or not _has_indexed(self.model):
            return None
        return _take(self.plan.trials, here, here + self.chunk)

    def _collect(self, run, here: int, skip: int, start: int) -> dict[str, np.ndarray]:
        def host(a):
            return np.asarray(jnp.swapaxes(a[:valid, skip:], 0, 1))

        trials = self.plan.trials
        valid = None if trials is None or trials.length is None else int(trials.length)

        out = {name: host(a) for name, a in run.variables.items()}
        if run.outputs is not None:
            out["outputs"] = host(run.outputs)
        if run.spikes is not None:
            one = jax.tree.map(lambda a: a[0], run.final_state)
            n_units = eqx.filter_eval_shape(self.model.crossing, one).shape[0]
            steps, trials, units = unpack_spikes(np.asarray(run.spikes)[:, skip:], n_units)
            out["spike_trial"] = trials + here + skip
            out["spike_unit"] = units
            out["spike_time"] = self.plan.t0 + (start + steps + 1) * self.plan.dt
        return out

    def _check(self, run, here: int) -> None:
        finite = np.asarray(run.stats["finite"])
        recorded = [*run.variables.values(), *([] if run.outputs is None else [run.outputs])]
        for a in recorded:
            if jnp.issubdtype(a.dtype, jnp.inexact):
                axes = (0, *range(2, a.ndim))
                finite = finite & np.asarray(jnp.isfinite(a).all(axis=axes))
        if finite.all():
            return
        bad = int(np.flatnonzero(~finite)[0])
        when = "by the end of the run"
        for a in recorded:
            values = np.asarray(a[:, bad])
            times = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
            if len(times) and len(values) == len(run.ts):
                when = f"at t = {self.plan.t0 + float(run.ts[times[0]]):g} ms"
                break
        raise SimulationError(
            f"{type(self.model).__name__} gave NaN or infinite values in trial {here + bad} {when} "
            f"({(~finite).sum()} of {len(finite)} trials of this chunk). Try a shorter dt "
            f"(now {self.plan.dt:g} ms), or look for exploding weights."
        )

    def label(self, arrays: dict[str, np.ndarray], start: int = 0) -> xr.Dataset:
        """What was recorded from step ``start`` on, as a labelled Dataset."""
        model, plan, save = resolve(self.model), self.plan, self.save
        known = model.variables()
        n_times = [a.shape[1] for n, a in arrays.items() if n in known]
        variables, coords = {}, {}
        for name, array in arrays.items():
            if name in known:
                v = known[name]
                dims = ("trial", "time", *v.dims)
                variables[name] = (dims, array, v.units, v.long_name, v.kind)
            elif name == "outputs" and save.outputs == "last":
                variables[name] = (("trial", "output"), array[:, 0], "1", "output", "output")
            elif name == "outputs":
                dims = ("trial", "time", "output")
                variables[name] = (dims, array, "1", "output", "output")
                n_times.append(array.shape[1])
        if "spike_time" in arrays:
            about = {"spike_time": "ms", "spike_unit": "1", "spike_trial": "1"}
            for name, units in about.items():
                variables[name] = (("spike",), arrays[name], units, name.replace("_", " "))
        if n_times:
            step = plan.dt * save.every
            if save.window is not None:
                start = round(save.window[0] / plan.dt)
            coords["time"] = labels.time_axis(n_times[0], step, plan.t0 + start * plan.dt)
        for name, value in model.unit_coords().items():
            dim, value = value if isinstance(value, tuple) else ("unit", value)
            if any(dim in v[0] for v in variables.values()):
                coords[name] = (dim, np.asarray(value))
        if plan.task is not None and "outputs" in variables:
            coords["output"] = list(plan.task.output_names())
        coords |= self._trial_coords(arrays)
        return labels.dataset(
            variables,
            coords,
            source="model",
            attrs=self._attrs(),
        )

    def _attrs(self) -> dict[str, Any]:
        plan = self.plan
        attrs = {"model": type(self.model).__name__, "dt": plan.dt, "align_event": plan.align_event}
        if plan.task is not None:
            attrs["task"] = type(plan.task).__name__
            attrs |= {"labels": plan.task.labels()} if plan.task.labels() else {}
        return attrs

    def _trial_coords(self, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        plan = self.plan
        if plan.trials is None:
            return {}
        found, units = dict(plan.trials.conditions), {}
        scored = plan.whole and self.save.every == 1 and self.save.window is None
        if plan.task is not None:
            units = plan.task.units()
            if scored and "outputs" in arrays:
                found |= plan.task.score(jnp.asarray(arrays["outputs"]), plan.trials)
        columns = {name: np.asarray(value) for name, value in found.items()}
        return {
            name: ("trial", value, units.get(name, "1"))
            for name, value in columns.items()
            if value.shape == (plan.n_trials,)
        }


def _has_indexed(model: Any) -> bool:
    leaves = jax.tree.leaves(model, is_leaf=lambda x: isinstance(x, IndexedParameter))
    return any(isinstance(leaf, IndexedParameter) for leaf in leaves)


def _take(trials: Trial, first: int, stop: int) -> Trial:
    return jax.tree.map(lambda a: a[first:stop] if a.ndim else a, trials)


def _chunk_sizes(model, plan, save, chunk, chunk_steps) -> tuple[int, int]:
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
    # A single trial would take other matrix routines, which round differently.
    chunk = max(2, chunk)
    return min(chunk, plan.n_trials), chunk_steps


def _bytes_per_step(model, plan, save) -> int:
    """What one trial records in a step."""

    def record():
        trial = None
        if plan.trials is not None:
            trial = jax.tree.map(lambda a: a[0] if a.ndim else a, plan.trials)
        system = resolve(model, trial)
        state = system.initial_state(dt=plan.dt, trial=trial, key=jax.random.key(0))
        seen = system.observe(state)
        return [seen[n] for n in save.variables if n in seen], system.readout(state)

    shapes = jax.tree.leaves(eqx.filter_eval_shape(record))
    return sum(math.prod(s.shape) * s.dtype.itemsize for s in shapes)


def _members(models: Any) -> list[AbstractSystem]:
    try:
        members = list(models)
    except TypeError:
        members = []
    if not members or not all(isinstance(m, AbstractSystem) for m in members):
        raise TypeError(
            f"`model` must be a system or an ensemble of systems, got {type(models).__name__}."
        )
    return members


def _join(runs: list[xr.Dataset], plan: _Plan) -> xr.Dataset:
    """Runs of the members along `seed`."""
    # What the members bring (scores, time constants) has a value for each of them; what the trials
    # bring (conditions) is shared.
    shared = {*runs[0].dims, "area", "ei", *(plan.trials.conditions if plan.trials else ())}
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


def _stream(run: _Runner, path: Path, advance: Callable) -> xr.Dataset:
    """Write piece after piece to a Zarr store that only gets its name when it is complete."""
    if importlib.util.find_spec("zarr") is None:
        raise ImportError("Streaming needs zarr: pip install 'neurodyn[sweep]'.")
    if isinstance(run.model, AbstractSpiking):
        raise ValueError("`to` cannot stream ragged spikes: run without it, in several calls.")
    partial = path.with_name(path.stem + ".partial.zarr")
    for taken in (path, partial):
        if taken.exists():
            raise FileExistsError(f"{taken} exists: choose another name, or remove it first.")
    for i, (ds, dim) in enumerate(_labelled_pieces(run, advance)):
        options = {"append_dim": dim} if i else {"mode": "w"}
        with warnings.catch_warnings():
            # Fixed-length text is not in the Zarr 3 specification yet; xarray reads it back.
            warnings.filterwarnings("ignore", "The data type", category=UserWarning)
            warnings.filterwarnings("ignore", "The data type", category=FutureWarning)
            ds.to_zarr(partial, consolidated=False, **options)
    partial.rename(path)
    return xr.open_zarr(path, consolidated=False, chunks=None)


def _labelled_pieces(run: _Runner, advance: Callable) -> Iterator:
    if len(run.blocks) == 1 and run.n_pieces > 1:
        piecewise = replace(run, plan=replace(run.plan, whole=False))
        for i, arrays in enumerate(run.pieces(0, advance)):
            yield piecewise.label(arrays, i * run.chunk_steps), "time"
        return
    for first in run.blocks:
        arrays = run.block(first, advance)
        stop = min(first + run.chunk, run.plan.n_trials)
        trials = run.plan.trials
        trials = None if trials is None else _take(trials, first, stop)
        part = replace(run, plan=replace(run.plan, trials=trials, n_trials=stop - first))
        ds = part.label(arrays)
        yield ds.assign_coords(trial=("trial", np.arange(first, stop), ds.trial.attrs)), "trial"
