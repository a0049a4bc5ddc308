"""Scores of a recording without its parts: what a score must, need not, and does contain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.meaning.content import Components, components_of, content, without_variable
from neurodyn.analysis.meaning.optimise import optimise
from neurodyn.analysis.meaning.target import Target, measure_of, sign_of, target_of, value
from neurodyn.analysis.prediction.ridge import PENALTIES
from neurodyn.analysis.shared.measure import CrossValidation, Measure, Pairwise
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.common.random import as_key


@one_lapack_thread
def score_reference(
    measure: str | Measure,
    recording: xr.Dataset | xr.DataArray,
    score: float | None = None,
    *,
    by: str | Sequence[str] | None = None,
    n_components: int | None = None,
    n_draws: int = 3,
    steps: int = 1000,
    rate: float = 0.02,
    n_saved: int = 30,
    window: Sequence[float] | None = None,
    variable: str | None = None,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float] = PENALTIES,
    key: Any = 0,
) -> xr.Dataset:
    """What a data set of some score must, need not, and does contain of a recording.

    A ceiling says how high a score can be, and a null how high by chance. This says what lies
    between. The recording is scored against itself without one of its parts: without a principal
    component, without all that depends on a task variable, with its first components alone. A score
    that is lower than that without a part can be reached without the part. For CKA and the measures
    of the Procrustes family no data without the component score higher; for others these are
    examples, which show what a score need not contain.

    Parameters
    ----------
    measure, recording, by, window, variable
        As for :func:`optimise`.
    score
        A score, such as that of a model from :func:`compare`, for which the answers are spelt out.
    n_components
        Principal components that are looked at, the largest first. Default: all.
    n_draws, steps, rate, n_saved
        The climbs from noise, as for :func:`optimise`; ``n_draws=0`` leaves them out.
    n_folds, penalties
        As for :func:`optimise`.
    key
        Seed or key of noise and folds.

    Returns
    -------
    Dataset with

    ``whole`` ()
        Score of the recording against itself.
    ``without_component`` (component), ``leading`` (component)
        Score of the recording without a component, and of all components up to it.
    ``without_variable`` (task_variable)
        Score of the recording where conditions that differ in this task variable only have their
        mean. NaN where no two conditions do.
    ``decodable`` (task_variable)
        Held-out R2 with which the recording itself tells the task variable.
    ``explained`` (component)
        Fraction of the recording's variance.
    ``climbed``, ``captured``, ``decoded``
        Along climbs from noise: `score`, `captured` and `decoded` of :func:`optimise`.

    and with `score`:

    ``component_needed`` (component), ``variable_needed`` (task_variable)
        Whether the score is better than without it; of variables 1 or 0, and NaN where they cannot
        be taken out.
    ``components_needed`` ()
        Number of leading components that reach the score; one more than there are if none do.
    ``captured_there`` (component), ``decoded_there`` (task_variable)
        What can be read out where climbs from noise reach the score (mean over draws; NaN if none
        reaches it).

    Raises
    ------
    LabelError, ValueError, FloatingPointError
        As for :func:`optimise`.

    References
    ----------
    Cloos et al., "Differentiable optimization of similarity scores between models and brains", ICLR
    2025 (arXiv 2407.07059).
    """
    chosen = measure_of(measure)
    if score is not None and not np.isfinite(score):
        raise ValueError(f"score must be a number, got {score}.")
    fold_key = jax.random.split(as_key(key))[0]
    with jax.enable_x64(True):
        target = target_of(recording, by, window, variable, n_folds, penalties, fold_key)
        components = components_of(np.asarray(target.y), n_components)
        found = _parts(chosen, target, components)
        own = content(target.y[None], components, target.variables, target.folds)[1][0]
    found["decodable"] = ("task_variable", own, "1", "R2 of the task variable")
    coords: dict[str, Any] = {
        "component": np.arange(len(components.explained)),
        "task_variable": list(target.variables),
    }
    if n_draws:
        climbs = optimise(
            chosen, recording, by=by, n_components=n_components, n_draws=n_draws, steps=steps,
            rate=rate, n_saved=n_saved, window=window, variable=variable, n_folds=n_folds,
            penalties=penalties, key=key,
        )  # fmt: skip
        for name, new in (("score", "climbed"), ("captured", "captured"), ("decoded", "decoded")):
            made = climbs[name]
            about = made.attrs["units"], made.attrs["long_name"]
            found[new] = (tuple(map(str, made.dims)), made.values, *about)
        coords["step"] = climbs["step"].variable
    better = sign_of(chosen)
    if score is not None:
        found |= _answers(found, float(score), better)
    return results(
        found,
        coords,
        values=False,  # NaN where a variable cannot be taken out, or a score is not reached
        dims=["draw", "step", "component", "task_variable"],
        measure=chosen.name,
        higher_is_better=int(better > 0),
    )


def _parts(measure: Measure, target: Target, components: Components) -> dict[str, Any]:
    y = np.asarray(target.y)
    along = components.scores[..., None] * components.axes.T[None, None]
    without = [y - along[:, :, k] for k in range(along.shape[2])]
    leading = list(np.moveaxis(np.cumsum(along, axis=2), 2, 0))
    poorer, there = [], []
    for name in target.variables:
        array, taken_out = without_variable(y, target.variables, name)
        poorer.append(array)
        there.append(bool(taken_out))
    sets = jnp.asarray(np.stack([y, *without, *leading, *poorer]))
    scores = np.asarray(_scores(measure.pairwise, sets, target.y, target.folds))
    k = len(without)
    unit, title = measure.units, measure.title
    return {
        "whole": ((), scores[0], unit, title),
        "without_component": ("component", scores[1 : k + 1], unit, f"{title} without it"),
        "leading": ("component", scores[k + 1 : 2 * k + 1], unit, f"{title} of the first"),
        "without_variable": (
            "task_variable", np.where(there, scores[2 * k + 1 :], np.nan), unit,
            f"{title} without it",
        ),
        "explained": ("component", components.explained, "1", "fraction of the variance"),
    }  # fmt: skip


@partial(jax.jit, static_argnames="how")
def _scores(
    how: Pairwise, sets: Float[Array, "set condition time unit"], y: Array, folds: CrossValidation
) -> Float[Array, " set"]:
    return jax.lax.map(lambda x: value(how, x, y, folds), sets)


def _answers(found: dict[str, Any], score: float, better: float) -> dict[str, Any]:
    above = {n: better * (score - found[n][1]) > 0 for n in ("without_component", "leading")}
    without = found["without_variable"][1]
    variable = np.where(np.isnan(without), np.nan, better * (score - without) > 0)
    answers: dict[str, Any] = {
        "component_needed": ("component", above["without_component"], "1", "needed for the score"),
        "components_needed": (
            (),
            int(np.append(above["leading"], False).argmin()) + 1,
            "1",
            "leading components needed",
        ),
        "variable_needed": ("task_variable", variable, "1", "needed for the score"),
    }
    if "climbed" not in found:
        return answers
    climbed = better * found["climbed"][1]
    for name, dim in (("captured", "component"), ("decoded", "task_variable")):
        there = _where_reached(climbed, found[name][1], better * score)
        answers[f"{name}_there"] = (dim, there, "1", f"{found[name][3]}, where it is reached")
    return answers


def _where_reached(
    climbed: Float[np.ndarray, "draw step"], values: Float[np.ndarray, "draw step k"], score: float
) -> Float[np.ndarray, " k"]:
    """Values at the first step of each draw at which the score is reached, between those saved."""
    found = []
    for line, value_ in zip(climbed, values, strict=True):
        reached = np.flatnonzero(line >= score)
        if not len(reached):
            continue
        after = reached[0]
        before = max(after - 1, 0)
        gap = line[after] - line[before]
        share = (score - line[before]) / gap if gap > 0 else 1.0
        found.append(value_[before] + np.clip(share, 0, 1) * (value_[after] - value_[before]))
    return np.mean(found, axis=0) if found else np.full(values.shape[-1], np.nan)
