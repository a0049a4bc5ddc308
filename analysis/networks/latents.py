"""Latents of variational networks: their uncertainty, and their divergence from the prior."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.results import results
from neurodyn.labels import LabelError

#: Variables that the run needs, and their dims.
NEEDED = {"sigma": "latent", "prior_sigma": "latent", "kl": "layer"}


def latent_summary(run: xr.Dataset) -> xr.Dataset:
    """Uncertainty of the latents and divergence from the prior, for each layer.

    The first step of a sequence is kept apart: its prior is the unit Gaussian, not one that was
    learnt. The coordinate ``first_step`` on `time` says which it is.

    Parameters
    ----------
    run
        Reconstruction of training sequences by a :class:`neurodyn.models.PVRNN` (or of the
        sequences that a :class:`neurodyn.models.VRNN` reads): ``sigma`` and ``prior_sigma`` on
        `latent`, ``kl`` on `layer`, the coordinates ``latent_layer`` and ``first_step``. Steps
        after the end of a sequence are left out.

    Returns
    -------
    Dataset on `layer` (and `seed`, where the run has it), means over sequences, steps and the
    latents of the layer: ``sigma_q`` and ``sigma_p`` of posterior and prior, ``kl`` [nat per step,
    summed over the latents of the layer], and ``kl_first`` of the first step, NaN where that is not
    part of the run.

    Raises
    ------
    LabelError
        If a variable or ``first_step`` is missing, or there is no other step.
    """
    missing = [name for name, dim in NEEDED.items() if name not in run or dim not in run[name].dims]
    if missing or "latent_layer" not in run.coords:
        raise LabelError(
            f"the run has no {', '.join(missing) or 'latent_layer'}: simulate a PVRNN with "
            f"variables={tuple(NEEDED)}."
        )
    if "first_step" not in run.coords:
        raise LabelError(
            "the run does not say which step is the first of its sequence, whose prior is not "
            "learnt: give the coordinate first_step on 'time', 1 there and 0 elsewhere, as "
            "simulate does."
        )
    inside = labels.valid(run)
    run = run.assign({name: run[name].where(inside) for name in NEEDED})
    # After coarsen a step is a mean of several; 0 < first_step < 1 if the first one is among them.
    later = run.isel(time=np.flatnonzero(run["first_step"] == 0))
    begun = run.isel(time=np.flatnonzero(run["first_step"] == 1))
    if not later.sizes["time"]:
        raise LabelError(
            "the run holds first steps only, whose prior is not learnt: simulate longer sequences."
        )
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
    first = begun["kl"].mean(over)
    variables = {
        "sigma_q": (dims, by_layer("sigma"), "1", "standard deviation of the posterior"),
        "sigma_p": (dims, by_layer("prior_sigma"), "1", "standard deviation of the prior"),
        "kl": (dims, later["kl"].mean(over), "nat", "divergence from the prior per step"),
        "kl_first": (dims, first, "nat", "divergence from the unit Gaussian in the first step"),
    }
    coords = {dim: run[dim] for dim in dims if dim in run.coords}
    return results(variables, coords)
