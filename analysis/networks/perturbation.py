"""Accuracy of a trained network with noise on its weights or time constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.networks.alterations import altered_scores
from neurodyn.analysis.networks.lesion import lesion_result, relative_accuracy
from neurodyn.common.checks import check_whole, numbers
from neurodyn.common.random import as_key
from neurodyn.params import Clamped, Masked, Scaled
from neurodyn.params.base import value_of
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask


class _Perturb(eqx.Module):
    """Adds noise of a given size, relative to the norm, to one parameter."""

    name: str = eqx.field(static=True)
    positive: bool = eqx.field(static=True)

    def __call__(self, model: Any, alteration: Any) -> Any:
        size, key = alteration
        new = self._perturbed(getattr(model, self.name), size, key)
        return eqx.tree_at(lambda m: getattr(m, self.name), model, new)

    def _perturbed(self, leaf, size, key):
        if isinstance(leaf, Scaled):  # relative noise is the same in any units
            inner = self._perturbed(leaf.of, size, key)
            return eqx.tree_at(lambda p: p.of, leaf, inner)
        if isinstance(leaf, Clamped):  # the raw values move, the clamp acts after
            raw = self._moved(leaf.raw, size, key)
            return eqx.tree_at(lambda p: p.raw, leaf, raw)
        new = self._moved(value_of(leaf), size, key)
        # Absent connections stay absent.
        return new * leaf.mask if isinstance(leaf, Masked) else new

    def _moved(self, values, size, key):
        noise = jax.random.normal(jax.random.wrap_key_data(key), values.shape, values.dtype)
        noise = jnp.abs(noise) if self.positive else noise
        # Divided by the largest, because squares of small or large numbers may leave float32.
        largest = jnp.abs(values).max()
        largest = jnp.where(largest > 0, largest, 1)
        scale = largest * jnp.linalg.norm(values / largest) / jnp.linalg.norm(noise)
        return values + size.astype(values.dtype) * scale * noise


def perturbation(
    model: AbstractSystem,
    task: AbstractTask,
    parameter: str,
    sizes: Sequence[float] | np.ndarray,
    *,
    positive: bool | None = None,
    n_repeats: int = 10,
    n_trials: int = 1,
    chance: float = 0.5,
    baseline: Literal["max", "mean"] = "mean",
    score: str = "correct",
    at_once: int = 1,
    key: Any,
) -> xr.Dataset:
    r"""Accuracy with noise on all weights, or on all time constants.

    .. math:: \theta \to \theta + \epsilon \lVert\theta\rVert \frac{D}{\lVert D\rVert}

    with standard normal D (for time constants its absolute value, so that they only grow) and
    Frobenius norms. Connections that are masked out stay absent; clamped parameters move before the
    clamp.

    Parameters
    ----------
    model, task
        A network and the task that scores it, as for `ablation`.
    parameter
        Name of the parameter: ``"W"``, ``"tau"``, or any other array of the model.
    sizes
        The :math:`\epsilon`. Published: 10 from 0.01 to 10 for W and 13 from 0.001 to 10 for tau,
        geometrically spaced.
    positive
        Whether noise is positive; default for ``tau`` alone.
    n_repeats
        Draws of the noise for each size, each with its own trials.
    n_trials
        Trials of each draw.
    chance, baseline, score, at_once, key
        As for `ablation`; the baseline here is the mean over unperturbed repeats.

    Returns
    -------
    Dataset: ``accuracy`` (sweep, repetition), with the sizes as ``perturbation`` on ``sweep``;
    ``relative_accuracy`` (sweep); ``finite`` (sweep), the fraction of runs that stayed finite
    (elsewhere a network guesses); ``intact`` (repetition) and ``baseline``.

    Raises
    ------
    ValueError
        If the model has no such parameter, sizes are negative, or as for `altered_scores`.
    """
    leaf = getattr(model, parameter, None)
    if leaf is None or not eqx.is_inexact_array(value_of(leaf)):
        raise ValueError(
            f"{type(model).__name__} has no parameter {parameter!r} that could be perturbed."
        )
    check_whole(1, n_repeats=n_repeats)
    numbers("sizes", sizes, low=0)
    eps = np.asarray(sizes, np.float64)
    key = as_key(key, needed_for="Perturbing a network")
    assert key is not None
    k_noise, k_trials = jax.random.split(key)
    every = np.repeat(np.concatenate([[0.0], eps]), n_repeats)
    keys = jax.random.key_data(jax.random.split(k_noise, every.size))
    change = _Perturb(parameter, parameter == "tau" if positive is None else positive)
    answers = altered_scores(
        model,
        task,
        change,
        (jnp.asarray(every, jnp.result_type(float)), keys),
        n_trials=n_trials,
        score=score,
        same_trials=False,
        at_once=at_once,
        key=k_trials,
    )
    scores, finite = answers["score"].values, answers["finite"].values
    found = scores.mean(axis=1).reshape(-1, n_repeats)
    stayed = finite.mean(axis=1).reshape(-1, n_repeats)[1:].mean(axis=1)
    relative, base = relative_accuracy(found[1:], found[0], chance, baseline)
    about = ("sweep", eps, "1", f"size of the noise relative to the norm of {parameter}")
    coords = {"perturbation": about}
    result = lesion_result("sweep", found[1:], relative, found[0], base, chance, coords, stayed)
    return result.assign_attrs(parameter=parameter, positive=int(change.positive))
