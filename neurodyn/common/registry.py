"""Find things by their names: models, tasks, measures, datasets, experiments and more.

Each kind of things is listed by the package that holds them, which is imported when it is first
asked for. Classes have names in files, too.
"""

import dataclasses
import difflib
import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import equinox as eqx

__all__ = ["KINDS", "Entry", "class_named", "entries", "find", "name_of", "register"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One named thing.

    Attributes
    ----------
    kind
        One of `KINDS`.
    name
        Its name.
    title
        A line about it.
    reference
        BibTeX keys of the papers behind it.
    object
        The thing itself: a class, a measure, the record of a dataset, an experiment.
    """

    kind: str
    name: str
    title: str
    reference: tuple[str, ...]
    object: Any


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A kind of things, and the package that shows them, which is imported when it is first used.

    Attributes
    ----------
    package
        Package that shows them.
    bases
        Names of classes: concrete classes in its `__all__` that are derived from one of them.
    ending
        Functions in its `__all__` whose names end so; None: no functions.
    also
        Names of others.
    table
        Name of a mapping that holds them; then nothing else is looked at.
    takes
        Class of the objects that :func:`register` adds to the table.
    """

    package: str
    bases: tuple[str, ...] = ()
    ending: str | None = None
    also: tuple[str, ...] = ()
    table: str | None = None
    takes: str | None = None

    def members(self) -> Mapping[str, Any]:
        """The things by name."""
        module = importlib.import_module(self.package)
        if self.table is not None:
            return getattr(module, self.table)
        bases = tuple(map(_resolve, self.bases))
        public = {name: getattr(module, name) for name in module.__all__}
        return {
            name: thing
            for name, thing in public.items()
            if name in self.also
            or (
                self.ending is not None and inspect.isfunction(thing) and name.endswith(self.ending)
            )
            or (
                inspect.isclass(thing)
                and issubclass(thing, bases)
                and not inspect.isabstract(thing)
            )
        }


_SPIKING, _RULES = "neurodyn.models.spiking", "neurodyn.models.spiking.plasticity"
_SYSTEM = "neurodyn.system.AbstractSystem"
#: Kinds of things that are known by name.
KINDS = {
    "model": _Kind("neurodyn.models", (_SYSTEM,)),
    "spiking": _Kind(_SPIKING, (_SYSTEM, f"{_SPIKING}.AbstractNeuron"), ending="_network"),
    "synapse": _Kind(_SPIKING, (f"{_SPIKING}.AbstractSynapse",), also=("Alpha", "TsodyksMarkram")),
    "rule": _Kind(_RULES, (f"{_RULES}.AbstractProjectionRule", f"{_RULES}.AbstractReadoutRule")),
    "system": _Kind("neurodyn.models.reference", (_SYSTEM,)),
    "task": _Kind("neurodyn.tasks", ("neurodyn.task.AbstractTask",)),
    "measure": _Kind("neurodyn.analysis", table="MEASURES", takes="neurodyn.analysis.Measure"),
    "function": _Kind("neurodyn.analysis", ending=""),
    "dataset": _Kind(
        "neurodyn.datasets.catalogue", table="RECORDS", takes="neurodyn.datasets.Record"
    ),
    "experiment": _Kind(
        "neurodyn.experiments", table="EXPERIMENTS", takes="neurodyn.experiments.Experiment"
    ),
}


def entries(kind: str | None = None) -> list[Entry]:
    """List things that are known by name, sorted within their kind.

    Parameters
    ----------
    kind
        One of `KINDS`; None: all of them.

    Raises
    ------
    ValueError
        For an unknown kind.

    Examples
    --------
    >>> [entry.name for entry in entries("task")][:2]
    ['AngleIntegration', 'AssociativeRecall']
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; kinds are {', '.join(KINDS)}.")
    kinds = KINDS if kind is None else {kind: KINDS[kind]}
    return [
        Entry(k, name, _title(thing), _keys(thing), thing)
        for k, table in kinds.items()
        for name, thing in sorted(table.members().items())
    ]


def find(name: str, kind: str | None = None) -> Entry:
    """Look something up by its name.

    Parameters
    ----------
    name
        Its name.
    kind
        One of `KINDS`; None: all of them.

    Raises
    ------
    ValueError
        If there is nothing of that name. The error lists names like it.
    """
    listed = entries(kind)
    names = [entry.name for entry in listed]
    if name in names:
        return listed[names.index(name)]
    close = difflib.get_close_matches(name, names, 3) or names
    what = "thing" if kind is None else kind
    raise ValueError(f"there is no {what} {name!r}; did you mean {', '.join(close)}?")


def _title(thing: Any) -> str:
    title = getattr(thing, "title", None)
    if not isinstance(title, str):
        title = next(iter((inspect.getdoc(thing) or "").splitlines()), "")
    return re.sub(r":\w+:`([^`]*)`", r"\1", title).replace("`", "").rstrip(".")


def _keys(thing: Any) -> tuple[str, ...]:
    return tuple(getattr(thing, "reference", ()))


# --- classes in files ----------------------------------------------------------------------------

_OWN: dict[str, type] = {}
_ADDED: set[tuple[str, str]] = set()


def register(thing: Any) -> Any:
    """Register a class, measure, dataset or experiment of your own by name, for this process.

    Instances of the class can then be saved and loaded. A program that loads such a file must have
    registered the class, too. A measure can be given to :func:`neurodyn.analysis.compare` by its
    name, a dataset to :func:`neurodyn.datasets.load`, and an experiment to
    :func:`neurodyn.experiments.run`; ``neurodyn list`` lists all three.

    Parameters
    ----------
    thing
        A class: an Equinox module, named tuple or frozen dataclass, whose name in files is
        ``module:qualified name``. Or a :class:`neurodyn.analysis.Measure`, a
        :class:`neurodyn.datasets.Record` or a :class:`neurodyn.experiments.Experiment`.

    Returns
    -------
    The class or object, so that `register` can be used as a decorator.

    Raises
    ------
    TypeError
        If `thing` is anything else.
    ValueError
        If the library has a measure or a dataset of that name.
    """
    if not inspect.isclass(thing):
        return _add(thing)
    if not _is_plain(thing):
        raise TypeError(
            f"register takes Equinox modules, named tuples and frozen dataclasses, got {thing!r}."
        )
    _OWN[f"{thing.__module__}:{thing.__qualname__}"] = thing
    return thing


def _add(thing: Any) -> Any:
    """Add an object to the table of its kind."""
    package = ".".join(type(thing).__module__.split(".")[:2])
    takers = {kind.takes: kind for kind in KINDS.values() if kind.takes}
    kind = takers.get(f"{package}.{type(thing).__name__}")
    if kind is None:
        raise TypeError(
            f"register takes classes and objects of {', '.join(takers)}, got {thing!r}."
        )
    known: Any = kind.members()
    table = f"{kind.package}.{kind.table}"
    own = (table, thing.name)
    if thing.name in known and own not in _ADDED:
        raise ValueError(f"{table} has a {thing.name!r} already: choose another name.")
    known[thing.name] = thing
    _ADDED.add(own)
    return thing


def name_of(cls: type) -> str:
    """The name under which a class is stored in files: its shortest public one.

    Raises
    ------
    ValueError
        If the class is neither neurodyn's nor registered.
    """
    own = f"{cls.__module__}:{cls.__qualname__}"
    if _OWN.get(own) is cls:
        return own
    parts = cls.__module__.split(".")
    if parts[0] != "neurodyn" or not _is_plain(cls):
        raise ValueError(
            f"the class {cls.__module__}.{cls.__qualname__} is not one of neurodyn's: decorate it "
            "with neurodyn.register to save and load it."
        )
    for depth in range(1, len(parts) + 1):
        package = ".".join(parts[:depth])
        module = importlib.import_module(package)
        listed = cls.__name__ in getattr(module, "__all__", ()) or depth == len(parts)
        if listed and getattr(module, cls.__name__, None) is cls:
            return f"{package}.{cls.__name__}"
    raise ValueError(f"{own} is a local class and cannot be found by name when loading.")


def class_named(name: str) -> type:
    """The class that `name_of` gave this name. Nothing but such a class is ever returned.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name in _OWN:
        return _OWN[name]
    ours = name.startswith("neurodyn.")
    cls = _resolve(name) if ours else None
    if not (inspect.isclass(cls) and cls.__module__.startswith("neurodyn.") and _is_plain(cls)):
        own = "import the module that registers it (neurodyn.register) first."
        hint = "this version of neurodyn has no such class." if ours else own
        raise ValueError(f"unknown class {name!r}: {hint}")
    return cls


def _resolve(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None


def _is_plain(cls: Any) -> bool:
    """Whether instances are made of named fields and nothing else."""
    if not inspect.isclass(cls):
        return False
    if issubclass(cls, tuple):
        return hasattr(cls, "_fields")
    params = getattr(cls, "__dataclass_params__", None)
    return issubclass(cls, eqx.Module) or (params is not None and params.frozen)
