"""Inputs, targets and epochs of a task."""

import json
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import clock, entry
from neurodyn.plot.style import BLUE, ORANGE, styled, subplots


@styled
def trial(trials: xr.Dataset, *, trial: Any = None) -> Any:
    """Inputs and targets of one trial, with its epochs.

    Parameters
    ----------
    trials
        Result of ``task.trials(key, n)``: inputs, targets and mask.
    trial
        Label of one of them; default: the first.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no such trial, or these are no trials of a task.
    """
    one = entry(trials, "trial", trial)
    # Epochs, which are drawn too, are in the unit of the clock.
    time, _, unit = clock(one, what="the trials", even=False)
    # Tasks whose sequences are to be generated have no inputs.
    rows = 2 if "inputs" in one else 1
    figure, axes = subplots(rows, 1, size=(4.8, 1.8), sharex=True)
    if rows == 2:
        _stack(axes[0, 0], time, one["inputs"], "input", BLUE)
    targets, below = one["targets"], axes[-1, 0]
    if "time" not in targets.dims:
        values = np.atleast_1d(targets.values)
        below.text(0.02, 0.5, f"target at the end: {values}", transform=below.transAxes)
        below.set_yticks([])
    elif "output" in targets.dims:
        _stack(below, time, targets.where(one["mask"] > 0), "output", ORANGE)
    else:
        named = json.loads(str(trials.attrs.get("labels", "{}"))).get("target", {})
        below.step(time, targets.where(one["mask"] > 0), where="pre", color=ORANGE)
        codes = np.unique(targets.values).astype(int)
        below.set_yticks(codes, [named.get(str(c), str(c)) for c in codes])
        below.set_ylabel("target")
    look = {"transform": axes[0, 0].get_xaxis_transform(), "fontsize": 7, "color": "0.4"}
    for i, (name, start) in enumerate(sorted(_epochs(one).items(), key=lambda item: item[1])):
        for ax in axes[:, 0]:
            ax.axvline(start, color="0.85", lw=0.8, zorder=0)
        # By turns on two lines, so that the names of short epochs do not meet.
        axes[0, 0].text(start, 1.02 + 0.1 * (i % 2), name, **look)
    shown = "steps" if unit == "1" else unit
    below.set_xlabel(f"time from {trials.attrs.get('align_event', 'start')} ({shown})")
    return figure


def _epochs(one: xr.Dataset) -> dict[str, float]:
    """When each epoch of a trial starts: the same in all trials, or another in each."""
    found = {str(n)[6:]: float(v[0]) for n, v in one.attrs.items() if str(n).startswith("epoch_")}
    for name, c in one.coords.items():
        epoch = str(name).removesuffix("_start")
        if epoch != name and f"{epoch}_stop" in one.coords:
            found[epoch] = float(c)
    return {name: start for name, start in found.items() if np.isfinite(start)}


def _stack(ax: Any, time: np.ndarray, da: xr.DataArray, dim: str, colour: str) -> None:
    """Channels below each other, on one scale."""
    da = da.transpose("time", dim)
    scale = 1.1 * max(1e-9, float(np.nanmax(np.abs(da.values))))
    for i in range(da.sizes[dim]):
        ax.axhline(-i, color="0.93", lw=0.8, zorder=0)
        ax.plot(time, da.isel({dim: i}) / scale - i, color=colour, lw=1)
    ax.set_yticks(-np.arange(da.sizes[dim]), [str(v) for v in da[dim].values])
    ax.set_ylabel(dim)
