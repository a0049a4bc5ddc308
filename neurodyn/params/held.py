"""Whether a parameter can hold values that come from elsewhere, entry by entry."""

from collections.abc import Callable
from typing import Any

import numpy as np

#: How far apart a value and what is computed back from it may lie, in parts of the largest entry.
TOLERANCE = 1e-5


class CannotHold(ValueError):
    """A parameter cannot have a value.

    Parameters
    ----------
    kind
        Name of the class of the parameter.
    value
        The value that was asked for.
    index
        Place of the first entry that cannot be held.
    why
        The reason.
    """

    def __init__(self, kind: str, value: Any, index: tuple[int, ...], why: str):
        self.kind, self.entry, self.index, self.why = kind, value, tuple(map(int, index)), why
        super().__init__(f"{kind} cannot hold {value:g} of entry {list(self.index)}: {why}")

    def moved(self, *offset: int) -> "CannotHold":
        """The same error for a part that begins at this place."""
        index = tuple(i + k for i, k in zip(self.index, offset, strict=True))
        return CannotHold(self.kind, self.entry, index, self.why)


def refuse_entries(parameter: Any, value: np.ndarray, wrong: np.ndarray, why: str) -> None:
    """Raise `CannotHold` for the first wrong entry, if there is one."""
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        raise CannotHold(type(parameter).__name__, float(value[index]), index, why)


def differs(found: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Where two arrays are not equal but for rounding."""
    scale = max(np.abs(value).max(initial=0.0), np.finfo(np.float32).tiny)
    return ~(np.abs(np.asarray(found, float) - value) <= TOLERANCE * scale)


def first_refused(allowed: Callable[[np.ndarray], Any], value: np.ndarray) -> tuple[int, ...]:
    """Place of the first entry because of which ``allowed`` raises ValueError for all of them."""
    flat, low, high = value.ravel(), 0, value.size  # low entries pass, high entries do not
    while high - low > 1:
        middle = (low + high) // 2
        try:
            allowed(flat[:middle])
            low = middle
        except ValueError:
            high = middle
    return tuple(map(int, np.unravel_index(high - 1, value.shape)))
