"""The definition of an experiment: settings, a function that runs it, figures and a summary."""

import dataclasses
import difflib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import xarray as xr
from jax.sharding import Mesh

from neurodyn.common import hosts
from neurodyn.engine import devices
from neurodyn.experiments.running.values import described, read


class Run(NamedTuple):
    """Where and how an experiment runs.

    Attributes
    ----------
    folder
        Folder for checkpoints; None: keep none.
    resume
        Whether to continue from the checkpoints in this folder.
    progress
        Whether to show progress bars, or lines in a log; None: only for steps longer than 2 s.
    mesh
        Devices that share trainings out; None: one. With several processes all of them run the
        experiment, with the same folder.
    """

    folder: Path | None = None
    resume: bool = False
    progress: bool | None = None
    mesh: Mesh | None = None

    @property
    def writes(self) -> bool:
        """Whether this process writes files: of several that work together, the first does."""
        return not devices.spans_hosts(self.mesh) or hosts.is_first()

    def training(self, name: str = "networks") -> dict[str, Any]:
        """Keyword arguments of :func:`neurodyn.fit` that make a training resumable.

        Parameters
        ----------
        name
            Name of the checkpoint file. Trainings of the same run need different names.

        Returns
        -------
        dict
            ``checkpoint``, ``resume``, ``progress`` and ``mesh``.
        """
        path = None if self.folder is None else self.folder / f"{name}.ckpt"
        return {"checkpoint": path, "resume": self.resume} | {
            "progress": self.progress,
            "mesh": self.mesh,
        }


def _nothing(tree: xr.DataTree) -> dict[str, Any]:
    return {}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A named, reproducible experiment.

    Attributes
    ----------
    name
        Name on the command line: letters, digits, ``_`` and ``-``.
    title
        The question that the experiment asks, in one line.
    presets
        Settings by name: instances of one frozen dataclass. The first preset is the default. In the
        experiments of neurodyn these are ``quick`` (minutes) and ``paper`` (as published).
    run
        Function ``(settings, run) -> DataTree``, with a :class:`Run` as second argument; see
        :func:`result`.
    figures
        Function ``(tree) -> {name: matplotlib Figure}``. Default: no figures.
    summary
        Function ``(tree) -> {row: value as text}``, in the order in which rows are printed.
        Default: no rows.
    reference
        BibTeX keys of papers in the bibliography of neurodyn.
    citation
        BibTeX entries of other papers.
    method
        Method in two or three sentences, with names of settings in braces, e.g. ``{n_networks}``.
    ranges
        Meaning of the ranges in the summary.
    captions
        Caption of each figure by name. A caption also serves figures whose names begin with its
        name.
    check
        Function ``(settings) -> None`` that raises ValueError for settings that contradict each
        other.
    extends
        Names of settings that may be larger when a run is resumed.

    Raises
    ------
    ValueError
        If the name holds other characters, or there is no preset.
    TypeError
        If the presets are not instances of one dataclass, or a setting has a type that cannot be
        given on the command line.
    """

    name: str
    title: str
    presets: Mapping[str, Any]
    run: Callable[[Any, Run], xr.DataTree]
    figures: Callable[[xr.DataTree], dict[str, Any]] = _nothing
    summary: Callable[[xr.DataTree], dict[str, str]] = _nothing
    reference: tuple[str, ...] = ()
    citation: str = ""
    method: str = ""
    ranges: str = ""
    captions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    check: Callable[[Any], None] = lambda settings: None
    extends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]+", self.name):
            raise ValueError(
                "The name of an experiment takes letters, digits, '_' and '-', because it also "
                f"names a folder; got {self.name!r}."
            )
        kinds = {type(preset) for preset in self.presets.values()}
        if not kinds:
            raise ValueError(f"{self.name} has no preset; give one, e.g. {{'quick': Settings()}}.")
        if len(kinds) > 1 or not dataclasses.is_dataclass(next(iter(kinds))):
            shown = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise TypeError(
                f"Presets of {self.name} must be instances of one dataclass, got {shown}."
            )
        for name, hint in self.hints().items():
            try:
                described(hint)
            except KeyError:
                raise TypeError(
                    f"Setting {name!r} of {self.name} is annotated with {hint}. Settings take int, "
                    "float, bool, str, Literal, tuples of these, and None."
                ) from None

    def settings_class(self) -> Any:
        """The dataclass of the settings."""
        return type(next(iter(self.presets.values())))

    def hints(self) -> dict[str, Any]:
        """Annotations of the settings by name, with their limits."""
        cls = self.settings_class()
        hints = get_type_hints(cls, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(cls)}

    def preset(self, name: str | None = None) -> str:
        """The name of a preset, checked; the first one for None.

        Raises
        ------
        ValueError
            For an unknown name.
        """
        if name is None:
            return next(iter(self.presets))
        if name not in self.presets:
            raise ValueError(
                f"{self.name} has no preset {name!r}; it has {', '.join(self.presets)}."
            )
        return name


def configure(
    experiment: Experiment, preset: str | None = None, settings: Mapping[str, Any] | None = None
) -> Any:
    """Settings of a preset with some values changed, each checked against its type and limits.

    Parameters
    ----------
    experiment
        The experiment.
    preset
        Name of one of its presets; None: the first.
    settings
        Values by name, as Python values or as text from a command line (``"10,20"``, ``"true"``).

    Returns
    -------
    An instance of the dataclass of the presets.

    Raises
    ------
    ValueError
        For an unknown preset or setting, for a value of the wrong type or out of range, and for
        settings that contradict each other.

    Examples
    --------
    >>> from neurodyn import experiments
    >>> experiment = experiments.EXPERIMENTS["izhikevich2003"]
    >>> experiments.configure(experiment, settings={"duration": "700", "dt": 1}).duration
    700.0
    """
    base, hints = experiment.presets[experiment.preset(preset)], experiment.hints()
    changes = {}
    for name, value in (settings or {}).items():
        if name not in hints:
            close = difflib.get_close_matches(name, hints, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"{experiment.name} has no setting {name!r}.{hint} There are {', '.join(hints)}."
            )
        changes[name] = read(name, value, hints[name], getattr(base, name))
    configured = dataclasses.replace(base, **changes)
    experiment.check(configured)
    return configured


def settings_in(tree: xr.DataTree) -> dict[str, Any]:
    """Settings that a result was made with, by name; empty if the result holds none."""
    return json.loads(tree.attrs.get("settings", "{}"))
