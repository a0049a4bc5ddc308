"""Conventions of libraries: orientation of matrices, order of gates, and biases."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """How a library stores weights.

    Attributes
    ----------
    turned
        Whether matrices are ``(post, pre)``.
    gates
        Order of the gates of a GRU and an LSTM, by their number, in our letters.
    """

    turned: bool
    gates: dict[int, str]


#: Our order of gates. The candidate of a GRU (n) and of an LSTM (g) is c or h elsewhere.
OURS = {1: "h", 3: "rzn", 4: "ifgo"}
LAYOUTS = {
    "torch": Layout(True, OURS),
    "keras": Layout(False, {1: "h", 3: "zrn", 4: "ifgo"}),
    "neurodyn": Layout(False, OURS),
}


def blocks(array: np.ndarray, found: str, wanted: str) -> np.ndarray:
    """An array whose last axis holds gates, with them in another order."""
    if found == wanted:
        return array
    parts = dict(zip(found, np.split(array, len(found), axis=-1), strict=True))
    return np.concatenate([parts[gate] for gate in wanted], axis=-1)


def check_layout(layout: str) -> None:
    """Refuse an unknown layout."""
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` is one of {', '.join(map(repr, LAYOUTS))}, got {layout!r}.")
