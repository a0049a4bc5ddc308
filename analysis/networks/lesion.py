"""Lesions: accuracy of a trained network without some of its units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from neurodyn.analysis.networks.alterations import altered_scores
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import check_whole
from neurodyn.engine.chosen import Chosen, as_units
from neurodyn.engine.intervene import SupportsCut, select_units
from neurodyn.engine.units import as_mask, unit_coord, where
from neurodyn.labels import LabelError, in_positions
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask


def extreme_units(values: Any, n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the units with the smallest and with the largest values.

    Parameters
    ----------
    values
        One number for each unit: time constants, timescales. Labelled ones go by the labels of
        their units.
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
    numbers = None
    if isinstance(values, xr.DataArray) and values.ndim == 1:
        values = values.sortby(values.dims[0]) if values.dims[0] in values.coords else values
        numbers = values[values.dims[0]].values if values.dims[0] in values.coords else None
    values = np.asarray(values, np.float64)
    check_whole(1, n=n)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("`values` must hold one finite number for each unit.")
    if n > values.size:
        raise ValueError(f"there are {values.size} units, not {n} to choose.")
    order = np.argsort(values, kind="stable")
    order = order if numbers is None else numbers[order]
    return order[:n], order[::-1][:n]


def _cut(model: Any, mask: Array) -> Any:
    return model.cut(mask, incoming=True, outgoing=True)


def ablation(
    model: AbstractSystem,
    task: AbstractTask,
    units: Sequence[Any] | np.ndarray | None = None,
    *,
    n_trials: int = 10,
    chance: float = 0.5,
    baseline: Literal["max", "mean"] = "max",
    score: str = "correct",
    at_once: int = 1,
    key: Any,
) -> xr.Dataset:
    """Accuracy without one unit, for one unit after the other.

    A unit loses its incoming and outgoing connections, the readout included; its biases stay.

    Parameters
    ----------
    model
        A network whose units can be cut.
    task
        The task that scores it. Published: parity at every step of a stream with p = 0.5
        (``NParity(n, scored="every", p=0.5, length=1100, burn_in=100)``).
    units
        Numbers or names of the units, or a boolean mask of them, each cut alone; default all. Or
        groups of units that are cut together: masks ``(group, unit)``, or lists of numbers or
        names.
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
    ``(accuracy - chance) / (baseline - chance)``, ``finite`` (unit), the fraction of trials in
    which the network stayed finite (elsewhere it guesses), ``intact`` (repetition), ``baseline``;
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
    n_units = select_units(model, 0).size
    masks, numbers = _masks(model, units, n_units)
    # The intact network is the first of the altered ones.
    every = jnp.asarray(np.concatenate([np.zeros((1, n_units), bool), masks]))
    answers = altered_scores(
        model, task, _cut, every, n_trials=n_trials, score=score, at_once=at_once, key=key
    )
    found, finite = answers["score"].values, answers["finite"].values
    stayed = finite[1:].mean(axis=1)
    dim = "sweep" if numbers is None else "unit"
    relative, base = relative_accuracy(found[1:], found[0], chance, baseline)
    coords = {} if numbers is None else {"unit": numbers}
    coords |= _unit_coords(model, numbers)
    return lesion_result(dim, found[1:], relative, found[0], base, chance, coords, stayed)


def _masks(model: Any, units: Any, n_units: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Which units are cut in each run, and the number of the unit where it is one alone."""
    if isinstance(units, xr.DataArray) and units.ndim == 2:
        if "unit" not in units.dims:
            raise LabelError(f"groups of units need the dim 'unit', got {units.dims}.")
        units = in_positions(units.transpose(..., "unit"), "unit", what="masks").values
    if units is None:
        numbers = np.arange(n_units)
    elif _are_groups(units):
        if not len(units):
            raise ValueError("`units` holds no group of units.")
        # An array of groups holds masks, a list may hold numbers.
        if hasattr(units, "dtype") and np.isin(units, (0, 1)).all():
            units = np.asarray(units, bool)
        return np.stack([as_mask(model, group) for group in units]), None
    else:
        found = as_units(units)
        if isinstance(found, Chosen):
            # In the order in which they were given.
            numbers = np.concatenate([place for _, place in where(model, found, n_units)])
        else:
            numbers = np.flatnonzero(as_mask(model, found))
        if not numbers.size or len(np.unique(numbers)) != len(numbers):
            raise ValueError("`units` names no unit, or some units twice.")
    return np.arange(n_units)[None, :] == numbers[:, None], numbers


def _are_groups(units: Any) -> bool:
    if isinstance(units, (list, tuple)):
        return any(np.ndim(each) > 0 for each in units)
    return np.ndim(units) > 1


def _unit_coords(model: AbstractSystem, numbers: np.ndarray | None) -> dict[str, Any]:
    if numbers is None:
        return {}
    tau = model.unit_coords().get("tau")
    if tau is None:
        return {}
    _, values, unit = unit_coord(tau, "ms")
    return {"tau": ("unit", values[numbers], unit, "time constant of the unit")}


def relative_accuracy(found, intact, chance: float, baseline: str) -> tuple[np.ndarray, float]:
    """Accuracy above chance relative to the intact network, and the accuracy that counts as 1."""
    if baseline not in ("max", "mean"):
        raise ValueError(f"`baseline` is 'max' or 'mean', got {baseline!r}.")
    base = float(intact.max() if baseline == "max" else intact.mean())
    if not base > chance:
        return np.full(len(found), np.nan), base
    return (found.mean(axis=1) - chance) / (base - chance), base


def lesion_result(dim, accuracy, relative, intact, base, chance, coords, finite) -> xr.Dataset:
    """Accuracies of altered networks with their labels."""
    dims = ("repetition", "unit") if dim == "unit" else ("sweep", "repetition")
    table = accuracy.T if dim == "unit" else accuracy
    variables = {
        "accuracy": (dims, table, "1", "accuracy"),
        "relative_accuracy": (dim, relative, "1", "accuracy relative to the intact network"),
        "intact": ("repetition", intact, "1", "accuracy of the intact network"),
        "finite": (dim, finite, "1", "fraction of trials in which the network stayed finite"),
        "baseline": ((), base, "1", "accuracy that counts as 1"),
    }
    return results(variables, coords, values=False, chance=float(chance))
