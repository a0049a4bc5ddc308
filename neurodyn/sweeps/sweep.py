"""The front door of sweeps."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.common.checks import whole
from neurodyn.common.progress import bar, line
from neurodyn.experiments import Experiment
from neurodyn.experiments.running.about import settings_of
from neurodyn.experiments.running.values import read
from neurodyn.io.lock import locked
from neurodyn.sweeps.cluster import connected
from neurodyn.sweeps.grid import Grid, check_names, grid_of, seeds_of
from neurodyn.sweeps.needs import needed
from neurodyn.sweeps.points import Outcome, job_of, pack
from neurodyn.sweeps.result import read as read_sweep
from neurodyn.sweeps.run import Sender
from neurodyn.sweeps.same import about_of, refuse_other
from neurodyn.sweeps.store import DONE, FAILED, WAITING, Store, open_group
from neurodyn.sweeps.work import Function, Study, function_work, study_work


def sweep(
    work: Callable[..., Any] | Experiment | str,
    grid: Mapping[str, Any] | None = None,
    *,
    seeds: int | Iterable[int] | None = None,
    key: Any = 0,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    keep: Sequence[str] | None = None,
    client: Any = None,
    workers: int | None = None,
    retries: int = 2,
    out: str | Path = "sweep.zarr",
    resume: bool = False,
    retry_failed: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
) -> xr.Dataset | xr.DataTree:
    """Run a function or an experiment at every point of a grid, on Dask, into one Zarr store.

    Results are stored as they come, by this process alone. A sweep that is killed and resumed
    repeats no finished point and loses none but those that were running.

    Parameters
    ----------
    work
        A function of keyword arguments, which returns a number, an array, a DataArray, a Dataset, a
        DataTree, or a dict of them; or an :class:`neurodyn.experiments.Experiment`, or the name of
        one. All points must return the same names, shapes and labels of dims.
    grid
        Values by name: ``{"tau": [10, 20], "noise": [0.0, 0.1]}``; every combination is a point.
        Names are arguments of the function or settings of the experiment, and become dims. Objects
        that are no labels themselves get some: ``{"model": {"small": ..., "large": ...}}``. A
        DataArray gives its attributes, such as units, to the coordinate. None: seeds alone.
    seeds
        A number of seeds, from 0, or a list of them; dim `seed`, the last of the sweep. A function
        gets ``key=jax.random.fold_in(jax.random.key(key), seed)``, the same at all points of the
        grid, so that a point equals the same call alone; an experiment gets its setting `seed`.
        None: seed 0 for a function that takes `key`, and no seeds for anything else.
    key
        Seed or JAX key of the sweep, from which functions get their keys. Not used by experiments.
    settings
        Arguments of the function, or changes to the preset, that are the same at all points.
    preset
        Preset of an experiment; None: the first.
    keep
        Names of variables to store, or paths in a tree such as ``"/analysis/scores"``; None: all.
    client
        A ``dask.distributed.Client``, a cluster, or the address of a scheduler. None: processes on
        this machine with one thread each, which end with the sweep.
    workers
        Number of these processes; None: one for each core. Not with `client`.
    retries
        How often a point that raised an error is tried again, before the error is recorded; 2, as
        errors of one machine rarely happen three times.
    out
        Folder of the store, whose name ends in ``.zarr``.
    resume
        Whether to go on with the sweep in that store, if there is one. It must be the same sweep.
    retry_failed
        Whether a resumed sweep also tries again what failed before.
    overwrite
        Whether to replace the sweep in that store.
    progress
        Whether to show progress; None: if it takes longer than 2 s.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        Results on the dims of the grid, then `seed`, then their own; a DataTree if points return
        trees or dicts of Datasets. Whole numbers are float64, and coordinates other than labels of
        dims are variables, since they may differ between points. Failed points are NaN, or empty
        text. ``point_state`` (0 waiting, 1 done, 2 failed), ``point_seconds`` [s],
        ``point_attempts``, ``point_error_type``, ``point_error`` and ``point_traceback`` tell what
        became of each; of experiments also ``point_summary``, JSON text. Attributes ``n_done`` and
        ``n_failed`` count them. Large results stay in the store until they are used.

    Raises
    ------
    ValueError
        For names, values, seeds or settings that do not fit the function or the experiment; if the
        store holds another sweep, with what differs.
    TypeError
        For something that is no function, no list, or cannot be sent to another process.
    FileExistsError
        If the store exists and neither `resume` nor `overwrite` is given, or another process is
        writing into it.
    ImportError
        If distributed or Zarr is missing: ``pip install 'neurodyn[sweep]'``.
    ConnectionError
        If the scheduler does not answer, or is gone.
    RuntimeError
        If a script calls this outside of ``if __name__ == "__main__":``, since the processes import
        the script; or if workers cannot load the function.

    See Also
    --------
    neurodyn.sweeps.read : The same from the store, also while it is written.
    neurodyn.sweeps.table : Rows of points.
    neurodyn.plot.sweep : A figure of one result.

    Notes
    -----
    A point is the same call alone to the last bit on the same kind of processor with as many
    threads: XLA may add numbers up in another order on other ones. Local workers have one thread.
    Dask sends functions and results between processes of one user by pickle; the store holds none.

    Examples
    --------
    >>> import neurodyn as nd
    >>> def noise(tau, *, key):
    ...     return tau * jax.random.normal(key)
    >>> found = nd.sweep(noise, {"tau": [1.0, 2.0]}, seeds=3)  # doctest: +SKIP
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "sweep starts processes that import this script, and was called by that import: put "
            "the call under  if __name__ == '__main__':"
        )
    needed("zarr")
    needed("distributed")
    whole("retries", retries, least=0)
    _check_options(client, workers, resume, retry_failed, overwrite, keep)
    found, points = _asked(
        work, {} if grid is None else grid, seeds, key, dict(settings or {}), preset
    )
    path = _path(out)
    about, packed = about_of(found, points, keep), pack(job_of(found, points, keep))
    lock, other = path.with_name(f"{path.name}.lock"), "another `out` (--out)"
    with locked(lock, path, what="sweep", other=other):
        store = _store(path, points, about, found, resume=resume, overwrite=overwrite)
        states = store.states()
        again = (FAILED,) if retry_failed else ()
        todo = [
            i for i, state in enumerate(states) if state not in (DONE, FAILED) or state in again
        ]
        if todo:
            shown = _Shown(store, points, len(points) - len(todo))
            with (
                bar(f"sweep of {about['work']}", len(todo), show=progress) as shown.advance,
                connected(client, workers=workers, points=len(todo)) as connection,
            ):
                record, note = shown.record, shown.note
                Sender(connection, packed, retries=retries, record=record, note=note).run(todo)
        elif resume:
            line(f"{path} holds this sweep, finished: nothing to do.", show=progress)
        return read_sweep(path)


class _Shown:
    """Recording of outcomes, with the note beside the progress bar."""

    def __init__(self, store: Store, points: Grid, before: int):
        self._store, self._points, self._before = store, points, before
        self._failed, self._workers, self._last = 0, -1, ""
        self.advance: Callable[..., None] = lambda n=1, note="": None

    def record(self, outcome: Outcome, attempts: int) -> None:
        """Record an outcome, and say so."""
        outcome = self._store.record(outcome, attempts)
        if outcome.failure is not None:
            self._failed += 1
            where = self._points.named(outcome.point)
            self._last = f"{outcome.failure.type} at {where}: {outcome.failure.message}"
        self.advance(1, self._said())

    def note(self, workers: int) -> None:
        """Say how many workers there are."""
        self._workers = workers
        self.advance(0, self._said())

    def _said(self) -> str:
        parts = [f"{self._before} before"] if self._before else []
        if self._workers >= 0:
            parts.append(f"{self._workers} workers" if self._workers else "waiting for workers")
        if self._failed:
            parts.append(f"{self._failed} failed, last {self._last.splitlines()[0][:80]}")
        return ", ".join(parts)


def _asked(
    work: Any, grid: Any, seeds: Any, key: Any, settings: dict[str, Any], preset: Any
) -> tuple[Function | Study, Grid]:
    """The work and its grid, checked."""
    check_names(grid)
    listed = None if seeds is None else seeds_of(seeds)
    if isinstance(work, (str, Experiment)):
        study = study_work(work, preset, settings, seeds=listed is not None)
        values = {name: _typed(study, name, given) for name, given in grid.items()}
        units = {
            one.name: {"units": one.unit or "1", "long_name": one.name.replace("_", " ")}
            for one in settings_of(study.experiment)
        }
        points = grid_of(values, listed, units)
        for point in range(len(points)):
            study.configured(points.arguments(point), points.seed(point))
        return study, points
    if preset is not None:
        raise ValueError("`preset` belongs to experiments; give arguments in `settings`.")
    function = function_work(work, grid, settings, seeds=listed is not None, key=key)
    if function.key is not None and listed is None:
        listed = [0]
    return function, grid_of(grid, listed)


def _typed(study: Study, name: str, given: Any) -> Any:
    """Values of a setting in its type, which may be given as text."""
    hints, preset = study.experiment.hints(), study.experiment.presets[study.preset]
    if name not in hints or isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        return given
    values = given.values if isinstance(given, xr.DataArray) else given
    typed = [read(name, value, hints[name], getattr(preset, name)) for value in values]
    if isinstance(given, xr.DataArray):
        return xr.DataArray(typed, dims=name, attrs=given.attrs)
    return typed


def _check_options(client, workers, resume, retry_failed, overwrite, keep) -> None:
    if workers is not None:
        whole("workers", workers)
        if client is not None:
            raise ValueError("`workers` are those of this machine; leave it out with a `client`.")
    if resume and overwrite:
        raise ValueError("Pass resume (--resume) or overwrite (--overwrite), not both.")
    if retry_failed and not resume:
        raise ValueError("`retry_failed` (--retry-failed) needs resume=True (--resume).")
    if isinstance(keep, str) or (keep is not None and not all(isinstance(k, str) for k in keep)):
        raise TypeError(f"`keep` is a list of names, e.g. ['accuracy']; got {keep!r}.")


def _path(out: str | Path) -> Path:
    path = Path(out)
    if "://" in str(out) or path.suffix != ".zarr":
        raise ValueError(
            f"`out` is a folder on this machine whose name ends in '.zarr', got {str(out)!r}."
        )
    return path


def _store(
    path: Path,
    points: Grid,
    about: dict[str, Any],
    work: Function | Study,
    *,
    resume: bool,
    overwrite: bool,
) -> Store:
    """The store to write into: a new one, or the one of the sweep that is resumed."""
    if path.exists():
        attrs = open_group(path).attrs.asdict()
        if resume:
            refuse_other(path, json.loads(attrs["sweep"]), about)
            return Store(path, points)
        states = np.asarray(open_group(path)["point_state"][...])
        done = int((states != WAITING).sum())
        if done and not overwrite:
            raise FileExistsError(
                f"{path} holds a sweep already, with {done} of {states.size} points. Pass "
                "resume=True (--resume) to go on with it, overwrite=True (--overwrite) to begin "
                "anew, or choose another `out` (--out)."
            )
    summary = isinstance(work, Study)
    return Store.create(path, points, about, summary=summary, overwrite=True)
