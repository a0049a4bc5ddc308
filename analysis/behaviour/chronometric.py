"""Chronometric functions: reaction times against the strength of evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.behaviour import resampled
from neurodyn.analysis.behaviour.points import edges_of, means_of, place_of
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
    judged,
    part_with,
    with_evidence,
)

_OUTCOMES = ("correct", "error")


def chronometric(
    behaviour: xr.Dataset | xr.DataArray | xr.DataTree,
    *,
    evidence: Evidence = None,
    rt: str = "rt",
    correct: str = "correct",
    by: By = None,
    level: float = 0.95,
    n_boot: int = 1000,
    within: By = None,
    key: Any = 0,
) -> xr.Dataset:
    """Median reaction time of correct and of wrong choices, against the strength of evidence.

    Parameters
    ----------
    behaviour
        A labelled run, a recording with a trial table, or a session, as for `psychometric`.
    evidence
        Label of the signed evidence, whose size is its strength; default as for `psychometric`.
    rt
        Label of reaction times. Trials without one (NaN), or with a response before the stimulus
        (label ``early``), do not count.
    correct
        Label that is 1 (True) where the choice was right, 0 where it was wrong.
    by, level, n_boot, within, key
        As for `psychometric`.

    Returns
    -------
    Dataset on `seed` and `condition`, where there are, `outcome` ("correct", "error") and
    `strength`: ``rt``, the median, with ``rt_low`` and ``rt_high``, its percentile interval (NaN
    for a single trial), and ``n`` trials; more than 20 strengths are joined into 20 of equally
    many trials. ``n_trials`` of each network and condition.

    Raises
    ------
    TypeError
        If `behaviour` is no labelled object.
    LabelError
        If a label is missing or holds words, or no trial has a reaction time. Of several networks
        or conditions those without are NaN, with a warning.
    ValueError
        For a `level` or `n_boot` out of range.

    See Also
    --------
    psychometric : choices.
    neurodyn.plot.chronometric : draws the result.

    References
    ----------
    Roitman & Shadlen, "Response of neurons in the lateral intraparietal area during a combined
    visual discrimination reaction time task", J. Neurosci. 2002. Efron & Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13.

    Examples
    --------
    >>> import xarray as xr
    >>> trials = xr.Dataset(coords={
    ...     "coherence": ("trial", [-0.5, 0.5, 0.5, -0.1, 0.1]),
    ...     "rt": ("trial", [300.0, 320.0, 310.0, 500.0, 600.0]),
    ...     "correct": ("trial", [1, 1, 1, 1, 0]),
    ... })
    >>> chronometric(trials).rt.sel(outcome="correct").values
    array([500., 310.])
    """
    resampled.check(level, n_boot)
    ds = part_with(behaviour, rt, correct)
    ds, evidence, which = with_evidence(ds, evidence)
    check_on_trials(ds, rt=rt, correct=correct)
    by = listed(by, which)
    groups = groups_of(ds, [evidence, rt, correct], by, within, ["early"])
    edges = edges_of(ds, evidence, size=True)

    def work(group: Group) -> dict[str, Any]:
        x, times, right = (numbers(group, n) for n in (evidence, rt, correct))
        there = np.isfinite(x) & np.isfinite(times) & np.isfinite(right) & judged(group.trials)
        if not there.any():
            raise LabelError(f"no trial has a reaction time '{rt}': at least one is needed.")
        cell = place_of(np.abs(x[there]), edges)
        rng = resampled.draws_of(key, group.name)
        chosen = (times[there], right[there] != 0, cell, group.stratum[there])
        return _medians(*chosen, edges.size, n_boot, level, rng) | {"n_trials": int(there.sum())}

    found = {n: filled(groups, (2, edges.size)) for n in ("rt", "rt_low", "rt_high", "n")}
    found["n_trials"] = filled(groups)
    for group, made in worked(groups, work, "a chronometric function"):
        for n in found if made else ():
            found[n][group.place] = made[n]
    units, on = str(ds[rt].attrs.get("units", "ms")), (*groups.dims, "outcome", "strength")
    of = str(ds[evidence].attrs.get("long_name", evidence)).removeprefix("signed ")
    ends = {"": "", "_low": ", lower end of the interval", "_high": ", upper end of the interval"}
    columns = {
        f"rt{end}": (on, found[f"rt{end}"], units, f"median reaction time{text}")
        for end, text in ends.items()
    }
    columns["n"] = (on, np.nan_to_num(found["n"]), "count", "number of trials")
    columns["n_trials"] = (groups.dims, found["n_trials"], "count", "number of trials")
    strength = means_of(ds, evidence, edges, size=True)
    about = ("strength", strength, str(ds[evidence].attrs.get("units", "1")), of)
    return results(
        columns,
        groups.coords | {"outcome": list(_OUTCOMES), "strength": about},
        values=False,
        dims=["outcome", "strength"],
        measure="chronometric",
        level=float(level),
        n_boot=int(n_boot),
        observed="model" if is_run(ds) else "recording",
        **({"name": called(ds)} if called(ds) else {}),
        **spelt(ds, by),
    )


def _medians(
    times: np.ndarray,
    right: np.ndarray,
    cell: np.ndarray,
    stratum: np.ndarray,
    n_cells: int,
    n_boot: int,
    level: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Medians of correct and wrong trials at each strength, with their intervals."""
    made = {n: np.full((2, n_cells), np.nan) for n in ("rt", "rt_low", "rt_high")}
    made["n"] = np.zeros((2, n_cells))
    for i, outcome in enumerate((right, ~right)):
        for k in range(n_cells):
            inside = outcome & (cell == k)
            made["n"][i, k] = n = inside.sum()
            if n:
                made["rt"][i, k] = np.median(times[inside])
            if n > 1:
                drawn = resampled.resamples(rng, times[inside], stratum[inside], n_boot)
                made["rt_low"][i, k], made["rt_high"][i, k] = resampled.ends(
                    np.median(drawn, axis=1), level
                )
    return made
