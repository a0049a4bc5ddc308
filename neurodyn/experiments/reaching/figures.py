"""Figures and summary of the reaching experiment."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.plot.style import BLUE, GREY, styled, subplots

NAMES = {
    "recording": "motor cortex",
    "untrained": "untrained",
    "ctrnn": "CTRNN",
    "penalised": "penalised",
    "noisy": "noisy",
    "gru": "GRU",
    "spiking": "spiking",
}
#: Scores in the figure, with short names; a line marks the recording or its halves.
SHOWN = {
    "r2_rotation": "R2 of rotations",
    "ratio": "ratio to free map",
    "frequency": "frequency (Hz)",
    "dimensionality": "participation ratio",
    "dsa": "DSA angle (rad)",
    "cka": "CKA",
    "procrustes": "Procrustes angle (rad)",
    "common": "common variance",
}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    found = {str(n): node.to_dataset() for n, node in tree["analysis/rotations"].children.items()}
    return {
        "rotations": _rotations(found),
        "scores": _scores(
            tree["analysis/scores"].to_dataset(), tree["analysis/reference"].to_dataset()
        ),
        "distances": plot.distances(tree["analysis/distances/distance"]),
        "delays": plot.delay_choice(tree["analysis/delays"].to_dataset()),
    }


@styled
def _rotations(found: dict[str, xr.Dataset]) -> Any:
    """The fastest plane of each system, all directions."""
    columns = min(len(found), 4)
    rows = -(-len(found) // columns)
    figure, axes = subplots(rows, columns, size=(2.1, 2.35))
    for ax in axes.ravel()[len(found) :]:
        ax.remove()
    for ax, (name, ds) in zip(axes.ravel(), found.items(), strict=False):
        scores = ds["scores"].transpose("condition", "time", "component").values[..., :2]
        for i, line in enumerate(scores):
            colour = mpl.colormaps["twilight_shifted"]((i + 0.5) / len(scores))
            ax.plot(*line.T, color=colour)
            ax.plot(*line[0], "o", color=colour, ms=3.5)
        ax.set_title(
            f"{NAMES[name]}\nratio {float(ds['ratio']):.2f} (p = {float(ds['p_value']):.2g})\n"
            f"{float(ds['frequency'][0]):.2f} Hz, {float(ds['plane_variance'][0]):.0%}",
            fontsize=8,
        )
        ax.set_aspect("equal", "datalim")
        ax.set(xticks=[], yticks=[])
    return figure


@styled
def _scores(scores: xr.Dataset, reference: xr.Dataset) -> Any:
    """Every network as a dot, the recording as a line."""
    figure, axes = subplots(2, 4, size=(2.1, 2.2), sharex=True)
    names = [NAMES[str(v)] for v in scores["variant"].values]
    for ax, (name, text) in zip(axes.ravel(), SHOWN.items(), strict=True):
        for values in scores[name].transpose("seed", "sweep").values:
            ax.plot(np.arange(len(names)), values, "o", color=BLUE, ms=4, alpha=0.8)
        ax.axhline(float(reference[name]), color=GREY, ls="--")
        ax.set_title(text, fontsize=8.5)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.5, len(names) - 0.5)
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores = tree["analysis/scores"].to_dataset()
    reference = tree["analysis/reference"].to_dataset()
    choice = tree["analysis/delays"].to_dataset()
    rows = {
        "delays and rank of the operators": (
            f"{int(choice['best_n_delays'])}, {int(choice['best_rank'])}"
        )
    }
    for name in ("correct", "mse"):
        for i, variant in enumerate(scores["variant"].values):
            text = scores[name].attrs["long_name"]
            rows[f"{text}, {NAMES[str(variant)]}"] = spread(scores[name].isel(sweep=i), ".3g")
    for name in reference.data_vars:
        text = reference[name].attrs["long_name"]
        units = reference[name].attrs["units"]
        text = text if units == "1" else f"{text} ({units})"
        side = "halves of the recorded units" if name in ("dsa", "cka", "procrustes") else None
        rows[f"{text}, {side or NAMES['recording']}"] = f"{float(reference[name]):.3g}"
        for i, variant in enumerate(scores["variant"].values):
            rows[f"{text}, {NAMES[str(variant)]}"] = spread(scores[name].isel(sweep=i), ".3g")
    return rows
