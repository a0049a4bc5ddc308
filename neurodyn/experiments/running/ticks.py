"""Ticks of figures: whole numbers where all data are whole numbers."""

from typing import Any

import numpy as np

__all__ = ["whole_ticks"]


def whole_ticks(figure: Any) -> None:
    """Put ticks at whole numbers only, on axes whose data are whole numbers.

    Axes with a locator of their own, such as logarithmic axes, stay as they are.
    """
    from matplotlib.ticker import AutoLocator, MaxNLocator

    for ax in figure.axes:
        for axis, values in ((ax.xaxis, _drawn(ax, 0)), (ax.yaxis, _drawn(ax, 1))):
            whole = values.size and (values == np.round(values)).all()
            if whole and type(axis.get_major_locator()) is AutoLocator:
                axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _drawn(ax: Any, column: int) -> np.ndarray:
    """Coordinates of all lines and dots in data units, along one axis."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    found = [np.asarray(line.get_data(orig=False)[column], float) for line in lines]
    found += [
        np.asarray(np.ma.filled(dots.get_offsets(), np.nan), float)[:, column]
        for dots in ax.collections
        if len(dots.get_offsets()) > 1
    ]
    values = np.concatenate([each.ravel() for each in found]) if found else np.empty(0)
    return values[np.isfinite(values)]
