"""What there is by name: models, spiking ones, tasks, measures, datasets, experiments and more.

Everything is found through the packages that hold it, imported when first asked for.
"""

import dataclasses
import difflib
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
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
        What it is called, where it is asked for by name.
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


def _classes(package: str, base: str) -> dict[str, Any]:
    """Concrete classes out of a package's `__all__`."""
    module = importlib.import_module(package)
    above = _resolve(base)
    members = {name: getattr(module, name) for name in module.__all__}
    return {
        name: member
        for name, member in members.items()
        if inspect.isclass(member) and issubclass(member, above) and not inspect.isabstract(member)
    }


def _functions(package: str, ending: str = "") -> dict[str, Any]:
    """Functions out of a package's `__all__`."""
    module = importlib.import_module(package)
    members = {name: getattr(module, name) for name in module.__all__ if name.endswith(ending)}
    return {name: member for name, member in members.items() if inspect.isfunction(member)}


def _member(package: str, name: str) -> Any:
    return getattr(importlib.import_module(package), name)


_SPIKING = "neurodyn.models.spiking"
#: Kinds of things, and how each is listed.
KINDS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "model": lambda: _classes("neurodyn.models", "neurodyn.system.AbstractSystem"),
    "spiking": lambda: (
        _classes(_SPIKING, "neurodyn.system.AbstractSystem")
        | _classes(_SPIKING, f"{_SPIKING}.AbstractNeuron")
        | _functions(_SPIKING, "_network")
    ),
    "synapse": lambda: (
        _classes(_SPIKING, f"{_SPIKING}.AbstractSynapse")
        | {name: _member(_SPIKING, name) for name in ("Alpha", "TsodyksMarkram")}
    ),
    "rule": lambda: (
        _classes(f"{_SPIKING}.plasticity", f"{_SPIKING}.plasticity.AbstractProjectionRule")
        | _classes(f"{_SPIKING}.plasticity", f"{_SPIKING}.plasticity.AbstractReadoutRule")
    ),
    "system": lambda: _classes("neurodyn.models.reference", "neurodyn.system.AbstractSystem"),
    "task": lambda: _classes("neurodyn.tasks", "neurodyn.task.AbstractTask"),
    "measure": lambda: _member("neurodyn.analysis", "MEASURES"),
    "function": lambda: _functions("neurodyn.analysis"),
    "dataset": lambda: {r.name: r for r in _member("neurodyn.datasets", "available")()},
    "experiment": lambda: _member("neurodyn.experiments", "EXPERIMENTS"),
}


def entries(kind: str | None = None) -> list[Entry]:
    """List what there is.

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
    ['Attractor', 'CenterOut']
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; there are {', '.join(KINDS)}.")
    kinds = KINDS if kind is None else {kind: KINDS[kind]}
    return [
        Entry(k, name, _title(thing), _keys(thing), thing)
        for k, table in kinds.items()
        for name, thing in sorted(table().items())
    ]


def find(name: str, kind: str | None = None) -> Entry:
    """Look something up by name.

    Raises
    ------
    ValueError
        If there is nothing of that name, with names that are close.
    """
    listed = entries(kind)
    for entry in listed:
        if entry.name == name:
            return entry
    names = [entry.name for entry in listed]
    close = difflib.get_close_matches(name, names, 3) or names
    what = "thing" if kind is None else kind
    raise ValueError(f"There is no {what} {name!r}; did you mean {', '.join(close)}?")


def _title(thing: Any) -> str:
    title = getattr(thing, "title", None)
    if not isinstance(title, str):
        title = next(iter((inspect.getdoc(thing) or "").splitlines()), "")
    return re.sub(r":\w+:`([^`]*)`", r"\1", title).replace("`", "").rstrip(".")


def _keys(thing: Any) -> tuple[str, ...]:
    return tuple(getattr(thing, "reference", ()))


# --- classes in files ----------------------------------------------------------------------------

_OWN: dict[str, type] = {}
#: Objects of one's own that `register` takes beside classes: the class of each, and the table by
#: name that it is added to.
_TABLES = {"neurodyn.analysis.Measure": "neurodyn.analysis.MEASURES"}
_ADDED: set[tuple[str, str]] = set()


def register(thing: Any) -> Any:
    """Make a class or a measure of your own known by name.

    A class can then be saved and loaded; a program that loads such a file must have registered the
    class too. A measure can be given to :func:`neurodyn.analysis.compare` by name, and is listed
    by ``neurodyn list``.

    Parameters
    ----------
    thing
        A class: an Equinox module, named tuple or frozen dataclass, whose name in files is
        ``module:qualified name``. Or a :class:`neurodyn.analysis.Measure`.

    Returns
    -------
    The same, so that this can be used as a decorator.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If the library has something of that name.
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
    table = _TABLES.get(f"{package}.{type(thing).__name__}")
    if table is None:
        raise TypeError(
            f"register takes classes and objects of {', '.join(_TABLES)}, got {thing!r}."
        )
    known, own = _resolve(table), (table, thing.name)
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
    """The class that `name_of` gave this name; nothing but such classes is ever returned.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name in _OWN:
        return _OWN[name]
    cls = _resolve(name) if name.startswith("neurodyn.") else None
    if not (inspect.isclass(cls) and cls.__module__.startswith("neurodyn.") and _is_plain(cls)):
        hint = (
            "this version of neurodyn has no such class."
            if name.startswith("neurodyn.")
            else "import the module that registers it (neurodyn.register) first."
        )
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
