"""Figures and summary of a fitted cell."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.plot.style import BLUE, ORANGE, styled, subplots


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Curves of all searches, and potentials of the best cell beside the recorded ones."""
    recording, model = tree["recording"].to_dataset(), tree["model"].to_dataset()
    step = model["step"].values
    fires = np.flatnonzero(tree["recording/fi"].to_dataset()["rate"].values > 0)
    shown = {"low": fires[len(fires) // 4], "high": fires[-1]}
    window = (model.attrs["window"][0] + 100.0, model.attrs["window"][1])
    drawn = {"curves": _curves(tree["analysis/responses"].to_dataset())}
    for name, sweep in shown.items():
        drawn[f"potentials_{name}"] = plot.voltages(
            {"recorded": recording, f"fitted, {step[sweep]:.0f} pA": model},
            trial=int(sweep),
            current="i",
            window=window,
        )
    return drawn


@styled
def _curves(found: xr.Dataset) -> Any:
    """Rate, latency and potential against current; hollow marks were held out of the fit."""
    figure, axes = subplots(1, 3, size=(2.9, 2.5))
    current = found["current"].values
    fitted = found["fitted"].values.astype(bool)
    titles = {
        "rate": "firing rate (Hz)",
        "latency": "first spike (ms)",
        "potential": "late potential (mV)",
    }
    for ax, (name, text) in zip(axes[0], titles.items(), strict=True):
        silent = found["recorded_rate"].values == 0
        there = silent if name == "potential" else np.ones_like(silent)
        for k, line in enumerate(found[name].values):
            ax.plot(current[there], line[there], color=ORANGE, lw=0.9, alpha=0.7)
            if k == 0:
                ax.lines[-1].set_label("fitted cells")
        recorded = found[f"recorded_{name}"].values
        for which, face, text_ in ((fitted, BLUE, "recorded"), (~fitted, "none", "held out")):
            here = there & which
            ax.plot(current[here], recorded[here], "o", mfc=face, mec=BLUE, ms=4, label=text_)
        ax.set(xlabel="injected current (pA)", ylabel=text)
        if name == "latency":
            ax.set_yscale("log")
            for axis in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
                axis(mpl.ticker.StrMethodFormatter("{x:g}"))
    axes[0, 0].legend()
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Parameters and errors of the best cell, with their spread over searches."""
    cells = tree["analysis/cells"].to_dataset()
    found = tree["analysis/responses"].to_dataset()
    best = int(np.flatnonzero(cells["seed"].values == cells.attrs["best"])[0])
    rows = {
        "searches": f"{cells.sizes['seed']}, best that of seed {cells.attrs['best']}",
        "loss": f"{float(cells['loss'][best]):.3g} ({_span(cells['loss'].values)})",
    }
    for name in ("error_fitted", "error_held_out"):
        values = cells[name].values
        text = f"{values[best]:.2f} Hz ({_span(values)})"
        rows[str(cells[name].attrs["long_name"])] = text
    for name in cells.data_vars:
        if cells[name].dims == ("seed",) and not str(name).startswith(("loss", "error")):
            values, about = cells[name].values, cells[name].attrs
            rows[f"{name}, {about['long_name']}"] = (
                f"{values[best]:.3g} {about['units']} ({_span(values)})"
            )
    rows["peak of spikes"] = f"{cells.attrs['vpeak']:.1f} mV, from the recording"
    quiet = found["recorded_rate"].values == 0
    error = found["potential"].values[best] - found["recorded_potential"].values
    rows["error of potentials, steps without spikes"] = ", ".join(
        f"{c:.0f} pA: {e:+.1f} mV"
        for c, e in zip(found["current"].values[quiet], error[quiet], strict=True)
    )
    return rows


def _span(values: np.ndarray) -> str:
    return f"{values.min():.3g} to {values.max():.3g} over searches"
