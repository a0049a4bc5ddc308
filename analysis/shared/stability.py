"""Words for linear stability."""

import numpy as np
from jaxtyping import Bool

STABILITY = ("stable", "saddle", "unstable", "neutral")


def stability_words(
    neutral: Bool[np.ndarray, "point mode"], growing: Bool[np.ndarray, "point mode"]
) -> np.ndarray:
    """A word for each point: a neutral mode leaves it open, else it counts which modes grow."""
    cases = [neutral.any(-1), ~growing.any(-1), growing.all(-1)]
    return np.array(STABILITY)[np.select(cases, [3, 0, 2], 1)]
