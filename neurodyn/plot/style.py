"""One look for all figures."""

import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np

from neurodyn.labels import clock
from neurodyn.labels.values import classes, is_words, plain

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8a8a"
#: Colours of things side by side (populations, curves, categories), which readers with any colour
#: vision tell apart: Okabe & Ito, Color Universal Design, 2008.
STROKES = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

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
    """Draw in the house style, whatever the caller's settings are, and leave those alone.

    Data without a variable that the figure shows are refused; the error quotes the docstring of
    the parameter.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"plot.{function.__name__}(): {error}") from None
        with mpl.rc_context(STYLE):
            try:
                figure = function(*args, **kwargs)
            except (AttributeError, IndexError, KeyError, TypeError) as error:
                raise ValueError(_refusal(function, next(iter(given.values()), None))) from error
            # Ticks take their look when they are first drawn.
            figure.draw_without_rendering()
            return figure

    return draw


def _refusal(function: Callable, given: Any) -> str:
    """The argument that was given, and the docstring of the first parameter."""
    section = (inspect.getdoc(function) or "").partition("----------\n")[2]
    wanted = section.partition("\n")[2].replace("\n ", " ")
    wanted = " ".join(re.sub(r":\w+:", "", wanted.partition("\n")[0]).replace("`", "").split())
    held = f" of {[str(n) for n in given.data_vars]}" if hasattr(given, "data_vars") else ""
    drawn = f"plot.{function.__name__} cannot draw this {type(given).__name__}{held}."
    return f"{drawn} It takes: {wanted}"


def subplots(rows: int, columns: int, *, size: tuple[float, float], **options: Any) -> Any:
    """A figure outside of pyplot's register, so that nothing has to be closed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns, size[1] * rows))
    FigureCanvasAgg(figure)
    _show_in_notebooks(Figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def panel(*, size: tuple[float, float], **options: Any) -> Any:
    """A figure with a single panel."""
    figure, axes = subplots(1, 1, size=size, **options)
    return figure, axes[0, 0]


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


def colours_of(values: Any, names: dict[str, str] | None = None) -> dict[Any, Any]:
    """A colour for each label: by its kind.

    Numbers of either sign diverge from grey; other numbers go from dark to light in their order;
    words, codes that `names` spell, true and false, and any two labels have colours of their own.
    """
    found = classes(values, what="by")[0].tolist()
    n = len(found)
    words = is_words(values) or bool(names)
    if not words and min(found) < 0 < max(found):
        return diverging(found)
    if (words or n <= 2) and n <= len(STROKES):
        return dict(zip(found, STROKES, strict=False))
    shades = mpl.colormaps["turbo" if words else "viridis"](np.linspace(0.05, 0.9, n))
    return dict(zip(found, map(tuple, shades), strict=True))


def sign_or_word(value: Any, values: Any, names: dict[str, str] | None = None) -> str:
    """Text of a label in a legend: a word, or a number, with its sign where signs differ.

    `values` are all labels, `names` the words that codes stand for.
    """
    if names and str(value) in names:
        return names[str(value)]
    if is_words(np.asarray(value)):
        return str(value)
    signed = np.min(plain(values)) < 0
    return f"{value:+.3g}" if signed and value else f"{value:.3g}"


def whole_ticks(axis: Any) -> None:
    """Ticks at whole numbers only, for counts."""
    axis.get_major_locator().set_params(integer=True)


def diverging(values: Any) -> dict[float, Any]:
    """A colour for each signed value: blue below zero, orange above, paler towards zero."""
    values = sorted({float(v) for v in values})
    ranks = {v: i for i, v in enumerate(sorted({abs(v) for v in values if v}))}
    colours = {}
    for v in values:
        # By rank, since coherences double from one to the next.
        paler = len(ranks) - 1 - ranks[abs(v)] if v else 0
        depth = 1 - 0.65 * paler / max(len(ranks) - 1, 1) if v else 0.0
        base = mpl.colors.to_rgb(ORANGE if v > 0 else BLUE)
        grey = mpl.colors.to_rgb("#bdbdbd")
        colours[v] = tuple(depth * b + (1 - depth) * g for b, g in zip(base, grey, strict=True))
    return colours


def timeline(obj: Any, *, dim: str = "time") -> tuple[np.ndarray, str]:
    """Times to draw against, in their own unit, and the text of their axis."""
    time, _, unit = clock(obj, dim=dim, what="what is drawn", default=1.0, even=False, seconds=True)
    name = obj[dim].attrs.get("long_name", dim)
    return time, f"{name} ({'steps' if unit == '1' else unit})"


def heading(variable: Any) -> str:
    """A label above a legend, narrow enough to leave the axes their place."""
    return textwrap.fill(label(variable), 22)


def label(variable: Any) -> str:
    """Axis label from a variable's long name and units."""
    name = variable.attrs.get("long_name", str(variable.name))
    units = variable.attrs.get("units", "1")
    return name if units in ("1", "") else f"{name} ({units})"
