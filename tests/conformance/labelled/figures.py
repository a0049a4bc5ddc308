"""The content of a figure, in an order that does not depend on the order of drawing."""

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

__all__ = ["panels"]


def panels(figure: Figure) -> list[Any]:
    """The content of each panel, sorted by the content; times in ms."""
    visible = [ax for ax in figure.axes if ax.get_visible()]
    # A label that stands at the first panel only is one of the figure.
    shared = [
        get for get in ("get_xlabel", "get_ylabel") if not all(getattr(a, get)() for a in visible)
    ]
    texts = {_colour(h): t.get_text() for ax in visible for h, t in _legend(figure, ax)}
    found = []
    for ax in visible:
        own = [
            getattr(ax, g)().replace("(s)", "(ms)")
            for g in ("get_xlabel", "get_ylabel")
            if g not in shared
        ]
        shown = [
            *_lines(ax, texts),
            *((texts.get(_colour(c), ""), *_of_collection(c)) for c in ax.collections),
            *((texts.get(_colour(p), ""), _of_patch(ax, p)) for p in ax.patches),
            *(("image", _numbers(image.get_array())) for image in ax.images),
            *((t.get_text(), _numbers(() if _of_rows(ax) else t.get_position())) for t in ax.texts),
        ]
        ticks = [name for axis in (ax.xaxis, ax.yaxis) for name in _named(axis).values()]
        titles = [ax.get_title(), ax.get_title(loc="left")]
        found.append([[*titles, *own], sorted(ticks), sorted(shown, key=_order)])
    names = sorted(getattr(ax, get)() for ax in visible for get in shared)
    if any("(s)" in ax.get_xlabel() for ax in visible):
        names = [name.replace("(s)", "(ms)") for name in names]
    return [names, sorted(found, key=_order)]


def _lines(ax: Any, texts: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """Lines, relative to the ticks that have names; of rows of marks which are in one."""
    named_x, named_y = _named(ax.xaxis), _named(ax.yaxis)
    long = [
        line for line in ax.lines if len(line.get_xdata()) > 2 and line.get_linestyle() != "None"
    ]
    for line in ax.lines:
        meaning = texts.get(_colour(line), "")
        if hasattr(line, "get_data_3d"):
            points = np.array([_numbers(v) for v in line.get_data_3d()])
            backwards = points.size and tuple(points[:, -1]) < tuple(points[:, 0])
            yield (meaning, *(points[:, ::-1] if backwards else points))
            continue
        x, y = (_numbers(v) for v in line.get_data())
        if not np.isfinite(x).any():
            continue  # for the legend
        if any("(s)" in other.get_xlabel() for other in ax.figure.axes):
            x = 1e3 * x
        if x.size and (x[-1], y[-1]) < (x[0], y[0]):
            x, y = x[::-1], y[::-1]
        marks = line.get_linestyle() == "None" and x.size
        if line in long and len(long) == len(named_y):
            at, name = list(named_y.items())[long.index(line)]
            yield (meaning, name, x, y - at)
        elif marks and named_x:
            near = np.array(list(named_x))[np.abs(x[:, None] - np.array(list(named_x))).argmin(1)]
            for at, name in named_x.items():
                yield (meaning, name, np.sort(y[near == at]))
        elif marks and _of_rows(ax):
            for row in np.unique(y):
                yield (meaning, np.sort(x[y == row]))
        elif marks:
            order = np.lexsort((y, x))
            yield (meaning, x[order], y[order])
        elif len(x) <= 2 and (named_x or named_y):
            yield (meaning, "rule")
        else:
            yield (meaning, x, y)


def _of_rows(ax: Any) -> bool:
    """Whether places mean nothing: nodes of a graph, or rows of marks in the order they came in."""
    marks = [_numbers(m.get_ydata()) for m in ax.lines if m.get_linestyle() == "None"]
    whole = [y == np.round(y) for y in marks if len(y)]
    return not ax.axison or (bool(whole) and all(w.all() for w in whole))


def _of_collection(c: Any) -> Iterator[np.ndarray]:
    offsets = np.ma.filled(np.ma.asarray(c.get_offsets(), float), np.nan)
    outlines = [path.vertices for path in c.get_paths()]
    yield _numbers(offsets if np.any(offsets) or not outlines else np.concatenate(outlines))
    yield _numbers(c.get_array())


def _of_patch(ax: Any, patch: Any) -> np.ndarray:
    """Corners on the axes; where axes are off, places mean nothing and widths do."""
    corners = patch.get_path().vertices
    with contextlib.suppress(ValueError, np.linalg.LinAlgError):
        corners = patch.get_transform().transform(corners)
        corners = ax.transData.inverted().transform(corners)
    if not _of_rows(ax):
        return _numbers(corners)
    return np.array([patch.get_linewidth(), getattr(patch, "radius", 0.0)])


def _named(axis: Any) -> dict[float, str]:
    """Ticks that were given names: others are of the axis, not of the data."""
    kinds = [type(x).__name__ for x in (axis.get_major_locator(), axis.get_major_formatter())]
    if kinds[0] != "FixedLocator" or kinds[1] not in ("FixedFormatter", "FuncFormatter"):
        return {}
    places = axis.get_ticklocs()
    names = axis.get_major_formatter().format_ticks(places)
    return dict(zip(places.tolist(), names, strict=True))


def _legend(figure: Figure, ax: Any) -> Iterator[tuple[Any, Any]]:
    for legend in (*figure.legends, ax.get_legend()):
        if legend is not None:
            yield from zip(legend.legend_handles, legend.get_texts(), strict=False)


def _colour(artist: Any) -> str:
    for get in ("get_color", "get_facecolor"):
        if hasattr(artist, get):
            colour = getattr(artist, get)()
            with contextlib.suppress(Exception):
                return mpl.colors.to_hex(
                    np.ravel(colour)[:3] if not isinstance(colour, str) else colour
                )
    return ""


def _numbers(x: Any) -> np.ndarray:
    if x is None:
        return np.zeros(0)
    return np.ma.filled(np.ma.asarray(x, float), np.nan)


def _order(x: Any) -> str:
    """A text to sort by: sums, so that rounding does not matter much."""
    if isinstance(x, np.ndarray):
        return f"{x.shape}{np.nansum(x):12.4g}{np.nansum(x**2):12.4g}" if x.size else ""
    if isinstance(x, list | tuple):
        return "|".join(_order(v) for v in x)
    return str(x)
