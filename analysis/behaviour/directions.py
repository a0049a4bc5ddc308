"""Errors of direction: their circular mean and spread, and their histogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.behaviour import resampled
from neurodyn.analysis.behaviour.trial_groups import (
    By,
    Group,
    filled,
    groups_of,
    listed,
    numbers,
    spelt,
    worked,
)
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError
from neurodyn.labels.choices import called, check_on_trials, is_run, judged, part_with

_NUMBERS = ("mean", "spread", "absolute")
_NAMES = {
    "mean": "circular mean of the error",
    "spread": "circular standard deviation of the error",
    "absolute": "mean absolute error",
}
_TURN = {"deg": 360.0, "rad": 2 * np.pi}


def direction_errors(
    behaviour: xr.Dataset | xr.DataArray | xr.DataTree,
    *,
    of: str | None = None,
    target: str | None = None,
    by: By = None,
    n_bins: int = 36,
    level: float = 0.95,
    n_boot: int = 1000,
    within: By = None,
    key: Any = 0,
) -> xr.Dataset:
    """How far responses on a circle lie from their targets: mean, spread and histogram.

    Errors are signed, from -180 to 180 degrees. The circular mean is their systematic part; the
    circular standard deviation is ``sqrt(-2 log R)`` of the mean resultant length R.

    Parameters
    ----------
    behaviour
        A labelled run (of `Yang2019`, `CenterOut` and other tasks with directions), a recording
        with a trial table, or a session.
    of
        Label of the signed error; or with `target`, of the direction of the response. Default:
        ``"angle_error"`` where trials have it; else ``"direction"`` with the target ``"target"``.
    target
        Label of the direction that was right, in the unit of `of`.
    by
        Labels of trials that make a condition, such as ``"rule"``. Default: all trials are one.
    n_bins
        Bins of the histogram, over the whole circle.
    level, n_boot, within, key
        As for `psychometric`.

    Returns
    -------
    Dataset on `seed` and `condition`, where there are: ``mean``, ``spread`` and ``absolute`` (mean
    size of the error; 90 degrees by chance), each with ``NAME_low`` and ``NAME_high``, the
    percentile interval (that of the mean may go beyond half a turn; that of the spread holds 92 to
    93 % of true values where it should hold 95); ``resultant`` (R, 0 to 1)
    and ``n_trials``. On `error`, the middle of a bin: ``fraction`` of the trials, and ``chance``,
    that of directions at random.

    Trials without a direction (NaN) are left out, and so are those without a response due, whose
    label ``error`` is NaN, and responses before the stimulus (label ``early``).

    Raises
    ------
    TypeError
        If `behaviour` is no labelled object.
    LabelError
        If labels are missing or hold words, their unit is neither "deg" nor "rad", or fewer than
        two trials have an error. Of several networks or conditions those are NaN, with a warning.
    ValueError
        For an option out of range.

    See Also
    --------
    neurodyn.plot.direction_errors : draws the histogram.

    References
    ----------
    Fisher, Statistical Analysis of Circular Data, 1993, chapter 2.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> truth = np.arange(0.0, 360.0, 5.0)
    >>> said = (truth + np.random.default_rng(0).normal(10, 15, 72)) % 360
    >>> trials = xr.Dataset(coords={
    ...     "direction": ("trial", said, {"units": "deg"}),
    ...     "target": ("trial", truth, {"units": "deg"}),
    ... })
    >>> found = direction_errors(trials, n_boot=200)
    >>> float(found["mean"].round(0)), float(found.spread.round(0))
    (11.0, 14.0)
    """
    resampled.check(level, n_boot)
    n_bins = whole("n_bins", n_bins, 2)
    ds = part_with(behaviour, of, target)
    of, target = _labels(ds, of, target)
    turn = _turn(ds, of, target)
    by = listed(by, [])
    names = [of, *([target] if target else [])]
    groups = groups_of(ds, names, by, within, ["early", "error"])

    def work(group: Group) -> dict[str, Any]:
        away = numbers(group, of) - (numbers(group, target) if target else 0.0)
        there = np.isfinite(away) & judged(group.trials)
        if target and "error" in group.trials:
            there &= np.isfinite(numbers(group, "error"))
        if there.sum() < 2:
            raise LabelError(f"{there.sum()} trials have an error, and at least two are needed.")
        error = 2 * np.pi * away[there] / turn
        rng = resampled.draws_of(key, group.name)
        drawn = resampled.resamples(rng, _wrapped(error), group.stratum[there], n_boot)
        return _summary(error, drawn, level, turn) | {
            "fraction": _histogram(_wrapped(error), n_bins),
            "n_trials": int(there.sum()),
        }

    found = {f"{n}{end}": filled(groups) for n in _NUMBERS for end in ("", "_low", "_high")}
    found |= {n: filled(groups) for n in ("resultant", "n_trials")}
    found["fraction"] = filled(groups, (n_bins,))
    for group, made in worked(groups, work, "errors of direction"):
        for n in found if made else ():
            found[n][group.place] = made[n]
    units = str(ds[of].attrs["units"])
    columns = {n: (groups.dims, found[n], *_described(n, units)) for n in found if n != "fraction"}
    on = (*groups.dims, "error")
    columns["fraction"] = (on, found["fraction"], "1", "fraction of trials")
    columns["chance"] = ("error", np.full(n_bins, 1 / n_bins), "1", "fraction by chance")
    middles = turn * ((np.arange(n_bins) + 0.5) / n_bins - 0.5)
    return results(
        columns,
        groups.coords | {"error": ("error", middles, units, "error of direction")},
        values=False,
        dims=["error"],
        measure="direction_errors",
        of=of,
        **({"target": target} if target else {}),
        level=float(level),
        n_boot=int(n_boot),
        observed="model" if is_run(ds) else "recording",
        **({"name": called(ds)} if called(ds) else {}),
        **spelt(ds, by),
    )


def _labels(ds: xr.Dataset, of: str | None, target: str | None) -> tuple[str, str | None]:
    """Which label holds the error, or the direction and its target."""
    if of is None:
        signed = "angle_error" in ds.variables and target is None
        of, target = ("angle_error", None) if signed else ("direction", target or "target")
    check_on_trials(ds, of=of, **({"target": target} if target else {}))
    return of, target


def _turn(ds: xr.Dataset, of: str, target: str | None) -> float:
    """A whole turn in the unit of the labels.

    Raises
    ------
    LabelError
        If it is no unit of an angle, or they have two.
    """
    units = {n: str(ds[n].attrs.get("units", "1")) for n in (of, target) if n}
    if len(set(units.values())) > 1 or units[of] not in _TURN:
        raise LabelError(
            f"directions need one unit, 'deg' or 'rad', got {units}: set it, "
            f"data[{of!r}].attrs['units'] = 'deg'."
        )
    return _TURN[units[of]]


def _wrapped(error: np.ndarray) -> np.ndarray:
    """Errors [rad] from -pi to pi."""
    return (error + np.pi) % (2 * np.pi) - np.pi


def _moments(error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Circular mean and spread, mean size [rad] and resultant length, over the last axis."""
    z = np.exp(1j * error).mean(-1)
    length = np.minimum(np.abs(z), 1.0)
    spread = np.sqrt(-2 * np.log(np.maximum(length, np.finfo(float).tiny)))
    return np.angle(z), spread, np.abs(_wrapped(error)).mean(-1), length


def _summary(
    error: np.ndarray, drawn: np.ndarray, level: float, turn: float
) -> dict[str, np.ndarray | float]:
    scale = turn / (2 * np.pi)
    mean, spread, absolute, length = _moments(error)
    means, spreads, absolutes, _ = _moments(drawn)
    # The interval of the mean goes around it, wherever the circle is cut.
    means = mean + _wrapped(means - mean)
    found: dict[str, Any] = {"resultant": length}
    for name, value, draws in (
        ("mean", mean, means),
        ("spread", spread, spreads),
        ("absolute", absolute, absolutes),
    ):
        low, high = resampled.ends(draws, level)
        found |= {name: scale * value, f"{name}_low": scale * low, f"{name}_high": scale * high}
    return found


def _histogram(error: np.ndarray, n_bins: int) -> np.ndarray:
    place = np.minimum((n_bins * (error + np.pi) / (2 * np.pi)).astype(int), n_bins - 1)
    return np.bincount(place, minlength=n_bins) / error.size


def _described(name: str, units: str) -> tuple[str, str]:
    """Unit and long name of a number."""
    other = {"resultant": ("1", "mean resultant length"), "n_trials": ("count", "number of trials")}
    if name in other:
        return other[name]
    stem = name.removesuffix("_low").removesuffix("_high")
    ends = {"_low": ", lower end of the interval", "_high": ", upper end of the interval"}
    return units, _NAMES[stem] + ends.get(name[len(stem) :], "")
