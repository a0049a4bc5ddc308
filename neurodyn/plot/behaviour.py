"""Choices."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, ORANGE, styled, subplots

__all__ = ["psychometric"]


@styled
def psychometric(
    model: xr.Dataset, recording: xr.Dataset | None = None, *, evidence: str = "coherence"
) -> Any:
    """Fraction of choices 1 against signed evidence, of a model and of what was recorded.

    Parameters
    ----------
    model
        With `choice` (0, 1, or -1 for none) and the evidence on `trial`, also with `seed`.
    recording
        The same of the animal or network that was recorded.
    evidence
        Name of the signed evidence.

    Returns
    -------
    matplotlib.figure.Figure
        With 95 % intervals (Wilson) of the recording, and one thin line per network. Evidence at
        which nothing was chosen has no point.
    """
    figure, axes = subplots(1, 1, size=(3.6, 2.9))
    ax = axes[0, 0]
    seeds = range(model.sizes["seed"]) if "seed" in model.dims else [None]
    curves = []
    for i in seeds:
        one = model if i is None else model.isel(seed=i)
        levels, fraction, _ = _fractions(one, evidence)
        curves.append(fraction)
        if len(seeds) > 1:
            ax.plot(100 * levels, fraction, color=BLUE, lw=0.6, alpha=0.5)
    chosen = np.isfinite(curves)
    mean = np.where(chosen, curves, 0.0).sum(0) / np.where(chosen.any(0), chosen.sum(0), np.nan)
    name = f"mean of {len(curves)} networks" if len(curves) > 1 else "network"
    ax.plot(100 * levels, mean, "o-", color=BLUE, ms=3.5, label=name)
    if recording is not None:
        levels, fraction, n = _fractions(recording, evidence)
        low, high = _wilson(fraction, n)
        error = [np.maximum(fraction - low, 0), np.maximum(high - fraction, 0)]
        ax.errorbar(
            100 * levels,
            fraction,
            error,
            fmt="s",
            color=ORANGE,
            ms=3.5,
            capsize=2,
            label="recorded",
        )
    ax.axhline(0.5, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0.0, color="0.85", lw=0.8, zorder=0)
    ax.set(xlabel=f"signed {evidence} (%)", ylabel="fraction of choices 1", ylim=(-0.03, 1.03))
    ax.legend(loc="upper left")
    return figure


def _fractions(ds: xr.Dataset, evidence: str):
    x, choice = np.asarray(ds[evidence].values, float), np.asarray(ds["choice"].values)
    levels = np.unique(x)
    made = choice >= 0
    n = np.array([np.sum(made & (x == level)) for level in levels])
    ones = np.array([np.sum((choice == 1) & (x == level)) for level in levels])
    return levels, ones / np.where(n > 0, n, np.nan), n


def _wilson(p: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a fraction (J. Am. Stat. Assoc. 1927)."""
    n = np.maximum(n, 1)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
