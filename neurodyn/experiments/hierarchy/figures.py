"""Figures and summary of the hierarchy experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.shared.meta_priors import by_meta_prior

__all__ = ["figures", "summary"]

DECODED = {
    "r2_p_left": "probability of left (r2)",
    "r2_fraction_left": "fraction of left (r2)",
    "r2_side_ahead": "side of the next reach (r2)",
}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    scores = tree["analysis/decoding"].to_dataset()
    latents = tree["model/latents"].to_dataset()
    example = tree["model/example"].to_dataset()
    one_each = [
        int(np.flatnonzero(example["latent_layer"].values == k)[0]) for k in example["layer"].values
    ]
    planes = {
        f"layer {name}": node.to_dataset()["scores"]
        for name, node in tree["analysis/plane"].children.items()
    }
    return {
        "decoding": plot.meta_prior({title: scores[n] for n, title in DECODED.items()}),
        "latents": plot.meta_prior(
            {"sigma of the prior": latents["sigma_p"], "KL per step (nat)": latents["kl"]}
        ),
        "latent_space": plot.latent_space(planes, by="p_left"),
        "bands": plot.latent_bands(example.isel(latent=one_each, time=slice(128))),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores = tree["analysis/decoding"].to_dataset()
    truth = tree["analysis/sequences"].to_dataset()
    w, n = scores["meta_prior"].values, scores.sizes["seed"]
    rows = {
        "networks": f"{n} for each of {len(w)} meta-priors",
        "sequences": f"{truth.sizes['trial']}",
        "squared error of reconstruction": by_meta_prior(scores["error"]),
        "r2 of the probability from the fraction": f"{float(truth['ceiling']):.2f}",
    }
    for name in DECODED:
        for k in scores["layer"].values:
            what = scores[name].attrs["long_name"].removeprefix("held-out r2 of the ")
            rows[f"r2, layer {int(k)}: {what}"] = by_meta_prior(scores[name].sel(layer=k))
    rows["preference kept in generation (r)"] = by_meta_prior(scores["kept"])
    rows["generated reaches at a goal"] = by_meta_prior(scores["reached"])
    return rows
