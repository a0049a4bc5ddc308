"""Representational dissimilarity matrices of labelled activity."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.representations import crossnobis, dissimilarities
from neurodyn.analysis.representations.dissimilarities import KINDS, OF_MEANS, SUMS
from neurodyn.analysis.representations.noise import whitened, whitening
from neurodyn.analysis.representations.patterns import (
    Times,
    batched,
    by_condition,
    fold_codes,
    fold_means,
    means_of,
    over_times,
)
from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.labels import LabelError
from neurodyn.labels.roles import chosen
from neurodyn.labels.values import classes, missing

#: Dissimilarities that are measured in units of the noise.
_NOISY = ("mahalanobis", "crossnobis")


def rdm(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] | None = None,
    *,
    dissimilarity: str = "squared_euclidean",
    times: Times = "pattern",
    per_unit: bool = True,
    centred: bool = False,
    noise: str | xr.DataArray | xr.Dataset | None = "ledoit_wolf",
    folds: str | None = None,
    prior: tuple[float, float] = (1.0, 0.1),
    areas: str | None = None,
    variable: str | None = None,
) -> xr.Dataset:
    """Representational dissimilarity matrix: how far apart the patterns of conditions are.

    Parameters
    ----------
    activity
        Dims ``(trial | condition, time, unit)``, or without ``time``. Other dims, such as ``seed``,
        get a matrix for each of their entries.
    by
        Labels of trials that make a condition; default: the conditions of the task, where a run
        knows them.
    dissimilarity
        "squared_euclidean", "euclidean", "correlation" (one minus r over units), "cosine",
        "mahalanobis" (squared Euclidean after whitening by the noise of trials), "crossnobis" (the
        same, cross-validated: 0 on average, and so negative at times, where patterns are equal) or
        "poisson" (symmetric Kullback-Leibler divergence of counts).
    times
        "pattern": units and times make one pattern. "each": a matrix for each time. "mean": of the
        mean over times.
    per_unit
        Whether sums over units (and times) are divided by their number, as rsatoolbox does, so that
        populations of different size can be compared. Correlation and cosine do not depend on it.
    centred
        Whether the mean over conditions and times is subtracted from each unit first. It makes no
        difference but to "correlation" and "cosine", which otherwise depend on the baselines of
        units.
    noise
        For "mahalanobis" and "crossnobis": how the covariance of the noise is shrunk (see
        `noise_precision`), a precision (unit, unit_2) of other data, or None to leave the noise as
        it is.
    folds
        For "crossnobis": the label of trials, such as their session, by which they are split into
        independent folds; folds may lack conditions. None: each trial is independent of all others.
    prior
        For "poisson": rate and weight of the prior that keeps logarithms finite; counts become
        ``(x + rate weight) / (1 + weight)``.
    areas
        A label of the units: a matrix for the units of each of its values, along a dim of its name.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset: ``dissimilarity`` (..., condition, condition_2), symmetric with zeros on the diagonal.
    The labels of conditions stand on both dims, those of the second with the ending ``_2``. A pair
    of conditions that no two folds share is NaN. Of trials also ``n_trials`` (condition).

    Raises
    ------
    LabelError
        If values or labels are missing, there are fewer than two conditions, or too few trials or
        folds for the dissimilarity.
    ValueError
        For unknown options, negative counts, constant patterns ("correlation") or patterns of zeros
        ("cosine").

    References
    ----------
    Kriegeskorte, Mur & Bandettini (2008), Front. Syst. Neurosci. 2:4; Walther et al. (2016),
    NeuroImage 137:188 ("crossnobis"); Schuett, Kipnis, Diedrichsen & Kriegeskorte (2023), eLife
    12:e82566 ("poisson").

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> rate = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    >>> means = labels.dataset(
    ...     {"rate": (("condition", "unit"), rate, "Hz", "rate")},
    ...     {"side": ("condition", ["left", "right", "none"])},
    ...     source="recording",
    ... )
    >>> found = analysis.rdm(means, dissimilarity="euclidean", per_unit=False)
    >>> found["dissimilarity"].values
    array([[0.        , 5.        , 1.        ],
           [5.        , 0.        , 4.24264069],
           [1.        , 4.24264069, 0.        ]])
    """
    if dissimilarity not in KINDS:
        raise ValueError(f"dissimilarity must be one of {list(KINDS)}, got {dissimilarity!r}.")
    array = pick(activity, variable)
    options: dict[str, Any] = {
        "dissimilarity": dissimilarity, "times": times, "per_unit": per_unit, "centred": centred,
        "noise": noise, "folds": folds, "prior": prior,
    }  # fmt: skip
    if areas is None:
        return _rdm(array, by, **options)
    if areas not in array.coords or array[areas].dims != ("unit",):
        known = [str(n) for n, c in array.coords.items() if c.dims == ("unit",)]
        raise LabelError(f"areas={areas!r} must be a label of the units, which have {known}.")
    if missing(array[areas].values).any():
        raise LabelError(f"areas={areas!r} is missing in some units: leave these out.")
    names, codes = classes(array[areas].values, what=areas)
    parts = [_rdm(array.isel(unit=codes == i), by, **options) for i in range(len(names))]
    shared = ["n_trials"] if "n_trials" in parts[0] else []
    joined = xr.concat([p.drop_vars(shared) for p in parts], xr.Variable(areas, names))
    joined = joined.assign({name: parts[0][name] for name in shared})
    return joined.assign_attrs(parts[0].attrs, dims=[areas, *parts[0].attrs["dims"]])


def _rdm(array: xr.DataArray, by, *, times: Times, noise, **options: Any) -> xr.Dataset:
    row = rows(array)
    if row == "condition" and options["dissimilarity"] == "crossnobis":
        raise LabelError(
            "crossnobis is cross-validated over trials, got condition means: pass single trials."
        )
    by = chosen(array, by) if row == "trial" else None
    checked(array)
    root = whitening(array, by, times, noise) if options["dissimilarity"] in _NOISY else None
    if options["centred"]:
        array = array - array.mean([row, *[d for d in ("time",) if d in array.dims]])
    array = over_times(array, times)
    if options["dissimilarity"] == "crossnobis":
        own, counts, found, batch = _cross_validated(array, by, root, options["folds"])
    else:
        own, counts, found, batch = _of_means(array, by, root, options)
    size = array.sizes["unit"] * array.sizes.get("time", 1)
    if options["per_unit"] and options["dissimilarity"] in (*SUMS, "euclidean"):
        found = found / (size**0.5 if options["dissimilarity"] == "euclidean" else size)
    found = found.reshape(*batch, *found.shape[1:])
    return _labelled(array, own, counts, found, options, by)


def _cross_validated(array: xr.DataArray, by, root, folds: str | None):
    codes, coords = by_condition(array, by)
    n = _several(coords)
    counts = np.bincount(codes)
    x, batch = batched(array, "trial")
    if folds is None:
        if (counts < 2).any():
            raise LabelError(
                "crossnobis needs two trials of each condition; these have fewer: "
                f"{_named(coords, counts < 2)}."
            )
        x = _flat(whitened(x, root, batch))
        return coords, counts, _computed(_of_trials(n), x, codes), batch
    x, present = fold_means(x, codes, fold_codes(array, folds), n)
    if (few := present.sum(0) < 2).any():
        raise LabelError(
            f"crossnobis needs each condition in two folds; not so: {_named(coords, few)}."
        )
    x = _flat(whitened(x, root, batch))
    if present.all():
        return coords, counts, crossnobis.of_folds(x), batch
    return coords, counts, _computed(crossnobis.of_some_folds, x, present), batch


def _of_means(array: xr.DataArray, by, root, options: dict[str, Any]):
    coords, counts = coords_of(array, "condition"), None
    x, batch = batched(array, rows(array))
    if "trial" in array.dims:
        codes, coords = by_condition(array, by)
        counts = np.bincount(codes)
        x = means_of(x, codes, len(counts))
    _several(coords, x.shape[1])
    kind = options["dissimilarity"]
    _refuse(x, coords, kind)
    if kind == "poisson":
        call = _poisson(*map(float, options["prior"]))
    else:
        call = OF_MEANS.get(kind, dissimilarities.squared_euclidean)
    return coords, counts, _computed(call, _flat(whitened(x, root, batch))), batch


def _several(coords: dict[str, xr.Variable], n: int | None = None) -> int:
    n = coords["condition"].size if n is None else n
    if n < 2:
        raise LabelError("dissimilarities need two conditions at least, got one.")
    return n


def _named(coords: dict[str, xr.Variable], chosen_: np.ndarray) -> list:
    if "condition" in coords:
        return coords["condition"].values[chosen_][:12].tolist()
    return np.flatnonzero(chosen_)[:12].tolist()


def _refuse(x: np.ndarray, coords: dict[str, xr.Variable], kind: str) -> None:
    """Refuse patterns for which a dissimilarity is not defined."""
    flat = x.reshape(*x.shape[:2], -1)
    if kind == "poisson" and (x < 0).any():
        raise ValueError(f"'poisson' needs counts or rates of at least 0, got {x.min():g}.")
    still = {
        "correlation": (flat == flat[..., :1]).all(-1).any(0),
        "cosine": (flat == 0).all(-1).any(0),
    }.get(kind, np.zeros(1, bool))
    if still.any():
        word = "constant" if kind == "correlation" else "zero"
        raise ValueError(
            f"the patterns of conditions {_named(coords, still)} are {word}, so that {kind} is not "
            "defined: leave them out, or take another dissimilarity."
        )


@functools.cache
def _of_trials(n: int):
    return lambda x, codes: crossnobis.of_trials(x, codes, n)


@functools.cache
def _poisson(rate: float, weight: float):
    if not (rate > 0 and weight > 0):
        raise ValueError(f"prior must be a rate and a weight above 0, got {(rate, weight)}.")
    return lambda x: dissimilarities.poisson(x, rate, weight)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:-2], -1)


def _computed(call, x: np.ndarray, *about) -> np.ndarray:
    """Dissimilarities of patterns on the last axis, in double precision."""
    with jax.enable_x64(True):
        return np.asarray(_each(call, x, about))


@functools.partial(jax.jit, static_argnames="call")
def _each(call, x: Float[Array, "batch *row feature"], about) -> Array:
    return jax.lax.map(lambda one: call(one, *about), x)


def _labelled(array, own, counts, found, options: dict[str, Any], by) -> xr.Dataset:
    kind = options["dissimilarity"]
    outer = [d for d in array.dims if d not in ("trial", "condition", "time", "unit")]
    coords: dict[Any, Any] = {}
    for dim in outer:
        coords |= coords_of(array, str(dim))
    coords |= own
    coords |= {f"{name}_2": ("condition_2", c.values) for name, c in own.items()}
    unit = str(array.attrs.get("units", "1"))
    whitened = kind in _NOISY
    units = {
        "squared_euclidean": f"({unit})^2", "euclidean": unit, "poisson": "nat",
    }.get(kind, "1")  # fmt: skip
    variables = {
        "dissimilarity": (
            (*outer, "condition", "condition_2"), found, "1" if whitened else units,
            f"{kind.replace('_', ' ')} dissimilarity",
        )
    }  # fmt: skip
    if counts is not None:
        variables["n_trials"] = (("condition",), counts, "1", "number of trials")
    study = [str(d) for d in outer if d == "each_time"]
    made = results(
        variables, coords, dims=["condition_2", *study], values=False,
        dissimilarity=kind, per_unit=int(options["per_unit"]), centred=int(options["centred"]),
        n_units=array.sizes["unit"], by=", ".join(by or []), folds=options["folds"] or "",
    )  # fmt: skip
    if not study:
        return made
    made = made.rename(each_time="time")
    return made.assign_attrs(dims=["condition_2"])
