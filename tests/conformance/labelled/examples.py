"""Calls that work: every public function with the labelled objects that it accepts.

Nothing here names a function. What stands beside the data is found by the name of the parameter;
a new name is added to `OPTIONS` (plain arguments) or `MEANT` (labelled ones).
"""

import contextlib
import functools
import inspect
import itertools
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import neurodyn as nd
from tests.conformance.labelled import zoo
from tests.conformance.labelled.given import MEANT, OPTIONS, QUICKLY
from tests.conformance.labelled.public import Entry, entries, kind_of

__all__ = ["MISSING", "Example", "examples", "of", "result"]

#: How many examples of a function are tried.
MOST = 4


class Example(NamedTuple):
    """A call that works."""

    entry: Entry
    names: dict[str, str]
    arguments: dict[str, Any]
    options: dict[str, Any]

    def __call__(self, **changed: Any) -> Any:
        """The result with some arguments replaced; of a writer what is read back."""
        arguments = self.options | self.arguments | changed
        with quiet():
            if "path" not in arguments:
                return self.entry.call(**arguments)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / arguments["path"]
                self.entry.call(**arguments | {"path": path})
                return _read(path)

    def __str__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in self.names.items())
        return f"{self.entry.name.removeprefix('neurodyn.')}({given})"


def _read(path: Path) -> Any:
    saved = path.suffix in (".nc", ".zarr") and not (path / "neurodyn.json").exists()
    found = nd.load(path) if saved else nd.io.read(path)
    return found.load() if hasattr(found, "load") else found


def _nothing(figure: Figure) -> None:
    """In place of a method of figures; a mock would take a millisecond for each call."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings, and do not lay figures out: only their data are compared."""
    drawing = mock.patch.object(Figure, "draw_without_rendering", new=_nothing)
    with warnings.catch_warnings(), np.errstate(all="ignore"), drawing:
        warnings.simplefilter("ignore")
        yield


_RESULTS: dict[int, Any] = {}


def result(example: Example) -> Any:
    """The result of a call of `examples` as it is, which is made once."""
    if id(example) not in _RESULTS:
        _RESULTS[id(example)] = example()
    return _RESULTS[id(example)]


#: Functions for which nothing in the zoo worked, with what was said last.
MISSING: dict[str, str] = {}


@functools.cache
def examples() -> dict[str, list[Example]]:
    """The working calls of every entry: of what a scientist starts from, or else of results."""
    pool: dict[str, Any] = dict(zoo.seeds())
    found: dict[str, list[Example]] = {}
    order = sorted(entries().values(), key=lambda e: kind_of(e) != "function")
    for _ in range(3):
        for entry in order:
            if found.get(entry.name):
                continue
            found[entry.name] = list(itertools.islice(_working(entry, pool), MOST))
            short = entry.name.rsplit(".", 1)[1]
            for example in found[entry.name] if kind_of(entry) == "function" else []:
                made = result(example)
                if isinstance(made, xr.Dataset | xr.DataArray):
                    pool.setdefault(f"{short}({next(iter(example.names.values()))})", made)
    for name in [name for name, worked in found.items() if worked]:
        MISSING.pop(name, None)
    return found


def of(name: str) -> list[Example]:
    """The examples of one entry."""
    return examples()[name]


def _meant(value: Any, parameter: inspect.Parameter) -> bool:
    """Whether a parameter takes objects of the class of a value, where that is one of ours."""
    ours = type(value).__module__.startswith("neurodyn")
    return not ours or type(value).__name__ in str(parameter.annotation)


def _working(entry: Entry, pool: dict[str, Any]) -> Iterator[Example]:
    parameters = entry.signature.parameters
    needed = [
        n
        for n, p in parameters.items()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    data = [n for n in needed if n in entry.labelled] or [entry.labelled[0]]
    plain = [n for n in needed if n not in data]
    # Where nothing else is asked for, what a default leaves open may be what makes it work.
    choices = [plain, [*plain, "by"]] if "by" in parameters and "by" not in plain else [plain]
    for plain in choices:
        found = _calls(entry, data, plain, pool)
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return


def _calls(
    entry: Entry, data: list[str], plain: list[str], pool: dict[str, Any]
) -> Iterator[Example]:
    parameters = entry.signature.parameters
    if unknown := [n for n in plain if n not in OPTIONS]:
        MISSING[entry.name] = f"say in OPTIONS what {unknown} may be"
        return
    quickly = {n: v for n, v in QUICKLY.items() if n in parameters and _meant(v, parameters[n])}
    quickly |= {n: False for n, p in parameters.items() if n == "noise" and p.default is True}
    seen: set[Any] = set()
    more = 6
    for stage in _stages(entry, data[0], pool):
        for names, given in _together(entry, data, stage, pool):
            shape = tuple((type(x).__name__, *_dims(x)) for x in given.values())
            if shape in seen:
                continue
            more -= bool(seen)
            if not more:
                return
            for values in itertools.product(*(OPTIONS[n] for n in plain)):
                made = [v() if hasattr(v, "cache_info") else v for v in values]
                options = quickly | dict(zip(plain, made, strict=True))
                example = Example(entry, names, given, options)
                try:
                    result(example)
                except Exception as error:
                    MISSING[entry.name] = f"{example}: {type(error).__name__}: {error}"
                    continue
                seen.add(shape)
                yield example
                yield from _extended(example, pool)
                if "path" not in plain:
                    break
        if seen:
            return


def _stages(entry: Entry, name: str, pool: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Objects named like the parameter, then those a scientist starts from, then results."""
    names = [m for m in MEANT.get(name, ()) if isinstance(m, str)]
    meant = {k: v for m in names for k, v in pool.items() if k.startswith(m)}
    yield meant
    if not meant and any("(" in m for m in names):
        MISSING[entry.name] = f"needs what {names} make, which have no example"
        return
    words = set(re.findall(r"\w+", inspect.getdoc(entry.call) or ""))

    def fits(key: str) -> float:
        """How much of an object the docstring speaks of."""
        held = {*map(str, pool[key].dims), *map(str, getattr(pool[key], "data_vars", ()))}
        return -len(held & words) / len(held) if held else 0.0

    keys = [k for k in pool if k not in meant]
    if kind_of(entry) == "plot":  # they take long, and most objects are for others
        keys.sort(key=fits)
    yield {k: pool[k] for k in keys if "(" not in k}
    yield {k: pool[k] for k in keys if "(" in k}


def _dims(x: Any) -> tuple[Any, ...]:
    if isinstance(x, dict):
        return _dims(next(iter(x.values())))
    if not hasattr(x, "dims"):
        return ()
    return (*sorted(map(str, x.dims)), "valid_until" in x.coords)


def _nested(entry: Entry, name: str, value: Any) -> Any:
    annotation = inspect.formatannotation(entry.signature.parameters[name].annotation)
    if "|" in annotation:
        return value
    for _ in range(annotation.count("apping[") + annotation.count("dict[")):
        value = {"one": value}
    return value


def _others(entry: Entry, name: str, first: Any, pool: dict[str, Any]) -> list[tuple[str, Any]]:
    """Objects that may stand beside the first argument."""
    found = []
    for meant in MEANT.get(name, ()):
        if isinstance(meant, str):
            found += [(k, _nested(entry, name, v)) for k, v in pool.items() if k.startswith(meant)]
            continue
        with contextlib.suppress(Exception):
            found.append((f"{name} of it", meant(first)))
    return [*found[:3], ("like it", similar(first))]


def _together(
    entry: Entry, data: list[str], stage: dict[str, Any], pool: dict[str, Any]
) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    first, *others = data
    for key, value in stage.items():
        choices = [_others(entry, other, value, pool) for other in others]
        for chosen in itertools.product(*choices):
            beside = dict(zip(others, chosen, strict=True))
            names = {first: key} | {o: c[0] for o, c in beside.items()}
            yield (
                names,
                {first: _nested(entry, first, value)} | {o: c[1] for o, c in beside.items()},
            )


def _extended(example: Example, pool: dict[str, Any]) -> Iterator[Example]:
    """With each labelled argument that may be left out."""
    first = next(iter(example.arguments.values()))
    for name in example.entry.labelled:
        if name in example.arguments:
            continue
        for key, value in _others(example.entry, name, first, pool):
            more = example._replace(
                names=example.names | {name: key}, arguments=example.arguments | {name: value}
            )
            with contextlib.suppress(Exception):
                result(more)
                yield more
                break


def similar(x: Any) -> Any:
    """Other values, the same labels; a recording where the first is a model."""
    if isinstance(x, dict):
        return {k: similar(v) for k, v in x.items()}
    if not isinstance(x, xr.Dataset | xr.DataArray):
        return x
    rng = np.random.default_rng(3)

    def other(v):
        if v.name == "spike_count":
            return v.copy(data=v.values + rng.integers(0, 3, v.shape).astype(v.dtype))
        if v.dtype.kind != "f" or "spike" in v.dims:
            return v
        return v.copy(data=(v.values * rng.uniform(0.8, 1.2, v.shape)).astype(v.dtype))

    made = (
        other(x)
        if isinstance(x, xr.DataArray)
        else x.assign({n: other(v) for n, v in x.data_vars.items()})
    )
    return made.assign_attrs(x.attrs)
