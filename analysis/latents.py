"""What the latents of variational networks do: how uncertain they are, and what they cost."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError

__all__ = ["latent_summary"]

#: Variables of a run along the posterior, and what they are called in the summary.
NEEDED = {"sigma": "latent", "prior_sigma": "latent", "kl": "layer"}


def latent_summary(run: xr.Dataset) -> xr.Dataset:
    """Uncertainty of the latents and divergence from the prior, for each layer.

    The first step is kept apart: its prior is the unit Gaussian, not one that was learnt.

    Parameters
    ----------
    run
        Reconstruction of training sequences by a :class:`neurodyn.models.PVRNN` (or of what a
        :class:`neurodyn.models.VRNN` reads): ``sigma`` and ``prior_sigma`` on `latent`, ``kl`` on
        `layer`, the coordinate ``latent_layer``. Steps from ``n_valid`` on, where trials have it,
        do not count.

    Returns
    -------
    Dataset on `layer` (and `seed`, where the run has it), means over sequences, steps and the
    latents of the layer: ``sigma_q`` and ``sigma_p`` of posterior and prior, ``kl`` [nat per step,
    summed over the latents of the layer], and ``kl_first`` of the first step.

    Raises
    ------
    LabelError
        If a variable is missing, or there is one step only.
    """
    missing = [name for name, dim in NEEDED.items() if name not in run or dim not in run[name].dims]
    if missing or "latent_layer" not in run.coords:
        raise LabelError(
            f"the run has no {', '.join(missing) or 'latent_layer'}: simulate a PVRNN with "
            f"variables={tuple(NEEDED)}."
        )
    if run.sizes["time"] < 2:
        raise LabelError("the run has one step, whose prior is not learnt.")
    if "n_valid" in run.coords:
        # Beyond the end of its sequence a run goes on, about nothing.
        step = xr.DataArray(np.arange(run.sizes["time"]), dims="time")
        inside = step < run["n_valid"]
        run = run.assign({name: run[name].where(inside) for name in NEEDED})
    later = run.isel(time=slice(1, None))
    # Members of an ensemble have the same layers.
    layer_of = run["latent_layer"].isel({d: 0 for d in run["latent_layer"].dims if d != "latent"})
    layers = run["layer"].values
    over = [d for d in run["kl"].dims if d not in ("seed", "layer")]

    def by_layer(name: str) -> xr.DataArray:
        mean = later[name].mean(over)
        parts = [
            mean.isel(latent=np.flatnonzero(layer_of.values == k))
            .mean("latent")
            .drop_vars("layer", errors="ignore")
            for k in layers
        ]
        return xr.concat(parts, "layer", coords="minimal", compat="override").transpose(
            ..., "layer"
        )

    dims = ("seed", "layer") if "seed" in run["kl"].dims else ("layer",)
    first = run["kl"].isel(time=0).mean([d for d in over if d != "time"])
    variables = {
        "sigma_q": (dims, by_layer("sigma"), "1", "standard deviation of the posterior"),
        "sigma_p": (dims, by_layer("prior_sigma"), "1", "standard deviation of the prior"),
        "kl": (dims, later["kl"].mean(over), "nat", "divergence from the prior per step"),
        "kl_first": (dims, first, "nat", "divergence from the unit Gaussian in the first step"),
    }
    coords = {dim: run[dim] for dim in dims if dim in run.coords}
    return labels.dataset(variables, coords, source="analysis", kind="statistic")
