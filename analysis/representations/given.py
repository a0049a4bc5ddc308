"""What `evaluate_rdms` is given: subjects, models, factors, folds and variances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.representations.candidates import FlexibleRdm
from neurodyn.analysis.representations.comparisons import WHITENED
from neurodyn.analysis.representations.squares import Pairs, pairs_of, same_conditions
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, pair
from neurodyn.labels.only import only

Models = Mapping[str, xr.DataArray | xr.Dataset | FlexibleRdm] | xr.DataArray | xr.Dataset
#: Conditions that a fold needs, in the data and in most draws of a bootstrap.
_IN_FOLD = 6
_FACTORS = ("condition", "subject")


def subjects_of(rdms: xr.Dataset | xr.DataArray, dim: str) -> Pairs:
    """Dissimilarities (subject, pair).

    Raises
    ------
    LabelError
        If there is no dim of subjects, or others besides.
    """
    data = pairs_of(rdms, what="rdms", least=4)
    if data.outer.dims != (dim,):
        raise LabelError(
            f"rdms must have the dims {dim!r}, condition and condition_2, got "
            f"{(*data.outer.dims, 'condition', 'condition_2')}: select one entry of the others, or "
            "name that of the subjects (subjects=...)."
        )
    return data


def models_of(models: Models, data: Pairs) -> tuple[list[str], tuple[str, ...], list[Pairs]]:
    """Name, kind and components of each model, with the conditions in the order of the data.

    Raises
    ------
    LabelError
        If dims or conditions do not match.
    ValueError
        If there is no model.
    """
    if not isinstance(models, Mapping) or isinstance(models, xr.Dataset):
        models = _rows(models)
    if not models:
        raise ValueError("`models` is empty: give one model at least.")
    kinds, found = [], []
    for name, model in models.items():
        flexible = isinstance(model, FlexibleRdm)
        kinds.append(model.kind if isinstance(model, FlexibleRdm) else "fixed")
        array = model.components if isinstance(model, FlexibleRdm) else model
        pairs = pairs_of(array, what=f"{name}", least=4)
        wanted = ("component",) if flexible else ()
        if pairs.outer.dims != wanted:
            raise LabelError(
                f"the model {name!r} must have the dims {(*wanted, 'condition', 'condition_2')}, "
                f"got {(*pairs.outer.dims, 'condition', 'condition_2')}"
                + ("." if flexible else "; wrap components in analysis.FlexibleRdm.")
            )
        if flexible and len(pairs.values) < 2:
            raise LabelError(f"the model {name!r} has one component: pass it as a fixed model.")
        values = pairs.values.reshape(-1, pairs.values.shape[-1])
        found.append(pairs._replace(values=values))
    matched = same_conditions(data, *found, what=("rdms", *map(str, models)))[1:]
    return [str(name) for name in models], tuple(kinds), matched


def _rows(models: xr.DataArray | xr.Dataset) -> dict[str, xr.DataArray]:
    """The entries of an array of models, by name."""
    array = only(models, "models", ("condition", "condition_2"))
    if not isinstance(array, xr.DataArray):
        raise TypeError(
            "`models` must be a mapping from names to dissimilarities, or an array of them, got "
            f"{type(models).__name__}."
        )
    if "model" not in array.dims:
        array = array.expand_dims("model")
    names = array["model"].values if "model" in array.coords else range(array.sizes["model"])
    if len({str(name) for name in names}) < len(names):
        raise LabelError("labels of `models` repeat on the dim 'model': give each its own name.")
    return {str(name): array.isel(model=i, drop=True) for i, name in enumerate(names)}


def factors_of(over: Sequence[str], sizes: Mapping[str, int]) -> tuple[str, ...]:
    """The factors of the bootstrap, in their order.

    Raises
    ------
    ValueError
        If they are none of "condition" and "subject".
    LabelError
        If there are too few of them to draw from.
    """
    given = {over} if isinstance(over, str) else set(over)
    if not given or given - set(_FACTORS):
        raise ValueError(f"over must hold 'condition', 'subject' or both, got {over!r}.")
    if "subject" in given and sizes["subject"] < 2:
        raise LabelError(
            "one subject says nothing of others: take over=('condition',), so that results hold "
            "for it alone."
        )
    return tuple(name for name in _FACTORS if name in given)


def folds_of(
    given: tuple[int, int] | None, kinds: Sequence[str], sizes: Mapping[str, int]
) -> tuple[int, int]:
    """Folds of conditions and of subjects.

    Raises
    ------
    ValueError
        If they are no whole numbers, or do not suit the number of conditions or subjects.
    """
    if given is None:
        if set(kinds) == {"fixed"}:
            return 1, 1
        n, s = sizes["condition"] // _IN_FOLD, sizes["subject"] // 3
        return min(max(n, 2), 5), min(max(s, 2), 5) if sizes["subject"] > 2 else 1
    found = tuple(whole("folds", n) for n in given)
    if len(found) != 2:
        raise ValueError(f"folds must be (of conditions, of subjects), got {given!r}.")
    if set(kinds) != {"fixed"} and max(found) < 2:
        raise ValueError(
            "flexible models must be scored with data that their weights were not fitted to: take "
            "folds of 2 at least, for conditions or for subjects."
        )
    if found[0] > 1 and sizes["condition"] < 3 * found[0]:
        raise ValueError(
            f"{found[0]} folds of {sizes['condition']} conditions hold fewer than three each."
        )
    if found[1] > sizes["subject"]:
        raise ValueError(f"{found[1]} folds of {sizes['subject']} subjects cannot be made.")
    return found[0], found[1]


def variances_of(
    given: xr.DataArray | None, data: Pairs, comparison: str
) -> Float[np.ndarray, " condition"]:
    """Variance of the noise of each condition, 1 by default.

    Raises
    ------
    LabelError
        If they are of other conditions.
    ValueError
        If the comparison does not use them, or they are not above 0.
    """
    if given is None:
        return np.ones(data.n_conditions)
    if comparison not in WHITENED:
        raise ValueError(f"variances are for {list(WHITENED)}, not for {comparison!r}.")
    if not isinstance(given, xr.DataArray) or given.dims != ("condition",):
        raise LabelError(
            "variances must be a DataArray (condition), got "
            f"{getattr(given, 'dims', type(given).__name__)}."
        )
    values = pair(data.place, given, "condition", what=("rdms", "variances"))[1].values
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("variances must be numbers above 0.")
    return values.astype(np.float64)
