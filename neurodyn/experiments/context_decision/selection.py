"""Fixed points of trained networks in each context, and what their slowest mode selects."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import analysis
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.labels import between
from neurodyn.tasks import ContextDecision

EVIDENCE = ("motion", "colour")
CONTEXT = {"units": "1", "long_name": "context"}
#: Searches for each network and context.
N_STARTS = 128


def selected(model: Any, trials: xr.Dataset, task: ContextDecision) -> xr.Dataset:
    """Points without evidence in each context, with the inputs that the slowest mode takes up.

    Parameters
    ----------
    model
        Trained networks.
    trials
        Their simulated trials, whose states the searches start from.
    task
        The task, whose inputs have names.

    Returns
    -------
    xr.Dataset
        Of :func:`neurodyn.analysis.selection` on ``equilibrium``, with the coordinates ``context``,
        ``network``, ``kind``, ``stability`` and ``n_unstable``. Speeds up to a thousandth of the
        scale of the states per ms count as slow points.
    """
    cues = xr.DataArray(
        [[1.0 if name in ("fixation", f"context_{c}") else 0.0 for name in task.input_names]
         for c in EVIDENCE],
        {"context": ("context", list(EVIDENCE), CONTEXT), "input": list(task.input_names)},
        ("context", "input"),
    )  # fmt: skip
    during = between(trials, (0.0, float(trials["stimulus_stop"].min())))
    found = []
    for i, seed in enumerate(trials["seed"].values.tolist()):
        points = analysis.fixed_points(
            model[i],
            cues,
            starts=during[["rate"]].isel(seed=i, drop=True),
            n_starts=N_STARTS,
            jitter=0.2,
            slow=1e-3,
            key=shared_key(4),
            progress=False,
        )
        about = {name: points[name].variable for name in ("kind", "stability", "n_unstable")}
        network = {"network": ("equilibrium", np.full(points.sizes["equilibrium"], seed))}
        found.append(analysis.selection(points).assign_coords(about).assign_coords(network))
    joined = xr.concat(
        found, "equilibrium", coords="minimal", compat="override", join="override",
        combine_attrs="override",
    )  # fmt: skip
    number = np.arange(joined.sizes["equilibrium"])
    return joined.assign_coords(equilibrium=number)


def summary(points: xr.Dataset) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    rows = {}
    for context in EVIDENCE:
        here = points.isel(equilibrium=np.flatnonzero(points["context"].values == context))
        network = here["network"].values
        index = here["n_unstable"].values
        lowest, highest = (int(f(index, initial=0)) for f in (np.min, np.max))
        rows[f"fixed and slow points, {context} context"] = (
            spread(np.unique(network, return_counts=True)[1], ".3g")
            + f" (growing directions: {lowest} to {highest})"
        )
        rows[f"slowest mode, {context} context"] = spread(
            _means(here["timescale"].values / 1e3, network), ".3g", " s"
        )
        for name in EVIDENCE:
            word = "relevant" if name == context else "irrelevant"
            part = _means(here["selected_fraction"].sel(input=name).values, network)
            rows[f"{word} evidence selected, {context} context"] = spread(part, ".2f")
    return rows


def _means(values: np.ndarray, network: np.ndarray) -> list[float]:
    """Mean over the points of each network."""
    return [float(values[network == seed].mean()) for seed in np.unique(network)]
