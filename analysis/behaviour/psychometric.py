"""Psychometric functions: choices against evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.behaviour import resampled
from neurodyn.analysis.behaviour.likelihood import LAPSES, fit_curves
from neurodyn.analysis.behaviour.points import edges_of, joined, means_of, place_of
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
from neurodyn.labels import LabelError
from neurodyn.labels.choices import (
    Evidence,
    called,
    check_on_trials,
    is_run,
    made,
    options,
    part_with,
    with_evidence,
)
from neurodyn.labels.values import plain

#: Trials with a choice, at least: five for each number of the curve.
_LEAST = 20
#: Levels that the curve is fitted to; more are joined, which moves its numbers by less than 1e-4.
_MOST = 500
_NUMBERS = ("bias", "slope", "lapse_below", "lapse_above")


def psychometric(
    behaviour: xr.Dataset | xr.DataArray | xr.DataTree,
    *,
    evidence: Evidence = None,
    choice: str = "choice",
    option: Any = None,
    by: By = None,
    lapse: str = "each",
    level: float = 0.95,
    n_boot: int = 1000,
    within: By = None,
    key: Any = 0,
) -> xr.Dataset:
    """Fit how often an option is chosen, against the evidence: bias, slope and lapses.

    The chance of the option at evidence `x` is ``lapse_below + (1 - lapse_below - lapse_above)
    Phi(slope (x - bias))``, a cumulative normal between two lapses. All four numbers are those of
    the largest likelihood, each trial being a draw of its own. Lapses lie in [0, 0.5], the bias
    within the levels and half their range around them. A slope that the trials do not bound, as
    when no choice is wrong, ends where the curve rises from 2.5 to 97.5 % between the two closest
    levels (``at_limit``). With 40 trials at each of ten levels, 95 % intervals of bias and slope
    hold 95 to 96 % of true values; those of lapses hold 92 to 95, and fewer with fewer trials.

    Parameters
    ----------
    behaviour
        A labelled run, a recording with a trial table, or a session: labels of trials, which may
        differ between networks (`seed`).
    evidence
        Label of the signed evidence; or ``{"context": {"motion": "motion", "colour":
        "colour"}}``: the label that counts for each value of another one. Default: what the task
        of a run names, else ``"coherence"``.
    choice
        Label of what was chosen. Missing ones, "none" and the -1 of runs are no choice; nor is a
        response before the stimulus (label ``early``).
    option
        Which choice is counted. Default: of two the second (1, "right", True).
    by
        Labels of trials that make a condition, with a curve each. Default: the label that says
        which evidence counts, else all trials are one.
    lapse
        ``"each"``: both ends of the curve have a lapse; ``"shared"``: the same one; ``"none"``.
    level
        Coverage of the intervals.
    n_boot
        Draws of the bootstrap. Trials are drawn with replacement, within sessions where there are.
    within
        Labels within which trials are drawn, ``[]`` for none. Default: the first of `session`,
        `session_id`, `subject`, `subject_id`, `animal`, `animal_id` that trials have.
    key
        Seed or JAX key of the draws.

    Returns
    -------
    Dataset on `seed` and `condition`, where there are: ``bias`` (in the unit of the evidence),
    ``slope`` (its inverse: 1 over the standard deviation of the normal; negative where the option
    is chosen less the more evidence there is), ``lapse_below`` (how far the curve stays above 0 at
    its low end), ``lapse_above`` (how far below 1 at its high end), each with ``NAME_low`` and
    ``NAME_high``, the percentile interval; ``at_limit``, ``log_likelihood``, ``n_trials``. Beside
    them, on `evidence`, the points: ``fraction`` chosen of ``n`` trials; more than 20 levels are
    joined into 20 of equally many trials.

    Raises
    ------
    TypeError
        If `behaviour` is no labelled object.
    LabelError
        If a label is missing, there are fewer than 20 trials with a choice, a single level of
        evidence, or one choice only. Of several networks or conditions those are NaN, with a
        warning.
    ValueError
        For an unknown `lapse`, or a `level` or `n_boot` out of range.

    See Also
    --------
    chronometric : reaction times.
    neurodyn.plot.psychometric : draws the points, and the curves of this fit.

    References
    ----------
    Wichmann & Hill, "The psychometric function: I. Fitting, sampling, and goodness of fit" and
    "II. Bootstrap-based confidence intervals and sampling", Percept. Psychophys. 2001.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> x = np.tile([-0.5, -0.1, 0.1, 0.5], 100)
    >>> right = x + np.random.default_rng(0).normal(0.1, 0.2, 400) > 0
    >>> trials = xr.Dataset(coords={"coherence": ("trial", x), "choice": ("trial", right)})
    >>> fit = psychometric(trials, lapse="none", n_boot=200)
    >>> float(fit.bias.round(2)), float(fit.slope.round(1))
    (-0.06, 4.9)
    """
    if lapse not in LAPSES:
        raise ValueError(f"`lapse` must be one of {', '.join(LAPSES)}, got {lapse!r}.")
    resampled.check(level, n_boot)
    ds = part_with(behaviour, choice, evidence if isinstance(evidence, str) else None)
    ds, evidence, which = with_evidence(ds, evidence)
    check_on_trials(ds, choice=choice)
    name, counted = options({"recorded": ds}, choice, option)
    by = listed(by, which)
    groups = groups_of(ds, [evidence, choice], by, within, ["early"])
    edges = edges_of(ds, evidence)

    def fit(group: Group) -> dict[str, Any]:
        x = numbers(group, evidence)
        there = made(group.trials, choice) & np.isfinite(x)
        hit = plain(group.trials[choice].values)[there] == counted["recorded"]
        x, stratum = x[there], group.stratum[there]
        _check(x, hit, choice)
        rng = resampled.draws_of(key, group.name)
        found = _fitted(x, hit, stratum, lapse, n_boot, level, rng)
        return found | _points(x, hit, edges)

    variables = {n: filled(groups) for n in _of_curves()}
    points = {n: filled(groups, (edges.size,)) for n in ("fraction", "n")}
    for group, found in worked(groups, fit, "a psychometric function"):
        for n in (variables, points):
            for each in n if found else ():
                n[each][group.place] = found[each]
    about = ds[evidence].attrs
    units, of = str(about.get("units", "1")), str(about.get("long_name", evidence))
    columns = {n: (groups.dims, v, *_described(n, units)) for n, v in variables.items()}
    on = (*groups.dims, "evidence")
    columns |= {
        "fraction": (on, points["fraction"], "1", f"fraction of {choice}: {name}"),
        "n": (on, np.nan_to_num(points["n"]), "count", "number of trials"),
    }
    coords = groups.coords | {"evidence": ("evidence", means_of(ds, evidence, edges), units, of)}
    return results(
        columns,
        coords,
        values=False,
        dims=["evidence"],
        measure="psychometric",
        option=str(name),
        choice=choice,
        lapse=lapse,
        level=float(level),
        n_boot=int(n_boot),
        observed="model" if is_run(ds) else "recording",
        **({"name": called(ds)} if called(ds) else {}),
        **spelt(ds, by),
    )


def _of_curves() -> list[str]:
    intervals = [f"{n}{end}" for n in _NUMBERS for end in ("", "_low", "_high")]
    return [*intervals, "at_limit", "log_likelihood", "n_trials"]


def _described(name: str, units: str) -> tuple[str, str]:
    """Unit and long name of a number of the curve."""
    stem = name.removesuffix("_low").removesuffix("_high")
    end = {"_low": ", lower end of the interval", "_high": ", upper end of the interval"}
    long_name = {
        "bias": "bias",
        "slope": "slope",
        "lapse_below": "lapse at the low end",
        "lapse_above": "lapse at the high end",
        "at_limit": "whether the slope is as steep as levels can tell",
        "log_likelihood": "log likelihood",
        "n_trials": "number of trials",
    }[stem] + end.get(name[len(stem) :], "")
    inverse = "1" if units in ("1", "") else f"1/{units}"
    own = {"bias": units, "slope": inverse, "n_trials": "count"}
    return own.get(stem, "1"), long_name


def _check(x: np.ndarray, hit: np.ndarray, choice: str) -> None:
    """Refuse trials that no curve can be fitted to.

    Raises
    ------
    LabelError
        Saying what is missing.
    """
    if x.size < _LEAST:
        raise LabelError(
            f"{x.size} trials have a {choice} and evidence, too few for a curve: at least {_LEAST} "
            "are needed; put trials together, or name fewer labels in by=."
        )
    if np.ptp(x) == 0:
        raise LabelError(
            f"all trials have evidence {x[0]:g}, and a curve needs at least two levels."
        )
    if hit.all() or not hit.any():
        raise LabelError(
            f"all {x.size} trials have one {choice}, so that there is no curve to fit; at least "
            "one other is needed."
        )


def _fitted(
    x: np.ndarray,
    hit: np.ndarray,
    stratum: np.ndarray,
    lapse: str,
    n_boot: int,
    level: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The curve of the trials, and of bootstraps of them."""
    x = joined(x, _MOST)
    levels, place = np.unique(x, return_inverse=True)
    drawn = resampled.counts(rng, 2 * place + hit, stratum, 2 * levels.size, n_boot)
    observed = np.bincount(2 * place + hit, minlength=2 * levels.size)
    cells = np.concatenate([observed[None], drawn]).reshape(n_boot + 1, -1, 2)
    curves = fit_curves(levels, cells[..., 1], cells.sum(-1), lapse)
    found: dict[str, Any] = {}
    for name, values in zip(_NUMBERS, curves[:4], strict=True):
        low, high = resampled.ends(values[1:], level)
        found |= {name: values[0], f"{name}_low": low, f"{name}_high": high}
    return found | {
        "at_limit": float(curves.at_limit[0]),
        "log_likelihood": curves.log_likelihood[0],
        "n_trials": x.size,
    }


def _points(x: np.ndarray, hit: np.ndarray, edges: np.ndarray) -> dict[str, np.ndarray]:
    """The fraction that chose the option at each point, and of how many trials."""
    place = place_of(x, edges)
    n = np.bincount(place, minlength=edges.size)
    return {"fraction": np.bincount(place, hit, edges.size) / np.where(n > 0, n, np.nan), "n": n}
