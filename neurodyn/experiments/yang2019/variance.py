"""Task variance of the units, clusters of units, and fractional task variance."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from neurodyn import labels
from neurodyn.engine.integrate import Save, integrate
from neurodyn.experiments.yang2019.settings import Settings
from neurodyn.experiments.yang2019.training import silent
from neurodyn.models import CTRNN
from neurodyn.tasks import Yang2019
from neurodyn.tasks.multitask.rules import family

#: Durations of the trials whose variance is measured [ms].
TIMES = {
    "fd": {"fixation": 500, "stimulus": 1000, "response": 500},
    "react": {"fixation": 2000, "response": 500},
    "delay": {"fixation": 500, "stimulus": 500, "delay": 1000, "response": 500},
    "dm": {"fixation": 500, "stimulus": 1500, "response": 500},
    "contextdm": {"fixation": 500, "stimulus": 1000, "response": 500},
    "delaydm": {"fixation": 500, "stimulus": 500, "delay": 1000, "stimulus2": 500}
    | {"wait": 200, "response": 300},
    "contextdelaydm": {"fixation": 500, "stimulus": 500, "delay": 1000, "stimulus2": 500}
    | {"wait": 500, "response": 500},
    "dms": {"fixation": 500, "stimulus": 500, "delay": 1200, "response": 500},
    "dmc": {"fixation": 500, "stimulus": 500, "delay": 1200, "response": 500},
}
#: Strengths of the first stimulus; the second has 2 minus these.
STRENGTHS = {"dm": np.linspace(0.8, 1.12, 5), "delaydm": np.linspace(0.5, 1.3, 5)}
#: Pairs whose fractional task variance is shown, where both rules are in use.
PAIRS = (
    ("fdgo", "fdanti"),
    ("delaygo", "delayanti"),
    ("dm1", "dm2"),
    ("contextdm1", "contextdm2"),
    ("dmsgo", "dmcgo"),
    ("delaygo", "contextdm1"),
)
#: A unit takes part if its variances add up to more than this, as published.
ACTIVE = 1e-3
_STARTS = 20


def design(task: Yang2019, rule: str, n_directions: int) -> dict[str, Any]:
    """Conditions of the trials of one rule: all directions, with all modalities or strengths."""
    kind = family(rule)
    wide = kind in STRENGTHS and rule.startswith(("context", "multi"))
    angles = (np.arange(n_directions) + 0.5) * 360 / n_directions
    given: dict[str, Any] = {
        f"{name}_duration": float(ms)
        for name, ms in TIMES[f"context{kind}" if wide else kind].items()
    }
    if kind not in STRENGTHS:
        away = 180.0 * rule.endswith("nogo")
        first, ring = (x.ravel() for x in np.meshgrid(angles, [1, 2], indexing="ij"))
        rings = {"modality1": ring, "modality2": ring}
        second = {"direction2": (first + away) % 360} if kind in ("dms", "dmc") else {}
        return given | rings | second | {"rule": task.code(rule), "direction1": first}
    levels = [STRENGTHS[kind]] * (2 if wide else 1)
    first, *strength = (x.ravel() for x in np.meshgrid(angles, *levels, indexing="ij"))
    nothing = np.zeros_like(first)
    if wide:
        in_rings = dict(enumerate(strength, start=1))
    else:
        in_rings = {1 if rule.endswith("1") else 2: strength[0]}
    for m in (1, 2):
        given[f"strength1_mod{m}"] = in_rings.get(m, nothing)
        given[f"strength2_mod{m}"] = 2 - in_rings[m] if m in in_rings else nothing
    directions = {"direction1": first, "direction2": (first + 180) % 360}
    return given | directions | {"rule": task.code(rule)}


def task_variance(settings: Settings, model: CTRNN) -> xr.Dataset:
    """Variance of each unit over the stimuli of each rule, averaged over time after fixation.

    Returns
    -------
    xr.Dataset
        ``variance`` (rule, unit).
    """
    task = Yang2019(settings.dt, rules=settings.rules_in_use(), noise_std=0)
    found = np.stack(list(_variances(task, silent(model), settings.n_directions)))
    return labels.dataset(
        {"variance": (("rule", "unit"), found, "1", "variance over the stimuli of a rule")},
        {"rule": list(task.rules), "unit": np.arange(found.shape[1])},
        source="analysis",
        dims=("rule",),
    )


def _variances(task: Yang2019, model: CTRNN, n_directions: int) -> Iterator[np.ndarray]:
    for rule in task.rules:
        given = design(task, rule, n_directions)
        trials = task.batch(0, len(np.atleast_1d(given["direction1"])), **given)
        run = integrate(
            model,
            np.swapaxes(np.asarray(trials.inputs), 0, 1),
            dt=task.dt,
            save=Save(variables=("rate",), outputs=None),
        )
        first, last = (
            int(np.asarray(trials.epochs[name])[0, side] / task.dt)
            for name, side in (("fixation", 1), ("response", 1))
        )
        yield np.asarray(run.variables["rate"])[first:last].var(axis=1).mean(axis=0)


def clusters(variance: xr.Dataset, most: int) -> xr.Dataset:
    """Units grouped by their normalised task variance.

    k-means with every number of clusters from 2 to ``most``; the number with the highest silhouette
    is kept.

    Returns
    -------
    xr.Dataset
        ``normalised`` (rule, unit) of the units that take part, sorted by cluster, which is on
        `unit`; ``silhouette`` on `k`.
    """
    active = variance["variance"].sum("rule").values > ACTIVE
    kept = variance["variance"].isel(unit=np.flatnonzero(active))
    points = (kept / kept.max("rule")).transpose("unit", "rule").values
    counts = np.arange(2, min(most, len(points) - 1, len(np.unique(points, axis=0)) - 1) + 1)
    if not counts.size:
        raise ValueError(
            f"{len(points)} units take part in the rules, too few to group them: train the network "
            "longer, or give it more units."
        )
    named = [KMeans(int(k), n_init=_STARTS, random_state=0).fit_predict(points) for k in counts]
    scores = np.array([silhouette_score(points, each) for each in named])
    best = named[int(np.argmax(scores))]
    order = np.argsort(best, kind="stable")
    return labels.dataset(
        {
            "normalised": (("rule", "unit"), points[order].T, "1", "normalised task variance"),
            "silhouette": ("k", scores, "1", "silhouette of the clusters"),
        },
        {
            "rule": kept["rule"].values,
            "unit": kept["unit"].values[order],
            "cluster": ("unit", best[order].astype(np.int64), "1", "cluster"),
            "k": ("k", counts, "1", "number of clusters"),
        },
        source="analysis",
        dims=("rule", "k"),
    )


def fractional(variance: xr.Dataset) -> xr.Dataset | None:
    """``(vA - vB) / (vA + vB)`` of the units active in a pair of rules; None without a pair.

    Returns
    -------
    xr.Dataset
        ``ftv`` (pair, unit), NaN for units that take part in neither rule.
    """
    here = set(variance["rule"].values.tolist())
    pairs = [pair for pair in PAIRS if set(pair) <= here]
    if not pairs:
        return None
    rows = []
    for pair in pairs:
        a, b = (variance["variance"].sel(rule=rule).values for rule in pair)
        total = a + b
        rows.append(np.where(total > ACTIVE, (a - b) / np.where(total > 0, total, 1), np.nan))
    return labels.dataset(
        {"ftv": (("pair", "unit"), np.stack(rows), "1", "fractional task variance")},
        {"pair": [f"{a} - {b}" for a, b in pairs], "unit": variance["unit"].values},
        source="analysis",
        dims=("pair",),
        values=False,
    )
