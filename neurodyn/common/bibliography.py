"""BibTeX of the papers behind models, tasks, measures, datasets and experiments."""

import functools
import inspect
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jax

from neurodyn.common import registry


def citation(*objects: Any) -> str:
    """Collect the papers to cite for models, tasks, measures, datasets and experiments.

    Parameters
    ----------
    *objects
        Models, tasks, ensembles, measures, records of datasets, experiments; instances, classes or
        their names (``"CTRNN"``, ``"cka"``, ``"mante2013"``).

    Returns
    -------
    BibTeX entries, each once, in the order of the objects. Empty if no object has a source.

    Raises
    ------
    ValueError
        For a name that is not known.
    TypeError
        If an object has no field or attribute for its sources.

    Examples
    --------
    >>> print(citation("FlipFlop").splitlines()[0])
    @article{sussillo2013,
    """
    found: dict[str, str] = {}
    for thing in objects:
        for entry in _entries(thing):
            found.setdefault(_key(entry), entry)
    return "\n\n".join(found.values())


def _entries(thing: Any) -> Iterator[str]:
    if isinstance(thing, str):
        thing = registry.find(thing).object
    own = list(_own_entries(thing))
    parts = [] if inspect.isclass(thing) else list(_parts(thing))
    if not own and not parts and not hasattr(thing, "reference"):
        raise TypeError(f"Nothing is known about the sources of a {type(thing).__name__}.")
    yield from own
    for part in parts:
        yield from _own_entries(part)


def _own_entries(thing: Any) -> Iterator[str]:
    """Entries that an object holds itself, or names by their keys."""
    text = getattr(thing, "citation", None)  # records of datasets, experiments of users
    if isinstance(text, str):
        yield from split_bibtex(text)
    for key in getattr(thing, "reference", ()):
        if key not in bibliography():
            raise ValueError(f"{thing!r:.80} refers to {key!r}, which references.bib lacks.")
        yield bibliography()[key]


def _parts(thing: Any) -> Iterator[Any]:
    """Modules inside a module that have sources of their own: members, parametrisations."""

    def has_source(x: Any) -> bool:
        return x is not thing and hasattr(x, "reference")

    yield from filter(has_source, jax.tree.leaves(thing, is_leaf=has_source))


@functools.cache
def bibliography() -> dict[str, str]:
    """The entries of ``references.bib`` by key."""
    text = (files("neurodyn") / "references.bib").read_text(encoding="utf-8")
    return {_key(entry): entry for entry in split_bibtex(text)}


def split_bibtex(text: str) -> list[str]:
    """Cut BibTeX into its entries.

    Raises
    ------
    ValueError
        If a brace is not closed.
    """
    entries = []
    for start in re.finditer(r"^\s*@\w+\s*\{", text, re.M):
        depth, end = 1, start.end()
        while depth:
            brace = re.compile(r"(?<!\\)[{}]").search(text, end)
            if brace is None:
                raise ValueError(f"BibTeX: an entry is not closed: {text[start.start() :][:60]!r}")
            depth += 1 if brace[0] == "{" else -1
            end = brace.end()
        entries.append(text[start.start() : end].strip())
    return entries


def _key(entry: str) -> str:
    return entry.partition("{")[2].partition(",")[0].strip()
