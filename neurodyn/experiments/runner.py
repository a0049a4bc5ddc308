"""Run an experiment and write down all of it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from neurodyn.experiments.experiment import Experiment, Run, configure
from neurodyn.experiments.page import page
from neurodyn.io.atomic import atomic_path
from neurodyn.io.files import save

__all__ = ["Finished", "run_experiment"]

RESULT = "result.nc"


class Finished(NamedTuple):
    """A finished experiment.

    Attributes
    ----------
    tree
        The labelled result.
    figures
        Matplotlib figures by name.
    summary
        What came out, as text.
    files
        What was written, by name.
    """

    tree: xr.DataTree
    figures: dict[str, Any]
    summary: dict[str, str]
    files: dict[str, Path]


def run_experiment(
    experiment: Experiment,
    preset: str = "quick",
    *,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Finished:
    """Run one experiment; see :func:`neurodyn.experiments.run`."""
    configured = configure(experiment, preset, settings or {})
    folder = None if out is None else _prepare(Path(out), resume, overwrite)
    began = time.perf_counter()
    try:
        tree = experiment.run(configured, Run(folder, resume, progress))
    except BaseException:
        if folder is not None and not any(folder.iterdir()):
            folder.rmdir()
        raise
    tree.attrs |= {
        "experiment": experiment.name,
        "preset": preset,
        "seconds": round(time.perf_counter() - began, 1),
        **_versions(),
    }
    figures, summary = experiment.figures(tree), experiment.summary(tree)
    files = {} if folder is None else _write(folder, experiment, tree, figures, summary)
    return Finished(tree, figures, summary, files)


def _prepare(folder: Path, resume: bool, overwrite: bool) -> Path:
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder for the results.")
    if (folder / RESULT).exists() and not (resume or overwrite):
        raise FileExistsError(
            f"{folder} already holds a result ({RESULT}). Choose another folder, or pass resume "
            "(--resume) or overwrite (--overwrite)."
        )
    if any(folder.glob("*.ckpt")) and not (resume or overwrite):
        raise FileExistsError(
            f"{folder} holds a run that was not finished. Pass resume (--resume) to go on with it, "
            "or overwrite (--overwrite) to begin anew."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise PermissionError(
            f"Cannot write into {folder}: {error.strerror}. Choose another folder (--out)."
        ) from None
    if overwrite and not resume:
        for checkpoint in folder.glob("*.ckpt"):
            checkpoint.unlink()
    return folder


def _write(folder, experiment, tree, figures, summary) -> dict[str, Path]:
    files = {"result": folder / RESULT, "report": folder / "report.html"}
    save(files["result"], tree, overwrite=True)
    (folder / "figures").mkdir(exist_ok=True)
    for name, figure in figures.items():
        files[name] = folder / "figures" / f"{name}.png"
        with atomic_path(files[name], overwrite=True) as path:
            figure.savefig(path, format="png")
    with atomic_path(files["report"], overwrite=True) as path:
        path.write_text(page(experiment, tree, figures, summary), encoding="utf-8")
    return files


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {f"version_{name}": version(name) for name in ("neurodyn", "jax", "diffrax", "equinox")}
