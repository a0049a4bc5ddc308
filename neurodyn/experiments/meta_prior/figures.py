"""Figures and summary of the meta-prior experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.analysis import bootstrap
from neurodyn.experiments.shared.meta_priors import by_meta_prior

NOISE = {"noisy": "with noise", "noise_free": "without noise"}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    latents, errors = (tree[f"model/{n}"].to_dataset() for n in ("latents", "errors"))
    free = {n: tree[f"analysis/free/{n}"].to_dataset() for n in NOISE}
    floor = float(tree["analysis/floor/divergence"].mean())

    def both(name: str) -> dict[str, xr.DataArray]:
        return {NOISE[n]: ds[name] for n, ds in free.items()}

    drawn = {
        "latents": plot.meta_prior(
            {
                "sigma of the prior": latents["sigma_p"],
                "sigma of the posterior": latents["sigma_q"],
                "KL per step (nat)": latents["kl"],
            }
        ),
        "lyapunov": plot.meta_prior({"Lyapunov exponent per step": both("lyapunov")}),
        "generalisation": plot.meta_prior(
            {
                "words that cannot occur": both("illegal"),
                "entropy rate (nat)": both("entropy_rate"),
                "word divergence (nat)": both("divergence"),
            },
            floor=floor,
        ),
        "errors": plot.meta_prior(
            {"squared error": {n: errors[n] for n in ("posterior", "target", "free")}}
        ),
    }
    true = tree["analysis/words/true"].to_dataset()
    planes = {}
    for name in tree["model/example"].children:
        run = tree[f"model/example/{name}"].to_dataset()
        title = f"w = {run.attrs['w']:g}"
        drawn[f"bands_{name}"] = plot.latent_bands(run)
        plane = tree[f"analysis/plane/{name}"].to_dataset()
        planes[title] = plane["scores"].assign_coords(symbol=plane["symbol"])
        words = {NOISE[n]: tree[f"analysis/words/{name}/{n}"].to_dataset() for n in NOISE}
        drawn[f"words_{name}"] = plot.words(true, words)
    drawn["free_run_without_noise"] = plot.latent_space(planes, by="symbol")
    return drawn


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    latents, errors = (tree[f"model/{n}"].to_dataset() for n in ("latents", "errors"))
    floor = tree["analysis/floor"].to_dataset()
    w, n = latents["meta_prior"].values, latents.sizes["seed"]
    rows = {
        "networks": f"{n} for each of {len(w)} meta-priors, {w.min():g} to {w.max():g}",
        "floor of the word divergence": f"{float(floor['divergence'].mean()):.4f} nat",
    }
    tables = {"sigma of the prior": latents["sigma_p"], "KL per step": latents["kl"]}
    tables |= {f"squared error, {k}": errors[k] for k in ("posterior", "target", "free")}
    for noise, words in NOISE.items():
        ds = tree[f"analysis/free/{noise}"].to_dataset()
        tables[f"Lyapunov exponent {words}"] = ds["lyapunov"]
        tables[f"word divergence {words}"] = ds["divergence"]
        tables[f"words that cannot occur {words}"] = ds["illegal"]
        tables[f"entropy rate {words}"] = ds["entropy_rate"]
    for name, values in tables.items():
        rows[name] = by_meta_prior(values)
    rows["entropy rate of the source"] = f"{float(floor['entropy_rate']):.3f} nat"
    for noise, words in NOISE.items():
        ds = tree[f"analysis/free/{noise}"].to_dataset()
        rows[f"chaotic {words}"] = _chaotic(ds["lyapunov"])
        rows[f"least divergence {words}"] = least(ds["divergence"])
    return rows


def _chaotic(exponent: xr.DataArray) -> str:
    n = exponent.sizes["seed"]
    counts = (exponent > 0).sum("seed").values
    pairs = zip(exponent["meta_prior"].values, counts, strict=True)
    return "; ".join(f"{w:g}: {int(c)} of {n}" for w, c in pairs)


def least(divergence: xr.DataArray) -> str:
    """Meta-prior with the smallest mean divergence, and how certainly it lies inside the grid.

    The certainty is the fraction of bootstrap draws (networks drawn with replacement, the same for
    all meta-priors) in which the smallest mean is at neither end of the grid.
    """
    w = divergence["meta_prior"].values
    mean = divergence.mean("seed").values
    best = int(np.argmin(mean))
    text = f"w = {w[best]:g} ({mean[best]:.3g} nat)"
    if divergence.sizes["seed"] < 2 or len(w) < 3:
        return text
    draws = bootstrap(divergence)["draws"].transpose("draw", "meta_prior").values
    inside = np.isin(draws.argmin(1), np.arange(1, len(w) - 1)).mean()
    return f"{text}; inside the grid in {100 * inside:.0f} % of bootstrap draws"
