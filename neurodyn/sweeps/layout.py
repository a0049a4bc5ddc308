"""The arrays of a store: what the first finished point returned, and all others must return."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from neurodyn.labels.convention import ordered
from neurodyn.sweeps.grid import Grid
from neurodyn.sweeps.parts import Part

#: Bytes of small results that share a file, and of a piece of a large one.
_SHARED, _PIECE = 2**16, 2**25
#: Bytes that a text counts for.
_TEXT = 64


class Slot(NamedTuple):
    """The place of one array of all results.

    Attributes
    ----------
    node, name, dims, attrs, index
        As of :class:`neurodyn.sweeps.parts.Part`.
    shape, dtype
        Shape and type at one point.
    values
        Labels, of an index.
    """

    node: str
    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attrs: dict[str, Any]
    index: bool
    values: Any = None

    @classmethod
    def of(cls, part: Part) -> Slot:
        """The slot for the array of one point."""
        values = part.values if part.index else None
        kept = part.node, part.name, part.dims, part.values.shape, dtype_of(part.values)
        return cls(*kept, part.attrs, part.index, values)

    @property
    def path(self) -> str:
        """Path in the store."""
        return f"{self.node.rstrip('/')}/{self.name}".lstrip("/")

    def described(self) -> str:
        """Dims, shape and type in words."""
        sizes = ", ".join(f"{d}: {n}" for d, n in zip(self.dims, self.shape, strict=True))
        return f"{self.dtype} ({sizes})" if sizes else f"{self.dtype}, a single value"

    def all_dims(self, grid: Grid) -> tuple[str, ...]:
        """Dims in the store: those of the sweep and its own, in the order of the convention."""
        return self.dims if self.index else ordered((*grid.dims, *self.dims))

    def all_sizes(self, grid: Grid) -> tuple[int, ...]:
        """Sizes along them."""
        sizes = dict(zip(self.dims, self.shape, strict=True)) | dict(
            () if self.index else zip(grid.dims, grid.shape, strict=True)
        )
        return tuple(sizes[dim] for dim in self.all_dims(grid))

    def chunks(self, grid: Grid) -> tuple[int, ...]:
        """Sizes of the pieces in files: small results of many points share one."""
        size = _TEXT if self.dtype == "str" else np.dtype(self.dtype).itemsize
        own = dict(zip(self.dims, self.shape, strict=True))
        for dim in self.dims:
            others = size * math.prod(n for name, n in own.items() if name != dim)
            own[dim] = max(1, min(own[dim], _PIECE // max(1, others)))
        room = max(1, _SHARED // max(1, size * math.prod(own.values())))
        for dim, n in zip(() if self.index else grid.dims[::-1], grid.shape[::-1], strict=False):
            own[dim] = min(n, room)
            room = max(1, room // own[dim])
        return tuple(own[dim] for dim in self.all_dims(grid))


def dtype_of(values: np.ndarray) -> str:
    """Name of a type; "str" for text of any length."""
    return "str" if values.dtype.kind == "U" else values.dtype.name


def differences(slots: Iterable[Slot], parts: Sequence[Part]) -> list[str]:
    """What tells a result from the layout, in words; empty if it fits."""
    asked = {slot.path: slot for slot in slots}
    got = {slot.path: slot for slot in map(Slot.of, parts)}
    missing, more = sorted(set(asked) - set(got)), sorted(set(got) - set(asked))
    found = [f"it has no {path!r}" for path in missing] + [f"{path!r} is new" for path in more]
    for path in sorted(set(asked) & set(got)):
        old, new = asked[path], got[path]
        if old[2:5] != new[2:5] or old.index != new.index:
            found.append(f"{path!r} is {new.described()}, not {old.described()}")
        elif old.index and not _same(old.values, new.values):
            found.append(f"{path!r} has other labels: {_ends(new.values)}, not {_ends(old.values)}")
    return found


def _same(old: np.ndarray, new: np.ndarray) -> bool:
    return np.array_equal(old, new, equal_nan=old.dtype.kind == "f")


def _ends(values: np.ndarray) -> str:
    shown = values.tolist()
    return str(shown) if len(shown) <= 4 else f"[{shown[0]}, {shown[1]}, ..., {shown[-1]}]"
