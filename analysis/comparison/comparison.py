"""The labelled result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.analysis.comparison.intervals import KINDS, Jackknife, ends
from neurodyn.analysis.comparison.null import p_value
from neurodyn.analysis.comparison.settings import QUESTIONS, Settings
from neurodyn.analysis.shared.bootstrap import known_mean
from neurodyn.analysis.shared.ceiling import attainable, listed
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.shared.pairing import Pair
from neurodyn.analysis.shared.results import coords_of
from neurodyn.analysis.shared.results import results as results_of
from neurodyn.analysis.shared.scaling import ROUNDING

#: Levels whose numbers every result gives.
_COUNTED = ("condition", "trial", "unit")
#: Dims (after ``metric``) and long name of each variable of the result.
VARIABLES = {
    "score": (("seed",), "score"),
    "ceiling": ((), "score that the reliability of the recording allows"),
    "corrected": (("seed",), "noise-corrected score"),
    "low": (("seed",), "lower end of the interval of the score"),
    "high": (("seed",), "upper end of the interval of the score"),
    "bias": (("seed",), "mean of the resampled scores minus the score"),
    "resampled": (("seed", "resample"), "score of a resampled recording"),
    "p_value": (("seed",), "one-sided p-value under the null"),
    "null": (("seed", "draw"), "score under the null"),
    "unit_score": (("seed", "unit"), "score of each unit"),
    "unit_corrected": (("seed", "unit"), "noise-corrected score of each unit"),
    "unit_ceiling": (("unit",), "score of each unit that its reliability allows"),
}


#: Scores ``(seed, draw)`` or ``(seed, draw, slot)``, and the unit of each slot (-1: none).
Scores = tuple[np.ndarray, np.ndarray | None]


class Redrawn(NamedTuple):
    """Scores of a resampled recording.

    Attributes
    ----------
    draws
        Of recordings whose members were drawn with replacement.
    left_out
        Of recordings without one member, and how many members there are; for each side.
    """

    draws: Scores
    left_out: tuple[tuple[np.ndarray, np.ndarray | None, int], ...]


class Result(NamedTuple):
    """Values of one measure.

    Attributes
    ----------
    measure
        The measure.
    score
        ``(seed,)``, or ``(seed, unit)`` for measures of single units.
    null
        ``(seed, draw)`` or ``(seed, draw, unit)``, None when none was drawn.
    ceiling
        Score between halves of the recording; NaN where there is none.
    redrawn
        Scores of the resampled recording, None when it was not.
    """

    measure: Measure
    score: np.ndarray
    null: np.ndarray | None
    ceiling: float
    redrawn: Redrawn | None = None


def labelled(
    results: Sequence[Result],
    pair: Pair,
    reliability: np.ndarray | None,
    settings: Settings,
    sizes: Mapping[str, int],
) -> xr.Dataset:
    """Summarise measures over units, and label everything.

    `sizes` are the numbers of members of the levels from which the recording was resampled.
    """
    ceiling_kind, min_ceiling = settings.ceiling_kind, settings.min_ceiling
    varies = np.ptp(np.asarray(pair.y), axis=(0, 1)) > 0
    kept, unit_ceiling = varies, np.full(varies.size, np.nan)
    if reliability is not None:
        # A constant unit has reliability NaN, so it is not kept.
        kept, unit_ceiling = reliability >= min_ceiling, attainable(reliability, ceiling_kind)
    columns = [_column(result, kept, unit_ceiling, settings) for result in results]
    variables = {
        name: (("metric", *dims), np.stack([column[name] for column in columns]), "1", long_name)
        for name, (dims, long_name) in VARIABLES.items()
        if name in columns[0]
    }
    per_unit = any(result.measure.pairwise.per_unit for result in results)
    if per_unit:
        used = "whether the summary uses the unit"
        variables["kept"] = (("unit",), kept.astype(np.int8), "1", used)
    else:
        variables = {name: v for name, v in variables.items() if "unit" not in v[0]}
    if reliability is not None:
        meant = "reliability of the mean over trials"
        variables["reliability"] = (("unit",), reliability, "1", meant)
    n_splits = settings.n_splits if reliability is not None else 0
    attrs = pair.attrs | _about(results[0], columns, pair, settings, sizes)
    attrs |= {
        "n_splits": 1 if pair.halves is not None else n_splits,
        "ceiling_kind": ceiling_kind,
        "ceiling_splits": settings.ceiling if reliability is not None else "",
        "min_ceiling": float(min_ceiling),
        "ceiling_note": pair.unsplit,
        "constant_units": listed(pair.means["unit"], ~varies),
        "n_dropped": int((~kept).sum()) if per_unit else 0,
        "dropped": listed(pair.means["unit"], ~kept) if per_unit else "",
    }
    if per_unit and not kept.any():
        attrs["ceiling_note"] = (
            f"no unit reaches min_ceiling={min_ceiling:g}; the best has {np.nanmax(unit_ceiling):g}"
            if np.isfinite(unit_ceiling).any()
            else "no unit of the recording has a reliability"
        )
    coords = _coords([result.measure for result in results], pair)
    if any("unit" in dims for dims, *_ in variables.values()):
        coords |= coords_of(pair.means, "unit")
    ds = results_of(variables, coords, **attrs)
    return ds if pair.seeds is not None else ds.isel(seed=0, drop=True)


def _about(
    first: Result, columns: list[dict], pair: Pair, settings: Settings, sizes: Mapping[str, int]
) -> dict[str, Any]:
    """What the null and the interval are, and the question that each answers."""
    within = f" within {', '.join(settings.within)}" if settings.within else ""
    of_trials = settings.null == "conditions" and pair.trials is not None
    kinds = {
        "conditions": "trial labels shuffled" if of_trials else "conditions permuted",
        "units": "conditions permuted in each unit",
        "rotation": "units rotated",
    }
    about: dict[str, Any] = {"null": "", "null_question": ""}
    if first.null is not None:
        what = "trials" if of_trials else "mean responses"
        question = QUESTIONS[settings.null].format(what=what, within=within)
        about = {"null": kinds[settings.null] + within, "null_question": question}
    if first.redrawn is not None:
        lost = [int(np.isnan(c["resampled"]).sum(-1).max(initial=0)) for c in columns]
        about |= {
            "bootstrap": ", ".join(settings.bootstrap),
            "interval": KINDS[settings.interval],
            "level": float(settings.level),
            "resamples_lost": max(lost),
            "interval_note": _without_interval(columns, settings),
        }
        about |= {f"n_{name}": size for name, size in sizes.items() if name not in _COUNTED}
    return about


def _without_interval(columns: list[dict], settings: Settings) -> str:
    """Why some scores have no interval; "" if all have one."""
    without = [
        measure.name
        for measure, column in zip(settings.measures, columns, strict=True)
        if (np.isnan(column["low"] + column["high"]) & ~np.isnan(column["score"])).any()
    ]
    if not without:
        return ""
    note = ", ".join(without)
    if settings.interval == "bca":
        note += (
            ": nearly all draws lie on one side of the score, as where noise that is drawn again "
            "counts twice. Take interval='basic', which is about the score without that bias"
        )
    return note


def _intervals(
    score: np.ndarray, redrawn: Redrawn, per_unit: bool, kept: np.ndarray, settings: Settings
) -> dict[str, np.ndarray]:
    """Resampled scores of a measure, and their interval."""

    def over_units(values: np.ndarray, units: np.ndarray | None) -> np.ndarray:
        if not per_unit:
            return values
        if units is None:
            return _median(values, kept)
        used = (units >= 0) & kept[units]
        return _median(np.where(used, values, np.nan), np.ones(values.shape[-1], bool))

    draws = over_units(*redrawn.draws)
    left_out = tuple(Jackknife(over_units(v, units), n) for v, units, n in redrawn.left_out)
    low, high = ends(score, draws, kind=settings.interval, level=settings.level, left_out=left_out)
    return {"low": low, "high": high, "bias": known_mean(draws, -1) - score, "resampled": draws}


def _column(
    result: Result, kept: np.ndarray, unit_ceiling: np.ndarray, settings: Settings
) -> dict[str, np.ndarray]:
    """All variables for one measure."""
    measure = result.measure
    n_seeds, n_units = len(result.score), kept.size
    column = {
        "score": result.score,
        "ceiling": np.asarray(result.ceiling),
        "corrected": np.full(n_seeds, np.nan),
        "unit_score": np.full((n_seeds, n_units), np.nan),
        "unit_corrected": np.full((n_seeds, n_units), np.nan),
        "unit_ceiling": np.full(n_units, np.nan),
    }
    null = result.null
    if measure.pairwise.per_unit:
        corrected = np.where(kept, result.score / unit_ceiling, np.nan)
        column = {
            "score": _median(result.score, kept),
            "ceiling": _median(unit_ceiling, kept),
            "corrected": _median(corrected, kept),
            "unit_score": result.score,
            "unit_corrected": corrected,
            "unit_ceiling": unit_ceiling,
        }
        null = None if null is None else _median(null, kept)
    if result.redrawn is not None:
        column |= _intervals(
            column["score"], result.redrawn, measure.pairwise.per_unit, kept, settings
        )
    if null is not None:
        better = bool(measure.higher_is_better)
        # A draw that differs by rounding alone is as good as the score.
        least = column["score"] + (-ROUNDING if better else ROUNDING)
        column |= {"null": null, "p_value": p_value(least, null, higher_is_better=better)}
    return column


def _median(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Median over the units kept; NaN for members and draws in which none has a value."""
    values = values[..., kept]
    scored = ~np.isnan(values).all(axis=-1)
    median = np.full(values.shape[:-1], np.nan)
    if scored.any():
        median[scored] = np.nanmedian(values[scored], axis=-1)
    return median


def _coords(measures: list[Measure], pair: Pair) -> dict:
    better = [int(bool(measure.higher_is_better)) for measure in measures]
    coords = {
        "metric": np.array([measure.name for measure in measures]),
        "title": ("metric", [measure.title for measure in measures]),
        "score_units": ("metric", [measure.units for measure in measures]),
        "higher_is_better": ("metric", np.array(better, np.int8)),
    }
    if pair.seeds is not None:
        coords["seed"] = pair.seeds.values
    return coords
