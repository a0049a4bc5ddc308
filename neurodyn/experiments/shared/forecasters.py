"""Networks that are compared as predictors: built to one size, trained on the same sequences."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from neurodyn.experiments.shared.experiment import Run
from neurodyn.experiments.shared.layers import LayerSettings
from neurodyn.experiments.shared.limits import Count
from neurodyn.experiments.shared.seeds import SeededSettings
from neurodyn.models import LSTM, PVRNN, VRNN
from neurodyn.params import AbstractParameter, FixedParameter, IndexedParameter
from neurodyn.params.weights import MaskedParameter
from neurodyn.tasks import Sequences
from neurodyn.training import ELBO, Fit, NextStep, Seeds, fit

__all__ = ["ForecastSettings", "match_size", "n_parameters", "train_baseline", "train_pvrnn"]


@dataclasses.dataclass(frozen=True)
class ForecastSettings(LayerSettings, SeededSettings):
    """What experiments that predict by error regression share; see :class:`LayerSettings` too.

    Attributes
    ----------
    n_networks
        Networks of each kind.
    epochs
        Updates, each on all training sequences.
    window
        Window of error regression [steps].
    iterations
        Its updates at each step.
    n_horizons
        Steps ahead that are predicted.
    n_samples
        Rollouts that a prediction is the mean of.
    """

    n_networks: Count = 5
    epochs: Count = 2000
    window: Count = 15
    iterations: Count = 20
    n_horizons: Count = 12
    n_samples: Count = 16


def n_parameters(model: Any) -> int:
    """Trained numbers that a prediction depends on; adaptive vectors of sequences do not count."""

    def size(x: Any) -> int:
        if isinstance(x, (IndexedParameter, FixedParameter)) or not hasattr(x, "size"):
            return 0 if not isinstance(x, MaskedParameter) else int(np.asarray(x.mask).sum())
        return int(x.size) if jnp.issubdtype(x.dtype, jnp.inexact) else 0

    leaves = jax.tree.leaves(model, is_leaf=lambda x: isinstance(x, AbstractParameter))
    return sum(size(x) for x in leaves)


def match_size(make: Callable[[int], Any], target: int, *, largest: int = 128) -> int:
    """The number of units whose network comes nearest to ``target`` parameters."""

    def count(n: int) -> int:
        # Only shapes are needed, so nothing is drawn.
        return n_parameters(eqx.filter_eval_shape(lambda: make(n)))

    sizes: dict[int, int] = {}
    low, high = 2, largest
    while high - low > 1:
        middle = (low + high) // 2
        sizes[middle] = count(middle)
        low, high = (middle, high) if sizes[middle] < target else (low, middle)
    for n in (low, high):
        sizes.setdefault(n, count(n))
    return min(sizes, key=lambda n: abs(sizes[n] - target))


def train_pvrnn(
    make: Callable[[Any], PVRNN],
    sequences: Sequences,
    *,
    seeds: tuple[int, ...],
    steps: int,
    learning_rate: float,
    run: Run,
    name: str,
    key: Any,
) -> Fit:
    """Train PV-RNNs on all sequences at every step."""
    return fit(
        make,
        sequences,
        objective=ELBO(),
        sampler="full",
        steps=steps,
        optimizer=_adam(learning_rate, None),
        evaluate=False,
        ensemble=Seeds(len(seeds), how="vmap", seeds=seeds),
        progress=run.progress,
        key=key,
        **_checkpoint(run, name),
    )


def train_baseline(
    make: Callable[[Any], LSTM | VRNN],
    sequences: Sequences,
    held_out: Sequences,
    objective: ELBO | NextStep,
    *,
    seeds: tuple[int, ...],
    steps: int,
    learning_rate: float,
    run: Run,
    name: str,
    key: Any,
) -> Fit:
    """Train a network that reads its observations, and keep it where it does best on held-out ones.

    Large gradients are clipped, and training stops in effect where the objective on ``held_out`` is
    lowest: both are to the benefit of these networks.
    """
    return fit(
        make,
        sequences,
        objective=objective,
        sampler="full",
        steps=steps,
        optimizer=_adam(learning_rate, 1.0),
        evaluate=_HeldOut(held_out.validation(), type(objective)()),
        evaluate_every=max(1, steps // 20),
        select="min:validation_held_out",
        ensemble=Seeds(len(seeds), how="vmap", seeds=seeds),
        progress=run.progress,
        key=key,
        **_checkpoint(run, name),
    )


class _HeldOut(eqx.Module):
    """The objective on held-out sequences; a module, so that equal ones share a program."""

    trials: Any
    objective: ELBO | NextStep

    def __call__(self, model, task, *, key):
        loss = self.objective.evaluate(model, task, self.trials, None, key=key)["loss"]
        return {"held_out": loss}


@functools.cache
def _adam(learning_rate: float, clip: float | None) -> optax.GradientTransformation:
    """One optimiser for all networks that train with it, as every new one compiles anew."""
    adam = optax.adam(learning_rate)
    return adam if clip is None else optax.chain(optax.clip_by_global_norm(clip), adam)


def _checkpoint(run: Run, name: str) -> dict[str, Any]:
    if run.folder is None:
        return {}
    return {"checkpoint": run.folder / f"{name}.ckpt", "resume": run.resume}
