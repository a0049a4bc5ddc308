"""Prefrontal units during context-dependent decisions (Mante et al. 2013)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels

#: Our names of the trial labels, the original names, and long names.
COLUMNS = {
    "motion": ("stim_dir", "signed motion coherence"),
    "colour": ("stim_col", "signed colour coherence"),
    "colour_evidence": ("stim_col2dir", "colour coherence towards the target of choice 1"),
    "motion_evidence": ("stim_dir2col", "motion coherence towards the colour of choice 1"),
    "choice": ("targ_dir", "chosen target by direction, -1 or 1"),
    "chosen_colour": ("targ_col", "chosen target by colour, -1 or 1"),
    "context": ("context", "what has to be judged"),
    "correct": ("correct", "whether the choice was correct"),
    "congruent": ("congruent", "whether motion and colour favour the same target"),
}
#: Coherences differ a little between sessions: conditions go by rank, labelled by the mean value.
GRADED = ("motion", "colour", "colour_evidence", "motion_evidence")
START, SAMPLES = 100.0, 751  # ms after dots onset, 1-ms bins


def read(
    paths: Sequence[Path],
    *,
    form: str = "conditions",
    by: Sequence[str] = ("motion", "colour", "context"),
    bin_width: float = 50.0,
    correct_only: bool = True,
    halves: bool = False,
    key: Any = 0,
) -> xr.Dataset | xr.DataTree:
    """Read the units, which were recorded one at a time, on different trials.

    Parameters
    ----------
    paths
        One .mat file per unit.
    form
        "conditions": rates averaged over the trials of each condition, all units side by side.
        "trials": spike counts in 1-ms bins, a DataTree with a node per unit.
    by
        Trial labels that make a condition, out of `motion`, `colour` (signed coherences),
        `colour_evidence`, `motion_evidence` (the same, signed by choice), `context`, `choice`,
        `chosen_colour`, `correct`, `congruent`.
    bin_width
        Width of the time bins of "conditions" [ms]. Samples that do not fill a last bin are left
        out.
    correct_only
        Whether "conditions" leaves out trials with a wrong choice.
    halves
        Whether to average two random halves of the trials of each condition separately, on a dim
        `repetition` of size 2, for noise ceilings.
    key
        Seed or key of the halves.

    Returns
    -------
    Conditions: `rate` (condition, time, unit) [Hz] with `sem` and `n_trials` (condition, unit);
    with `halves` all three have a dim `repetition` in front. A unit without a trial of a condition
    is NaN there (`sem`: with fewer than two). Coherences are given by their mean over units and,
    as `motion_rank` and so on, by their rank 0 to 5.
    Trials: nodes with `spike_count` (trial, time, unit) and the labels of each trial.
    Time 0 is the onset of the dots; `context` is "motion" or "colour".

    Raises
    ------
    ValueError
        For an unknown form or label, or a bin width that does not fit.
    """
    units = [_unit(path) for path in paths]
    if form == "trials":
        nodes = {str(unit.unit.values[0]): unit for unit in units}
        return xr.DataTree.from_dict({"/": xr.Dataset(attrs={"simultaneous": 0})} | nodes)
    if form != "conditions":
        raise ValueError(f"form must be 'conditions' or 'trials', got {form!r}.")
    unknown = [name for name in by if name not in COLUMNS]
    if unknown or not by:
        raise ValueError(f"by must name labels out of {', '.join(COLUMNS)}; got {list(by)}.")
    if not 1 <= bin_width <= SAMPLES or bin_width != int(bin_width):
        raise ValueError(
            f"bin_width must be a whole number of ms from 1 to {SAMPLES}, as spikes were counted "
            f"in bins of 1 ms; got {bin_width}."
        )
    levels = {name: _levels(name, units) for name in by}
    return _conditions(units, levels, int(bin_width), correct_only, 2 if halves else 1, key)


def _unit(path: Path) -> xr.Dataset:
    from scipy.io import loadmat

    raw = loadmat(path, squeeze_me=True, struct_as_record=False)["unit"]
    columns = {
        name: ("trial", np.asarray(getattr(raw.task_variable, original)), "1", long_name)
        for name, (original, long_name) in COLUMNS.items()
    }
    attended = np.where(columns["context"][1] > 0, "motion", "colour")
    columns["context"] = ("trial", attended, *columns["context"][2:])
    counts = np.asarray(raw.response, np.uint8)[:, :, None]
    return labels.dataset(
        {"spike_count": (("trial", "time", "unit"), counts, "count", "spike count")},
        {
            "time": np.round(np.asarray(raw.time, np.float64) * 1e3, 6),
            "unit": [str(raw.name)],
            "isolation": ("unit", [str(raw.unitInfo.type)], "1", "isolation as in the original"),
            **columns,
        },
        source="recording",
        kind="spike_count",
        attrs={"align_event": "dots_onset", "bin_width": 1.0},
    )


def _conditions(
    units: list[xr.Dataset],
    levels: dict[str, np.ndarray],
    width: int,
    correct_only: bool,
    halves: int,
    key: Any,
) -> xr.Dataset:
    n = math.prod(len(values) for values in levels.values())
    generator = np.random.default_rng(_seed(key) if halves > 1 else None)
    moments = []
    for unit in units:
        keep = unit["correct"].values == 1 if correct_only else slice(None)
        code = _codes(unit, levels)[keep]
        if halves > 1:
            code += n * _halves(code, generator)
        moments.append(_moments(_rates(unit, width)[keep], code, halves * n))
    mean, sem, n_trials = (
        part.reshape(halves, n, *part.shape[1:])
        for part in (np.stack(each, axis=-1) for each in zip(*moments, strict=True))
    )
    occurs = n_trials.sum(axis=(0, -1)) > 0  # not all combinations of labels do
    dims = ("repetition", "condition", "time", "unit")[0 if halves > 1 else 1 :]
    take = (slice(None) if halves > 1 else 0, occurs)
    error = "standard error of the mean of firing rate"
    return labels.dataset(
        {
            "rate": (dims, mean[take], "Hz", "firing rate"),
            "sem": (dims, sem[take], "Hz", error),
            "n_trials": (
                [dim for dim in dims if dim != "time"],
                n_trials[take],
                "count",
                "number of trials",
            ),
        },
        _columns(levels, occurs)
        | {
            "time": START + (np.arange(SAMPLES // width) + 0.5) * width,
            "unit": np.concatenate([unit["unit"].values for unit in units]),
            "isolation": xr.concat([unit["isolation"] for unit in units], "unit"),
        },
        source="recording",
        kind="rate",
        attrs={"align_event": "dots_onset", "bin_width": float(width), "simultaneous": 0},
    )


def _levels(name: str, units: list[xr.Dataset]) -> np.ndarray:
    """Values of a label; for coherences the mean over units of each rank."""
    if name not in GRADED:
        return np.unique(np.concatenate([unit[name].values for unit in units]))
    return np.mean([np.unique(unit[name].values) for unit in units], axis=0)


def _codes(unit: xr.Dataset, levels: dict[str, np.ndarray]) -> np.ndarray:
    """Position of each trial's condition among all combinations of levels."""
    code = np.zeros(unit.sizes["trial"], np.int64)
    for name, values in levels.items():
        own = np.unique(unit[name].values) if name in GRADED else values
        code = code * len(values) + np.searchsorted(own, unit[name].values)
    return code


def _columns(levels: dict[str, np.ndarray], occurs: np.ndarray) -> dict[str, Any]:
    index = np.unravel_index(np.flatnonzero(occurs), [len(v) for v in levels.values()])
    columns = {}
    for (name, values), position in zip(levels.items(), index, strict=True):
        columns[name] = ("condition", values[position], "1", COLUMNS[name][1])
        if name in GRADED:
            columns[f"{name}_rank"] = ("condition", position, "1", f"rank of {COLUMNS[name][1]}")
    return columns


def _rates(unit: xr.Dataset, width: int) -> np.ndarray:
    bins = SAMPLES // width
    counts = unit["spike_count"].values[:, : bins * width, 0]
    return counts.reshape(len(counts), bins, width).sum(-1) * (1e3 / width)


def _moments(rate: np.ndarray, code: np.ndarray, n: int):
    """Mean, standard error and number of trials of each of `n` conditions."""
    number = np.bincount(code, minlength=n)
    total, squares = np.zeros((n, rate.shape[1])), np.zeros((n, rate.shape[1]))
    np.add.at(total, code, rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / number[:, None]
        np.add.at(squares, code, (rate - mean[code]) ** 2)
        sem = np.sqrt(squares / (number - 1)[:, None] / number[:, None])
    return mean, np.where(number[:, None] > 1, sem, np.nan), number


def _halves(code: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Half 0 or 1 of each trial: at random, equally many of each condition up to one."""
    sizes = np.bincount(code)
    order = np.lexsort([generator.random(code.size), code])
    rank = np.arange(code.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    odd_one = np.repeat(generator.integers(0, 2, sizes.size), sizes)
    half = np.empty_like(code)
    half[order] = (rank + odd_one) % 2
    return half


def _seed(key: Any) -> list[int]:
    import jax

    from neurodyn.common.random import as_key

    seed: Any = as_key(key, needed_for="halves")
    return np.asarray(jax.random.key_data(seed)).tolist()
