"""Models of dissimilarities: fixed, or put together of components by weights that are fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations.comparisons import Comparison, Weights, each, scores, unit
from neurodyn.analysis.shared.nonnegative import nonnegative_path

Kind = Literal["weighted", "selection", "interpolation"]
Components = Float[Array, "component pair"]
#: Added to the diagonal of normalised products, so that equal components share their weight.
_RIDGE = 1e-10


@dataclass(frozen=True)
class FlexibleRdm:
    """A model of dissimilarities with weights that `evaluate_rdms` fits, and cross-validates.

    Parameters
    ----------
    components
        Dissimilarities ``(component, condition, condition_2)``, such as those of the layers of a
        network or of single features.
    kind
        "weighted": a sum of components with non-negative weights, by least squares.
        "selection": the one component that is most similar. "interpolation": a mean of two
        components that follow each other, such as strengths of a parameter.

    Raises
    ------
    ValueError
        For an unknown `kind`.
    """

    components: xr.DataArray | xr.Dataset
    kind: Kind = "weighted"

    def __post_init__(self):
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {list(get_args(Kind))}, got {self.kind!r}.")


@jax.jit
def non_negative(products: Float[Array, "k k"], target: Float[Array, " k"]) -> Float[Array, " k"]:
    """Least squares with weights of at least 0, where equal components share their weight.

    Parameters
    ----------
    products
        Products of the predictors with each other.
    target
        Products of the predictors with the target.
    """
    k = target.size
    penalty = jnp.full(1, _RIDGE / k, target.dtype)
    path = nonnegative_path(products, target[:, None], penalty, n_samples=k + 1)
    return path[0, :, 0]


def fitted(
    kind: str,
    how: Comparison,
    components: Components,
    lists: Float[Array, "subject pair"],
    counts: Float[Array, " subject"],
    w: Weights,
) -> Float[Array, " component"]:
    """Weights of components that make a model most similar to the subjects that count."""
    if kind == "fixed":
        return jnp.ones(components.shape[0], components.dtype)
    if kind == "selection":
        return jax.nn.one_hot(
            (scores(how, components, lists, w) @ counts).argmax(), components.shape[0],
            dtype=components.dtype,
        )  # fmt: skip
    sides = each(how.fit, components, w)
    products = sides @ sides.T
    # The mean of subjects on the scale that the comparison does not see.
    target = sides @ (counts @ jax.vmap(lambda one: unit(how.fit(one, w)))(lists))
    if kind == "weighted":
        weights = non_negative(products, target)
    else:
        weights = _between(how, components, products, target, lists, counts, w)
    total = weights.sum()
    return weights / jnp.where(total > 0, total, 1)


def _between(how: Comparison, components: Components, products, target, lists, counts, w) -> Array:
    """The best mean of two components that follow each other."""
    k = components.shape[0]

    def one(i):
        both = jnp.stack([i, i + 1])
        weights = non_negative(products[both][:, both], target[both])
        return jnp.zeros(k, components.dtype).at[both].set(weights)

    weights = jax.vmap(one)(jnp.arange(k - 1))
    reached = scores(how, weights @ components, lists, w) @ counts
    return weights[reached.argmax()]
