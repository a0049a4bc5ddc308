"""The maps that an encoding model can be, by name, as predictions of held-out conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.prediction.estimators import checked_estimator, out_of_fold
from neurodyn.analysis.prediction.fitted import (
    fitted_predictions,
    nested_predictions,
    predictors,
)
from neurodyn.analysis.prediction.nonnegative import own_scale, training_samples
from neurodyn.analysis.prediction.pls import N_COMPONENTS, pls_path
from neurodyn.analysis.prediction.ridge import (
    PENALTIES,
    as_penalties,
    predicted,
    ridge_path,
    ridge_side,
)
from neurodyn.analysis.shared.nonnegative import nonnegative_path

Activity = Float[Array, "condition time unit"]
Map = Literal["ridge", "pls", "nonnegative"]


@dataclass(frozen=True)
class Settings:
    """An encoding model and what it chooses from.

    Attributes
    ----------
    kind
        Name of the map.
    penalties
        Penalties to choose from; none: no penalty.
    components
        Numbers of components to choose from.
    grouped
        Whether folds hold out groups of conditions, which inner folds must not split either.
    """

    kind: str
    penalties: tuple[float, ...]
    components: tuple[int, ...]
    grouped: bool


def settings_of(kind: Any, penalties: Any, wanted: Any, grouped: bool) -> Settings:
    """Check the settings of a map that is given by name.

    Raises
    ------
    ValueError
        For an unknown map, or penalties or components that do not belong to it or are too small.
    """
    if kind not in get_args(Map):
        raise ValueError(f"model is one of {get_args(Map)}, got {kind!r}.")
    if kind == "pls" and penalties is not None:
        raise ValueError("partial least squares have no penalties: pass components=.")
    if kind != "pls" and wanted is not None:
        raise ValueError(f"components belong to model='pls', not to {kind!r}.")
    given = N_COMPONENTS if wanted is None else wanted
    components = tuple(int(n) for n in np.atleast_1d(given))
    if min(components) < 1:
        raise ValueError(f"components must be 1 at least, got {wanted}.")
    if penalties is None:
        penalties = PENALTIES if kind == "ridge" else ()
    else:
        penalties = tuple(float(p) for p in as_penalties(penalties, jnp.result_type(float)))
    return Settings(kind, tuple(penalties), components, grouped)


@partial(jax.jit, static_argnames="settings")
def held_out_predictions(
    x: Float[Array, "seed condition time unit"],
    y: Float[Array, "seed condition time other"],
    held_out: Bool[Array, "fold condition"],
    settings: Settings,
) -> Float[Array, "seed condition time other"]:
    """Predictions of `y` by `x`, each condition from the fold that held it out."""
    return jax.vmap(lambda a, b: _predictions(a, b, held_out, settings))(x, y)


def _predictions(x: Activity, y: Activity, held_out, settings: Settings) -> Activity:
    kind = settings.kind
    penalties = jnp.asarray(settings.penalties or (0.0,), x.dtype)
    if kind == "ridge" and not settings.grouped:
        return predicted(ridge_side(x, held_out, penalties), y)
    if kind == "ridge":
        side = predictors(x, held_out)
        return nested_predictions(side, y, partial(ridge_path, penalties=penalties))[0]
    if kind == "pls":
        side = predictors(x, held_out)
        wanted = np.minimum(settings.components, side.x.shape[2]) - 1

        def components(products, shared):
            return pls_path(products, shared, int(wanted.max()) + 1)[wanted]

        predict = nested_predictions if len(wanted) > 1 else fitted_predictions
        found = predict(side, y, components)
        return found[0] if isinstance(found, tuple) else found
    return _nonnegative(x, y, held_out, penalties)


def _nonnegative(x: Activity, y: Activity, held_out, penalties) -> Activity:
    side = predictors(own_scale(x)[0], held_out, rotate=False)
    path = partial(nonnegative_path, penalties=penalties, n_samples=training_samples(side))
    goal, size, mean = own_scale(y)
    if penalties.shape[0] > 1:
        return nested_predictions(side, goal, path)[0] * size + mean
    return fitted_predictions(side, goal, path) * size + mean


def predictions_of(
    model: Any, x: np.ndarray, y: np.ndarray, held_out, *, settings: Settings | None, grid: Any
) -> np.ndarray:
    """Predictions ``(seed, condition, time, unit)`` by a map, or by scikit-learn."""
    if settings is not None:
        return np.asarray(held_out_predictions(x, y, held_out, settings), np.float64)
    model = checked_estimator(model, what=f"model is one of {get_args(Map)}")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    # An r2 of its own for each inner fold varies without bound where that fold varies little.
    judge = "neg_mean_squared_error"
    pairs = zip(x, y, strict=True)
    return np.stack([out_of_fold(model, a, b, held_out, grid, scoring=judge) for a, b in pairs])
