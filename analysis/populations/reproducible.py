"""Dimensionality of what trials share: the signal without the noise of single trials."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.analysis.shared.arrays import pair, rows
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.resampling import Trials, group_trials, part_means
from neurodyn.analysis.shared.scaling import centred, normed, products
from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError

Samples = Float[Array, "sample unit"]
#: Parts of the trials: the product of two cross-products has four factors.
_PARTS = 4


@jax.jit
def _cross_participation(a: Samples, b: Samples) -> Float[Array, ""]:
    a, b = normed(a), normed(b)
    if a.shape[1] <= a.shape[0]:
        cross = products(a, b)
        return jnp.trace(cross) ** 2 / jnp.sum(cross * cross.T)
    ab = a @ b.T
    return jnp.trace(ab) ** 2 / jnp.sum(ab * ab.T)


def cross_validated_participation(
    a: ArrayLike | xr.DataArray, b: ArrayLike | xr.DataArray
) -> Float[Array, ""]:
    r"""Participation ratio of the signal that two repetitions share.

    With :math:`C = A'B` of two halves of the trials, :math:`(\mathrm{tr}\,C)^2 / \mathrm{tr}(CC)`.
    Noise that is independent between the halves and between units does not enter the expectation of
    ``tr(CC)`` but for its diagonal terms; the plain ratio counts it as dimensions.

    Parameters
    ----------
    a, b
        Arrays ``(sample, unit)``: the same samples and units, independent trials; labelled ones are
        matched by their labels.

    Returns
    -------
    Scalar; where the halves share little it is noisy and may leave the range 1 to the number of
    units.

    Raises
    ------
    ValueError
        As for `participation`, or if shapes differ.
    """
    if isinstance(a, xr.DataArray) and isinstance(b, xr.DataArray):
        a, b = a.transpose(..., "unit"), b.transpose(..., "unit")
        a, b = labels.pair(a, b, what=("first half", "second half"))
    a, b = pair(a, b)
    if a.shape != b.shape:
        raise ValueError(f"both halves need the same units, got {a.shape} and {b.shape}.")
    return _cross_participation(a, b)


def unbiased_participation(
    array: xr.DataArray, by: list[str], *, n_splits: int, key: Any
) -> tuple[float, int]:
    r"""Participation ratio of the signal behind trials, and the number of its samples.

    The trials of each condition are split into four parts at random; of their means A, B, C, D,
    :math:`\mathrm{tr}(A'B)\,\mathrm{tr}(C'D)` is an unbiased estimate of the numerator
    :math:`(\mathrm{tr}\,S)^2` and :math:`\mathrm{tr}(A'B\,C'D)` one of the denominator
    :math:`\mathrm{tr}(S^2)`, whatever the noise is, because no trial occurs twice in a product.
    (Two halves give products in which the noise of each half occurs twice.) Both are averaged over
    splits before they are divided.
    """
    whole("n_splits", n_splits)
    if rows(array) != "trial":
        raise LabelError("cross_validated=True needs single trials; these are condition means.")
    means = condition_means(array, by)
    n = means.sizes["condition"]
    trials = group_trials(
        array, condition_codes(array, means, by), n, what="activity", balance=True
    )
    few = np.flatnonzero((trials.counts < _PARTS).any(0))
    if few.size:
        spelt = means["condition"].values[few] if "condition" in means.coords else few
        raise LabelError(
            f"cross_validated=True needs {_PARTS} trials of each condition; these have fewer: "
            f"{[str(name) for name in spelt[:12]]}. Leave them out, or condition on fewer labels."
        )
    keys = jax.random.split(as_key(key), n_splits)
    top, bottom = (np.asarray(v, np.float64).mean() for v in _products(keys, trials))
    return float(top / bottom) if bottom > 0 else float("nan"), int(n * trials.values.shape[2])


@jax.jit
def _products(keys, trials: Trials) -> tuple[Array, Array]:
    def one(key):
        parts = part_means(key, trials, _PARTS)
        a, b, c, d = (centred(part.reshape(-1, part.shape[-1])) for part in parts)
        if a.shape[1] <= a.shape[0]:
            first, second = products(a, b), products(c, d)
            return jnp.trace(first) * jnp.trace(second), jnp.sum(first * second.T)
        top = jnp.sum(a * b) * jnp.sum(c * d)
        return top, jnp.sum((d @ a.T) * (c @ b.T))

    return jax.lax.map(one, keys)
