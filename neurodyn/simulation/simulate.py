"""The labelled front door: run a model on a task or on inputs and get an ``xarray.Dataset``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from jax.sharding import Mesh

from neurodyn.common import hosts
from neurodyn.common.progress import bar
from neurodyn.common.random import as_key, fold_in
from neurodyn.engine import devices
from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.intervene.base import as_interventions
from neurodyn.engine.record import Save, as_save
from neurodyn.simulation.chunks import chunk_sizes
from neurodyn.simulation.labelling import join
from neurodyn.simulation.mesh import checked_mesh, divided, labelling, run_together
from neurodyn.simulation.parts import check_parts
from neurodyn.simulation.plan import make_plan, record_of
from neurodyn.simulation.runner import Runner
from neurodyn.simulation.store import stream
from neurodyn.simulation.windows import check_times, check_window
from neurodyn.system import AbstractSpiking, AbstractSystem
from neurodyn.task import AbstractTask, Trial


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
    save: Save | Sequence[str] | str | None = None,
    interventions: Sequence[AbstractIntervention] | Any = (),
    chunk: int | None = None,
    chunk_steps: int | None = None,
    progress: bool | None = None,
    to: str | Path | None = None,
    mesh: Mesh | None = None,
) -> xr.Dataset:
    """Run a model and label the result.

    Parameters
    ----------
    model
        A system, or an ensemble of trained models (the result then has a `seed` dim).
    source
        The drive of the model: a task; one batch of its trials; an array ``(time, *trial, input)``
        held for `dt` each, or a Drive of such; a callable of time [ms]; None for an autonomous
        system. A labelled array gives the run its step, its clock (row k holds until the label of
        row k) and the labels and coordinates of its trials.
    n_trials
        How many trials to draw from the task (default 100), or of an autonomous system.
    repeats
        Instead of drawing: this many trials of every condition of the task's design.
    key
        Seed or key for trials, noise and initial states.
    dt
        Step [ms], if no task, no trials of a task and no label of `time` gives it. Maps need none:
        their time is then in steps (units ``"1"``).
    n_steps
        Number of steps, if the source does not give it.
    solver
        As for :func:`neurodyn.integrate`.
    save
        The record of the run: names of the variables to record, or a :class:`neurodyn.Save`.
        Default: all variables and the readout (`outputs`) of every step. In a Save,
        ``variables=None`` is all of them and ``()`` none; `window` counts from the start of the
        trial; `units` may also be names or coordinates of units, such as ``{"area": "PFC"}``, and
        the recorded ones keep their numbers as labels. Of a task that is scored at the last step
        only, only the last output is recorded. Spikes are always recorded.
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
        result in memory (needs the `zarr` extra).
    mesh
        Devices that share out the run, a :class:`jax.sharding.Mesh` with one or several of the axes
        ``"trial"``, ``"seed"`` (members of an ensemble) and ``"unit"``, such as
        ``jax.make_mesh((8,), ("trial",))``; default: one device. Draws do not depend on it, and
        results are those of one device to rounding. See :ref:`several-devices`.

    Returns
    -------
    xarray.Dataset
        Dims (trial, time, unit...). On `trial`, as coords, the conditions and those scores of the
        task that are one value for each trial, and the task's own labels of trials (bare trials of
        stored items have the number of their `item`); the model's own coordinates on `unit`. Where
        trials last differently long, values after the end of each are NaN, and `valid_until` and
        `n_valid` on `trial` say where that is (:func:`neurodyn.labels.valid`). Windows of a series
        (:class:`neurodyn.tasks.Windows`) are run from their first sample, and outputs have
        the labels of the samples that they predict. Spikes, for
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
    save = as_save(save)
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
    if save.window is not None:
        check_window(plan, save.window)
    check_parts(plan, save)
    interventions = as_interventions(interventions)
    check_times(plan, interventions)
    grid = checked_mesh(
        mesh,
        members,
        ensemble=not isinstance(model, AbstractSystem),
        n_trials=plan.n_trials,
        chunk=chunk,
        interventions=interventions,
    )
    together = grid is not None and grid.shape["seed"] > 1
    parts = {"n_members": len(members) if together else 1}
    parts["multiple"] = 1 if grid is None else grid.shape["trial"]

    def runner(member: AbstractSystem) -> Runner:
        record = record_of(member, save, source)
        sizes = chunk_sizes(member, plan, record, chunk, chunk_steps, **parts)
        run_key = None if key is None else fold_in(key, 1)
        system = divided(member, grid, interventions)
        return Runner(member, system, plan, record, solver, interventions, run_key, *sizes, grid)

    runs = [runner(member) for member in labelling(members, grid)]
    if to is not None and len(members) > 1:
        raise ValueError("`to` streams one model at a time; loop over the ensemble.")
    if len(members) > 1 and isinstance(members[0], AbstractSpiking):
        raise ValueError(
            "Members of an ensemble spike differently often, which one Dataset cannot hold; loop "
            "over the ensemble."
        )
    n_calls = sum(run.n_calls for run in runs[: 1 if together else None])
    shown = progress if hosts.is_first() or not devices.spans_hosts(grid) else False
    with bar("simulate", n_calls, show=shown) as advance:
        if to is not None:
            return stream(runs[0], Path(to), advance)
        if grid is not None and together:
            done = run_together(runs, grid, advance)
        else:
            done = [run.whole(advance) for run in runs]
    return done[0] if isinstance(model, AbstractSystem) else join(done, plan)


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
