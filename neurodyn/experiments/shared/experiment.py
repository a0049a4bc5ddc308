"""What an experiment is: a published question, as settings and a run that answers it."""

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

import xarray as xr

from neurodyn.experiments.shared.values import read

__all__ = ["Experiment", "Run", "configure"]


class Run(NamedTuple):
    """Where and how a run of an experiment happens.

    Attributes
    ----------
    folder
        Folder for checkpoints; None: keep none.
    resume
        Whether to go on from the checkpoints in it.
    progress
        Whether to show bars, or lines in a log; None: of what takes longer than 2 s.
    """

    folder: Path | None = None
    resume: bool = False
    progress: bool | None = None


class Experiment(NamedTuple):
    """A named, reproducible experiment.

    Attributes
    ----------
    name, title
        What it is called, and what it asks.
    reference
        BibTeX keys of the papers behind it.
    presets
        Settings by name: ``quick`` takes minutes, ``paper`` as long as it takes.
    run
        ``(settings, run) -> DataTree`` with ``/recording``, ``/model`` and ``/analysis``.
    figures
        ``(tree) -> {name: matplotlib Figure}``.
    summary
        ``(tree) -> {what: value as text}``, in the order in which it is printed.
    method
        What was done, in a sentence or two, with settings in braces: ``{n_networks}``.
    ranges
        What the ranges in the summary are.
    captions
        What each figure shows; one for several figures goes by the beginning of their names.
    check
        ``(settings) -> None``; raises ValueError for settings that do not fit together.
    extends
        Settings with which a run may be taken further when it is resumed.
    """

    name: str
    title: str
    reference: tuple[str, ...]
    presets: Mapping[str, Any]
    run: Callable[[Any, Run], xr.DataTree]
    figures: Callable[[xr.DataTree], dict[str, Any]]
    summary: Callable[[xr.DataTree], dict[str, str]]
    method: str = ""
    ranges: str = ""
    captions: Mapping[str, str] = MappingProxyType({})
    check: Callable[[Any], None] = lambda settings: None
    extends: tuple[str, ...] = ()


def configure(experiment: Experiment, preset: str, settings: Mapping[str, Any]) -> Any:
    """The settings of a preset, with some of them changed.

    Parameters
    ----------
    experiment
        Which experiment.
    preset
        Name of one of its presets.
    settings
        Values by name, as Python values or as texts from a command line (``"10,20"``, ``"true"``).

    Raises
    ------
    ValueError
        For an unknown preset or setting, or a value of the wrong type or out of range.
    """
    if preset not in experiment.presets:
        raise ValueError(
            f"{experiment.name} has no preset {preset!r}; it has {', '.join(experiment.presets)}."
        )
    base = experiment.presets[preset]
    hints = get_type_hints(type(base), include_extras=True)
    names = [field.name for field in dataclasses.fields(base)]
    changes = {}
    for name, value in settings.items():
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"{experiment.name} has no setting {name!r}.{hint} There are {', '.join(names)}."
            )
        changes[name] = read(name, value, hints[name], getattr(base, name))
    return dataclasses.replace(base, **changes)
