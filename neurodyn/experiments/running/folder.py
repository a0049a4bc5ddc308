"""The folder of a run: one process at a time, and one set of settings."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.running.values import as_read, spelled
from neurodyn.io.atomic import atomic_path
from neurodyn.io.files import load
from neurodyn.io.lock import locked

RESULT = "result.nc"
#: File with the settings of a run that is not finished.
UNFINISHED = "unfinished.json"
LOCK = ".lock"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Create a folder and lock it for one run; a folder that stays empty is removed again.

    The operating system releases the lock when the process ends, also after a crash.

    Raises
    ------
    OSError
        If the folder cannot be written, or another run holds the lock.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder for the results.")
    other = "another folder (--out)"
    try:
        with locked(folder / LOCK, folder, what="run", other=other):
            try:
                yield
            except BaseException:
                if {path.name for path in folder.iterdir()} <= {LOCK, UNFINISHED}:
                    (folder / UNFINISHED).unlink(missing_ok=True)  # there is nothing to resume
                raise
    finally:
        with contextlib.suppress(OSError):  # it holds files
            folder.rmdir()


def begin(
    folder: Path, experiment: Experiment, settings: Any, *, resume: bool, overwrite: bool
) -> xr.DataTree | None:
    """Check the files in a folder, and write down the settings of the run that begins.

    Returns
    -------
    xr.DataTree or None
        The result, if a run with these settings has already finished and is resumed.

    Raises
    ------
    FileExistsError
        If the folder holds files that may not be replaced.
    ValueError
        If the run to be resumed has other settings, or settings of other names.
    """
    running = folder / UNFINISHED
    finished = (folder / RESULT).exists() and not running.exists()
    more = {path.name for path in folder.iterdir()} - {LOCK, UNFINISHED}
    unfinished = (running.exists() and more) or (any(folder.glob("*.ckpt")) and not finished)
    if (folder / RESULT).exists() and not (resume or overwrite):
        raise FileExistsError(
            f"{folder} already holds a result ({RESULT}). Choose another folder, or pass resume "
            "(--resume) or overwrite (--overwrite)."
        )
    if unfinished and not (resume or overwrite):
        raise FileExistsError(
            f"{folder} holds a run that was not finished. Pass resume (--resume) to continue it, "
            "or overwrite (--overwrite) to begin anew."
        )
    if resume and finished:
        tree = load(folder / RESULT)
        stored = {"experiment": tree.attrs.get("experiment"), **json.loads(tree.attrs["settings"])}
        if not _go_on(folder, experiment, settings, stored, "result", grown=True):
            return tree
    if resume and running.exists():
        stored = json.loads(running.read_text(encoding="utf-8"))
        _go_on(folder, experiment, settings, stored, "unfinished run", grown=False)
    if overwrite:
        for checkpoint in folder.glob("*.ckpt"):
            checkpoint.unlink()
    written = {"experiment": experiment.name, **dataclasses.asdict(settings)}
    with atomic_path(running, overwrite=True) as path:
        path.write_text(json.dumps(written, indent=1), encoding="utf-8")
    return None


def _go_on(
    folder: Path, experiment: Experiment, settings: Any, stored: Any, what: str, *, grown: bool
) -> bool:
    """Whether the asked settings differ from the stored ones; refuses differences that matter.

    Parameters
    ----------
    folder, experiment, settings
        The run that was asked for.
    stored
        Experiment and settings in the folder.
    what
        Name of the stored run in messages.
    grown
        Whether settings that the experiment extends may only grow.
    """
    asked = {"experiment": experiment.name, **dataclasses.asdict(settings)}
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    there = (defaults if grown else {}) | as_read(settings, stored)
    if there["experiment"] != experiment.name:
        asked = {"experiment": experiment.name}  # other settings do not matter then
    elif set(there) != set(asked):
        # Defaults fill in what a finished result does not hold; the message names both sides.
        old, new = sorted(set(there) - set(asked)), sorted(set(asked) - set(stored))
        raise ValueError(
            f"{folder} holds the {what} of another version of {experiment.name}. Names of settings "
            f"differ: {_listed(old)} only there, {_listed(new)} only here. "
            + ("Read it with neurodyn.load" if grown else "Resume it with that version")
            + ", choose another folder (--out), or replace it (--overwrite)."
        )
    differ = [name for name, value in asked.items() if there.get(name) != value]
    refused = [
        f"{name} is {spelled(there.get(name))} there, {spelled(asked[name])} here"
        for name in differ
        if name not in experiment.extends or (grown and not _further(there.get(name), asked[name]))
    ]
    if refused:
        more = " It can only be extended." if set(differ) & set(experiment.extends) else ""
        raise ValueError(
            f"{folder} holds the {what} of other settings: {'; '.join(refused)}.{more} Choose "
            "another folder (--out), or replace it (--overwrite)."
        )
    return bool(differ)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _further(old: Any, new: Any) -> bool:
    """Whether a setting includes everything that an older one asked for."""
    if isinstance(new, tuple):
        return isinstance(old, tuple) and set(old) <= set(new)
    return isinstance(new, (int, float)) and isinstance(old, (int, float)) and new >= old
