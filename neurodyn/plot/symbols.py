"""Attractors, and the symbols, graphs and cycles of piecewise-linear maps."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.labels import pair, pair_channels, time_axis
from neurodyn.labels.only import takes
from neurodyn.plot.style import panel, styled
from neurodyn.plot.symbol_parts import (
    REGIONS,
    draw_cycles,
    draw_graph,
    draw_points,
    regions_of,
    symbol_colours,
    with_entries_of,
)

DRAWN = 20_000


@takes(trajectory=["time"], reference=["time"])
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
    trajectory = _plane(trajectory, "trajectory")
    if coded is not None:
        trajectory, coded = _coloured(trajectory, coded)
    x = trajectory.values
    chosen = [c for c in components if c < x.shape[1]]
    if len(chosen) < 2:
        raise ValueError(f"attractor needs two entries to draw, got {x.shape[1]}: embed it first.")
    symbol = np.zeros(len(x), int)
    if coded is not None:
        symbol = coded["symbol"].values
    solid = len(chosen) == 3
    options = {"subplot_kw": {"projection": "3d"}} if solid else {}
    figure, ax = panel(size=(3.8, 4.0), **options)
    if reference is not None:
        grey = with_entries_of(trajectory, _plane(reference, "reference"), "reference")
        grey = grey.transpose("time", ...).values[:DRAWN, chosen]
        ax.plot(*grey.T, color="#b5b5b5", lw=0.4, alpha=0.6, label="data")
    x, symbol = x[:DRAWN, chosen], symbol[:DRAWN]
    regions = np.zeros(1, int) if coded is None else np.sort(regions_of(coded))
    n = int(regions.max()) + 1
    colours = symbol_colours(n)
    for region in regions:
        # A step has the colour of the region that it starts from.
        inside = (symbol == region) | np.r_[False, symbol[:-1] == region]
        breaks = np.r_[False, (symbol[:-1] != region) & (symbol[1:] == region)]
        line = np.where((inside & ~(breaks & (symbol != region)))[:, None], x, np.nan)
        name = None if coded is None or n > len(REGIONS) else f"region {region}"
        ax.plot(*line.T, color=colours[region], lw=0.6, label=name)
    draw_points(ax, points, chosen, "outputs", trajectory)
    draw_cycles(ax, cycles, chosen, trajectory)
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
    graph = _square(graph)
    n = graph.sizes["region"]
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (n > 1)
    share = np.full(n, 1 / n) if coded is None else _share(graph, coded)
    figure, ax = panel(size=(3.4, 3.4))
    radius = draw_graph(ax, places, graph, share, largest=0.3 if n < 5 else 1.2 / n, texts=n <= 12)
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
    graph = _square(graph)
    centroid = pair(graph["adjacency"], coded["centroid"], "region", what=("graph", "symbols"))[1]
    places = centroid.transpose("region", "latent").values[:, chosen]
    figure, ax = panel(size=(4.2, 3.4))
    cloud = places
    if trajectory is not None:
        cloud = with_entries_of(centroid, _plane(trajectory, "trajectory"), "trajectory")
        cloud = cloud.transpose("time", ...).values[:DRAWN, chosen]
        ax.plot(*cloud.T, color="#c4c4c4", lw=0.4, zorder=0)
    extent = np.concatenate([cloud, places])
    span = float(np.ptp(extent, axis=0).max()) or 1.0
    ax.set_aspect("equal", adjustable="datalim")
    ax.update_datalim(extent)
    ax.autoscale_view()
    draw_graph(
        ax, places, graph, _share(graph, coded), largest=0.07 * span, texts=len(places) <= 12
    )
    if points is not None and points.sizes["equilibrium"]:
        draw_points(ax, points, chosen, "state", centroid)
        figure.legend(loc="outside lower center", ncols=2)
    ax.set(xlabel=f"latent {chosen[0]}", ylabel=f"latent {chosen[1]}")
    return figure


def _plane(trajectory: xr.DataArray, what: str) -> xr.DataArray:
    if not isinstance(trajectory, xr.DataArray) or "time" not in trajectory.dims:
        raise ValueError(
            f"{what} needs a DataArray with dims time and one more, got a "
            f"{type(trajectory).__name__}."
        )
    if trajectory.ndim != 2:
        raise ValueError(
            f"{what} has dims {trajectory.dims}: choose one trial and network, so that time and "
            "one more are left."
        )
    return trajectory.transpose("time", ...)


def _coloured(trajectory: xr.DataArray, coded: xr.Dataset) -> tuple[xr.DataArray, xr.Dataset]:
    """The trajectory and the symbols of the same times, one after the other."""
    symbol = coded["symbol"]
    if symbol.dims != ("time",) or symbol.size != trajectory.sizes["time"]:
        raise ValueError(
            f"the symbols {dict(symbol.sizes)} are not those of a trajectory of "
            f"{trajectory.sizes['time']} samples."
        )
    if "time" not in trajectory.coords:
        # Without times, symbols are numbered by steps.
        trajectory = trajectory.assign_coords(time=time_axis(symbol.size, 1.0))
    symbol = pair(trajectory, symbol, "time", what=("trajectory", "symbols"))[1]
    trajectory, symbol = trajectory.sortby("time"), symbol.sortby("time")
    return trajectory, coded.drop_vars("symbol").drop_dims("time").assign(symbol=symbol)


def _square(graph: xr.Dataset) -> xr.Dataset:
    """The graph with the regions in order, along both dims."""
    order = np.argsort(regions_of(graph), kind="stable")
    graph = graph.isel(region=order)
    if "region" not in graph.coords or "region_to" not in graph.coords:
        return graph
    to = graph["region_to"]
    to = pair_channels(graph["region"], to, "region", "region_to", what=("regions", "targets"))
    return graph.sel(region_to=to.values)


def _share(graph: xr.Dataset, coded: xr.Dataset) -> np.ndarray:
    return pair(graph["adjacency"], coded["frequency"], "region", what=("graph", "symbols"))[
        1
    ].values


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
