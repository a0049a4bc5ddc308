"""What a trained network can spare: units cut out one at a time, weights and time constants moved.

Every altered network runs the same trials through one compiled program, one network after the
other, so that its weights stay in the cache; on an accelerator `at_once` runs some side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PyTree

from neurodyn import labels
from neurodyn.checks import check_whole
from neurodyn.integrate import Save, integrate
from neurodyn.intervene import SupportsCut
from neurodyn.params import ClampedParameter, MaskedParameter
from neurodyn.params.base import value_of
from neurodyn.random import as_key
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask, Trial

__all__ = ["ablation", "altered_scores", "extreme_units", "perturbation"]


def altered_scores(
    model: AbstractSystem,
    task: AbstractTask,
    change: Callable[[Any, Any], Any],
    alterations: PyTree,
    *,
    n_trials: int = 10,
    score: str = "correct",
    same_trials: bool = True,
    at_once: int = 1,
    key: Any,
) -> Float[Array, "alteration trial"]:
    """Scores of one network under many alterations.

    Parameters
    ----------
    model, task
        A network and the task it is scored on.
    change
        ``(model, alteration) -> model``, in JAX. A new function compiles anew.
    alterations
        Pytree of arrays with a leading axis: one entry for each run.
    n_trials
        Trials of each run.
    score
        Which of the task's scores.
    same_trials
        Whether all runs see the same trials and initial states, so that differences between them
        are those of the alteration; else each draws its own.
    at_once
        Altered networks that run side by side.
    key
        Seed or key of trials and initial states.

    Returns
    -------
    Array ``(alteration, trial)``.

    Raises
    ------
    ValueError
        If model and task do not fit, there is no such score, or no alteration.
    """
    for what in ("n_inputs", "n_outputs"):
        if getattr(model, what) != getattr(task, what):
            raise ValueError(
                f"{type(model).__name__} has {what}={getattr(model, what)}, but "
                f"{type(task).__name__} has {what}={getattr(task, what)}: build the task with as "
                "many heads as the network was trained with."
            )
    check_whole(1, n_trials=n_trials, at_once=at_once)
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(alterations)}
    if len(sizes) != 1 or sizes == {()} or sizes == {(0,)}:
        raise ValueError(
            "`alterations` must hold arrays with one leading axis in common, not empty; got "
            f"{[np.shape(leaf) for leaf in jax.tree.leaves(alterations)]}."
        )
    found = _scores(
        model,
        task,
        change,
        alterations,
        as_key(key, needed_for="Scoring altered networks"),
        n_trials,
        same_trials,
        at_once,
    )
    if score not in found:
        raise ValueError(
            f"{type(task).__name__} has no score {score!r}; it has {', '.join(sorted(found))}."
        )
    values = found[score]
    if values.ndim != 2:
        raise ValueError(f"the score {score!r} is not one number for each trial.")
    return values


@eqx.filter_jit
def _scores(model, task, change, alterations, key, n_trials, same_trials, at_once):
    n = jax.tree.leaves(alterations)[0].shape[0]
    shared = task.batch(jax.random.fold_in(key, 0), n_trials) if same_trials else None

    def one(args):
        number, alteration = args
        own = key if same_trials else jax.random.fold_in(key, 2 + number)
        trials = task.batch(jax.random.fold_in(own, 0), n_trials) if shared is None else shared
        altered = change(model, alteration)
        return _score(altered, task, trials, jax.random.fold_in(own, 1))

    numbers = jnp.arange(n, dtype=jnp.uint32)
    return jax.lax.map(one, (numbers, alterations), batch_size=at_once if at_once > 1 else None)


def _score(model: Any, task: AbstractTask, trials: Trial, key: Any) -> dict[str, Array]:
    run = integrate(
        model,
        trials.inputs.transpose(1, 0, 2),
        dt=task.dt,
        key=key,
        save=Save(outputs="last" if task.scored == "last" else "every"),
        length=trials.length,
        checkpoint=False,
    )
    assert run.outputs is not None
    return task.score(run.outputs.transpose(1, 0, 2), trials)


def extreme_units(values: Any, n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the units with the smallest and with the largest values.

    Parameters
    ----------
    values
        One number for each unit: time constants, timescales.
    n
        How many of each.

    Returns
    -------
    Two arrays of `n` unit numbers, from the most extreme on.

    Raises
    ------
    ValueError
        If values are missing, or there are fewer than `n` units.

    Examples
    --------
    >>> extreme_units([1.5, 1.0, 4.0, 2.0], 2)
    (array([1, 0]), array([2, 3]))
    """
    values = np.asarray(values, np.float64)
    check_whole(1, n=n)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("`values` must hold one finite number for each unit.")
    if n > values.size:
        raise ValueError(f"there are {values.size} units, not {n} to choose.")
    order = np.argsort(values, kind="stable")
    return order[:n], order[::-1][:n]


def _cut(model: Any, mask: Array) -> Any:
    return model.cut(mask, incoming=True, outgoing=True)


def ablation(
    model: AbstractSystem,
    task: AbstractTask,
    units: Sequence[int] | np.ndarray | None = None,
    *,
    n_trials: int = 10,
    chance: float = 0.5,
    baseline: Literal["max", "mean"] = "max",
    score: str = "correct",
    at_once: int = 1,
    key: Any,
) -> xr.Dataset:
    """Accuracy without one unit, for one unit after the other.

    A unit loses what it receives and what it sends, readout included; its biases stay.

    Parameters
    ----------
    model
        A network whose units can be cut.
    task
        What it is scored on. Published: parity at every step of a stream with p = 0.5
        (``NParity(n, scored="every", p=0.5, length=1100, burn_in=100)``).
    units
        Numbers of the units, each cut alone; default all. Or masks ``(group, unit)``: groups of
        units that are cut together.
    n_trials
        Trials for each; all networks run the same.
    chance
        Accuracy of guessing.
    baseline
        Accuracy of the intact network: the best of its trials, as published, or their mean.
    score, at_once, key
        As for `altered_scores`.

    Returns
    -------
    Dataset: ``accuracy`` (unit, repetition), ``relative_accuracy`` (unit), the mean over trials of
    ``(accuracy - chance) / (baseline - chance)``, and ``intact`` (repetition), ``baseline``;
    ``unit`` holds the numbers of the units. For groups the dim is ``sweep``. The relative accuracy
    is NaN where the intact network is no better than chance.

    Raises
    ------
    TypeError
        If the model cannot be cut.
    ValueError
        If there is no such unit, or as for `altered_scores`.
    """
    if not isinstance(model, SupportsCut):
        raise TypeError(
            f"{type(model).__name__} has no `cut` method, so its units cannot be ablated; "
            "altered_scores takes any change of a model."
        )
    n_units = int(model.n_units)
    masks, numbers = _masks(units, n_units)
    # The intact network is the first of the altered ones.
    every = jnp.asarray(np.concatenate([np.zeros((1, n_units), bool), masks]))
    found = np.asarray(
        altered_scores(
            model, task, _cut, every, n_trials=n_trials, score=score, at_once=at_once, key=key
        ),
        np.float64,
    )
    dim = "sweep" if numbers is None else "unit"
    relative, base = _relative(found[1:], found[0], chance, baseline)
    coords = {} if numbers is None else {"unit": numbers}
    coords |= _unit_coords(model, numbers)
    return _result(dim, found[1:], relative, found[0], base, chance, coords)


def _masks(units: Any, n_units: int) -> tuple[np.ndarray, np.ndarray | None]:
    units = np.arange(n_units) if units is None else np.asarray(units)
    if units.ndim == 2:
        if units.shape[1] != n_units or not np.isin(units, (0, 1)).all() or not len(units):
            raise ValueError(
                f"groups of units are masks (group, {n_units}) of 0 and 1, got {units.dtype} of "
                f"shape {units.shape}."
            )
        return units.astype(bool), None
    if units.ndim != 1 or units.dtype.kind not in "iu" or not units.size:
        raise ValueError(
            "`units` must be a list of unit numbers (numpy.flatnonzero makes one of a mask), or "
            f"masks (group, unit); got {units.dtype} of shape {units.shape}."
        )
    if units.min() < 0 or units.max() >= n_units:
        raise ValueError(
            f"this network has units 0 to {n_units - 1}, but units {units.min()} to {units.max()} "
            "are asked for."
        )
    if len(np.unique(units)) != len(units):
        raise ValueError("`units` names some units twice.")
    return np.arange(n_units)[None, :] == units[:, None], units


def _unit_coords(model: AbstractSystem, numbers: np.ndarray | None) -> dict[str, Any]:
    if numbers is None:
        return {}
    known = model.unit_coords()
    coords = {}
    for name, unit in (("tau", "ms"), ("tau_steps", "1")):
        if name in known:
            about = unit, "time constant of the unit"
            coords[name] = ("unit", np.asarray(known[name])[numbers], *about)
    return coords


class _Perturb(eqx.Module):
    """Adds noise of a given size, relative to the norm, to one parameter."""

    name: str = eqx.field(static=True)
    positive: bool = eqx.field(static=True)

    def __call__(self, model: Any, alteration: Any) -> Any:
        size, key = alteration
        leaf = getattr(model, self.name)
        if isinstance(leaf, ClampedParameter):  # the raw values move, the clamp acts after
            raw = self._moved(leaf.raw, size, key)
            new: Any = eqx.tree_at(lambda p: p.raw, leaf, raw)
        else:
            new = self._moved(value_of(leaf), size, key)
            if isinstance(leaf, MaskedParameter):  # absent connections stay absent
                new = new * leaf.mask
        return eqx.tree_at(lambda m: getattr(m, self.name), model, new)

    def _moved(self, values, size, key):
        noise = jax.random.normal(jax.random.wrap_key_data(key), values.shape, values.dtype)
        noise = jnp.abs(noise) if self.positive else noise
        scale = jnp.linalg.norm(values) / jnp.linalg.norm(noise)
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
        A network and what it is scored on, as for `ablation`.
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
    ``relative_accuracy`` (sweep); ``intact`` (repetition) and ``baseline``.

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
    eps = np.asarray(sizes, np.float64)
    if eps.ndim != 1 or not eps.size or not (np.isfinite(eps) & (eps >= 0)).all():
        raise ValueError(f"`sizes` must be a list of finite numbers >= 0, got {sizes!r}.")
    key = as_key(key, needed_for="Perturbing a network")
    assert key is not None
    k_noise, k_trials = jax.random.split(key)
    every = np.repeat(np.concatenate([[0.0], eps]), n_repeats)
    keys = jax.random.key_data(jax.random.split(k_noise, every.size))
    change = _Perturb(parameter, parameter == "tau" if positive is None else positive)
    found = altered_scores(
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
    found = np.asarray(found, np.float64).mean(axis=1).reshape(-1, n_repeats)
    relative, base = _relative(found[1:], found[0], chance, baseline)
    about = ("sweep", eps, "1", f"size of the noise relative to the norm of {parameter}")
    coords = {"perturbation": about}
    result = _result("sweep", found[1:], relative, found[0], base, chance, coords)
    return result.assign_attrs(parameter=parameter, positive=int(change.positive))


def _relative(found, intact, chance: float, baseline: str) -> tuple[np.ndarray, float]:
    if baseline not in ("max", "mean"):
        raise ValueError(f"`baseline` is 'max' or 'mean', got {baseline!r}.")
    base = float(intact.max() if baseline == "max" else intact.mean())
    if not base > chance:
        return np.full(len(found), np.nan), base
    return (found.mean(axis=1) - chance) / (base - chance), base


def _result(dim, accuracy, relative, intact, base, chance, coords) -> xr.Dataset:
    dims = ("repetition", "unit") if dim == "unit" else ("sweep", "repetition")
    table = accuracy.T if dim == "unit" else accuracy
    return labels.dataset(
        {
            "accuracy": (dims, table, "1", "accuracy"),
            "relative_accuracy": (dim, relative, "1", "accuracy relative to the intact network"),
            "intact": ("repetition", intact, "1", "accuracy of the intact network"),
            "baseline": ((), base, "1", "accuracy that counts as 1"),
        },
        coords,
        source="analysis",
        kind="statistic",
        attrs={"chance": float(chance)},
        values=False,
    )
