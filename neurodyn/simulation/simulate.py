"""The labelled front door: run a model on a task or on inputs and get an ``xarray.Dataset``."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.common.checks import check_whole
from neurodyn.common.progress import bar
from neurodyn.common.random import as_key, fold_in
from neurodyn.engine.drive import Drive
from neurodyn.engine.inputs import trials_for
from neurodyn.engine.integrate import integrate
from neurodyn.engine.intervene import AbstractIntervention, as_interventions
from neurodyn.engine.record import Save, recorded_units, unpack_spikes, window_steps
from neurodyn.params import resolve
from neurodyn.simulation.labelling import join, label
from neurodyn.simulation.plan import Plan, check_times, check_window, chunk_sizes, make_plan, take
from neurodyn.simulation.store import stream
from neurodyn.system import AbstractSpiking, AbstractSystem
from neurodyn.task import AbstractTask, Trial

__all__ = ["SimulationError", "simulate"]


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
    units: Any = None,
    every: int = 1,
    window: tuple[float, float] | None = None,
    interventions: Sequence[AbstractIntervention] | Any = (),
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
        `dt` each, or a Drive of such; a callable of time [ms]; None for an autonomous system. A
        labelled array gives the run its step, its clock (row k holds until the label of row k) and
        the labels and coordinates of its trials.
    n_trials
        How many trials to draw from the task (default 100), or of an autonomous system.
    repeats
        Instead of drawing: this many trials of every condition of the task's design.
    key
        Seed or key for trials, noise and initial states.
    dt
        Step [ms], where there is no task, no trials of one and no label to say it. Maps need none:
        their time is in steps (units ``"1"``) where nothing says otherwise.
    n_steps
        Number of steps where the source does not say.
    solver
        As for :func:`neurodyn.integrate`.
    variables
        Names of the variables to record; default: all that the model observes. Spikes are always
        recorded.
    outputs
        Whether to record the readout, as `outputs`.
    units
        Which units to record, spikes included: their numbers, a boolean mask, or values of their
        coordinates such as ``{"population": "E"}``; default: all. The others run along, and nothing
        of them is kept. Units keep their numbers as labels.
    every, window
        Record every so many steps, and only inside ``(start, stop]`` [ms from the start of the
        trial].
    interventions
        See :mod:`neurodyn.intervene`; times in ms from the start of the trial, as of `window`, and
        not those of labels, which count from an event of the task.
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
        Dims (trial, time, unit...). On `trial`, as coords, the conditions and those scores of the
        task that are one value for each trial, and the task's own labels of trials (bare trials of
        stored items have the number of their `item`); the model's own coordinates on `unit`. Where
        trials last differently long, values after the end of each are NaN, and `valid_until` and
        `n_valid` on `trial` say where that is (:func:`neurodyn.labels.valid`). Windows of a series
        (:class:`neurodyn.tasks.Windows`) are run from their first sample, and what comes out has
        the labels of what it predicts. Spikes, for
        spiking models, as `spike_time`, `spike_unit` and `spike_trial` on dim `spike`.

    Raises
    ------
    ValueError, TypeError
        On arguments that do not fit together, before compilation.
    FileExistsError
        If the store to stream to exists.
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
    check_whole(1, every=every)
    members = [model] if isinstance(model, AbstractSystem) else _members(model)
    plan = make_plan(
        members[0],
        source,
        n_trials=n_trials,
        repeats=repeats,
        key=key,
        dt=dt,
        n_steps=n_steps,
    )
    if window is not None:
        check_window(plan, window)
    interventions = as_interventions(interventions)
    check_times(plan, interventions)
    variables = (variables,) if isinstance(variables, str) else variables

    def runner(member: AbstractSystem) -> _Runner:
        save = Save(
            tuple(member.variables() if variables is None else variables),
            every,
            window,
            _which_outputs(source, outputs and member.n_outputs > 0),
            "packed" if isinstance(member, AbstractSpiking) else None,
            recorded_units(member, units),
        )
        sizes = chunk_sizes(member, plan, save, chunk, chunk_steps)
        run_key = None if key is None else fold_in(key, 1)
        return _Runner(member, plan, save, solver, interventions, run_key, *sizes)

    runs = [runner(member) for member in members]
    if to is not None and len(members) > 1:
        raise ValueError("`to` streams one model at a time; loop over the ensemble.")
    if len(members) > 1 and isinstance(members[0], AbstractSpiking):
        raise ValueError(
            "Members of an ensemble spike differently often, which one Dataset cannot hold; loop "
            "over the ensemble."
        )
    with bar("simulate", sum(run.n_calls for run in runs), show=progress) as advance:
        if to is not None:
            return stream(runs[0], Path(to), advance)
        done = [run.whole(advance) for run in runs]
    return done[0] if isinstance(model, AbstractSystem) else join(done, plan)


def _which_outputs(source: Any, outputs: bool) -> Literal["every", "last"] | None:
    if not outputs:
        return None
    return "last" if getattr(source, "scored", "every") == "last" else "every"


def _members(models: Any) -> list[AbstractSystem]:
    try:
        members = list(models)
    except TypeError:
        members = []
    if not members or not all(isinstance(m, AbstractSystem) for m in members):
        name = type(models).__name__
        fixes = {
            "Fit": ": pass its model, fit.model",
            "Population": ": neurons run in a network, spiking.Network(neurons, ...)",
        }
        fix = fixes.get(name, "")
        if isinstance(models, AbstractTask):
            fix = ": the model comes first, simulate(model, task)"
        elif callable(getattr(models, "crossing", None)):
            fix = fixes["Population"]
        raise TypeError(f"`model` must be a system or an ensemble of systems, got {name}{fix}.")
    return members


def _first_unit(x: Any, trial: int) -> str:
    """Which entry of a final state is the first that is not finite, in words."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(x):
        values = np.asarray(leaf[trial])
        wrong = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
        if values.ndim and wrong.size:
            name = str(getattr(path[-1], "name", getattr(path[-1], "key", "state"))) if path else ""
            return f", first in unit {wrong[0]}" + (f" ({name})" if name else "")
    return ""


@dataclass(frozen=True)
class _Runner:
    """Runs blocks of trials and labels what they give."""

    model: Any
    plan: Plan
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
        arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        return self.label(arrays)

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
        trials = trials_for(self.model, plan.given)
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
                trial=None if trials is None else take(trials, here, here + self.chunk),
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
        return jax.tree.map(lambda a: np.asarray(a)[start:end, here : here + self.chunk], inputs)

    def _collect(self, run, here: int, skip: int, start: int) -> dict[str, np.ndarray]:
        def host(a):
            return np.swapaxes(np.asarray(a)[:valid, skip:], 0, 1)

        trials = self.plan.trials
        valid = None if trials is None or trials.length is None else int(trials.length)

        out = {name: host(a) for name, a in run.variables.items()}
        if run.outputs is not None:
            out["outputs"] = host(run.outputs)
        if run.spikes is not None:
            recorded = self._recorded_units(run.final_state)
            steps, trials, units = unpack_spikes(np.asarray(run.spikes)[:, skip:], len(recorded))
            out["spike_trial"] = trials + here + skip
            out["spike_unit"] = recorded[units]
            first = start + window_steps(self.save, self.plan.dt, self.plan.n_steps)[0]
            out["spike_time"] = self.plan.t0 + (first + steps + 1) * self.plan.dt
        return out

    def _recorded_units(self, states: Any) -> np.ndarray:
        """Numbers of the units whose spikes are recorded."""
        if self.save.units is not None:
            return np.asarray(self.save.units)
        one = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), states)
        crossing = eqx.filter_eval_shape(lambda s: resolve(self.model).crossing(s), one)
        return np.arange(crossing.shape[0])

    def _check(self, run, here: int) -> None:
        # On the host: the results go there anyway, and nothing is compiled for their shapes.
        finite = np.asarray(run.stats["finite"])
        recorded = [*run.variables.values(), *([] if run.outputs is None else [run.outputs])]
        recorded = [np.asarray(a) for a in recorded]
        for a in recorded:
            if jnp.issubdtype(a.dtype, jnp.inexact):
                finite = finite & np.isfinite(a).all(axis=(0, *range(2, a.ndim)))
        if finite.all():
            return
        bad = int(np.flatnonzero(~finite)[0])
        when = "by the end of the run"
        for a in recorded:
            values = a[:, bad]
            times = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
            if len(times) and len(values) == len(run.ts):
                when = f"at t = {self.plan.t0 + float(run.ts[times[0]]):g} ms"
                break
        raise SimulationError(
            f"{type(self.model).__name__} gave NaN or infinite values in trial {here + bad} {when}"
            f"{_first_unit(run.final_state.x, bad)} "
            f"({(~finite).sum()} of {len(finite)} trials of this chunk). Try a shorter dt "
            f"(now {self.plan.dt:g} ms), or look for exploding weights."
        )

    def label(self, arrays: dict[str, np.ndarray], start: int = 0) -> xr.Dataset:
        """What was recorded from step ``start`` on, labelled."""
        return label(self.model, self.plan, self.save, arrays, start)
