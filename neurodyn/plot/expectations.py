"""Expectations after a cue, and the subspaces that hold them."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.values import is_words, plain
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, styled, subplots, timeline

#: Panels at most.
_MOST = 6


@styled
def expectations(ds: xr.Dataset, *, dim: str, by: str) -> Any:
    """Outputs after the cue alone over the expectation, one panel for each condition.

    Parameters
    ----------
    ds
        With ``outputs`` and ``expected``, on ``time``, ``output``, the dim, and ``seed`` (mean and
        range are drawn).
    dim
        Dim of the panels; of more than six, six spread evenly.
    by
        Coordinate that titles them; the dim itself counts blocks.

    Returns
    -------
    matplotlib.figure.Figure
    """
    n = ds.sizes[dim]
    shown = np.unique(np.linspace(0, n - 1, min(n, _MOST)).round().astype(int))
    figure, axes = subplots(1, len(shown), size=(1.9, 2.1), sharey=True)
    names = [str(x).replace("_", " ") for x in ds["output"].values]
    t, text = timeline(ds)
    for ax, i in zip(axes[0], shown, strict=True):
        one = ds.isel({dim: i})
        out = one["outputs"].transpose("seed", "time", "output").values
        expected = one["expected"].transpose("seed", "time", "output").values[0]
        for c, colour in enumerate((BLUE, ORANGE)):
            ax.plot(t, expected[:, c], color=GREY, lw=1, ls="--", label=None if c else "expected")
            low, high = out[..., c].min(0), out[..., c].max(0)
            ax.fill_between(t, low, high, color=colour, alpha=0.2, lw=0)
            ax.plot(t, out[..., c].mean(0), color=colour, label=names[c])
        value = plain(ds[by].values)[i]
        title = str(value) if is_words(value) else f"p(A) = {value:.2g}"
        title = f"block {i + 1}" if by == dim else title
        ax.set(title=title, xlabel=text.replace("time", "time from cue", 1))
    axes[0][0].set_ylabel("output")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


@styled
def angle_chance(angles: xr.Dataset) -> Any:
    """Principal angles between two readouts, and those of shuffled units and of random spans.

    Parameters
    ----------
    angles
        With ``angle``, ``shuffled``, ``chance`` and ``chance_low``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    angles = angles.sortby("probability")
    n = angles.sizes["component"]
    # Angles crowd below 90 degrees: the ordinate begins at the ten below the smallest.
    least = np.nanmin([angles["angle"].min(), angles["shuffled"].min(), angles["chance_low"].min()])
    lowest = max(0.0, 10 * np.floor((least - 2) / 10))
    figure, axes = subplots(1, n, size=(2.6, 2.4), sharey=True)
    for c, ax in enumerate(axes[0]):
        one = angles.isel(component=c)
        for i, row in enumerate(one["angle"].transpose("sweep", "seed").values):
            if np.isfinite(row).any():
                x = np.full(len(row), one["probability"].values[i])
                ax.plot(x, row, "o", ms=3, color=BLUE, label=None)
        shuffled = one["shuffled"].mean(("seed", "draw"))
        ax.plot(one["probability"], shuffled, color=ORANGE, label="units shuffled")
        ax.axhline(float(one["chance"]), color=GREY, label="random spans")
        ax.axhspan(float(one["chance_low"]), 90, color=GREY, alpha=0.2, lw=0)
        title = {0: "smallest angle", n - 1: "largest angle"}.get(c, f"angle {c + 1}")
        ax.set(title=title, xlabel=label(one["probability"]), ylim=(lowest, 92))
    axes[0][0].set_ylabel("angle (degrees)")
    axes[0][-1].legend(loc="lower right")
    return figure
