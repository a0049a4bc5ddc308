"""Networks with several meta-priors, trained in one program."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import xarray as xr

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.limits import Count, NotNegative, Positive
from neurodyn.experiments.running.seeds import SeededSettings, seeds_of
from neurodyn.experiments.shared.ensembles import interval, stacked
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences
from neurodyn.training import ELBO, Ensemble, Fit, Seeds, fit

#: Meaning of the ranges of `by_meta_prior`, in reports.
RANGES = (
    "Values are means over networks, one for each meta-prior; in brackets their bootstrap interval "
    "of 95 %, or their range if there are fewer than five networks."
)


@dataclasses.dataclass(frozen=True)
class MetaPriorSettings(SeededSettings):
    """Settings of experiments with several meta-priors.

    Attributes
    ----------
    w
        Meta-priors.
    n_networks
        Networks for each meta-prior; their initial weights are the same for every meta-prior.
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


def untrained(make: Callable[..., PVRNN], settings: MetaPriorSettings, *, key: Any) -> list[PVRNN]:
    """Untrained networks for every meta-prior and seed, in the order that `unfold` expects.

    The initial weights of a seed are the same for every meta-prior.
    """
    return [
        make(w=w, key=jax.random.fold_in(key, seed))
        for w in settings.w
        for seed in seeds_of(settings, settings.n_networks)
    ]


def train_all(
    make: Callable[..., PVRNN],
    sequences: Sequences,
    settings: MetaPriorSettings,
    run: Run,
    *,
    key: Any,
) -> Fit:
    """Train networks for every meta-prior and seed.

    Parameters
    ----------
    make
        Function ``(w=, key=) -> PVRNN``.
    sequences
        Training sequences, the same for all networks.
    settings, run
        Settings, and the folder for checkpoints.
    key
        Two keys: of the initial weights, and of the training, whose random numbers are the same for
        every meta-prior.
    """
    starts, training = key
    members = untrained(make, settings, key=starts)
    seeds = seeds_of(settings, settings.n_networks) * len(settings.w)
    return fit(
        Ensemble(members),
        sequences,
        objective=ELBO(),
        optimizer=optax.adam(settings.learning_rate),
        sampler="full",
        steps=settings.epochs,
        evaluate=False,
        ensemble=Seeds(len(members), how="vmap", seeds=seeds),
        checkpoint_every=None if run.folder is None else max(1, settings.epochs // 10),
        key=training,
        **run.training(),
    )


def unfold(ds: xr.Dataset, settings: MetaPriorSettings) -> xr.Dataset:
    """Split the members of the ensemble on `seed` into (meta_prior, seed)."""
    w, n = np.asarray(settings.w, np.float64), settings.n_networks
    parts = [
        ds.isel(seed=slice(i * n, (i + 1) * n)).drop_vars("seed", errors="ignore")
        for i in range(len(w))
    ]
    named = ("meta_prior", w, {"units": "1", "long_name": "meta-prior w"})
    joined = stacked(parts, "meta_prior").assign_coords(meta_prior=named)
    return joined.assign_attrs(dims=["meta_prior"])


def by_meta_prior(values: xr.DataArray) -> str:
    """Mean over networks with its interval for each meta-prior, as text; see `RANGES`."""
    values = values.squeeze("layer", drop=True) if "layer" in values.dims else values
    w = values["meta_prior"].values
    if values.sizes["seed"] < 2:
        alone = values.isel(seed=0).values
        return "; ".join(f"{a:g}: {x:.3g}" for a, x in zip(w, alone, strict=True))
    found = interval(values)
    rows = zip(w, *(found[name].values for name in ("mean", "low", "high")), strict=True)
    return "; ".join(f"{a:g}: {m:.3g} ({lo:.3g} to {hi:.3g})" for a, m, lo, hi in rows)
