"""The labelled result of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from neurodyn.analysis.comparison.null import p_value
from neurodyn.analysis.shared.ceiling import CeilingKind, attainable, listed
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.shared.pairing import Pair
from neurodyn.analysis.shared.results import coords_of
from neurodyn.analysis.shared.results import results as results_of

#: Dims (after ``metric``) and long name of each variable of the result.
VARIABLES = {
    "score": (("seed",), "score"),
    "ceiling": ((), "score that the reliability of the recording allows"),
    "corrected": (("seed",), "noise-corrected score"),
    "p_value": (("seed",), "one-sided p-value under shuffled conditions"),
    "null": (("seed", "draw"), "score with shuffled conditions"),
    "unit_score": (("seed", "unit"), "score of each unit"),
    "unit_corrected": (("seed", "unit"), "noise-corrected score of each unit"),
    "unit_ceiling": (("unit",), "score of each unit that its reliability allows"),
}


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
    """

    measure: Measure
    score: np.ndarray
    null: np.ndarray | None
    ceiling: float


def labelled(
    results: Sequence[Result],
    pair: Pair,
    reliability: np.ndarray | None,
    n_splits: int,
    *,
    ceiling_kind: CeilingKind,
    min_ceiling: float,
) -> xr.Dataset:
    """Summarise measures over units, and label everything."""
    varies = np.ptp(np.asarray(pair.y), axis=(0, 1)) > 0
    kept, unit_ceiling = varies, np.full(varies.size, np.nan)
    if reliability is not None:
        # A constant unit has reliability NaN, so it is not kept.
        kept, unit_ceiling = reliability >= min_ceiling, attainable(reliability, ceiling_kind)
    columns = [_column(result, kept, unit_ceiling) for result in results]
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
    attrs = pair.attrs | {
        "null": "" if results[0].null is None else _null_kind(pair),
        "n_splits": 1 if pair.halves is not None else n_splits if reliability is not None else 0,
        "ceiling_kind": ceiling_kind,
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


def _null_kind(pair: Pair) -> str:
    return "conditions permuted" if pair.trials is None else "trial labels shuffled"


def _column(result: Result, kept: np.ndarray, unit_ceiling: np.ndarray) -> dict[str, np.ndarray]:
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
    if null is not None:
        better = bool(measure.higher_is_better)
        column |= {"null": null, "p_value": p_value(column["score"], null, higher_is_better=better)}
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
