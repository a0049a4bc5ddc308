"""A short text that says whether two objects would train the same, in any process."""

import dataclasses
import functools
import hashlib
import re
from typing import Any

import equinox as eqx
import jax
import numpy as np

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def fingerprint(x: Any) -> str:
    """Hash modules, arrays (their bits), numbers, text, containers and functions.

    Functions count by name and by what they close over, so ``optax.adam(1e-3)`` and
    ``optax.adam(1e-2)`` differ.
    """
    digest = hashlib.sha256()
    _feed(digest, x, set())
    return digest.hexdigest()[:16]


def _feed(digest: Any, x: Any, seen: set[int]) -> None:
    """Add a description of x; `seen` holds the functions above it, against cycles."""

    def feed(*parts: Any) -> None:
        for part in parts:
            _feed(digest, part, seen)

    def tag(text: str) -> None:
        digest.update(f"{len(text)}:{text}".encode())

    tag(f"{type(x).__module__}.{type(x).__qualname__}")
    if eqx.is_array(x) or isinstance(x, (np.ndarray, np.generic)):
        if eqx.is_array(x) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
            x = jax.random.key_data(x)
        x = np.asarray(x)
        tag(f"{x.dtype}{x.shape}")
        digest.update(x.tobytes())
    elif dataclasses.is_dataclass(x) and not isinstance(x, type):  # modules among them
        # Attributes of the class are code, not settings.
        names = sorted(field.name for field in dataclasses.fields(x))
        feed(*((name, getattr(x, name, None)) for name in names))
    elif isinstance(x, dict):
        feed(*sorted(x.items(), key=lambda item: repr(item[0])))
    elif isinstance(x, (set, frozenset)):
        feed(*sorted(x, key=repr))
    elif isinstance(x, (tuple, list)):
        tag(str(len(x)))
        feed(*x)
    elif isinstance(x, functools.partial):
        feed(x.func, x.args, x.keywords)
    elif callable(x) and hasattr(x, "__qualname__"):
        tag(f"{x.__module__}.{x.__qualname__}")
        if id(x) not in seen:
            seen.add(id(x))
            code = getattr(x, "__code__", None)
            feed(code.co_code if code else None, code.co_names if code else None)
            feed(getattr(x, "__defaults__", None), getattr(x, "__wrapped__", None))
            feed(*(_content(cell) for cell in getattr(x, "__closure__", None) or ()))
            seen.discard(id(x))
    else:
        tag(_ADDRESS.sub("", repr(x)))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
