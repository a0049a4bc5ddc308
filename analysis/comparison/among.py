"""Models among themselves and recordings among themselves, on the scale of the comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.analysis.comparison.intervals import Interval, ends
from neurodyn.analysis.comparison.scoring import scored
from neurodyn.analysis.comparison.settings import Settings
from neurodyn.analysis.shared.arrays import pick
from neurodyn.analysis.shared.bootstrap import known_mean
from neurodyn.analysis.shared.timebins import rebin
from neurodyn.labels import LabelError, bin_width

_FEW = 2


def between_models(
    models: Mapping[str, Any], recordings: Mapping[str, Any], settings: Settings
) -> dict[str, xr.DataArray]:
    """Score of each model against each other one, in the time bins of the first recording."""
    if len(models) < _FEW:
        return {}
    of_run, of_rec = _variables(settings)
    bins = pick(next(iter(recordings.values())), of_rec, what="the recording")
    width = {"bin_width": bin_width(bins, what="the recording")}
    sampled = {}
    for name, model in models.items():
        array = pick(model, of_run, what=f"model {name}")
        if "seed" in array.dims:
            raise LabelError(
                f"among=True compares models with each other, but {name!r} has a dim 'seed': pass "
                "its members as models of their own, {'NAME 0': run.isel(seed=0), ...}."
            )
        binned = rebin(array, bins, window=settings.window).rename("activity")
        # The width, so that a single bin has one.
        sampled[name] = binned.to_dataset().assign_attrs(array.attrs | binned.attrs | width)
    plain = dataclasses.replace(
        settings, n_null=0, ceiling=None, bootstrap=(), variable=None, window=None, within=()
    )
    scores = _between(sampled, lambda a, b: scored(a, b, plain)["score"].values, settings)
    text = "score of the model against another one (model_to)"
    names = list(models)
    return {"between_models": _square(scores, "model", names, settings, text)}


def between_recordings(
    recordings: Mapping[str, Any], of: Callable[[str], Settings], whole: xr.Dataset
) -> dict[str, xr.DataArray]:
    """Score of each recording against each other one, and how much closer each model is.

    The recording against which others are scored is resampled as it was for the models, so that
    their difference is paired.
    """
    if len(recordings) < _FEW:
        return {}
    names = list(recordings)
    settings = of(names[0])
    of_rec = _variables(settings)[1]
    drawn: dict[tuple[str, str], np.ndarray] = {}

    def score(a: str, b: str) -> np.ndarray:
        mine = dataclasses.replace(
            of(b), n_null=0, ceiling=None, within=(), variable=(of_rec, of_rec)
        )
        found = scored(recordings[a], recordings[b], mine)
        if "resampled" in found:
            drawn[a, b] = found["resampled"].values
        return found["score"].values

    scores = _between({n: n for n in names}, score, settings)
    text = "score of the recording against another one (recording_to)"
    found = {"between_recordings": _square(scores, "recording", names, settings, text)}
    others = known_mean(scores, 1)  # over the recordings that are scored against each
    sign = xr.where(whole["higher_is_better"] == 1, 1.0, -1.0)
    labels = {"metric": whole["metric"].values, "recording": names}
    reference = xr.DataArray(others, labels, ("metric", "recording"))
    closer = sign * (whole["score"] - reference)
    about = {"units": "1", "long_name": "how much closer a model is than the other recordings are"}
    found["closer"] = closer.transpose(*whole["score"].dims).assign_attrs(about)
    if drawn:
        mean = [known_mean(np.stack([drawn[a, b] for a in names if a != b]), 0) for b in names]
        dims = ("metric", "recording", "resample")
        draws = xr.DataArray(np.stack(mean, 1), labels, dims)
        draws = (sign * (whole["resampled"] - draws)).transpose(*whole["resampled"].dims)
        draws = draws.transpose(*closer.dims, "resample")
        kind: Interval = "basic" if settings.interval == "basic" else "percentile"
        low, high = ends(closer.values, draws.values, kind=kind, level=settings.level)
        for name, end in (("closer_low", low), ("closer_high", high)):
            said = {"units": "1", "long_name": f"{name[7:]} end of the interval of `closer`"}
            found[name] = closer.copy(data=end).assign_attrs(said)
    return found


def _variables(settings: Settings) -> tuple[str | None, str | None]:
    given = settings.variable
    return given if isinstance(given, tuple) else (given, given)


def _between(
    members: Mapping[str, Any], score: Callable[[Any, Any], np.ndarray], settings: Settings
) -> np.ndarray:
    """Scores ``(metric, one, other)``, NaN on the diagonal."""
    n = len(members)
    found = np.full((len(settings.measures), n, n), np.nan)
    for i, a in enumerate(members.values()):
        for j, b in enumerate(members.values()):
            if i != j:
                found[:, i, j] = score(a, b)
    return found


def _square(
    scores: np.ndarray, side: str, names: list[str], settings: Settings, text: str
) -> xr.DataArray:
    coords = {"metric": [m.name for m in settings.measures], side: names, f"{side}_to": names}
    about = {"units": "1", "long_name": text}
    return xr.DataArray(scores, coords, ("metric", side, f"{side}_to"), attrs=about)
