"""Networks that are compared as predictors: of one size, trained on the same sequences."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.limits import Count
from neurodyn.experiments.running.seeds import SeededSettings, seeds_of
from neurodyn.experiments.shared.layers import LayerSettings
from neurodyn.params import AbstractParameter, Fixed, Indexed
from neurodyn.params.weights import Masked
from neurodyn.tasks import Sequences
from neurodyn.training import ELBO, NextStep, Seeds, fit


@dataclasses.dataclass(frozen=True)
class ForecastSettings(LayerSettings, SeededSettings):
    """Settings of predictions by error regression, beside those of :class:`LayerSettings`.

    Attributes
    ----------
    n_networks
        Networks of each kind.
    epochs
        Updates, each on all training sequences.
    window
        Window of error regression [steps].
    iterations
        Updates of error regression at each step.
    n_horizons
        Number of predicted steps ahead.
    n_samples
        Number of rollouts that a prediction averages.
    """

    n_networks: Count = 5
    epochs: Count = 2000
    window: Count = 15
    iterations: Count = 20
    n_horizons: Count = 12
    n_samples: Count = 16


def n_parameters(model: Any) -> int:
    """Number of trained parameters that a prediction uses, without the latents of sequences."""

    def size(x: Any) -> int:
        if isinstance(x, (Indexed, Fixed)) or not hasattr(x, "size"):
            return 0 if not isinstance(x, Masked) else int(np.asarray(x.mask).sum())
        return int(x.size) if jnp.issubdtype(x.dtype, jnp.inexact) else 0

    leaves = jax.tree.leaves(model, is_leaf=lambda x: isinstance(x, AbstractParameter))
    return sum(size(x) for x in leaves)


def match_size(make: Callable[[int], Any], target: int, *, largest: int = 128) -> int:
    """Number of units at which a network has as nearly as possible ``target`` parameters."""

    def count(n: int) -> int:
        # Shapes suffice, so draw no weights.
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


def train(
    make: Callable[[Any], Any],
    sequences: Sequences,
    settings: ForecastSettings,
    run: Run,
    *,
    name: str,
    learning_rate: float,
    key: Any,
    objective: ELBO | NextStep | None = None,
    held_out: Sequences | None = None,
) -> list[Any]:
    """Train networks on all sequences at every step.

    Parameters
    ----------
    make
        Function of a key that makes a network.
    sequences
        Training sequences.
    settings, run
        Number of networks and of updates, and the folder for checkpoints.
    name
        Name of the checkpoint.
    learning_rate
        Step size of Adam.
    key
        Seed or key of the training.
    objective
        Objective; None: :class:`~neurodyn.training.ELBO`.
    held_out
        Sequences for early stopping: each network is kept where its held-out loss is lowest, and
        large gradients are clipped. Both favour networks that read observations, which are the
        baseline of PV-RNNs. None: neither.
    """
    objective, stopping = objective or ELBO(), dict[str, Any](evaluate=False)
    if held_out is not None:
        stopping = {
            "evaluate": _HeldOut(held_out.validation(), type(objective)()),
            "evaluate_every": max(1, settings.epochs // 20),
            "select": "min:validation_held_out",
        }
    seeds = seeds_of(settings, settings.n_networks)
    trained = fit(
        make,
        sequences,
        objective=objective,
        sampler="full",
        steps=settings.epochs,
        optimizer=_adam(learning_rate, None if held_out is None else 1.0),
        ensemble=Seeds(len(seeds), how="vmap", seeds=seeds),
        key=key,
        **stopping,
        **run.training(name),
    )
    return list(trained.model)


class _HeldOut(eqx.Module):
    """Objective on held-out sequences; a module, so that equal ones share a compiled program."""

    trials: Any
    objective: ELBO | NextStep

    def __call__(self, model, task, *, key):
        loss = self.objective.evaluate(model, task, self.trials, None, key=key)["loss"]
        return {"held_out": loss}


@functools.cache
def _adam(learning_rate: float, clip: float | None) -> optax.GradientTransformation:
    """Optimiser, cached because every new optimiser compiles a new program."""
    adam = optax.adam(learning_rate)
    return adam if clip is None else optax.chain(optax.clip_by_global_norm(clip), adam)
