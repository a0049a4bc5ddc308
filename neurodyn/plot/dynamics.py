"""Dynamical systems: exponents as they converge, attractors beside their copies, sweeps."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.labels import clock, pair_channels
from neurodyn.labels.only import takes
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, panel, styled, subplots, timeline

#: Points of a trajectory that are drawn at most.
_MOST = 20_000


@styled
def lyapunov(result: xr.Dataset, *, known: Any = None) -> Any:
    """Estimates of Lyapunov exponents as the time that they are averaged over grows.

    Parameters
    ----------
    result
        Of :func:`neurodyn.analysis.lyapunov`; trials are drawn over each other.
    known
        Known exponents, drawn as lines.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to draw: no estimates, or all trials diverged.
    """
    if "running" not in result:
        raise ValueError(f"there is no 'running': the result has {list(result.data_vars)}.")
    running = result["running"].transpose("trial", "time", "exponent")
    if not np.isfinite(running.values).any():
        raise ValueError("all trials diverged: there are no exponents to draw.")
    k = running.sizes["exponent"]
    colours = [mpl.colormaps["viridis"](0.05 + 0.8 * i / max(k - 1, 1)) for i in range(k)]
    figure, ax = panel(size=(4.6, 3.0))
    time, text = timeline(running)
    for trial in running.values:
        for i, line in enumerate(trial.T):
            ax.plot(time, line, color=colours[i], lw=1.2)
    for value in [] if known is None else np.asarray(known):
        ax.axhline(value, color=GREY, ls="--", lw=0.9, zorder=0)
    ax.axhline(0, color="black", lw=0.5, zorder=0)
    ax.set_xscale("log")
    units = running.attrs["units"]
    name = "Lyapunov exponent (per step)" if units == "1" else f"Lyapunov exponent ({units})"
    ax.set(xlabel=text.replace("time", "time averaged over", 1), ylabel=name)
    return figure


@takes(truth=["time"], generated=["time"])
@styled
def projections(truth: Any, generated: Any, *, channels: tuple[int, ...] = (0, 1, 2)) -> Any:
    """A true trajectory and a generated one, side by side, in two or three of their channels.

    Parameters
    ----------
    truth, generated
        ``(time, channel)``; of more, the first ones along the leading dims. Where both are
        labelled, the generated channels are those with the labels of the true ones.
    channels
        Two or three channels to draw.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no such channels, or other than two or three of them.
    """
    if len(channels) not in (2, 3):
        raise ValueError(f"`channels` must be two or three numbers, got {channels}.")
    truth, generated = _alike(truth, generated)
    sides = [_first(x) for x in (truth, generated)]
    for x in sides:
        if max(channels) >= x.shape[1] or min(channels) < 0:
            raise ValueError(f"there are {x.shape[1]} channels, and no number {max(channels)}.")
    names = _names(truth, channels)
    solid = {"subplot_kw": {"projection": "3d"}} if len(channels) == 3 else {}
    figure, axes = subplots(1, 2, size=(3.3, 3.1), **solid)
    low, high = sides[0].min(0), sides[0].max(0)
    pad = 0.15 * (high - low)
    limits = {
        f"{axis}lim": (low[c] - pad[c], high[c] + pad[c])
        for axis, c in zip("xyz", channels, strict=False)
    }
    titles = zip(axes[0], sides, ("true", "generated"), (BLUE, ORANGE), strict=True)
    for ax, x, title, colour in titles:
        ax.plot(*(x[:_MOST, c] for c in channels), color=colour, lw=0.4, alpha=0.9)
        ax.set(title=title, xlabel=names[0], ylabel=names[1], **limits)
        if len(channels) == 3:
            ax.set_box_aspect(None, zoom=0.85)
            for axis, name in zip((ax.xaxis, ax.yaxis, ax.zaxis), names, strict=True):
                axis.set_label_text(name)
                axis.labelpad = -6
            ax.tick_params(labelsize=6, pad=-2)
    return figure


@takes(truth=["frequency"], generated=["frequency"])
@styled
def spectra(truth: xr.DataArray, generated: xr.DataArray, *, distance: Any = None) -> Any:
    """Power spectra of truth and model, one panel for each channel.

    Parameters
    ----------
    truth, generated
        Of :func:`neurodyn.analysis.power_spectrum`; runs along leading dims are drawn over each
        other.
    distance
        Of :func:`neurodyn.analysis.spectral_distance`, to write into the panels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the two have other channels (:class:`~neurodyn.labels.LabelError`, too).
    """
    n = truth.sizes["channel"]
    if generated.sizes["channel"] != n:
        raise ValueError(f"truth has {n} channels, the model {generated.sizes['channel']}.")
    what = ("truth", "model")
    generated = pair_channels(truth, generated, "channel", "channel", positions=True, what=what)
    if distance is not None:
        distance = pair_channels(
            truth, distance["hellinger"], "channel", "channel", positions=True, what=what
        )
    figure, axes = subplots(1, n, size=(2.6, 2.5), sharey=True)
    for i, ax in enumerate(axes[0]):
        for power, colour, name in ((truth, BLUE, "true"), (generated, ORANGE, "generated")):
            power = power.sortby("frequency")
            frequency = clock(power, dim="frequency", what=f"the {name} power", even=False).time
            # Logarithmic axes have no place for 0 Hz.
            seen = frequency > 0
            lines = power.isel(channel=i).transpose(..., "frequency").values
            for j, line in enumerate(lines.reshape(-1, power.sizes["frequency"])):
                name = None if j else name
                ax.plot(frequency[seen], line[seen], color=colour, lw=1, label=name)
        ax.set(xscale="log", yscale="log", xlabel=label(truth["frequency"]))
        title = str(truth["channel"].values[i])
        if distance is not None:
            value = distance.isel(channel=i).mean().item()
            title = f"{title}: distance {value:.3f}"
        ax.set_title(title)
    axes[0, 0].set_ylabel("share of the power")
    axes[0, 0].legend()
    return figure


@styled
def bifurcation(sweep: xr.Dataset) -> Any:
    """Bifurcation diagram: points that a system visits for each value of a parameter.

    Parameters
    ----------
    sweep
        Of :func:`neurodyn.analysis.bifurcation`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If values are no numbers, or everything diverged.
    """
    if "value" not in sweep.coords:
        raise ValueError("the sweep has no coordinate 'value': its values were arrays.")
    points = sweep["point"].transpose("sweep", "trial", "sample").values
    if not np.isfinite(points).any():
        raise ValueError("there are no points to draw: all runs diverged, or none has a point.")
    figure, ax = panel(size=(5.2, 3.3))
    for trial in range(points.shape[1]):
        flat = points[:, trial].ravel()
        at = np.repeat(sweep["value"].values, points.shape[2])
        colour = BLUE if points.shape[1] == 1 else mpl.colormaps["viridis"](trial / points.shape[1])
        ax.plot(at, flat, ",", color=colour, alpha=0.6)
    ax.set(xlabel=sweep.attrs["parameter"], ylabel=sweep["point"].attrs["long_name"])
    return figure


def _alike(truth: Any, generated: Any) -> tuple[Any, Any]:
    """Time and channels last, the channels of labelled trajectories in the order of the truth's."""
    sides = [_channels_last(x) for x in (truth, generated)]
    if all(isinstance(x, xr.DataArray) for x in sides):
        a, b = sides
        if a.shape[-1] == b.shape[-1]:
            dims = str(a.dims[-1]), str(b.dims[-1])
            b = pair_channels(a, b, *dims, positions=True, what=("truth", "generated"))
        return a, b
    return sides[0], sides[1]


def _channels_last(data: Any) -> Any:
    if not isinstance(data, xr.DataArray) or "time" not in data.dims:
        return data
    known = [d for d in ("channel", "output", "unit", "latent") if d in data.dims]
    last = known[0] if known else [d for d in data.dims if d != "time"][-1]
    return data.transpose(..., "time", last)


def _first(data: Any) -> np.ndarray:
    values = np.asarray(data)
    if values.ndim < 2:
        raise ValueError(f"trajectories are (time, channel), got shape {values.shape}.")
    return values.reshape(-1, *values.shape[-2:])[0]


def _names(data: Any, channels: tuple[int, ...]) -> list[str]:
    if isinstance(data, xr.DataArray) and data.dims[-1] in data.coords:
        return [str(data[data.dims[-1]].values[c]) for c in channels]
    return [f"channel {c}" for c in channels]
