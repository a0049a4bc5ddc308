"""Figures and summary of the flip-flop experiment."""

from math import comb
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.plot.style import GREY, STROKES, panel, styled

NAMES = {"ctrnn": "CTRNN", "gru": "GRU", "lstm": "LSTM"}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    drawn = {
        f"points_{kind}": plot.fixed_points(
            node.to_dataset(), run=tree[f"model/trials/{kind}"].to_dataset()
        )
        for kind, node in tree["analysis/first"].children.items()
        if node.sizes["equilibrium"]
    }
    drawn["scores"] = _counts(tree)
    return drawn


@styled
def _counts(tree: xr.DataTree) -> Any:
    """Points by their number of growing directions; crosses: all combinations of bits held."""
    scores = tree["analysis/scores"].to_dataset()
    bits = settings_in(tree)["n_bits"]
    names = [name for name in scores.data_vars if str(name).startswith("n_index_")]
    figure, ax = panel(size=(5.2, 3.4))
    width = 0.8 / scores.sizes["sweep"]
    for i, kind in enumerate(scores["architecture"].values):
        for j, seed in enumerate(scores["seed"].values):
            counts = [float(scores[name].sel(seed=seed).isel(sweep=i)) for name in names]
            offset = (i - (scores.sizes["sweep"] - 1) / 2) * width
            spread = (j - (scores.sizes["seed"] - 1) / 2) * 0.6 * width / scores.sizes["seed"]
            ax.plot(
                np.arange(len(names)) + offset + spread,
                counts,
                "o",
                ms=4,
                color=STROKES[i],
                label=NAMES[str(kind)] if j == 0 else None,
            )
    ideal = [comb(bits, k) * 2 ** (bits - k) for k in range(min(bits, len(names) - 1) + 1)]
    ax.plot(range(len(ideal)), ideal, "x", color=GREY, ms=9, label="all combinations")
    ax.set(xlabel="growing directions", ylabel="fixed points", xticks=range(len(names)))
    ax.legend(fontsize="small")
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores = tree["analysis/scores"].to_dataset()
    rows = {}
    for i, kind in enumerate(scores["architecture"].values):
        here = scores.isel(sweep=i)
        stable = here["n_index_0"].values
        wanted = 2 ** settings_in(tree)["n_bits"]
        name = NAMES[str(kind)]
        rows[f"correct trials, {name}"] = spread(here["correct"], ".4g")
        rows[f"stable points, {name}"] = (
            f"{spread(stable, '.4g')}; {wanted} in {(stable == wanted).sum()} of {stable.size}"
        )
        rows[f"fixed points, {name}"] = spread(here["n_points"], ".4g")
        rows[f"largest relative speed (1/ms), {name}"] = f"{float(here['speed'].max()):.1g}"
        rows[f"longest timescale of a stable point (ms), {name}"] = spread(here["timescale"], ".4g")
    return rows
