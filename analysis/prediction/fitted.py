"""Linear maps fitted to the training conditions of each fold, from sums of products.

A map is found from the products of the predictors with themselves and with what is predicted, both
of deviations from the training mean. So one function of two matrices is all that a kind of
regression has to give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neurodyn.analysis.prediction.ridge import rotated
from neurodyn.analysis.shared.scaling import normed

Activity = Float[Array, "condition time unit"]
#: From the products of the predictors and those with the predicted units: the maps of all settings
#: that it knows, such as numbers of components. Nested folds choose between them.
Path = Callable[
    [Float[Array, "axis axis"], Float[Array, "axis unit"]], Float[Array, "setting axis unit"]
]


class Predictors(NamedTuple):
    """The predictors in the form that maps are fitted from, for every fold.

    Attributes
    ----------
    held_out
        Conditions of each fold.
    x
        Predictors.
    mean
        Their mean over the training conditions.
    products
        Products of their deviations from it, summed over the training conditions.
    """

    held_out: Bool[Array, "fold condition"]
    x: Float[Array, "condition time axis"]
    mean: Float[Array, "fold 1 1 axis"]
    products: Float[Array, "fold axis axis"]


def predictors(
    x: Activity, held_out: Bool[Array, "fold condition"], *, rotate: bool = True
) -> Predictors:
    """Prepare predictors; rotated to as many axes as there are samples, where a map allows it."""
    x = normed(x.reshape(-1, x.shape[2])).reshape(x.shape)
    x = rotated(x) if rotate else x

    def one_fold(out):
        deviation, mean = _deviations(x, ~out)
        return mean, jnp.einsum("cta,ctb->ab", deviation, deviation)

    return Predictors(held_out, x, *jax.lax.map(one_fold, held_out))


def _deviations(x: Activity, train: Bool[Array, " condition"]):
    """Deviations from the training mean, 0 in other conditions, and that mean."""
    weight = train.astype(x.dtype)[:, None, None]
    mean = (x * weight).sum(axis=(0, 1), keepdims=True) / (weight.sum() * x.shape[1])
    return (x - mean) * weight, mean


def fitted_predictions(side: Predictors, y: Activity, path: Path) -> Activity:
    """Predictions of `y`, each condition from the fold that held it out, by the last map."""
    y, size = _scaled(y)

    def one_fold(total, fold):
        out, mean, products = fold
        deviation, level = _deviations(y, ~out)
        shared = jnp.einsum("cta,ctu->au", side.x - mean, deviation)
        guess = (side.x - mean) @ path(products, shared)[-1] + level
        return jnp.where(out[:, None, None], guess, total), None

    folds = (side.held_out, side.mean, side.products)
    return size * jax.lax.scan(one_fold, jnp.zeros_like(y), folds)[0]


def nested_predictions(
    side: Predictors, y: Activity, path: Path
) -> tuple[Activity, Int[Array, "fold unit"]]:
    """Predictions by the best map of each unit, and which that was.

    Within the training conditions of a fold the maps are tried on each of the other folds.
    """
    y, size = _scaled(y)

    def fitted(train):
        x, mean = _deviations(side.x, train)
        deviation, level = _deviations(y, train)
        maps = path(jnp.einsum("cta,ctb->ab", x, x), jnp.einsum("cta,ctu->au", x, deviation))
        return maps, mean, level

    def error(out, inner):
        maps, mean, level = fitted(~(out | inner))
        tried = (inner & ~out).astype(y.dtype)[:, None, None]

        def of(one):
            return jnp.sum(tried * (y - level - (side.x - mean) @ one) ** 2, axis=(0, 1))

        found = jax.lax.map(of, maps)
        return jnp.where(jnp.isfinite(found), found, jnp.inf)

    def one_fold(total, out):
        errors = jax.lax.map(lambda inner: error(out, inner), side.held_out).sum(axis=0)
        best = jnp.argmin(jax.lax.stop_gradient(errors), axis=0)
        maps, mean, level = fitted(~out)
        chosen = jnp.take_along_axis(maps, best[None, None, :], axis=0)[0]
        guess = (side.x - mean) @ chosen + level
        return jnp.where(out[:, None, None], guess, total), best

    total, best = jax.lax.scan(one_fold, jnp.zeros_like(y), side.held_out)
    return size * total, best


def _scaled(y: Activity) -> tuple[Activity, Array]:
    """Divided by one scale for all units, because some regressions weigh them by their variance."""
    size = jax.lax.stop_gradient(jnp.abs(y).max())
    size = jnp.where(size > 0, size, 1)
    return y / size, size
