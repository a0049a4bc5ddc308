"""Nodes, arrows, fixed points and cycles of the figures of symbols."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.labels import pair_channels
from neurodyn.plot.style import STROKES

#: Colours of the most visited regions; where there are more, all come from a continuous map.
REGIONS = STROKES
MARKERS = {"stable": "o", "saddle": "D", "unstable": "s", "neutral": "^"}
ARROW: dict = {"connectionstyle": "arc3,rad=0.18", "arrowstyle": "-|>", "mutation_scale": 7}
ARROW |= {"color": "#555555", "shrinkA": 0, "shrinkB": 0, "zorder": 2}
_POINTS = ("time", "region", "equilibrium", "cycle", "phase")


def symbol_colours(n: int) -> list[Any]:
    """A colour for each of n regions, the most visited first."""
    if n <= len(REGIONS):
        return list(REGIONS[:n])
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0.05, 0.95, n)]


def with_entries_of(a: xr.DataArray, b: xr.DataArray, what: str) -> xr.DataArray:
    """Entries of state space in the order of those that are drawn."""
    of_a, of_b = (next(str(d) for d in x.dims if d not in _POINTS) for x in (a, b))
    return pair_channels(a, b, of_a, of_b, positions=True, what=("trajectory", what))


def regions_of(ds: xr.Dataset, dim: str = "region") -> np.ndarray:
    """Labels of the regions, numbers where they have none."""
    return ds[dim].values if dim in ds.coords else np.arange(ds.sizes[dim])


def draw_points(
    ax: Any, points: xr.Dataset | None, chosen: list[int], variable: str, like: xr.DataArray
) -> None:
    """Draw fixed points; virtual ones are hollow."""
    if points is None or not points.sizes["equilibrium"]:
        return
    place = with_entries_of(like, points[variable], "fixed points")
    place = place.transpose("equilibrium", ...).values[:, chosen]
    for kind, marker in MARKERS.items():
        for real in (True, False):
            here = (points["stability"].values == kind) & (points["real"].values == real)
            if here.any():
                name = f"{kind} fixed point" if real else f"virtual fixed point ({kind})"
                face, edge = ("black", "white") if real else ("none", "black")
                look = {"ms": 5, "mfc": face, "mec": edge, "mew": 0.8, "zorder": 10}
                ax.plot(*place[here].T, marker, label=name, **look)


def draw_cycles(ax: Any, cycles: xr.Dataset | None, chosen: list[int], like: xr.DataArray) -> None:
    """Draw each cycle as a closed line."""
    if cycles is None:
        return
    outputs = with_entries_of(like, cycles["outputs"], "cycles")
    for i, points in enumerate(outputs.transpose("cycle", "phase", ...).values[:, :, chosen]):
        closed = np.concatenate([points, points[:1]])
        name = f"cycle of {len(points)} points" if i == 0 else None
        ax.plot(*closed.T, "k.-", lw=0.8, ms=3, label=name, zorder=9)


def draw_graph(ax, places, graph, share, *, largest: float, texts: bool) -> np.ndarray:
    """Draw a node for each region, its area as its share, and arrows; return the radii."""
    radius = largest * np.sqrt(np.maximum(share / share.max(), 0.08))
    probability = np.nan_to_num(graph["probability"].values)
    regions = regions_of(graph)
    colours = symbol_colours(int(regions.max()) + 1)
    for i, j in zip(*np.nonzero(graph["adjacency"].values), strict=True):
        gap = places[j] - places[i]
        length = float(np.hypot(*gap)) or 1.0
        along = gap / length
        # Bent a little, so that the arrows of both directions can be told apart.
        aside = np.array([-along[1], along[0]]) * 0.25
        start = places[i] + radius[i] * (along - aside) / np.hypot(1, 0.25)
        end = places[j] + radius[j] * (-along - aside) / np.hypot(1, 0.25)
        width = 0.4 + 2.2 * probability[i, j]
        ax.add_patch(mpl.patches.FancyArrowPatch(start, end, lw=width, **ARROW))
    for i, (region, place, r) in enumerate(zip(regions, places, radius, strict=True)):
        ax.add_patch(mpl.patches.Circle(place, r, color=colours[region], zorder=3))
        if texts:
            code = str(graph["code"].values[i]) if "code" in graph.coords else ""
            small = r < 0.6 * radius.max()
            text = f"{region}" if small or len(code) > 6 or not code else f"{region}\n{code}"
            ax.annotate(text, place, ha="center", va="center", fontsize=7, color="white", zorder=4)
    return radius
