"""An array as the one variable of a Dataset; and labels that are words instead of numbers."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tests.conformance.labelled.calls import attempt, flat, leaf, reference, said_by, within
from tests.conformance.labelled.examples import Example, result
from tests.conformance.labelled.seen import difference, seen

__all__ = ["in_a_dataset", "in_words"]

#: Dims whose labels tell conditions apart.
ROWS = ("trial", "condition", "sweep")


def in_a_dataset(example: Example, argument: str) -> str:
    """The fault of an answer to an array that comes as the one variable of a Dataset."""

    def change(x: Any) -> Any:
        return x.to_dataset(name=x.name or "values") if isinstance(x, xr.DataArray) else x

    given = example.arguments[argument]
    changed, impossible = attempt(lambda: within(change, given))
    if not isinstance(leaf(given), xr.DataArray) or impossible:
        return ""
    got, error = attempt(lambda: seen(example(**{argument: changed})))
    return said_by(error) if error else difference(got, reference(example))


def in_words(example: Example) -> str:
    """The fault of an answer to conditions that are named by words, in the same order."""
    by = example.options.get("by")
    if not isinstance(by, str):
        return ""
    words: dict[float, str] = {}
    for value in example.arguments.values():
        x = leaf(value)
        if by in getattr(x, "coords", {}) and x[by].dtype.kind in "iufb" and x[by].ndim == 1:
            words |= dict.fromkeys(x[by].values.tolist(), "")
    words = {value: f"word {i:02}" for i, value in enumerate(sorted(words))}

    def change(x: Any) -> Any:
        if by not in getattr(x, "coords", {}) or x[by].dims[0] not in ROWS:
            return x
        named = np.array([words[v] for v in x[by].values.tolist()], dtype=object)
        return x.assign_coords({by: (x[by].dims, named, x[by].attrs)})

    if not words:
        return ""
    changed = {a: within(change, v) for a, v in example.arguments.items()}
    got, error = attempt(lambda: example(**changed))
    if error:
        return said_by(error)
    return difference(_numbers(got, by), _numbers(result(example), by))


def _numbers(x: Any, by: str) -> Any:
    """Counts and measures, without the labels themselves."""
    if isinstance(x, Figure):
        lines = [line for ax in x.axes if ax.get_visible() for line in ax.lines]
        drawn = [np.asarray(line.get_ydata(), float) for line in lines]
        return sorted(([y for y in drawn if y.size]), key=lambda y: (y.size, float(np.nansum(y))))
    if isinstance(x, xr.Dataset) and by in x.coords and x[by].dims == ("condition",):
        # Labels of conditions spell words otherwise than numbers.
        x = x.sortby(by).assign_coords(condition=np.arange(x.sizes["condition"]))
    parts = flat(seen(x))
    return {n: v for n, v in parts.items() if v.dtype.kind in "iufb" and n.split(".")[-1] != by}
