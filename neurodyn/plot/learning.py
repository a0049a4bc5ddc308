"""Outputs of systems that learn while they run."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import between, clock
from neurodyn.labels.only import takes
from neurodyn.labels.values import plain
from neurodyn.plot.style import (
    BLUE,
    GREY,
    ORANGE,
    STROKES,
    label,
    sign_or_word,
    styled,
    subplots,
    whole_ticks,
)


@takes(output=["time"], target=["time"])
@styled
def tracking(
    output: xr.DataArray, target: xr.DataArray, windows: Mapping[str, tuple[float, float]]
) -> Any:
    """An output over its target, in several stretches of a run.

    Parameters
    ----------
    output, target
        One channel each, on ``time``.
    windows
        Start and stop [ms] of each stretch, by its title.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If either is not one channel in time.
    """
    for name, values in (("output", output), ("target", target)):
        if values.dims != ("time",):
            raise ValueError(f"`{name}` must be one channel in time, got dims {values.dims}.")
        clock(values, what=f"`{name}`", even=False)
    figure, axes = subplots(1, len(windows), size=(2.7, 2.2), sharey=True)
    for ax, (title, (start, stop)) in zip(axes[0], windows.items(), strict=True):
        for values, colour, name in ((target, GREY, "target"), (output, BLUE, "output")):
            part = between(values, (start, stop), what=f"`{name}`")
            time = clock(part, what=f"`{name}`", even=False).time
            ax.plot(time / 1000, part, color=colour, label=name)
        ax.set(title=title, xlabel="time (s)", xlim=(start / 1000, stop / 1000))
    axes[0][0].set_ylabel(label(output))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


@takes(scores=["seed"])
@styled
def members(
    scores: Mapping[str, xr.DataArray], *, by: str, bars: Mapping[str, float] | None = None
) -> Any:
    """One point for each member of an ensemble, one panel for each score.

    Parameters
    ----------
    scores
        On ``seed`` and the dim of `by`, by title of their panel.
    by
        Coordinate that tells groups of members apart.
    bars
        Levels to draw as lines, by title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = subplots(1, len(scores), size=(2.2, 2.3))
    for ax, (title, values) in zip(axes[0], scores.items(), strict=True):
        (dim,) = values[by].dims
        groups = values.transpose(dim, "seed")
        for i, group in enumerate(groups.values):
            offsets = np.linspace(-0.18, 0.18, len(group)) if len(group) > 1 else [0.0]
            ax.plot(i + np.asarray(offsets), group, "o", ms=4, color=BLUE)
        if bars and title in bars:
            ax.axhline(bars[title], color=ORANGE, lw=1, ls="--")
        ax.set(title=title, xlabel=label(values[by]))
        names = [sign_or_word(x, values[by].values) for x in plain(values[by].values).tolist()]
        ax.set_xticks(range(len(groups)), names)
        ax.set_xlim(-0.6, len(groups) - 0.4)
    return figure


@styled
def intervals_over(
    panels: Mapping[str, Mapping[str, xr.Dataset]],
    *,
    over: str,
    marks: Sequence[float] = (),
    identity: bool = False,
    highest: float | None = None,
) -> Any:
    """Means with their intervals along a dim, several curves in each panel.

    Parameters
    ----------
    panels
        Curves by name, the same in all panels, by title of the panel; each as from
        :func:`neurodyn.analysis.bootstrap`.
    over
        Coordinate of the abscissa.
    marks
        Where to draw vertical lines, such as switches.
    identity
        Whether to draw the line on which both axes are equal.
    highest
        Where to cut the ordinate, which then begins at 0; None: show all.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = subplots(1, len(panels), size=(3.6, 2.7))
    for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for colour, (name, curve) in zip(itertools.cycle(STROKES), curves.items(), strict=False):
            x = curve[over].values
            ax.fill_between(x, curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
            few = len(x) <= 15
            ax.plot(x, curve["mean"], color=colour, label=name, marker="o" if few else None, ms=3)
        for mark in marks:
            ax.axvline(mark, color=GREY, lw=0.8, ls=":")
        if identity:
            low, high = ax.get_xlim()
            ax.plot([low, high], [low, high], color=GREY, lw=0.8, ls="--", zorder=0)
            ax.set_xlim(low, high)
        if highest is not None:
            ax.set_ylim(0, highest)
        first = next(iter(curves.values()))
        if first[over].dtype.kind in "iu":
            whole_ticks(ax.xaxis)
        ax.set(title=title, xlabel=label(first[over]), ylabel=label(first["mean"]))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
