"""How alike two populations tell conditions apart, as functions and as measures for `compare`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations.comparisons import comparison_named, each, weights_of
from neurodyn.analysis.representations.dissimilarities import OF_MEANS
from neurodyn.analysis.representations.patterns import Times
from neurodyn.analysis.representations.squares import upper
from neurodyn.analysis.shared.arrays import checked
from neurodyn.analysis.shared.measure import Measure, Pairwise
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.analysis.similarity.measured import matched
from neurodyn.labels import LabelError

Activity = Float[Array, "condition time unit"]
Dissimilarity = str | Callable[[Float[Array, "condition feature"]], Array]
Similarity = str | Callable[[Float[Array, " pair"], Float[Array, " pair"]], Array]
_PEOPLE = {"bures", "euclidean", "kendall", "mahalanobis", "pearson", "poisson", "spearman"}
_REFERENCES = {
    "tau_a": ("kriegeskorte2008", "nili2014"),
    "whitened_cosine": ("kriegeskorte2008", "diedrichsen2020"),
    "whitened_pearson": ("kriegeskorte2008", "diedrichsen2020"),
}
#: With fewer conditions there are too few pairs for a correlation.
LEAST = 3


def rsa(
    a: xr.Dataset | xr.DataArray,
    b: xr.Dataset | xr.DataArray,
    *,
    by: str | Sequence[str] | None = None,
    dissimilarity: Dissimilarity = "correlation",
    comparison: Similarity = "pearson",
    times: Times = "pattern",
    variable: str | None = None,
) -> xr.DataArray:
    """Representational similarity of two labelled populations.

    Two populations are alike if they find the same pairs of conditions dissimilar. The mean of each
    unit over conditions and times is subtracted first, as `compare` does.

    Parameters
    ----------
    a, b
        Data ``(condition | trial, time, unit)`` with the same labels along all dims but ``unit``,
        or without ``time``.
    by
        Labels of trials that make a condition: their means are compared.
    dissimilarity, comparison, times
        As of `rsa_measure`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ, values are missing, or there are fewer than three conditions.
    ValueError
        For unknown options, or populations that do not vary.

    References
    ----------
    Kriegeskorte, Mur & Bandettini (2008), Front. Syst. Neurosci. 2:4.
    """
    how = _pairwise(dissimilarity, comparison, times)
    first, second, by = matched(a, b, by, variable)
    x, y = (_activity(side, what) for side, what in ((first, "a"), (second, "b")))
    with jax.enable_x64(True):
        value = float(_score(how, x, y))
    return xr.DataArray(
        value,
        attrs={
            "units": "1",
            "long_name": "representational similarity",
            "dissimilarity": _word(dissimilarity),
            "comparison": _word(comparison),
            "times": times,
            "n_units": [first.sizes["unit"], second.sizes["unit"]],
            "by": ", ".join(by),
        },
    )


@functools.partial(jax.jit, static_argnames="how")
def _score(how: Pairwise, x: Activity, y: Activity) -> Array:
    return how.score(how.prepare(x, None), y)


def rsa_measure(
    dissimilarity: Dissimilarity = "correlation",
    comparison: Similarity = "pearson",
    *,
    times: Times = "pattern",
    name: str = "",
) -> Measure:
    """Representational similarity as a measure for `compare`, put together of its parts.

    Parameters
    ----------
    dissimilarity
        "squared_euclidean", "euclidean", "correlation" or "cosine"; or a function, in JAX, from
        patterns ``(condition, feature)`` to dissimilarities ``(condition, condition)``. Those that
        need trials or counts (crossnobis, Poisson) are for `rdm` and `compare_rdms`.
    comparison
        As of `compare_rdms`; or a function, in JAX, of the dissimilarities ``(pair,)`` of both
        sides.
    times
        "pattern": units and times make one pattern. "each": conditions are compared time by time,
        and the scores are averaged; a time at which a side is the same in all conditions tells none
        apart, and counts as 0. "mean": activity is averaged over time first.
    name
        Name of the measure. Default: "rsa", the dissimilarity and the comparison.

    Returns
    -------
    Measure, which `compare` takes as it is, and :func:`neurodyn.register` makes known by name.

    Raises
    ------
    ValueError
        For unknown options.

    Examples
    --------
    >>> from neurodyn import analysis
    >>> analysis.rsa_measure("squared_euclidean", "bures").name
    'rsa_squared_euclidean_bures'
    """
    how = _pairwise(dissimilarity, comparison, times)
    words = _word(dissimilarity), _word(comparison)
    title = ", ".join(["RSA", *map(_written, words)])
    return Measure(
        rsa,
        title,
        range=(-1.0, 1.0),
        higher_is_better=True,
        reference=_REFERENCES.get(words[1], ("kriegeskorte2008",)),
        pairwise=how,
        name=name or "_".join(["rsa", *words]),
    )


def _written(word: str) -> str:
    """An option as it stands in text, where names of people have capitals."""
    return " ".join(w.capitalize() if w in _PEOPLE else w for w in word.split("_"))


def _word(part: Any) -> str:
    return part if isinstance(part, str) else getattr(part, "__name__", "own").strip("<>")


def _activity(array: xr.DataArray, what: str) -> np.ndarray:
    """Activity (condition, time, unit) without offsets and scale."""
    rows = [str(d) for d in array.dims if d not in ("time", "unit")]
    if len(rows) != 1:
        raise LabelError(f"{what} has dims {array.dims}: select one entry of those beside rows.")
    x = balanced(checked(array, what=what))
    if len(x) > 1 and (x == x[:1]).all():
        raise ValueError(f"{what} is the same in all conditions: nothing tells them apart.")
    return x if x.ndim == 3 else x[:, None]


@functools.cache
def _pairwise(dissimilarity: Dissimilarity, comparison: Similarity, times: Times) -> Pairwise:
    if times not in ("pattern", "each", "mean"):
        raise ValueError(f"times must be 'pattern', 'each' or 'mean', got {times!r}.")
    if isinstance(dissimilarity, str) and dissimilarity not in OF_MEANS:
        raise ValueError(
            f"dissimilarity must be one of {list(OF_MEANS)} or a function, got {dissimilarity!r}: "
            "those that need trials or counts are for analysis.rdm and analysis.compare_rdms."
        )
    apart = OF_MEANS[dissimilarity] if isinstance(dissimilarity, str) else dissimilarity
    prepare, score = _compared(comparison)

    def lists(x: Activity) -> Float[Array, "time pair"]:
        n = x.shape[0]
        if n < LEAST:
            raise ValueError(f"representational similarity needs {LEAST} conditions, got {n}.")
        x = x.mean(axis=1, keepdims=True) if times == "mean" else x
        x = x.swapaxes(0, 1) if times == "each" else x.reshape(1, n, -1)
        i, j = upper(n)
        return jax.vmap(apart)(x)[:, i, j]

    def side(x: Activity, folds: Any) -> Array:
        return prepare(lists(x), x.shape[0])

    def scored(a: Array, y: Activity) -> Array:
        return jnp.mean(score(a, prepare(lists(y), y.shape[0]), y.shape[0]))

    return Pairwise(side, scored)


def _compared(comparison: Similarity):
    """Two functions: lists ``(time, pair)`` to sides, and sides to a score for each time."""
    if not isinstance(comparison, str):
        return lambda lists, n: lists, lambda a, b, n: jax.vmap(comparison)(a, b)
    how = comparison_named(comparison)

    def prepare(lists: Array, n: int) -> Array:
        return each(how.side, lists, weights_of(n, dtype=lists.dtype))

    def score(a: Array, b: Array, n: int) -> Array:
        w = weights_of(n, dtype=b.dtype)
        return jax.vmap(lambda one, other: how.score(one, other, w))(a, b)

    return prepare, score
