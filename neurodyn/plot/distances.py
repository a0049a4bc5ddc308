"""Distances of systems: the matrix, and a map of them."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, pair
from neurodyn.plot.style import BLUE, colours_of, label, panel, sign_or_word, styled, subplots


@styled
def distances(distance: xr.DataArray | xr.Dataset) -> Any:
    """Distances of systems, as a matrix with its numbers.

    Parameters
    ----------
    distance
        ``(system, other)``, of :func:`neurodyn.analysis.dsa`, or Dataset with it, of
        :func:`neurodyn.analysis.shape_distances`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is a single distance.
    """
    distance = _values(distance)
    size = [0.5 * n + 1.2 for n in distance.transpose("system", "other").shape]
    figure, ax = panel(size=(max(size[1] + 1.6, 3.8), max(size[0], 2.4)))
    _matrix(figure, ax, distance)
    return figure


def _values(distance: xr.DataArray | xr.Dataset) -> xr.DataArray:
    return distance["distance"] if isinstance(distance, xr.Dataset) else distance


def _matrix(figure: Any, ax: Any, distance: xr.DataArray) -> None:
    values = distance.transpose("system", "other").values
    image = ax.imshow(values, cmap="viridis", vmin=0.0)
    bright = image.norm(values) > 0.55
    if values.size <= 144:
        for (i, j), value in np.ndenumerate(values):
            colour = "black" if bright[i, j] else "white"
            ax.text(j, i, f"{value:.2g}", ha="center", va="center", color=colour, fontsize=7)
    ax.set_xticks(range(values.shape[1]), distance["other"].values.astype(str), rotation=40)
    ax.set_yticks(range(values.shape[0]), distance["system"].values.astype(str))
    for tick in ax.get_xticklabels():
        tick.set(ha="right", rotation_mode="anchor")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    figure.colorbar(image, ax=ax, shrink=0.9, label=label(distance))


@styled
def distance_map(
    distance: xr.DataArray | xr.Dataset, layout: xr.Dataset, by: xr.DataArray | str | None = None
) -> Any:
    """Distances of systems as a matrix, and beside it a map in which near ones are near.

    Parameters
    ----------
    distance
        Dataset with it, or ``(system, other)``, of :func:`neurodyn.analysis.shape_distances`.
    layout
        Of :func:`neurodyn.analysis.embed_distances`, two components at least.
    by
        Colours systems by a label of each, ``(system,)``, or by the name of such a coordinate of
        `layout`; without it each point has its name.

    Returns
    -------
    matplotlib.figure.Figure
        The title of the map says its stress: the root of the squared errors of its distances over
        their squares.

    Raises
    ------
    LabelError
        If the two are of other systems, or there is one component.
    """
    distance = _values(distance)
    position = layout["position"].transpose("system", "component")
    if position.sizes["component"] < 2:
        raise LabelError("a map needs two components: embed_distances(..., n_components=2).")
    distance, position = pair(distance, position, "system", what=("distances", "layout"))
    n = position.sizes["system"]
    figure, axes = subplots(1, 2, size=(max(0.32 * n + 1.6, 3.6), max(0.32 * n + 0.8, 3.0)))
    left, right = axes[0]
    _matrix(figure, left, distance)
    x, y = position.transpose("system", "component").values[:, :2].T
    names = position["system"].values.astype(str)
    if by is None:
        right.plot(x, y, "o", color=BLUE)
        for name, i, j in zip(names, x, y, strict=True):
            right.annotate(name, (i, j), xytext=(4, 3), textcoords="offset points", fontsize=7)
    else:
        words = _words(by, layout, position)
        for word, colour in colours_of(words).items():
            of = words == word
            right.plot(x[of], y[of], "o", color=colour, label=sign_or_word(word, words))
        right.legend()
    right.set_aspect("equal", adjustable="datalim")
    units = label(position)
    right.set(xlabel=f"{units}, 1st component", ylabel=f"{units}, 2nd component")
    right.set_title(f"stress {float(layout['stress']):.2g}")
    return figure


def _words(by: xr.DataArray | str, layout: xr.Dataset, position: xr.DataArray) -> np.ndarray:
    """The label of each system, in the order of the map."""
    words = layout[by] if isinstance(by, str) else by
    return pair(position, words, "system", what=("layout", "labels"))[1].values


@styled
def mean_shape(shape: xr.Dataset, condition: int | None = None) -> Any:
    """The mean shape, and each population aligned to it, along the first two components.

    Parameters
    ----------
    shape
        Of :func:`neurodyn.analysis.mean_shape`.
    condition
        Position of the one condition (trial) to draw; default: all.

    Returns
    -------
    matplotlib.figure.Figure
        Black: the mean. Colours: populations; in the legend their distances from the mean.

    Raises
    ------
    LabelError
        If there is one component.
    """
    if shape.sizes["component"] < 2:
        raise LabelError("the shape has one component, and two are drawn.")
    rows = next((d for d in ("condition", "trial") if d in shape["mean"].dims), None)
    if rows is not None and condition is not None:
        shape = shape.isel({rows: [condition]})
    figure, ax = panel(size=(4.2, 3.4))
    names = shape["system"].values
    colours = colours_of(names.astype(str))
    for name, distance in zip(names, shape["distance"].values, strict=True):
        text = f"{name}: {distance:.2g}"
        one = shape["aligned"].sel(system=name)
        _paths(ax, one, rows, color=colours[str(name)], lw=0.8, label=text)
    _paths(ax, shape["mean"], rows, color="black", lw=1.8, label="mean")
    ax.set(xlabel="1st component", ylabel="2nd component")
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(title="distance from the mean")
    return figure


def _paths(ax: Any, activity: xr.DataArray, rows: str | None, **style: Any) -> None:
    """A line along time for each condition, or points where there is no time."""
    text = style.pop("label")
    if "time" not in activity.dims:
        x, y = activity.transpose("component", ...).values[:2]
        ax.plot(x.ravel(), y.ravel(), "o", ms=3, color=style["color"], label=text)
        return
    order = [d for d in (rows, "time", "component") if d is not None]
    values = activity.sortby("time").transpose(*order).values
    for i, line in enumerate(values if rows is not None else values[None]):
        ax.plot(line[:, 0], line[:, 1], label=text if i == 0 else None, **style)
