"""Bayesian decoding of variables that change over time from spike counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.special import logsumexp

from neurodyn import labels
from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.labels import TIME_TOLERANCE, LabelError, pair
from neurodyn.labels.convention import DIMS


class _Map(NamedTuple):
    """Tuning as a matrix: rates [Hz], which bins are known, and the centres of the bins."""

    rate: Float[np.ndarray, "unit bin"]
    known: np.ndarray
    centres: dict[str, np.ndarray]
    points: Float[np.ndarray, "bin feature"]


def bayesian_decode(
    counts: xr.Dataset | xr.DataArray,
    tuning: xr.Dataset | xr.DataArray,
    *,
    prior: str | xr.DataArray = "uniform",
    truth: xr.Dataset | xr.DataArray | None = None,
    period: float | int | Mapping[str, float | int] | None = None,
    floor: float | int = 0.01,
) -> xr.Dataset:
    r"""Posterior over the bins of one or more variables, from the spikes of a population.

    Spikes are Poisson and independent given the variables:
    :math:`P(b \mid n) \propto P(b) \prod_u (r_{ub} \Delta)^{n_u} e^{-r_{ub} \Delta}`.

    Parameters
    ----------
    counts
        Spike counts ``(time, unit)`` or ``(trial, time, unit)``, as from `neurodyn.spikes.bin`; NaN
        where a unit was not observed. The width of the time bins is theirs.
    tuning
        Rates [Hz] on ``unit`` and on the variables: the result of
        :func:`neurodyn.analysis.tuning_map` of other times than those decoded, or an array whose
        coordinates hold the centres of the bins. Units are matched by label.
    prior
        "uniform" over the bins, "occupancy": the time spent in each bin (of `tuning_map`), or an
        array on the variables, such as the occupancy of another session.
    truth
        The variables as they were: an array with a name, or a Dataset of arrays, on ``time`` (and
        ``trial``). Each bin of time takes the nearest sample; NaN where there is none within it.
    period
        Of circular variables, their period, in their own unit: a number for the only variable, or
        a dict by name. It concerns the mean and the errors.
    floor
        Least rate [Hz], because a unit that was silent in a bin of the variable may still fire
        there: without it one such spike would rule the bin out. Default: a spike in 100 s.

    Returns
    -------
    Dataset:

    - ``posterior`` (trial, time, NAMES): sums to 1 over the variables. 0 in bins of the variables
      where a unit of `tuning` has no rate, because no time was spent there; NaN at times when no
      unit was observed. Units that were not observed at a time do not count there;
    - ``maximum`` and ``mean`` (trial, time, feature): the bin of the highest posterior, the first
      of several, and the mean over the posterior; ``feature`` names the variables;
    - ``spread`` (trial, time, feature): standard deviation of the posterior;
    - with `truth` ``true`` (trial, time, feature), and ``error_of_maximum`` and ``error_of_mean``
      (trial, time): distance from it, over all variables together.

    Raises
    ------
    LabelError
        If units, times or trials do not match, the bins of a variable have no labels, or there is
        no occupancy.
    ValueError
        If counts are negative, `floor` is not positive, or no bin has rates of all units.

    References
    ----------
    Zhang et al. (1998), J. Neurophysiol. 79:1017.

    Examples
    --------
    >>> rate = xr.DataArray([[20.0, 1.0], [1.0, 20.0]], {"x": [0.5, 1.5]}, ("unit", "x"))
    >>> n = xr.DataArray([[2.0, 0.0], [0.0, 3.0]], {"time": [50.0, 150.0]}, ("time", "unit"))
    >>> bayesian_decode(n, rate)["maximum"].values.ravel()
    array([0.5, 1.5])
    """
    if not np.isfinite(floor) or floor <= 0:
        raise ValueError(f"floor must be a positive rate [Hz], got {floor!r}.")
    array = pick(counts, what="counts")
    if extra := [d for d in array.dims if d not in ("trial", "time", "unit")]:
        raise LabelError(f"counts have the dims {array.dims}: select along {extra}.")
    array = array if "time" in array.dims else array.expand_dims("time")
    rates = _rates(tuning)
    array, rates = pair(array, rates, ["unit"], what=("counts", "tuning"))
    names = [str(dim) for dim in rates.dims if dim != "unit"]
    dims = tuple(dim for dim in ("trial", "time") if dim in array.dims)
    found = _map(rates, names, float(floor))
    n = checked(array.transpose(*dims, "unit"), what="counts", missing=True).astype(np.float64)
    if (n < 0).any():
        raise ValueError("counts must not be negative.")
    width = labels.bin_width(array, what="counts") / 1e3
    before = _prior(prior, tuning, found, names)
    shape = n.shape[:-1]
    posterior = _posterior(n.reshape(-1, n.shape[-1]), found, before, width)
    turns = _periods(period, names)
    estimates = _estimates(posterior, found, turns)
    grid = tuple(centre.size for centre in found.centres.values())
    variables = {
        "posterior": ((*dims, *names), posterior.reshape(*shape, *grid), "1", "posterior"),
    }
    units = _shared_units(rates, names)
    by_feature = (*dims, "feature")
    about = {"maximum": "highest posterior", "mean": "mean posterior", "spread": "spread"}
    for name, text in about.items():
        values = estimates[name].reshape(*shape, -1)
        variables[name] = (by_feature, values, units, text)
    if truth is not None:
        true = _true(truth, array, names, dims)
        variables["true"] = (by_feature, true, units, "true value")
        for name in ("maximum", "mean"):
            apart = _apart(estimates[name].reshape(true.shape), true, turns)
            error = (dims, np.sqrt((apart**2).sum(-1)), units, f"error of the {name}")
            variables[f"error_of_{name}"] = error
    coords: dict[str, Any] = {name: rates[name].variable for name in names}
    coords |= {"feature": names} | coords_of(array, "trial") | coords_of(array, "time")
    attrs: dict[str, Any] = {"floor": float(floor), "bin_width": width * 1e3}
    attrs["prior"] = prior if isinstance(prior, str) else "given"
    attrs["n_units"] = n.shape[-1]
    return results(variables, coords, values=False, dims=[*names, "feature"], **attrs)


def _rates(tuning: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """Rates on units and variables."""
    rates = pick(tuning, "rate" if isinstance(tuning, xr.Dataset) else None, what="tuning")
    names = [str(dim) for dim in rates.dims if dim != "unit"]
    if not names or (taken := [name for name in names if name in DIMS]):
        raise LabelError(
            f"tuning needs `unit` and the dims of its variables, got {rates.dims}"
            f"{f': rename {taken}, which have a meaning of their own' if names else ''}."
        )
    for name in names:
        if name not in rates.indexes or rates[name].dtype.kind not in "iuf":
            raise LabelError(f"tuning has no centres of bins: .assign_coords({name}=numbers).")
    return rates


def _map(rates: xr.DataArray, names: list[str], floor: float) -> _Map:
    """Tuning as a matrix, its silent and its unknown bins filled with the floor."""
    values = rates.transpose("unit", *names).values.astype(np.float64)
    values = values.reshape(values.shape[0], -1)
    if np.isinf(values).any() or (values < 0).any():
        raise ValueError("rates of tuning must be finite and not negative.")
    known = np.asarray(np.isfinite(values).all(axis=0))
    if not known.any():
        never = rates["unit"].values[np.isnan(values).all(axis=1)]
        raise ValueError(
            "no bin has a rate of every unit"
            f"{f': leave out {never.tolist()}, which have none' if never.size else ''}."
        )
    centres = {name: rates[name].values.astype(np.float64) for name in names}
    points = np.stack([g.ravel() for g in np.meshgrid(*centres.values(), indexing="ij")], axis=-1)
    return _Map(np.maximum(np.nan_to_num(values), floor), known, centres, points)


def _prior(prior, tuning, found: _Map, names: list[str]) -> Float[np.ndarray, " bin"]:
    """Logarithm of the prior of each bin, up to a constant; minus infinity of unknown bins."""
    weight = np.ones(found.known.size)
    if isinstance(prior, str) and prior == "occupancy":
        if not isinstance(tuning, xr.Dataset) or "occupancy" not in tuning:
            raise LabelError("prior='occupancy' needs the `occupancy` of tuning_map's result.")
        prior = tuning["occupancy"]
        prior = prior.max("unit") if "unit" in prior.dims else prior
    elif isinstance(prior, str) and prior != "uniform":
        raise ValueError(f"prior is 'uniform', 'occupancy' or an array, got {prior!r}.")
    if isinstance(prior, xr.DataArray):
        if set(prior.dims) != set(names):
            raise LabelError(f"prior has the dims {prior.dims}, the variables are {names}.")
        like = xr.DataArray(
            np.zeros([c.size for c in found.centres.values()]), found.centres, names
        )
        prior = pair(like, prior, names, what=("tuning", "prior"))[1].transpose(*names)
        weight = np.nan_to_num(prior.values.astype(np.float64)).ravel()
    elif not isinstance(prior, str):
        raise TypeError(f"prior is 'uniform', 'occupancy' or an array, got {prior!r}.")
    weight = np.where(found.known, weight, 0)
    if (weight < 0).any() or not weight.any():
        raise ValueError("prior must not be negative, and not be 0 in all bins with rates.")
    with np.errstate(divide="ignore"):
        return np.log(weight)


def _posterior(n: Float[np.ndarray, "time unit"], found: _Map, before, width: float) -> np.ndarray:
    """Posterior ``(time, bin)``; NaN at times without units."""
    seen = np.isfinite(n)
    log_rate = np.log(found.rate * width)
    likelihood = np.where(seen, n, 0) @ log_rate - width * (seen.astype(np.float64) @ found.rate)
    joint = likelihood + before
    posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    return np.where(seen.any(axis=1, keepdims=True), posterior, np.nan)


def _estimates(posterior: np.ndarray, found: _Map, turns: list) -> dict[str, np.ndarray]:
    """Highest and mean value of each variable, and standard deviation."""
    unknown = np.isnan(posterior).any(axis=1)
    best = found.points[np.where(unknown[:, None], 0, posterior).argmax(axis=1)]
    mean = np.empty_like(best)
    for i, turn in enumerate(turns):
        point = found.points[:, i]
        if turn is None:
            mean[:, i] = posterior @ point
        else:
            phase = posterior @ np.exp(2j * np.pi * point / turn)
            mean[:, i] = np.angle(phase) % (2 * np.pi) / (2 * np.pi) * turn
    apart = _apart(found.points[None], mean[:, None], turns)
    spread = np.sqrt((posterior[..., None] * apart**2).sum(axis=1))
    best = np.where(unknown[:, None], np.nan, best)
    return {"maximum": best, "mean": mean, "spread": spread}


def _apart(a: np.ndarray, b: np.ndarray, turns: list) -> np.ndarray:
    """Difference of values, the short way round where they are circular."""
    apart = np.asarray(a - b, np.float64)
    for i, turn in enumerate(turns):
        if turn is not None:
            apart[..., i] = (apart[..., i] + turn / 2) % turn - turn / 2
    return apart


def _periods(period: Any, names: list[str]) -> list[float | None]:
    """The period of each variable; None of those that are not circular."""
    if isinstance(period, Mapping):
        if unknown := [name for name in period if name not in names]:
            raise ValueError(f"`period` names {unknown}; the variables are {names}.")
    elif period is not None and len(names) > 1:
        raise ValueError(f"`period` of several variables is a dict by name, of {names}.")
    given = period if isinstance(period, Mapping) else dict.fromkeys(names, period)
    turns = [given.get(name) for name in names]
    if any(turn is not None and not 0 < turn < np.inf for turn in turns):
        raise ValueError(f"`period` must be positive, got {period!r}.")
    return [None if turn is None else float(turn) for turn in turns]


def _shared_units(rates: xr.DataArray, names: list[str]) -> str:
    """The unit of the variables, where they have one in common."""
    units = {str(rates[name].attrs.get("units", "1")) for name in names}
    return units.pop() if len(units) == 1 else "1"


def _true(truth, array: xr.DataArray, names: list[str], dims: tuple) -> np.ndarray:
    """True values ``(trial, time, feature)`` at the bins of time."""
    if isinstance(truth, xr.DataArray):
        truth = truth.to_dataset(name=truth.name or names[0])
    if lacking := [name for name in names if name not in truth]:
        raise LabelError(f"truth has no {lacking}: it holds {list(truth.data_vars)}.")
    truth = truth[names]
    if "trial" in dims:
        truth = pair(array, truth, ["trial"], what=("counts", "truth"))[1]
    wanted = labels.clock(array, what="counts", even=False)
    given = labels.clock(truth, what="truth", even=False)
    if wanted.unit != given.unit:
        raise LabelError(f"counts have times in {wanted.unit}, truth in {given.unit}: use ms.")
    time = given.time
    after = np.clip(np.searchsorted(time, wanted.time), 1, max(time.size - 1, 1))
    pairs = np.stack([np.minimum(after - 1, time.size - 1), np.minimum(after, time.size - 1)])
    nearest = np.take_along_axis(pairs, np.abs(time[pairs] - wanted.time).argmin(0)[None], 0)[0]
    within = np.abs(time[nearest] - wanted.time) <= labels.bin_width(array) / 2 + TIME_TOLERANCE
    values = [truth[name].transpose(*dims).values[..., nearest] for name in names]
    return np.where(within[:, None], np.stack(values, axis=-1).astype(np.float64), np.nan)
