"""Time constants of models."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.engine.units import unit_coord
from neurodyn.labels.only import DATASET, takes
from neurodyn.params import with_values
from neurodyn.plot.style import BLUE, GREY, styled, subplots
from neurodyn.system import AbstractSystem

__all__ = ["time_constants"]


@takes(run=DATASET)
@styled
def time_constants(
    run: xr.Dataset | xr.DataArray | AbstractSystem, *, initial: float | None = None
) -> Any:
    """Distribution of the time constants of all units.

    Parameters
    ----------
    run
        With the coordinate ``tau`` [ms, or steps] on ``unit``, also with ``seed``; or a model.
    initial
        Where they started, in the same unit, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the units have no time constants.
    """
    if isinstance(run, AbstractSystem):
        tau = with_values(run).unit_coords().get("tau")
        known = {} if tau is None else {"tau": unit_coord(tau, "ms")}
        run = xr.Dataset({n: (dim, x, {"units": unit}) for n, (dim, x, unit) in known.items()})
    if "tau" not in run:
        raise ValueError("These units have no time constants: there is no coordinate 'tau'.")
    tau = run["tau"]
    members = tau.values.reshape(-1, tau.sizes["unit"])
    low, high = members.min(), members.max()
    pad = max(0.05 * (high - low), 1e-3 * high)
    edges = np.linspace(low - pad, high + pad, 31)
    figure, axes = subplots(1, 1, size=(3.6, 2.7))
    ax = axes[0, 0]
    counts = np.stack([np.histogram(m, edges)[0] for m in members]) / members.shape[1]
    for one in counts:
        ax.stairs(one, edges, color=BLUE, lw=0.5, alpha=0.4)
    name = f"mean of {len(members)} networks" if len(members) > 1 else "network"
    ax.stairs(counts.mean(0), edges, color=BLUE, fill=True, alpha=0.35, label=name)
    if initial is not None:
        ax.axvline(initial, color=GREY, ls="--", lw=1, label="before training")
    ax.set(xlabel=f"time constant ({tau.attrs.get('units', 'ms')})", ylabel="fraction of units")
    ax.legend()
    return figure
