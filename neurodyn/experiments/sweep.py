"""Networks with several meta-priors, trained in one program: what experiments with them share."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import xarray as xr

from neurodyn.analysis import bootstrap
from neurodyn.experiments.experiment import Run
from neurodyn.experiments.seeds import seeds_of
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences
from neurodyn.training import ELBO, Ensemble, Fit, Seeds, fit

__all__ = ["by_meta_prior", "train_all", "unfold", "untrained"]

#: Networks from which on an interval is worth drawing.
_FEW = 5


def untrained(make: Callable[..., PVRNN], settings: Any, *, key: Any) -> list[PVRNN]:
    """Every meta-prior with every start, as `unfold` takes them apart again.

    A start has the same weights whatever the meta-prior.
    """
    return [
        make(w=w, key=jax.random.fold_in(key, seed))
        for w in settings.w
        for seed in seeds_of(settings, settings.n_networks)
    ]


def train_all(
    make: Callable[..., PVRNN], sequences: Sequences, settings: Any, run: Run, *, key: Any
) -> Fit:
    """Train every meta-prior and every start.

    Parameters
    ----------
    make
        ``(w=, key=) -> PVRNN``.
    sequences
        What all networks learn.
    settings
        With ``w``, ``n_networks``, ``epochs`` and ``learning_rate``.
    run
        Where checkpoints are kept.
    key
        Of initial weights and of training, whose draws are the same for every meta-prior.
    """
    starts, training = key
    members = untrained(make, settings, key=starts)
    return fit(
        Ensemble(members),
        sequences,
        objective=ELBO(),
        optimizer=optax.adam(settings.learning_rate),
        sampler="full",
        steps=settings.epochs,
        evaluate=False,
        ensemble=Seeds(
            len(members),
            how="vmap",
            seeds=seeds_of(settings, settings.n_networks) * len(settings.w),
        ),
        checkpoint=None if run.folder is None else run.folder / "networks.ckpt",
        checkpoint_every=None if run.folder is None else max(1, settings.epochs // 10),
        resume=run.resume,
        progress=run.progress,
        key=training,
    )


def unfold(ds: xr.Dataset, settings: Any) -> xr.Dataset:
    """Members of the one ensemble, on `seed`, as (meta_prior, seed)."""
    w, n = np.asarray(settings.w, np.float64), settings.n_networks
    parts = [
        ds.isel(seed=slice(i * n, (i + 1) * n)).drop_vars("seed", errors="ignore")
        for i in range(len(w))
    ]
    joined = xr.concat(
        parts, "meta_prior", data_vars="all", coords="minimal", compat="override", join="exact"
    )
    named = ("meta_prior", w, {"units": "1", "long_name": "meta-prior w"})
    return joined.assign_coords(meta_prior=named)


def by_meta_prior(values: xr.DataArray) -> str:
    """Mean over networks and its interval for each meta-prior, as text.

    The interval is a bootstrap one of 95 %; of fewer than five networks, their range.
    """
    values = values.squeeze("layer", drop=True) if "layer" in values.dims else values
    w = values["meta_prior"].values
    if values.sizes["seed"] < 2:
        alone = values.isel(seed=0).values
        return "; ".join(f"{a:g}: {x:.3g}" for a, x in zip(w, alone, strict=True))
    if values.sizes["seed"] < _FEW:
        rows = np.stack([values.mean("seed"), values.min("seed"), values.max("seed")], axis=1)
    else:
        interval = bootstrap(values)
        rows = np.stack([interval[name].values for name in ("mean", "low", "high")], axis=1)
    pairs = zip(w, rows, strict=True)
    return "; ".join(f"{a:g}: {m:.3g} ({lo:.3g} to {hi:.3g})" for a, (m, lo, hi) in pairs)
