"""Short descriptions of modules, for prompts, notebooks and error messages.

Equinox prints every field of every module inside, hundreds of lines for a network;
``equinox.tree_pprint(x)`` still shows that whole tree.
"""

import dataclasses
import functools
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

_WIDTH, _LINES, _LONGEST = 100, 5, 60
#: Shown first if the module has them, as fields or as properties.
_SIZES = ("n_inputs", "n_units", "n_outputs", "n_steps")
#: A unit in a docstring: "Membrane time constant [ms]", but not "weights ``W[i]``".
_UNIT = re.compile(r"(?<=\s)\[(1?[A-Za-zµΩ%][^\s\[\],]*)\]")


def brief(x: Any, *about: str, hide: Sequence[str] = ()) -> str:
    """Describe a module in at most five lines: its class, its sizes and its fields.

    Numbers are rounded. Arrays are shown by their range if they have one axis, else by their shape.
    Units are those in square brackets in the docstring of the class, which describes what a
    constructor takes; a field that holds it in another unit names that in its metadata, as
    ``{"unit": "steps"}``.

    Parameters
    ----------
    x
        A dataclass or a named tuple, with any fields.
    *about
        Further words for the first line.
    hide
        Names of fields to leave out.
    """
    fields = {name: value for name, value in _fields(x).items() if name not in hide}
    sizes = {name: getattr(x, name, None) for name in _SIZES}
    sizes |= {name: n for name, n in fields.items() if name.startswith("n_")}
    sizes = {name: n for name, n in sizes.items() if _is_whole(n)}
    if "dt" not in fields and hasattr(x, "dt"):
        fields = {"dt": x.dt, **fields}
    kind: Any = type(x)
    units = _units(kind)
    shown = [
        f"{name} {text}"
        for name, value in fields.items()
        if name not in sizes and (text := _safely(value, units.get(name, "")))
    ]
    first = ", ".join([*(_counted(name, n) for name, n in sizes.items()), *about])
    if not first:
        first, shown = ", ".join(shown), []
    lines = _wrapped(f"{type(x).__name__}: {first}" if first else type(x).__name__, _LINES)
    if shown and len(lines) < _LINES:
        lines += _wrapped(", ".join(shown), _LINES - len(lines), "  ")
    return "\n".join(lines)


def _wrapped(text: str, n: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        max_lines=n,
        placeholder=" ...",
        initial_indent=indent,
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def _fields(x: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(x):
        names = [field.name for field in dataclasses.fields(x)]
    else:
        names = getattr(x, "_fields", ())
    # A field may be missing while the object is being made.
    return {name: getattr(x, name, None) for name in names if not name.startswith("_")}


def _is_whole(n: Any) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool)


def _counted(name: str, n: int) -> str:
    what = name.removeprefix("n_").replace("_", " ")
    return f"{n:,} {what.removesuffix('s') if n == 1 else what}"


@functools.cache
def _units(kind: type) -> dict[str, str]:
    """Units of fields, from their metadata, or docstrings of the class and its base classes."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    found: dict[str, str] = {f.name: f.metadata["unit"] for f in fields if "unit" in f.metadata}
    for one in kind.__mro__:
        names: list[str] = []
        for line in inspect.cleandoc(one.__doc__ or "").splitlines():
            if line and not line[0].isspace():
                names = [name.strip() for name in line.partition(":")[0].split(",")]
            elif unit := _UNIT.search(line):
                found |= {name: unit[1] for name in names if name not in found}
    return found


def _safely(x: Any, unit: str = "") -> str:
    """A value in a few words; empty for None, False and empty containers. It never raises."""
    try:
        return " ".join(_short(x, f" {unit}" if unit else "").split())
    except Exception:
        return type(x).__name__


def _short(x: Any, unit: str) -> str:
    name = type(x).__name__
    if x is None or x is False or (isinstance(x, (str, Sequence, Mapping)) and len(x) == 0):
        return ""
    if isinstance(x, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)):
        return _array(x, unit)
    if isinstance(x, str):
        return x if len(x) <= _LONGEST else f"{x[:_LONGEST]}..."
    if isinstance(x, bool):
        return str(x)
    if isinstance(x, (int, float)):
        return f"{x:.4g}{unit}" if isinstance(x, float) else f"{x}{unit}"
    if isinstance(x, type) or (callable(x) and hasattr(x, "__name__")):
        return x.__name__
    if isinstance(x, functools.partial):
        return _short(x.func, "")
    fields = _fields(x)
    if isinstance(x, Mapping):
        return "{" + _listed([f"{key}: {_safely(one)}" for key, one in x.items()], list(x)) + "}"
    if isinstance(x, (tuple, list)) and not fields:
        return "(" + _listed([_safely(one) or str(one) for one in x]) + ")" + unit
    if hasattr(type(x), "trained") and x.bound:
        return f"{_value(x, unit)} {name}"
    if not fields and not dataclasses.is_dataclass(x):
        text = repr(x)
        return text if len(text) <= _LONGEST and "\n" not in text else name
    parts = [f"{field}={text}" for field, one in fields.items() if (text := _safely(one))]
    text = f"{name}({', '.join(parts)})" if parts else name
    return text if len(text) <= _LONGEST else name


def _value(x: Any, unit: str) -> str:
    """The value of a parameter; only the shape is computed if it has two axes."""
    shape = jax.eval_shape(x.value)
    return _array(x.value() if len(shape.shape) < 2 else shape, unit)


def _listed(entries: list[str], names: Sequence[Any] = ()) -> str:
    """The entries; if they are many, the number of each kind, or their names, or their number."""
    kinds = Counter(entries)
    counted = [f"{n} {kind}" for kind, n in kinds.items()]
    choices = [] if len(entries) > 4 and 2 * len(kinds) <= len(entries) else [entries]
    for words in (*choices, counted if len(kinds) < len(entries) else [], map(str, names)):
        text = ", ".join(words)
        if text and len(text) <= _LONGEST:
            return text
    return f"{len(entries)} entries"


def _array(x: Any, unit: str) -> str:
    shape = tuple(x.shape)
    if isinstance(x, (jax.core.Tracer, jax.ShapeDtypeStruct)):
        return f"{shape}" if shape else "a number"
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        return "key"
    if len(shape) > 1 or x.size == 0:
        return f"{shape}"
    values = np.asarray(x)
    if values.dtype.kind == "b" and values.ndim:
        return f"{int(values.sum())} of {values.size}"
    if values.dtype.kind not in "iuf":
        return f"{shape}" if values.ndim else str(values)
    if values.ndim == 0:
        return f"{_number(values)}{unit}"
    low, high = values.min(), values.max()
    if low == high:
        return f"{_number(low)}{unit} ({values.size})"
    if values.size <= 4:
        return "[" + ", ".join(_number(one) for one in values) + f"]{unit}"
    return f"{_number(low)} to {_number(high)}{unit} ({values.size})"


def _number(x: Any) -> str:
    return f"{float(x):.4g}"
