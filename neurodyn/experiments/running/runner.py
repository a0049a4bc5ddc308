"""Running an experiment, and writing its result, figures and report."""

import dataclasses
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jax.sharding import Mesh

from neurodyn.common import hosts
from neurodyn.common.progress import line
from neurodyn.engine import devices
from neurodyn.experiments.running.catalogue import EXPERIMENTS
from neurodyn.experiments.running.experiment import Experiment, Run, configure
from neurodyn.experiments.running.folder import RESULT, UNFINISHED, begin, claimed
from neurodyn.experiments.running.page import Image, page
from neurodyn.io.atomic import atomic_path
from neurodyn.io.files import load, save
from neurodyn.labels import encode_attrs

REPORT = "report.html"


class Finished(NamedTuple):
    """A finished experiment.

    Attributes
    ----------
    tree
        Labelled result.
    figures
        Matplotlib figures by name.
    summary
        Main numbers, as text.
    files
        Written files by name.
    """

    tree: xr.DataTree
    figures: dict[str, Any]
    summary: dict[str, str]
    files: dict[str, Path]


def run(
    experiment: str | Experiment,
    preset: str | None = None,
    *,
    settings: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    mesh: Mesh | None = None,
) -> Finished:
    """Run an experiment.

    Parameters
    ----------
    experiment
        A name out of `EXPERIMENTS`, or an :class:`Experiment`.
    preset
        Name of a preset; None: the first, which in the experiments of neurodyn is ``"quick"``
        (minutes).
    settings
        A dict of changes to the preset, or the settings themselves as :func:`configure` returns
        them.
    out
        A folder for the result; None: write nothing.
    resume
        Whether to continue an unfinished run of the same settings in that folder; a finished run is
        read.
    overwrite
        Whether to begin anew.
    progress
        Whether to show progress; None: only for steps longer than 2 s.
    mesh
        Devices that share out the trainings of the experiment, as in :func:`neurodyn.fit`. With
        devices of several processes all of them call this, with a folder that all can read; process
        0 writes the files and makes the figures. Default: one device.

    Returns
    -------
    Finished
        The result as a DataTree, its figures and its summary.

    Raises
    ------
    ValueError
        For an unknown experiment, preset or setting; if the run to be resumed has other settings.
    TypeError
        If the settings belong to another experiment.
    FileExistsError
        If the folder already holds a result, or another run is writing into it.
    """
    if isinstance(experiment, str):
        experiment = EXPERIMENTS.find(experiment)
    preset = experiment.preset(preset)
    if settings is None or isinstance(settings, Mapping):
        settings = configure(experiment, preset, settings)
    elif isinstance(settings, experiment.settings_class()):
        settings = configure(experiment, preset, dataclasses.asdict(settings))
    else:
        raise TypeError(
            f"Settings of {experiment.name} are a dict of changes or a "
            f"{experiment.settings_class().__qualname__}, got {type(settings).__qualname__}."
        )
    if resume and overwrite:
        raise ValueError("Pass resume (--resume) or overwrite (--overwrite), not both.")
    if out is None:
        return _carried_out(experiment, preset, settings, Run(None, False, progress, mesh))
    folder, decide = Path(out), hosts.by_first if devices.spans_hosts(mesh) else _alone
    with ExitStack() as held:

        def is_finished() -> bool:
            held.enter_context(claimed(folder))
            done = begin(folder, experiment, settings, resume=resume, overwrite=overwrite)
            return done is not None

        if decide(is_finished):
            line(f"{folder} holds this run, finished: nothing to do.", show=progress)
            done = load(folder / RESULT)
            return Finished(done, {}, experiment.summary(done), _written(folder))
        line(f"{experiment.name}, preset {preset}: into {folder}", show=progress)
        run = Run(folder, resume, progress, mesh)
        finished = _carried_out(experiment, preset, settings, run)
        decide((folder / UNFINISHED).unlink)
    seconds = finished.tree.attrs["seconds"]
    line(f"Finished in {seconds:.0f} s: {folder / REPORT}", show=progress)
    return finished


def _alone(compute: Callable[[], Any]) -> Any:
    return compute()


def _carried_out(experiment: Experiment, preset: str, settings: Any, run: Run) -> Finished:
    began = time.perf_counter()
    tree = experiment.run(settings, run)
    if not isinstance(tree, xr.DataTree):
        raise TypeError(
            f"The function `run` of {experiment.name} must return a DataTree, got "
            f"{type(tree).__name__}; neurodyn.experiments.result makes one of datasets."
        )
    if "settings" not in tree.attrs:
        stored = encode_attrs({"settings": dataclasses.asdict(settings)})
        tree.attrs["settings"] = stored["settings"]
    tree.attrs |= {
        "experiment": experiment.name,
        "preset": preset,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(time.perf_counter() - began, 1),
        **_versions(),
    }
    if not run.writes:
        return Finished(tree, {}, experiment.summary(tree), {})
    line("figures and report", show=run.progress)
    figures, summary = experiment.figures(tree), experiment.summary(tree)
    for figure in figures.values():
        _whole_ticks(figure)
    files = {}
    if run.folder is not None:
        files = _write(run.folder, experiment, tree, figures, summary)
    return Finished(tree, figures, summary, files)


def _written(folder: Path) -> dict[str, Path]:
    """Files of a finished run."""
    files = {"result": folder / RESULT, "report": folder / REPORT}
    return files | {path.stem: path for path in sorted((folder / "figures").glob("*.png"))}


def _write(folder, experiment, tree, figures, summary) -> dict[str, Path]:
    files = {"result": folder / RESULT, "report": folder / REPORT}
    save(files["result"], tree, overwrite=True)
    (folder / "figures").mkdir(exist_ok=True)
    images = {name: Image.of(figure) for name, figure in figures.items()}
    for name, image in images.items():
        files[name] = folder / "figures" / f"{name}.png"
        with atomic_path(files[name], overwrite=True) as path:
            path.write_bytes(image.png)
    with atomic_path(files["report"], overwrite=True) as path:
        path.write_text(page(experiment, tree, images, summary), encoding="utf-8")
    return files


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("neurodyn", "jax", "jaxlib", "diffrax", "equinox", "numpy", "xarray")
    python = {"version_python": platform.python_version()}
    return {f"version_{name}": version(name) for name in packages} | python


def _whole_ticks(figure: Any) -> None:
    """Put ticks at whole numbers only, on axes whose data are whole numbers.

    Axes with a locator of their own, such as logarithmic axes, stay as they are.
    """
    from matplotlib.ticker import AutoLocator, MaxNLocator

    for ax in figure.axes:
        for axis, values in ((ax.xaxis, _drawn(ax, 0)), (ax.yaxis, _drawn(ax, 1))):
            whole = values.size and (values == np.round(values)).all()
            if whole and type(axis.get_major_locator()) is AutoLocator:
                axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _drawn(ax: Any, column: int) -> np.ndarray:
    """Coordinates of all lines and dots in data units, along one axis."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    found = [np.asarray(line.get_data(orig=False)[column], float) for line in lines]
    found += [
        np.asarray(np.ma.filled(dots.get_offsets(), np.nan), float)[:, column]
        for dots in ax.collections
        if len(dots.get_offsets()) > 1
    ]
    values = np.concatenate([each.ravel() for each in found]) if found else np.empty(0)
    return values[np.isfinite(values)]
