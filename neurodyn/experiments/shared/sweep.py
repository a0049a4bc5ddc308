"""Networks with several meta-priors, trained in one program: what experiments with them share."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import xarray as xr

from neurodyn.analysis import bootstrap
from neurodyn.experiments.shared.experiment import Run
from neurodyn.experiments.shared.limits import Count, NotNegative, Positive
from neurodyn.experiments.shared.seeds import SeededSettings, seeds_of
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences
from neurodyn.training import ELBO, Ensemble, Fit, Seeds, fit

__all__ = ["RANGES", "SweepSettings", "by_meta_prior", "train_all", "unfold", "untrained"]

#: Networks from which on an interval is worth drawing.
_FEW = 5
#: What the ranges of `by_meta_prior` are, in reports.
RANGES = (
    "Values are means over networks, one for each meta-prior; in brackets their bootstrap interval "
    "of 95 %, or their range where there are fewer than five networks."
)


@dataclasses.dataclass(frozen=True)
class SweepSettings(SeededSettings):
    """What experiments with several meta-priors share.

    Attributes
    ----------
    w
        Meta-priors.
    n_networks
        Networks trained with each of them, from starts that are the same for every meta-prior.
    epochs
        Updates, each on all sequences.
    learning_rate
        Step size of Adam.
    w_first
        Meta-prior of the first step.
    """

    w: tuple[Positive, ...] = (0.001, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0)
    n_networks: Count = 5
    epochs: Count = 5000
    learning_rate: Positive = 1e-3
    w_first: NotNegative | None = 0.01


def untrained(make: Callable[..., PVRNN], settings: SweepSettings, *, key: Any) -> list[PVRNN]:
    """Every meta-prior with every start, as `unfold` takes them apart again.

    A start has the same weights whatever the meta-prior.
    """
    return [
        make(w=w, key=jax.random.fold_in(key, seed))
        for w in settings.w
        for seed in seeds_of(settings, settings.n_networks)
    ]


def train_all(
    make: Callable[..., PVRNN], sequences: Sequences, settings: SweepSettings, run: Run, *, key: Any
) -> Fit:
    """Train every meta-prior and every start.

    Parameters
    ----------
    make
        ``(w=, key=) -> PVRNN``.
    sequences
        What all networks learn.
    settings
        Of the experiment.
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


def unfold(ds: xr.Dataset, settings: SweepSettings) -> xr.Dataset:
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
    return joined.assign_coords(meta_prior=named).assign_attrs(dims=["meta_prior"])


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
