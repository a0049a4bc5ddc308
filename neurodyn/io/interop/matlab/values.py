"""Values of MATLAB, in the same form from both formats, and a source of mappings in them."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neurodyn.io.interop.source import is_objects, missing
from neurodyn.labels import LabelError

#: One step of a name such as ``session.units(3).spikes``.
_STEP = re.compile(r"([A-Za-z]\w*)(?:\((\d+)\))?$")
#: How a MATLAB user turns an object into what other programs read.
_FIXES = {
    "table": "table2struct(t, 'ToScalar', true)", "timetable": "timetable2table, then table2struct",
    "string": "cellstr(s) or char(s)", "datetime": "posixtime(d)", "duration": "seconds(d)",
    "categorical": "cellstr(c)", "containers.Map": "struct with its keys and values",
    "function_handle": "func2str(f)",
}  # fmt: skip


class Opaque(NamedTuple):
    """An object that only MATLAB can read, such as a table or a function.

    Attributes
    ----------
    kind
        Its class.
    """

    kind: str

    def told(self, name: str) -> str:
        """What it is, and how it can be saved such that it is read."""
        fix = _FIXES.get(self.kind, "struct(x)")
        return (
            f"'{name}' is a MATLAB object of class '{self.kind}', which only MATLAB can read: "
            f"convert it there, {fix}, and save again."
        )


def objects(items: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An object array of items in MATLAB's order, the first axis changing fastest."""
    found = np.empty(len(items), object)
    for i, each in enumerate(items):
        found[i] = each
    return found.reshape(shape, order="F")


class Fields:
    """Finds fields by names such as ``session.units(3).spikes``, for mappings.

    Parameters
    ----------
    values
        What `load_matlab` returns.
    what
        Name of the file, in words, for errors.
    """

    def __init__(self, values: Mapping[str, Any], what: str):
        self.values, self.what = values, what

    def told(self) -> list[str]:
        """Names of the fields, with their shapes."""
        return [f"{name} ({_shape(value)})" for name, value in _leaves("", self.values)]

    def names(self) -> list[str]:
        """Names of the fields."""
        return [name for name, _ in _leaves("", self.values)]

    def get(self, name: str) -> Any:
        """The value of a field; of a field of a struct array, a list of the values.

        Raises
        ------
        LabelError
            If there is no such field, or only MATLAB can read it.
        """
        value: Any = self.values
        for step in name.split("."):
            found = _STEP.match(step)
            if not found:
                raise LabelError(f"'{name}' is no name of a field, such as session.units(3).id.")
            value = self._field(value, found[1], name)
            if found[2] is not None:
                value = self._entry(value, int(found[2]), name)
        if isinstance(value, Opaque):
            raise LabelError(value.told(name))
        if isinstance(value, dict):
            raise LabelError(f"'{name}' is a struct: name one of its fields, {list(value)}.")
        return value

    def _field(self, value: Any, field: str, name: str) -> Any:
        if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
            value = value.ravel()[0]
        if isinstance(value, Mapping):
            if field in value:
                return value[field]
        elif _is_structs(value):
            items = value.ravel(order="F").tolist()
            if all(field in each for each in items):
                return objects([each[field] for each in items], value.shape)
        elif isinstance(value, Opaque):
            raise LabelError(value.told(name))
        raise missing(name, self.names(), self.what)

    def _entry(self, value: Any, number: int, name: str) -> Any:
        flat = value.ravel(order="F") if isinstance(value, np.ndarray) else [value]
        if not 1 <= number <= len(flat):
            raise LabelError(f"'{name}': there are {len(flat)} entries, counted from 1.")
        return flat[number - 1]


def _is_structs(value: Any) -> bool:
    if not (isinstance(value, np.ndarray) and value.dtype == object and value.size):
        return False
    return all(isinstance(each, dict) for each in value.flat)


def _leaves(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        begin = f"{name}." if name else ""
        return [leaf for key in value for leaf in _leaves(f"{begin}{key}", value[key])]
    if _is_structs(value):
        return [
            (f"{name}.{key}", objects([each.get(key) for each in value.flat], value.shape))
            for key in value.flat[0]
        ]
    return [(name, value)]


def _shape(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, Opaque):
        return f"object of class {value.kind}"
    kind = "cell" if is_objects(value) else str(value.dtype)
    return f"{kind} {'x'.join(map(str, value.shape))}"
