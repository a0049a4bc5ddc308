"""Data sets that climb a measure from noise towards a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.meaning.ascent import climb
from neurodyn.analysis.meaning.content import components_of, content
from neurodyn.analysis.meaning.target import Target, measure_of, sign_of, target_of
from neurodyn.analysis.prediction.ridge import PENALTIES
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key


@one_lapack_thread
def optimise(
    measure: str | Measure,
    recording: xr.Dataset | xr.DataArray,
    *,
    by: str | Sequence[str] | None = None,
    hold: Mapping[str, float] | None = None,
    n_units: int | None = None,
    n_components: int | None = None,
    n_draws: int = 1,
    steps: int = 1000,
    rate: float = 0.02,
    n_saved: int = 20,
    window: Sequence[float] | None = None,
    variable: str | None = None,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float] = PENALTIES,
    key: Any = 0,
) -> xr.Dataset:
    """Climb a measure from noise towards a recording, and see what the data then hold of it.

    Gaussian noise of the recording's shape is changed along the gradient of its score against the
    recording. Along the climb, what can be read out of the data is measured: each principal
    component of the recording, and each task variable. If a high score is reached before a task
    variable can be read out, then such a score does not tell that a model represents it.

    Parameters
    ----------
    measure
        A measure of two populations, by name or as a :class:`Measure`. It is differentiated.
    recording
        Trials ``(trial, time, unit)``, which are averaged by condition, or condition means. Units
        must vary.
    by
        Labels that make a condition; they are the task variables. Default: those of the task's
        design, or all labels of condition means that vary.
    hold
        Measures (by name) that are held at a value meanwhile, by a penalty of 100 times the squared
        difference: ``{"cka": 0.5}`` asks how high the measure can be where CKA is 0.5.
    n_units
        Units of the data sets. Default: as many as the recording has.
    n_components
        Principal components of the recording that are looked at. Default: all.
    n_draws
        Number of data sets, from different noise.
    steps, rate
        Steps of Adam, and their size, where the noise has the standard deviation 1. With the
        defaults each entry can move by 20.
    n_saved
        Times at which scores and contents are measured, besides the start, at steps that grow
        geometrically.
    window
        Times that are used, ``(start, stop)`` [ms], half-open. Default: all.
    variable
        Which variable of a Dataset.
    n_folds, penalties
        Folds over conditions and ridge penalties, of readouts and of cross-validated measures.
    key
        Seed or key of noise and folds.

    Returns
    -------
    Dataset with

    ``score`` (draw, step)
        Score of the data beside the recording; for measures of single units their mean.
    ``held`` (draw, step, metric)
        Those of the measures in `hold`, if there are any.
    ``captured`` (draw, step, component)
        Held-out R2 with which the data predict each principal component of the recording, the
        largest first. It can be negative.
    ``decoded`` (draw, step, task_variable)
        Held-out R2 of each task variable, read out linearly at each time, in conditions that the
        readout was not fitted to. Words are read out as columns of 0 and 1.
    ``explained`` (component)
        Fraction of the recording's variance.
    ``activity`` (draw, condition, time, unit)
        The data at the end of the climb.

    Raises
    ------
    LabelError
        If units do not vary, or labels are missing or do not vary.
    ValueError
        For unknown measures, those that change in steps (neighbours, rank correlations), fewer than
        three conditions, or options out of range.
    FloatingPointError
        If a score or its gradient is not finite; it says after how many steps.

    References
    ----------
    Cloos et al., "Differentiable optimization of similarity scores between models and brains", ICLR
    2025 (arXiv 2407.07059).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.standard_normal((8, 5, 6)) * [9, 3, 1, 1, 1, 1] + np.arange(8)[:, None, None]
    >>> recording = labels.dataset(
    ...     {"rate": (("condition", "time", "unit"), rates, "Hz", "rate")},
    ...     {"time": labels.time_axis(5, 20.0), "level": ("condition", np.arange(8.0))},
    ...     source="recording",
    ... )
    >>> found = analysis.optimise("cka", recording, steps=200)
    >>> bool(found["score"][0, 0] < 0.5), bool(found["score"][0, -1] > 0.9)
    (True, True)
    """
    check = {"n_draws": n_draws, "steps": steps, "n_saved": n_saved}
    n_draws, steps, n_saved = (whole(name, number, 1) for name, number in check.items())
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate must be a positive number, got {rate}.")
    chosen, hold = measure_of(measure), dict(hold or {})
    others = [measure_of(name) for name in hold]
    _check_levels(others, list(hold.values()))
    fold_key, noise_key = jax.random.split(as_key(key))
    with jax.enable_x64(True):
        target = target_of(recording, by, window, variable, n_folds, penalties, fold_key)
        components = components_of(np.asarray(target.y), n_components)
        n_units = target.y.shape[-1] if n_units is None else whole("n_units", n_units, 1)
        shape = (n_draws, *target.y.shape[:2], n_units)
        at = saved_steps(steps, n_saved)
        sets, score, held = climb(
            chosen.pairwise,
            sign_of(chosen),
            tuple(other.pairwise for other in others),
            jnp.asarray(list(hold.values()), jnp.float64),
            target.y,
            target.folds,
            jax.random.normal(noise_key, shape, jnp.float64),
            jnp.asarray(np.diff(at, prepend=0)),
            jnp.asarray(rate, jnp.float64),
        )
        sets, score, held = (np.asarray(a) for a in (sets, score, held))
        _check(chosen, sets, score, at)
        flat = jnp.asarray(sets.reshape(-1, *sets.shape[2:]))
        captured, decoded = content(flat, components, target.variables, target.folds)
    names = [other.name for other in others]
    return _labelled(target, at, sets, score, held, captured, decoded, components, chosen, names)


def saved_steps(steps: int, n: int) -> np.ndarray:
    """The start, and at most n steps that grow geometrically up to the last."""
    return np.unique(np.r_[0, np.round(np.geomspace(steps, 1, n))]).astype(int)


def _check_levels(measures: list[Measure], levels: list[float]) -> None:
    for measure, level in zip(measures, levels, strict=True):
        low, high = measure.range
        if not low <= level <= high:
            raise ValueError(
                f"{measure.name!r} cannot be held at {level}: it goes from {low:g} to {high:g}."
            )


def _check(measure: Measure, sets, score, at) -> None:
    right = np.isfinite(score) & np.isfinite(sets).all((2, 3, 4))
    if not right.all():
        draw, saved = np.argwhere(~right)[0]
        raise FloatingPointError(
            f"the score of {measure.name!r} or its gradient is not finite after {at[saved]} steps "
            f"of draw {draw}: look at the derivative of the measure there, or take a smaller rate."
        )
    if (sets[:, -1] == sets[:, 0]).all():
        raise ValueError(
            f"the derivative of {measure.name!r} is 0, so that there is no way up: it changes in "
            "steps, as ranks and neighbours do. Climb another measure; score_reference(n_draws=0) "
            "needs no climb."
        )


def _labelled(
    target: Target, at, sets, score, held, captured, decoded, components, measure: Measure, names
) -> xr.Dataset:
    shape = score.shape
    rows = ("draw", "step")
    variables: dict[str, tuple] = {
        "score": (rows, score, measure.units, measure.title),
        "captured": (
            (*rows, "component"), captured.reshape(*shape, -1), "1", "R2 of the component",
        ),
        "decoded": (
            (*rows, "task_variable"), decoded.reshape(*shape, -1), "1", "R2 of the task variable",
        ),
        "explained": ("component", components.explained, "1", "fraction of the variance"),
        "activity": (("draw", "condition", "time", "unit"), sets[:, -1], "1", "activity"),
    }  # fmt: skip
    coords: dict[str, Any] = coords_of(target.means, "condition") | coords_of(target.means, "time")
    coords |= {"step": at, "component": np.arange(captured.shape[-1])}
    coords["task_variable"] = list(target.variables)
    if names:
        variables["held"] = ((*rows, "metric"), held, "1", "score of a measure that is held")
        coords["metric"] = names
    dims = ["draw", "step", "component", "task_variable", "metric"]
    better = int(bool(measure.higher_is_better))
    return results(
        variables, coords, kind=None, dims=dims, measure=measure.name, higher_is_better=better
    )
