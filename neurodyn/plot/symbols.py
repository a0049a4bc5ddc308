"""Attractors, and the symbols, graphs and cycles of piecewise-linear maps."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.plot.style import STROKES, styled, subplots

__all__ = ["attractor", "geometric_graph", "symbol_colours", "symbol_graph"]

#: Colours of the most visited regions; where there are more, all come from a continuous map.
REGIONS = STROKES
MARKERS = {"stable": "o", "saddle": "D", "unstable": "s", "neutral": "^"}
DRAWN = 20_000


def symbol_colours(n: int) -> list[Any]:
    """A colour for each of n regions, the most visited first."""
    if n <= len(REGIONS):
        return list(REGIONS[:n])
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0.05, 0.95, n)]


@styled
def attractor(
    trajectory: xr.DataArray,
    coded: xr.Dataset | None = None,
    *,
    points: xr.Dataset | None = None,
    cycles: xr.Dataset | None = None,
    reference: xr.DataArray | None = None,
    components: tuple[int, ...] = (0, 1, 2),
) -> Any:
    """A trajectory in state space, coloured by the linear region that it is in.

    Parameters
    ----------
    trajectory
        Dims ``time`` and one more. The first 20000 samples are drawn.
    coded
        Its symbols, from :func:`neurodyn.analysis.symbols`; None: one colour.
    points
        Fixed points with ``outputs``, from :func:`neurodyn.analysis.fixed_points`: circles are
        stable, diamonds saddles, squares unstable; hollow ones are virtual.
    cycles
        Cycles with ``outputs``, from :func:`neurodyn.analysis.cycles`, drawn in black.
    reference
        Another trajectory, drawn in grey beneath: the data.
    components
        Which two or three entries are the axes; those that do not exist are left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the dims do not fit, or the symbols are those of another trajectory.
    """
    x = _plane(trajectory, "trajectory")
    chosen = [c for c in components if c < x.shape[1]]
    if len(chosen) < 2:
        raise ValueError(f"attractor needs two entries to draw, got {x.shape[1]}: embed it first.")
    symbol = np.zeros(len(x), int)
    if coded is not None:
        symbol = coded["symbol"].values
        if symbol.shape != (len(x),):
            raise ValueError(
                f"the symbols {symbol.shape} are not those of a trajectory of {len(x)} samples."
            )
    solid = len(chosen) == 3
    options = {"subplot_kw": {"projection": "3d"}} if solid else {}
    figure, axes = subplots(1, 1, size=(3.8, 4.0), **options)
    ax = axes[0, 0]
    if reference is not None:
        grey = _plane(reference, "reference")[:DRAWN, chosen]
        ax.plot(*grey.T, color="#b5b5b5", lw=0.4, alpha=0.6, label="data")
    x, symbol = x[:DRAWN, chosen], symbol[:DRAWN]
    n = 1 if coded is None else coded.sizes["region"]
    for region, colour in enumerate(symbol_colours(n)):
        # A step has the colour of the region that it starts from.
        inside = (symbol == region) | np.r_[False, symbol[:-1] == region]
        breaks = np.r_[False, (symbol[:-1] != region) & (symbol[1:] == region)]
        line = np.where((inside & ~(breaks & (symbol != region)))[:, None], x, np.nan)
        name = None if coded is None or n > len(REGIONS) else f"region {region}"
        ax.plot(*line.T, color=colour, lw=0.6, label=name)
    _draw_points(ax, points, chosen)
    _draw_cycles(ax, cycles, chosen)
    names = _names(trajectory)
    ax.set(xlabel=names[chosen[0]], ylabel=names[chosen[1]])
    if solid:
        ax.set_zlabel(names[chosen[2]])
        _open_box(ax)
    if ax.get_legend_handles_labels()[0]:
        legend = figure.legend(loc="outside lower center", ncols=2)
        for handle in legend.legend_handles:
            if not handle.get_marker() or handle.get_marker() == "None":
                handle.set_linewidth(2)
    return figure


@styled
def symbol_graph(graph: xr.Dataset, coded: xr.Dataset | None = None) -> Any:
    """Which region follows which: nodes on a circle, arrows as wide as transitions are likely.

    Parameters
    ----------
    graph
        From :func:`neurodyn.analysis.transitions`.
    coded
        From :func:`neurodyn.analysis.symbols`: nodes are then as large as their share of time.

    Returns
    -------
    matplotlib.figure.Figure
    """
    n = graph.sizes["region"]
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (n > 1)
    share = np.full(n, 1 / n) if coded is None else coded["frequency"].values
    figure, axes = subplots(1, 1, size=(3.4, 3.4))
    ax = axes[0, 0]
    radius = _draw_graph(ax, places, graph, share, largest=0.3 if n < 5 else 1.2 / n, texts=n <= 12)
    reach = 1.1 + radius.max()
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title="visits of regions")
    ax.axis("off")
    return figure


@styled
def geometric_graph(
    coded: xr.Dataset,
    graph: xr.Dataset,
    *,
    points: xr.Dataset | None = None,
    trajectory: xr.DataArray | None = None,
    components: tuple[int, int] = (0, 1),
) -> Any:
    """The graph of regions, each placed at the mean of the states in it.

    Parameters
    ----------
    coded, graph
        From :func:`neurodyn.analysis.symbols` and :func:`neurodyn.analysis.transitions`.
    points
        Fixed points, from :func:`neurodyn.analysis.fixed_points`.
    trajectory
        Latent states, dims ``time`` and one more, drawn in grey beneath.
    components
        Which two latents are the axes.

    Returns
    -------
    matplotlib.figure.Figure
    """
    chosen = list(components)
    places = coded["centroid"].values[:, chosen]
    figure, axes = subplots(1, 1, size=(4.2, 3.4))
    ax = axes[0, 0]
    cloud = places
    if trajectory is not None:
        cloud = _plane(trajectory, "trajectory")[:DRAWN, chosen]
        ax.plot(*cloud.T, color="#c4c4c4", lw=0.4, zorder=0)
    extent = np.concatenate([cloud, places])
    span = float(np.ptp(extent, axis=0).max()) or 1.0
    ax.set_aspect("equal", adjustable="datalim")
    ax.update_datalim(extent)
    ax.autoscale_view()
    _draw_graph(
        ax, places, graph, coded["frequency"].values, largest=0.07 * span, texts=len(places) <= 12
    )
    if points is not None and points.sizes["cycle"]:
        _draw_points(ax, points, chosen, "state")
        figure.legend(loc="outside lower center", ncols=2)
    ax.set(xlabel=f"latent {chosen[0]}", ylabel=f"latent {chosen[1]}")
    return figure


def _plane(trajectory: xr.DataArray, what: str) -> np.ndarray:
    if not isinstance(trajectory, xr.DataArray) or "time" not in trajectory.dims:
        raise ValueError(f"{what} must be a DataArray with dims time and one more.")
    if trajectory.ndim != 2:
        raise ValueError(
            f"{what} has dims {trajectory.dims}: choose one trial and network, so that time and "
            "one more are left."
        )
    return trajectory.transpose("time", ...).values


def _names(trajectory: xr.DataArray) -> list[str]:
    dim = next(str(d) for d in trajectory.dims if d != "time")
    labels = trajectory[dim].values if dim in trajectory.coords else range(trajectory.sizes[dim])
    return [str(v) if isinstance(v, str) else f"{dim} {v}" for v in labels]


def _open_box(ax: Any) -> None:
    ax.grid(False)
    ax.view_init(elev=18, azim=-62)
    ax.set_box_aspect(None, zoom=0.88)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.pane.fill = False
        axis.pane.set_edgecolor("#dddddd")
        axis.set_major_locator(mpl.ticker.MaxNLocator(4))


def _draw_points(
    ax: Any, points: xr.Dataset | None, chosen: list[int], variable: str = "outputs"
) -> None:
    if points is None or not points.sizes["cycle"]:
        return
    place = points[variable].values[:, chosen]
    for kind, marker in MARKERS.items():
        for real in (True, False):
            here = (points["stability"].values == kind) & (points["real"].values == real)
            if here.any():
                name = f"{kind} fixed point" if real else f"virtual fixed point ({kind})"
                face = "black" if real else "none"
                ax.plot(
                    *place[here].T,
                    marker,
                    ms=5,
                    mfc=face,
                    mec="white" if real else "black",
                    mew=0.8,
                    label=name,
                    zorder=10,
                )


def _draw_cycles(ax: Any, cycles: xr.Dataset | None, chosen: list[int]) -> None:
    if cycles is None:
        return
    for i, points in enumerate(cycles["outputs"].values[:, :, chosen]):
        closed = np.concatenate([points, points[:1]])
        name = f"cycle of {len(points)} points" if i == 0 else None
        ax.plot(*closed.T, "k.-", lw=0.8, ms=3, label=name, zorder=9)


def _draw_graph(ax, places, graph, share, *, largest: float, texts: bool) -> np.ndarray:
    """Nodes with areas as their share, arrows between them; returns the radii."""
    radius = largest * np.sqrt(np.maximum(share / share.max(), 0.08))
    probability = np.nan_to_num(graph["probability"].values)
    colours = symbol_colours(len(places))
    for i, j in zip(*np.nonzero(graph["adjacency"].values), strict=True):
        gap = places[j] - places[i]
        length = float(np.hypot(*gap)) or 1.0
        along = gap / length
        # Bent a little, so that the arrows of both directions can be told apart.
        aside = np.array([-along[1], along[0]]) * 0.25
        start = places[i] + radius[i] * (along - aside) / np.hypot(1, 0.25)
        end = places[j] + radius[j] * (-along - aside) / np.hypot(1, 0.25)
        arrow = mpl.patches.FancyArrowPatch(
            start,
            end,
            connectionstyle="arc3,rad=0.18",
            arrowstyle="-|>",
            mutation_scale=7,
            lw=0.4 + 2.2 * probability[i, j],
            color="#555555",
            shrinkA=0,
            shrinkB=0,
            zorder=2,
        )
        ax.add_patch(arrow)
    for region, (place, r) in enumerate(zip(places, radius, strict=True)):
        ax.add_patch(mpl.patches.Circle(place, r, color=colours[region], zorder=3))
        if texts:
            code = str(graph["code"].values[region]) if "code" in graph.coords else ""
            small = r < 0.6 * radius.max()
            text = f"{region}" if small or len(code) > 6 or not code else f"{region}\n{code}"
            ax.annotate(text, place, ha="center", va="center", fontsize=7, color="white", zorder=4)
    return radius
