"""What is read off climbs: where parts of a recording appear, and which pairs of scores exist."""

import dataclasses
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.experiments.what_a_score_means.recordings import Recorded
from neurodyn.experiments.what_a_score_means.settings import Settings


def region(recorded: Recorded, settings: Settings, key: Any) -> xr.Dataset:
    """The largest and smallest CKA at some values of NBS, and the other way round.

    Each end is where a climb (or a descent) from noise arrives while the other measure is held, so
    the true region may be a little wider.
    """
    pair = ("cka", "nbs")
    shape = (2, len(settings.levels), 2)
    other, held = np.zeros(shape), np.zeros(shape)
    for i, fixed in enumerate(pair):
        free = analysis.MEASURES[pair[1 - i]]
        for j, level in enumerate(settings.levels):
            for k, better in enumerate((False, True)):
                climb = analysis.optimise(
                    dataclasses.replace(free, higher_is_better=better),
                    recorded.rates,
                    by=recorded.by,
                    hold={fixed: level},
                    n_components=1,
                    steps=settings.region_steps,
                    rate=0.2,
                    n_saved=1,
                    key=jax.random.fold_in(key, 4 * j + 2 * i + k),
                ).isel(draw=0, step=-1)
                other[i, j, k] = climb["score"]
                held[i, j, k] = climb["held"].squeeze()
    dims = ("metric", "level", "end")
    return labels.dataset(
        {
            "other": (dims, other, "1", "the other measure"),
            "held": (dims, held, "1", "the measure that is held"),
        },
        {"metric": list(pair), "level": list(settings.levels), "end": ["lowest", "highest"]},
        source="analysis",
        dims=dims,
    )


def first_score(reference: xr.Dataset, variable: str, level: float, **chosen: Any) -> float:
    """Score at which a variable along the climbs (mean over draws) first reaches a level.

    Parameters
    ----------
    reference
        Of :func:`neurodyn.analysis.score_reference`.
    variable
        "captured" or "decoded".
    level
        What it shall reach.
    **chosen
        Label of the component or of the task variable.

    Returns
    -------
    NaN if it is never reached.
    """
    ordered = reference[["climbed", variable]].sel(chosen).sortby("step").mean("draw")
    score, line = (ordered[name].values for name in ("climbed", variable))
    reached = np.flatnonzero(line >= level)
    if not len(reached):
        return float("nan")
    after = reached[0]
    if after == 0:
        return float(score[0])
    share = (level - line[after - 1]) / (line[after] - line[after - 1])
    return float(score[after - 1] + share * (score[after] - score[after - 1]))


def component_scores(reference: xr.Dataset, level: float) -> np.ndarray:
    """Score at which each component is read out with an R2 of this level."""
    numbers = np.sort(reference["component"].values)
    return np.array([first_score(reference, "captured", level, component=k) for k in numbers])


def captured_when(reference: xr.Dataset, component: int, level: float) -> np.ndarray:
    """R2 of all components where the first reaches a level: which measure sees small ones early."""
    at = first_score(reference, "captured", level, component=0)
    score = reference["climbed"].sortby("step").mean("draw").values
    lines = reference["captured"].sortby(["step", "component"]).mean("draw")
    order = np.argsort(score)
    values = lines.transpose("step", "component").values[order][:, component]
    return np.interp(at, score[order], values)
