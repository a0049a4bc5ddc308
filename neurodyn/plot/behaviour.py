"""Psychometric curves: fractions of choices, and fits to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import entry
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
from neurodyn.labels.values import is_words, missing, plain
from neurodyn.plot.behaviour_fits import (
    draw_curves,
    evidence_axis,
    is_fit,
    mean_of_networks,
    side_names,
    sides_of,
    wilson,
)
from neurodyn.plot.style import BLUE, ORANGE, panel, styled


@styled
def psychometric(
    model: xr.Dataset | xr.DataTree | None = None,
    recording: xr.Dataset | xr.DataTree | None = None,
    *,
    evidence: Evidence = None,
    choice: str = "choice",
    option: Any = None,
) -> Any:
    """How often one option was chosen, against the evidence: of a model, of a recording, of both.

    Parameters
    ----------
    model
        With the choice and the evidence on `trial`, also with `seed`; or the fit of
        :func:`neurodyn.analysis.psychometric`, whose curves are drawn through the points, a panel
        for each condition. A recording alone may stand here, too: what does not say that it is a
        run of a model counts as recorded.
    recording
        The same of the animal or network that was recorded: a trial table, spikes or signals with
        one, or a session, of which the part with these labels is taken; or a fit.
    evidence
        Label of the evidence: numbers, which in per cent are drawn so where they are fractions
        (from -1 to 1, without a unit), or words; or the label for each value of another one,
        ``{"context": {"motion": "motion", "colour": "colour"}}``. Default: what the task of a run
        names, else ``"coherence"``. Fits have theirs.
    choice
        Label of what was chosen: words ("left", "right") or numbers; or of what else came of a
        trial, such as ``"correct"``. Missing ones, "none" and the -1 of models are no choice and
        do not count, nor do responses before the stimulus (label ``early``).
    option
        Which choice is counted. Default: of two the second (1, "right", True); where there are
        more it must be said.

    Returns
    -------
    matplotlib.figure.Figure
        The axis names the option. With 95 % intervals (Wilson) of a recording, and one thin line
        per network of an ensemble. Evidence at which nothing was chosen has no point.

    Raises
    ------
    ValueError
        If a label is missing, there is no such option, or nothing says which one is counted.
    """
    given = [x for x in (model, recording) if x is not None]
    if any(is_fit(x) for x in given):
        if not all(is_fit(x) for x in given):
            raise ValueError("psychometric draws two fits or two sets of trials: fit both.")
        if evidence is not None or option is not None or choice != "choice":
            raise ValueError(
                "a fit has its evidence, choice and option: pass them to analysis.psychometric."
            )
        fits: list[Any] = [model, recording]
        return draw_curves(*fits)
    said = evidence if isinstance(evidence, str) else None
    ours, theirs = (None if x is None else part_with(x, said, choice) for x in (model, recording))
    sides, found = {}, {}
    for title, ds in sides_of(ours, theirs, "psychometric", lambda ds: not is_run(ds)).items():
        sides[title], found[title], _ = with_evidence(ds, evidence)
        check_on_trials(ds, choice=choice)
    first = next(iter(sides.values()))
    name, counted = options(sides, choice, option)
    scale, x_label, words = _axis([ds[found[title]] for title, ds in sides.items()])
    figure, ax = panel(size=(3.6, 2.9))
    for title, ds in sides.items():
        levels, fractions, n = _fractions(ds, found[title], choice, counted[title])
        x = words.searchsorted(levels) if words is not None else scale * levels
        if title == "recorded":
            error = wilson(fractions[0], n[0])
            text = side_names(title, called(ds), alone=len(sides) == 1)
            look = {"fmt": "s", "color": ORANGE, "ms": 3.5, "capsize": 2}
            ax.errorbar(x, fractions[0], error, label=text, **look)
            continue
        for one in fractions if len(fractions) > 1 else ():
            ax.plot(x, one, color=BLUE, lw=0.6, alpha=0.5)
        text = f"mean of {len(fractions)} networks" if len(fractions) > 1 else "network"
        ax.plot(x, mean_of_networks(fractions), "o-", color=BLUE, ms=3.5, label=text)
    ax.axhline(0.5, color="0.85", lw=0.8, zorder=0)
    if words is not None:
        ax.set_xticks(range(len(words)), [str(w) for w in words])
    elif min(float(np.nanmin(ds[found[title]].values)) for title, ds in sides.items()) < 0:
        ax.axvline(0.0, color="0.85", lw=0.8, zorder=0)
    what = first[choice].attrs.get("long_name", choice)
    many = "choices" if what == "choice" else str(what)
    simple = what != "choice" and name in ("True", "1")
    y_label = f"fraction {what}" if simple else f"fraction of {many}: {name}"
    ax.set(xlabel=x_label, ylabel=y_label, ylim=(-0.03, 1.03))
    ax.legend(loc="upper left")
    return figure


def _axis(evidence: list[xr.DataArray]) -> tuple[float, str, np.ndarray | None]:
    """By what evidence is multiplied, the text of its axis, and the words that it consists of."""
    values = [plain(x.values) for x in evidence]
    first = evidence[0]
    name, units = str(first.attrs.get("long_name", first.name)), first.attrs.get("units", "1")
    if any(is_words(v) for v in values):
        return 1.0, name, np.unique(np.concatenate(values))
    every = np.concatenate([v[~missing(v)] for v in values])
    return *evidence_axis(name, str(units), every), None


def _fractions(
    ds: xr.Dataset, evidence: str, choice: str, option: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels of the evidence, and for each network what fraction chose the option, of how many."""
    seeds = ds["seed"].values if "seed" in ds[choice].dims else [None]
    every = plain(ds[evidence].values)
    levels = np.unique(every[~missing(every)])
    fractions, totals = [], []
    for seed in seeds:
        names = [n for n in (evidence, choice, "early") if n in ds.variables]
        one = ds if seed is None else entry(ds[names].reset_coords(), "seed", seed)
        x, values = plain(one[evidence].values), plain(one[choice].values)
        counts = made(one, choice)
        n = np.array([np.sum(counts & (x == level)) for level in levels])
        hits = np.array([np.sum(counts & (values == option) & (x == level)) for level in levels])
        fractions.append(hits / np.where(n > 0, n, np.nan))
        totals.append(n)
    return levels, np.array(fractions), np.array(totals)
