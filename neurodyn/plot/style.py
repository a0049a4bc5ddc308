"""One look for all figures."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np

from neurodyn.labels import clock

__all__ = ["BLUE", "GREY", "ORANGE", "STROKES", "diverging", "label", "styled", "subplots"]

BLUE, ORANGE, GREY = "#2b6ca3", "#d9722e", "#8a8a8a"
#: Colours of things side by side: populations, curves.
STROKES = (BLUE, ORANGE, "#4f9d69", "#9a5fa5", "#c9a227", "#5bb5c5", "#c4506a", "#7a6a53")

STYLE: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 160,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def styled(function: Callable) -> Callable:
    """Draw in the house style, whatever the caller's settings are, and leave those alone."""

    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> Any:
        with mpl.rc_context(STYLE):
            figure = function(*args, **kwargs)
            # Ticks take their look when they are first drawn.
            figure.draw_without_rendering()
            return figure

    return draw


def subplots(rows: int, columns: int, *, size: tuple[float, float], **options: Any) -> Any:
    """A figure outside of pyplot's register, so that nothing has to be closed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns, size[1] * rows))
    FigureCanvasAgg(figure)
    _show_in_notebooks(Figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _show_in_notebooks(figure: type) -> None:
    """Teach a notebook to show figures, which it else learns with pyplot's first one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if (
        shell is not None
        and shell.display_formatter.formatters["image/png"].for_type(figure) is None
    ):
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})


def diverging(values: Any) -> dict[float, Any]:
    """A colour for each signed value: blue below zero, orange above, paler towards zero."""
    values = sorted({float(v) for v in values})
    ranks = {v: i for i, v in enumerate(sorted({abs(v) for v in values}))}
    colours = {}
    for v in values:
        # By rank, since coherences double from one to the next.
        depth = 0.3 + 0.7 * (ranks[abs(v)] + 1) / len(ranks) if v else 0.0
        base = mpl.colors.to_rgb(ORANGE if v > 0 else BLUE)
        grey = mpl.colors.to_rgb("#bdbdbd")
        colours[v] = tuple(depth * b + (1 - depth) * g for b, g in zip(base, grey, strict=True))
    return colours


def timeline(obj: Any, *, dim: str = "time") -> tuple[np.ndarray, str]:
    """Times to draw against, in their own unit, and the text of their axis."""
    time, _, unit = clock(obj, dim=dim, what="what is drawn", default=1.0, even=False, seconds=True)
    name = obj[dim].attrs.get("long_name", dim)
    return time, f"{name} ({'steps' if unit == '1' else unit})"


def label(variable: Any) -> str:
    """Axis label from a variable's long name and units."""
    name = variable.attrs.get("long_name", str(variable.name))
    units = variable.attrs.get("units", "1")
    return name if units in ("1", "") else f"{name} ({units})"
