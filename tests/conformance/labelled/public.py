"""Public functions that take labelled data, found through the `__all__` of every public module.

A parameter takes labelled data if its annotation says so, or if its entry in the docstring does.
"""

import functools
import inspect
import pkgutil
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from neurodyn.common import registry
from tests import public_names

__all__ = ["Entry", "entries", "kind_of", "taking_labels"]

ANNOTATED = re.compile(r"xr\.|xarray|_?Labelled")
DESCRIBED = re.compile(
    r"\b(DataArray|DataTree|Dataset|labelled|xarray|same form)\b"
    r"|\(trial, time, output\)|\(time, channel\)"
)
#: Words of an annotation that leave open what comes.
OPEN = re.compile(r"\bAny\b|PyTree|^$")
#: Where a docstring refers to that of another function.
ELSEWHERE = re.compile(r"\bas (for|in|given)\b|\bruns?\b", re.I)
#: Names that stand for something else as often as for labelled data.
AMBIGUOUS = {
    "inputs",
    "label",
    "model",
    "obj",
    "values",
    "symbols",
    "system",
    "fit",
    "run",
    "events",
    "read",
}


class Entry(NamedTuple):
    """A public function or class, and which of its parameters take labelled data."""

    name: str
    call: Callable[..., Any]
    signature: inspect.Signature
    labelled: tuple[str, ...]


def _described(call: Callable[..., Any]) -> dict[str, str]:
    """The description of each parameter in a numpydoc docstring."""
    doc = inspect.getdoc(call) or ""
    if inspect.isclass(call) and "Parameters\n" not in doc:
        doc = inspect.getdoc(call.__init__) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.M | re.S)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        if line and not line[0].isspace():
            names = [n.strip(" *") for n in line.split(":")[0].split(",")]
        for name in names:
            found[name] = f"{found.get(name, '')} {line.strip()}"
    return found


def taking_labels(call: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters that take labelled data."""
    described = _described(call)
    found = []
    for name, parameter in inspect.signature(call).parameters.items():
        annotation = _annotation(parameter)
        open_ = OPEN.search(annotation) and DESCRIBED.search(described.get(name, ""))
        if ANNOTATED.search(annotation) or open_:
            found.append(name)
    return tuple(found)


@functools.cache
def entries() -> dict[str, Entry]:
    """Every public function and class that takes labelled data, by its full name.

    A parameter that leaves open what comes, of the name that elsewhere stands for labelled data
    ("truth", "observed"), takes them too: its docstring refers to the other one.
    """
    built = {e.object for kind in ("model", "task") for e in registry.entries(kind)}
    calls: dict[Any, str] = {}
    for module in public_names.public_modules():
        for name in public_names.public_names(module):
            call = getattr(pkgutil.resolve_name(module), name)
            if inspect.isfunction(call) or (isinstance(call, type) and call in built):
                calls.setdefault(call, f"{module}.{name}")
    sure = {call: taking_labels(call) for call in calls}
    known = {name for names in sure.values() for name in names} - AMBIGUOUS
    found = {}
    for call, name in calls.items():
        signature = inspect.signature(call)
        said = _described(call)
        by_name = [
            n
            for n, p in signature.parameters.items()
            if n in sure[call]
            or (
                n in known
                and OPEN.search(_annotation(p))
                and not isinstance(call, type)
                and (sure[call] or ELSEWHERE.search(said.get(n, "")))
            )
        ]
        if by_name:
            found[name] = Entry(name, call, signature, tuple(by_name))
    return found


def _annotation(parameter: inspect.Parameter) -> str:
    if parameter.annotation is parameter.empty:
        return ""
    return inspect.formatannotation(parameter.annotation)


def kind_of(entry: Entry) -> str:
    """Whether it is a function, a plot or a writer."""
    if ".plot." in entry.name:
        return "plot"
    writes = "path" in entry.signature.parameters or ".io.to_" in entry.name
    return "writer" if writes else "function"
