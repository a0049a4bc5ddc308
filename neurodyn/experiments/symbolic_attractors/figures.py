"""Figures and summary of the symbolic codes of trained networks."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import analysis, plot
from neurodyn.experiments.running.experiment import settings_in

#: Channels whose spectra are drawn.
PANELS = 6


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    history = tree["model/training"].to_dataset()
    drawn = {"divergence": plot.checkpoints(history, measure="validation_d_stsp")}
    if "sweep" in tree["analysis"].children:
        scores = tree["analysis/sweep"].to_dataset()["d_stsp_train"]
        drawn["elbow"] = plot.elbow(scores.sel(checkpoint="best", drop=True), by="n_relu")
    # Without a network that stays finite there are no other figures.
    return drawn | (_of_the_best(tree) if "symbols" in tree["analysis"].children else {})


def _of_the_best(tree: xr.DataTree) -> dict[str, Any]:
    """Figures of the best network."""
    settings = settings_in(tree)
    recorded = tree["recording"].to_dataset()["value"]
    model = tree.children["model"].to_dataset(inherit=False)
    outputs, states = model["value"], model["state"]
    coded = tree["analysis/symbols"].to_dataset()
    graph = tree["analysis/transitions"].to_dataset()
    points = tree["analysis/fixed_points"].to_dataset()
    visited = np.isin(points["code"].values, coded["code"].values)
    points = points.isel(equilibrium=np.flatnonzero(visited))
    spectra = [
        analysis.power_spectrum(x[:, :PANELS], sigma=settings["smoothing"])
        for x in (recorded, outputs)
    ]
    plane = (0, 2 if recorded.sizes["output"] > 2 else 1)
    return {
        "attractor": plot.attractor(outputs, coded, points=points),
        "attractor_data": plot.attractor(
            outputs, coded, points=points, reference=recorded, components=plane
        ),
        "symbol_graph": plot.symbol_graph(graph, coded),
        "geometric_graph": plot.geometric_graph(
            coded, graph, points=points, trajectory=states, components=plane
        ),
        "spectra": plot.spectra(*spectra),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report: medians over networks, and their range."""
    settings = settings_in(tree)
    scores = tree["analysis/scores"].to_dataset()
    best, last = (scores.sel(checkpoint=name) for name in ("best", "last"))
    rows = {
        "networks": (
            f"{scores.sizes['seed']} of {settings['n_units']} units, {settings['n_relu']} rectified"
        ),
        "data": f"{settings['data']}, {settings['epochs'] * settings['epoch_size']} updates",
    }
    for name in ("train", "test"):
        if np.isfinite(best[f"d_stsp_{name}"]).any():
            where = "training data" if name == "train" else "held-out data"
            rows[f"D_stsp, {where}, best"] = _spread(best[f"d_stsp_{name}"].values)
            rows[f"D_stsp, {where}, last"] = _spread(last[f"d_stsp_{name}"].values)
            rows[f"D_H, {where}, best"] = _spread(best[f"d_h_{name}"].values)
    rows["prediction error, best"] = _spread(best["prediction_error"].values, digits=3)
    rows["largest exponent (1/s), best"] = _spread(best["lyapunov"].values)
    rows["visited regions, best"] = _counts(best["n_regions"].values)
    rows["of these with a real fixed point"] = _counts(best["n_real"].values)
    if np.isfinite(best["n_equilibria"]).any():
        rows["equilibria with a fixed point of their own"] = _counts(best["n_equilibria"].values)
        for which, distances in enumerate(best["equilibrium_distance"].values.T):
            rows[f"distance of equilibrium {which} from it"] = _spread(distances)
    for name, which in (("best", best), ("last", last)):
        rows[f"free runs, {name}"] = _counts(which["status"].values)
    if "symbols" not in tree["analysis"].children:
        return rows
    coded = tree["analysis/symbols"].to_dataset()
    share = ", ".join(f"{x:.2f}" for x in coded["frequency"].values[:6])
    rows["shares of time, best network"] = share
    return rows


def _spread(values: np.ndarray, digits: int = 2) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "none"
    middle, low, high = (f"{f(known):.{digits}f}" for f in (np.median, np.min, np.max))
    text = f"median {middle} ({low} to {high})"
    missing = values.size - known.size
    return text + (f", {missing} without" if missing else "")


def _counts(values: np.ndarray) -> str:
    """Number of networks with each value, as text."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)].astype(int)
    found, numbers = np.unique(values, return_counts=True)
    return ", ".join(f"{v} in {n}" for v, n in zip(found.tolist(), numbers, strict=True)) or "none"
