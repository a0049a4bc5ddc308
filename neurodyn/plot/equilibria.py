"""Phase portraits, fixed points among trajectories, and their eigenvalues."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.labels import in_positions, pair_channels
from neurodyn.plot.style import GREY, ORANGE, STROKES, label, panel, styled

#: How a point is filled: stable ones whole, saddles by half, unstable ones not.
FILLS = {"stable": "full", "saddle": "left", "unstable": "none", "neutral": "bottom"}
ARROWS = ("stream", "arrows", "none")
REAL_IMAG = ("real", "imag")


@styled
def portrait(
    field: xr.Dataset,
    points: xr.Dataset | None = None,
    *,
    trajectories: xr.Dataset | None = None,
    arrows: str = "stream",
    nullclines: bool = True,
) -> Any:
    """Phase portrait: flow, nullclines, fixed points and trajectories on a plane.

    Parameters
    ----------
    field
        Flow on the plane, from :func:`neurodyn.analysis.flow_field`, of one input.
    points
        Fixed points, from :func:`neurodyn.analysis.fixed_points`: stable ones are filled, saddles
        half, unstable ones open. They are projected on the plane.
    trajectories
        A run with the variable that records the state, projected on the plane; a dot marks where
        each trial begins.
    arrows
        ``"stream"``, lines along the flow, wider where it is faster; ``"arrows"``, one for each
        point of the grid, all of a length, coloured by speed; or ``"none"``.
    nullclines
        Whether to draw where one of the rates is zero.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the field has several inputs, or states do not fit its plane.
    """
    if arrows not in ARROWS:
        raise ValueError(f"`arrows` must be one of {', '.join(ARROWS)}, got {arrows!r}.")
    rates = [field[f"rate_{axis}"] for axis in ("x", "y")]
    if set(rates[0].dims) != {"x", "y"}:
        raise ValueError(f"portrait draws one field (x, y), got {rates[0].dims}: select one input.")
    field = field.sortby(["x", "y"])
    rates = [field[rate.name] for rate in rates]
    x, y = field["x"].values, field["y"].values
    across, up = (rate.transpose("y", "x").values for rate in rates)
    figure, ax = panel(size=(4.4, 3.6))
    _arrows(ax, x, y, across, up, arrows)
    for rate, name, colour in ((across, "x", ORANGE), (up, "y", "#009E73")) if nullclines else ():
        if rate.min() < 0 < rate.max():
            ax.contour(x, y, rate, levels=[0.0], colors=[colour], linewidths=1.5)
            shown = field[name].attrs.get("long_name", name)
            ax.plot([], [], color=colour, lw=1.5, label=f"no change of {shown}")
    for trial in [] if trajectories is None else _lines(field, trajectories):
        ax.plot(*trial.T, color="black", lw=0.9)
        ax.plot(*trial[0], "o", color="black", ms=2.5)
    if points is not None:
        places = _on_plane(field, points["state"], "fixed points").transpose("equilibrium", ...)
        draw_stability(ax, places.values, points["stability"].values)
    ax.set(xlim=x[[0, -1]], ylim=y[[0, -1]], xlabel=label(field["x"]), ylabel=label(field["y"]))
    if ax.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _arrows(ax: Any, x: Any, y: Any, across: Any, up: Any, arrows: str) -> None:
    speed = np.hypot(across, up)
    if arrows == "stream" and speed.max() > 0:
        width = 0.4 + 1.2 * np.sqrt(speed / speed.max())
        ax.streamplot(x, y, across, up, color=GREY, linewidth=width, arrowsize=0.7, density=1.1)
    elif arrows == "arrows":
        # All of a length on the page, because speeds differ by orders of magnitude.
        u, v = across / np.ptp(x), up / np.ptp(y)
        size = np.hypot(u, v)
        size = np.where(size > 0, size, 1)
        shade = np.log10(np.maximum(speed, 1e-6 * max(speed.max(), 1e-300)))
        ax.quiver(x, y, u / size, v / size, shade, cmap="Greys", scale=30, width=0.003)


def draw_stability(ax: Any, places: np.ndarray, stability: np.ndarray) -> None:
    """Draw points, filled by their stability."""
    for kind, fill in FILLS.items():
        here = stability == kind
        if here.any():
            look = {"fillstyle": fill, "ms": 7, "mec": "black", "mfc": "black", "zorder": 10}
            look |= {"markerfacecoloralt": "white", "ls": "none", "mew": 1.0}
            if fill == "none":
                look |= {"fillstyle": "full", "mfc": "white"}
            ax.plot(*places[here].T, marker="o", label=f"{kind} point", **look)


def _on_plane(field: xr.Dataset, states: xr.DataArray, what: str) -> xr.DataArray:
    """States in the coordinates of the plane, on `component`."""
    dim = _entries(field)
    if dim not in states.dims:
        raise ValueError(f"{what} must be states with the dim '{dim}', got {states.dims}.")
    centre = field["centre"]
    states = pair_channels(centre, states, dim, dim, positions=True, what=("plane", what))
    # Labels agree now, and other coordinates of the two need not.
    moved = states.transpose(..., dim).values - centre.values
    axes = field["axes"].transpose(dim, "component").values
    dims = [d for d in states.dims if d != dim]
    return xr.DataArray(moved @ axes, dims=[*dims, "component"])


def _entries(result: xr.Dataset) -> str:
    """The dim of the state."""
    held = result["axes" if "axes" in result else "state"]
    return next(str(d) for d in held.dims if d not in ("component", "equilibrium"))


def _lines(field: xr.Dataset, run: xr.Dataset) -> np.ndarray:
    """The trajectories of a run on the plane ``(trial, time, component)``."""
    found = _on_plane(field, _states(field, run), "trajectories").transpose(..., "component")
    return found.values.reshape(-1, *found.shape[-2:])


def _states(result: xr.Dataset, run: xr.Dataset) -> xr.DataArray:
    """The states of a run ``(..., time, entry)``, by the variable that records them."""
    recorded = result.attrs["recorded_by"]
    names = [recorded] if isinstance(recorded, str) else list(recorded)
    dim = _entries(result)
    if "state" in run and "speed" in run:  # of linearise
        return run["state"].sortby("time").transpose(..., "time", dim)
    if not set(names) <= set(run.data_vars):
        raise ValueError(
            f"the state is {', '.join(names)}: give a run that records it (simulate with "
            f"save={names!r})."
        )
    if len(names) == 1:
        return run[names[0]].sortby("time").transpose(..., "time", dim)
    parts = []
    for name in names:
        (own,) = (d for d in run[name].dims if d not in ("trial", "condition", "time", "seed"))
        part = in_positions(run[name], str(own), what=f"run: {name}").rename({own: dim})
        parts.append(part.drop_vars([c for c in part.coords if dim in part[c].dims]))
    whole = xr.concat(parts, dim, coords="minimal", compat="override", join="exact")
    return whole.assign_coords({dim: np.arange(whole.sizes[dim])}).transpose(..., "time", dim)


@styled
def fixed_points(points: xr.Dataset, *, run: xr.Dataset | None = None, dims: int = 3) -> Any:
    """Fixed points in principal components of the states of a run, coloured by their index.

    Parameters
    ----------
    points
        Fixed points, from :func:`neurodyn.analysis.fixed_points`. The index is the number of
        growing directions: 0 is stable. Lines through points are the directions that grow.
    run
        A run with the variable that records the state; its trials are drawn in grey. Default: the
        components are those of the points.
    dims
        2 or 3 components.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no points, too few dimensions, or the run does not record the state.
    """
    if dims not in (2, 3):
        raise ValueError(f"`dims` must be 2 or 3, got {dims}.")
    if not points.sizes["equilibrium"]:
        raise ValueError("there are no fixed points to draw.")
    state = points["state"].transpose("equilibrium", ...)
    dim = _entries(points)
    if state.sizes[dim] < dims:
        raise ValueError(f"states have {state.sizes[dim]} entries, fewer than `dims`={dims}.")
    lines = None if run is None else _recorded(points, run, dim)
    samples = state.values if lines is None else lines.reshape(-1, lines.shape[-1])
    axes, centre = _principal(samples[np.isfinite(samples).all(-1)], dims)
    solid = {"subplot_kw": {"projection": "3d"}} if dims == 3 else {}
    figure, ax = panel(size=(4.2, 3.8), **solid)
    for line in [] if lines is None else (lines - centre) @ axes:
        ax.plot(*line.T, color=GREY, lw=0.4, alpha=0.6)
    places = (state.values - centre) @ axes
    extent = np.ptp(np.concatenate([places, (samples - centre) @ axes]), axis=0).max() or 1.0
    grown = _growing(points, dim) @ axes
    index = points["n_unstable"].values
    for k in np.unique(index):
        here = index == k
        colour, name = _of_index(k)
        ax.plot(*places[here].T, "o", color=colour, ms=5, label=f"{name} ({here.sum()})", zorder=9)
        for place, directions in zip(places[here], grown[here], strict=True):
            for d in directions[np.isfinite(directions).all(-1)]:
                ends = place + 0.06 * extent * np.array([[-1.0], [1.0]]) * d
                ax.plot(*ends.T, color=colour, lw=1.0)
    for axis, name in zip("xyz"[:dims], ("PC 1", "PC 2", "PC 3"), strict=False):
        getattr(ax, f"set_{axis}label")(name)
    if dims == 3:
        ax.set_box_aspect(None, zoom=0.85)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _of_index(k: int) -> tuple[str, str]:
    """Colour and name of points with `k` growing directions."""
    return STROKES[int(k) % len(STROKES)], "stable" if k == 0 else f"index {k}"


def _recorded(points: xr.Dataset, run: xr.Dataset, dim: str) -> np.ndarray:
    """States of a run ``(trial, time, entry)``, entries in the order of the points."""
    what = ("points", "run")
    state = pair_channels(
        points["state"], _states(points, run), dim, dim, positions=True, what=what
    )
    values = state.transpose(..., "time", dim).values
    return values.reshape(-1, *values.shape[-2:])


def _principal(samples: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    centre = samples.mean(0)
    axes = np.linalg.svd(samples - centre, full_matrices=True)[2][:dims].T
    # Signs are arbitrary: the largest loading of each axis is positive.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0)
    return axes * np.where(largest < 0, -1, 1), centre


def _growing(points: xr.Dataset, dim: str) -> np.ndarray:
    """Directions that grow ``(equilibrium, component, entry)``, NaN for the others."""
    right = points["right_real"].transpose("equilibrium", "component", dim).values
    grows = points["growth_rate"].transpose("equilibrium", "component").values > 0
    return np.where(grows[..., None], right, np.nan)


@styled
def spectrum(points: xr.Dataset) -> Any:
    """Eigenvalues in the complex plane, coloured by the index of their point.

    Parameters
    ----------
    points
        Fixed points, from :func:`neurodyn.analysis.fixed_points`, or the linear dynamics of
        :func:`neurodyn.analysis.linearise`. What grows lies right of the line; of a map, outside
        of the circle.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no eigenvalues.
    """
    real, imag = (points[f"eigenvalue_{part}"].transpose(..., "component") for part in REAL_IMAG)
    if not real.size:
        raise ValueError("there are no eigenvalues to draw.")
    index = points["n_unstable"].transpose(*real.dims[:-1]).values.reshape(-1)
    rows = [a.values.reshape(-1, a.sizes["component"]) for a in (real, imag)]
    figure, ax = panel(size=(3.6, 3.2))
    is_map = real.attrs.get("units", "1") == "1"
    if is_map:
        ax.add_patch(mpl.patches.Circle((0, 0), 1.0, fill=False, ec=GREY, lw=0.8))
        ax.set_aspect("equal", adjustable="datalim")
    else:
        ax.axvline(0, color=GREY, lw=0.8)
    ax.axhline(0, color=GREY, lw=0.4)
    for k in np.unique(index):
        x, y = (a[index == k].ravel() for a in rows)
        colour, name = _of_index(k)
        ax.plot(x, y, "o", ms=3.5, alpha=0.8, color=colour, label=name)
    ax.set(xlabel=label(real), ylabel=label(imag))
    ax.legend()
    return figure
