"""What an experiment is: a published question, as settings and a run that answers it."""

import dataclasses
import difflib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

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
        Whether to show bars; None: on a terminal.
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
    """

    name: str
    title: str
    reference: tuple[str, ...]
    presets: Mapping[str, Any]
    run: Callable[[Any, Run], xr.DataTree]
    figures: Callable[[xr.DataTree], dict[str, Any]]
    summary: Callable[[xr.DataTree], dict[str, str]]


def configure(experiment: Experiment, preset: str, settings: Mapping[str, Any]) -> Any:
    """The settings of a preset, with some of them changed.

    Parameters
    ----------
    experiment
        Which experiment.
    preset
        Name of one of its presets.
    settings
        Values by name; texts (from a command line) are read as JSON where the setting is not text.

    Raises
    ------
    ValueError
        For an unknown preset or setting, or a value of the wrong type.
    """
    if preset not in experiment.presets:
        raise ValueError(
            f"{experiment.name} has no preset {preset!r}; it has {', '.join(experiment.presets)}."
        )
    base = experiment.presets[preset]
    names = [field.name for field in dataclasses.fields(base)]
    changes = {}
    for name, value in settings.items():
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"{experiment.name} has no setting {name!r}.{hint} There are {', '.join(names)}."
            )
        changes[name] = _typed(name, value, getattr(base, name))
    return dataclasses.replace(base, **changes)


def _typed(name: str, value: Any, default: Any) -> Any:
    """``value`` in the type of the default."""
    if isinstance(default, str) or default is None:
        return value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError(f"Setting {name!r}: cannot read {value!r} as a value.") from None
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or len(value) != len(default):
            raise ValueError(
                f"Setting {name!r} takes {len(default)} values (like {default!r}), got {value!r}."
            )
        return tuple(_typed(name, *pair) for pair in zip(value, default, strict=True))
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
        raise ValueError(
            f"Setting {name!r} takes a {type(default).__name__} (like {default!r}), got {value!r}."
        )
    return type(default)(value)
