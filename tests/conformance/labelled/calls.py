"""One labelled argument of a working call, changed in some way, and the result."""

import linecache
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import neurodyn as nd
from tests.conformance.labelled.examples import Example, quiet, result
from tests.conformance.labelled.public import kind_of
from tests.conformance.labelled.seen import Table, difference, seen

__all__ = [
    "Case",
    "Change",
    "apart_from_draws",
    "attempt",
    "cases",
    "flat",
    "leaf",
    "ours",
    "reference",
    "said_by",
    "whole",
    "within",
]

Change = Callable[[Any], Any]
HERE = Path(nd.__file__).resolve().parents[1]
#: Dims whose order means something: labels do not say which comes first.
ORDERED = {
    "component", "cycle", "draw", "epoch", "equilibrium", "evaluation", "exponent", "fold",
    "frequency", "gate", "horizon", "interval", "iteration", "lag", "layer", "length", "phase",
    "repetition", "sample", "spike", "step", "time", "word",
}  # fmt: skip
#: Dims that a model knows by position.
FEATURES = {"channel", "input", "latent", "output", "unit"}
#: Parameters that choose axes of a figure by number.
PICKS = ("channels", "components", "output", "units", "latents")


class Case(NamedTuple):
    """One labelled argument of a call, and a dim of it."""

    example: Example
    argument: str
    dim: str

    @property
    def first(self) -> bool:
        """Whether it is the first labelled argument."""
        return self.argument == next(iter(self.example.arguments))

    @property
    def given(self) -> Any:
        """The argument as it is."""
        return self.example.arguments[self.argument]

    @property
    def plot(self) -> bool:
        """Whether a figure is drawn."""
        return kind_of(self.example.entry) == "plot"

    def called(self, change: Change) -> Any:
        """The result of the call with the argument changed."""
        return seen(self.example(**{self.argument: within(change, self.given)}))

    @property
    def of_a_model(self) -> bool:
        """Whether a model, or a choice of axes by number, knows the dim by position."""
        parameters = self.example.entry.signature.parameters
        by_model = {"model", "system"} & set(self.example.options)
        by_number = self.plot and set(PICKS) & set(parameters)
        return self.first and self.dim in FEATURES and bool(by_model or by_number)

    def __str__(self) -> str:
        return f"{self.example}, {self.dim} of {self.argument}"


def within(change: Change, x: Any) -> Any:
    """Change each labelled object in an argument."""
    return {k: within(change, v) for k, v in x.items()} if isinstance(x, dict) else change(x)


def leaf(x: Any) -> Any:
    """A labelled object in an argument."""
    return leaf(next(iter(x.values()))) if isinstance(x, dict) else x


def cases(examples: list[Example], *, ordered: bool = False) -> Iterator[Case]:
    """Every dim of every labelled argument whose order means nothing (or something)."""
    for example in examples:
        for argument, value in example.arguments.items():
            x = leaf(value)
            if isinstance(x, xr.Dataset | xr.DataArray):
                for dim in map(str, x.dims):
                    if (dim in ORDERED) == ordered and x.sizes[dim] > 1:
                        yield Case(example, argument, dim)


_REFERENCE: dict[int, Any] = {}


def reference(example: Example) -> Any:
    """The result of the call with the data as they are."""
    if id(example) not in _REFERENCE:
        _REFERENCE[id(example)] = seen(result(example))
    return _REFERENCE[id(example)]


def whole(case: Case) -> xr.Dataset | xr.DataArray | None:
    """The result of the call as it is, where it is labelled."""
    if kind_of(case.example.entry) != "function":
        return None
    made = result(case.example)
    return made if isinstance(made, xr.Dataset | xr.DataArray) else None


def attempt(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """The result, or the error."""
    try:
        return call(), None
    except Exception as error:
        return None, error


def ours(error: Exception) -> bool:
    """Whether the library refused by a statement of its own, and not something that it called."""
    if isinstance(error, nd.labels.LabelError):
        return True
    frame = traceback.extract_tb(error.__traceback__)[-1]
    path = Path(frame.filename).resolve()
    mine = path.is_relative_to(HERE) and not {"tests", ".venv"} & set(path.relative_to(HERE).parts)
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return mine and isinstance(error, ValueError | TypeError) and line.startswith("raise")


def said_by(error: Exception) -> str:
    """An error in a line."""
    return f"raises {type(error).__name__}: {' '.join(str(error).split())[:160]}"


def apart_from_draws(example: Example, got: Any, want: Any, perms: Any = None) -> str:
    """Where a result differs beyond what another key changes."""
    said = difference(got, want, perms)
    parameters = example.entry.signature.parameters
    name = next((n for n in ("key", "seed") if n in parameters), None)
    if not said or name is None:
        return said
    if parameters[name].default is None and name not in example.options:
        return said
    with quiet():
        return _beyond_draws(
            example, flat(got), flat(want), _other_draws(example, name), perms, said
        )


_DRAWS: dict[int, list[Any]] = {}


def _other_draws(example: Example, name: str) -> list[Any]:
    """The results with six other keys, which are made once."""
    if id(example) not in _DRAWS:
        _DRAWS[id(example)] = [flat(seen(example(**{name: k}))) for k in range(1, 7)]
    return _DRAWS[id(example)]


def _beyond_draws(
    example: Example, got: Any, want: Any, draws: list[Any], perms: Any, said: str
) -> str:
    if set(got) != set(want):
        return said
    drawn = {n for n in want if any(n not in d or difference(d[n], want[n]) for d in draws)}
    # Where entries themselves are drawn, all that lies along them is.
    if {n.rsplit(".", 1)[-1] for n in drawn} & _dims_of(example):
        return ""
    for part, w in want.items():
        if part not in drawn:
            if wrong := difference(got[part], w, perms):
                return f"{part} {wrong}"
            continue
        values = [d.get(part, np.zeros(0)) for d in draws]
        if w.dtype.kind in "fiu" and all(v.shape == w.shape == got[part].shape for v in values):
            middle = np.mean(values, 0)
            off = [np.nanmean(np.abs(v - middle)) for v in (w, *values)]
            if np.nanmean(np.abs(got[part] - middle)) > 2 * max(off) + 1e-6:
                return f"{part} is further off than other keys bring it: {said}"
    return ""


def _dims_of(example: Example) -> set[str]:
    return {str(d) for x in example.arguments.values() for d in getattr(leaf(x), "dims", ())}


def flat(x: Any, name: str = "") -> dict[str, np.ndarray]:
    """Every array of a result by its place."""
    if isinstance(x, Table):
        return {f"{name}{n}": v.values for n, v in x.variables.items()}
    if isinstance(x, dict | list | tuple):
        items = x.items() if isinstance(x, dict) else enumerate(x)
        return {k: v for n, part in items for k, v in flat(part, f"{name}{n}.").items()}
    return {name: np.asarray(x)}
