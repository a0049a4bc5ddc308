"""Labelled dissimilarity matrices as lists of pairs, matched by the labels of their conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neurodyn.labels import LabelError, match, pair
from neurodyn.labels.matching import shared_coords
from neurodyn.labels.only import only

BOTH = ("condition", "condition_2")


class Pairs(NamedTuple):
    """Dissimilarities of every two conditions.

    Attributes
    ----------
    values
        One for each pair, in the order of the upper triangle; 0 where it is missing.
    known
        Which pairs have a value.
    outer
        The entries that have a matrix each, with their labels: an array of the dims beside those of
        conditions.
    place
        The positions of the conditions, with their labels.
    """

    values: Float[np.ndarray, "*outer pair"]
    known: Bool[np.ndarray, " pair"]
    outer: xr.DataArray
    place: xr.DataArray

    @property
    def n_conditions(self) -> int:
        """Number of conditions."""
        return self.place.size


def upper(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pairs of `n` conditions."""
    return np.triu_indices(n, 1)


def place_of_pairs(n: int) -> np.ndarray:
    """Position in a list of the pair of each two of `n` conditions; one past it on the diagonal."""
    i, j = upper(n)
    where = np.full((n, n), i.size)
    where[i, j] = where[j, i] = np.arange(i.size)
    return where


def pairs_of(rdms: xr.Dataset | xr.DataArray, *, what: str, least: int = 3) -> Pairs:
    """Read labelled dissimilarities ``(..., condition, condition_2)``.

    Conditions of the second dim are brought into the order of the first by their labels; without
    labels they are in the same order.

    Raises
    ------
    TypeError
        If they are not labelled.
    LabelError
        If dims are missing, labels of both dims differ, or there are fewer than `least` conditions.
    ValueError
        If a matrix is not symmetric with zeros on its diagonal, or no pair has a value.
    """
    array, values = square_of(rdms, what=what)
    n = values.shape[-1]
    if n < least:
        raise LabelError(f"`{what}` needs {least} conditions at least, got {n}.")
    _refuse_asymmetric(values, what)
    flat = values[(..., *upper(n))]
    if np.isinf(flat).any():
        raise ValueError(f"`{what}` holds infinite dissimilarities.")
    known = ~np.isnan(flat).reshape(-1, flat.shape[-1]).any(0)
    if not known.any():
        raise ValueError(f"`{what}` has no pair of conditions with a value in every matrix.")
    outer = array.isel(dict.fromkeys(BOTH, 0), drop=True)
    return Pairs(np.where(known, flat, 0), known, outer, places(array))


def square_of(
    given: xr.Dataset | xr.DataArray, *, what: str
) -> tuple[xr.DataArray, Float[np.ndarray, "*outer condition condition"]]:
    """Values whose columns are in the order of the rows, and the array that they are of."""
    array = only(given, what, BOTH)
    if not isinstance(array, xr.DataArray):
        raise TypeError(
            f"`{what}` must be labelled, as from analysis.rdm, got {type(given).__name__}."
        )
    if missing := [dim for dim in BOTH if dim not in array.dims]:
        raise LabelError(f"`{what}` needs the dims {missing}, got dims {array.dims}.")
    array = array.transpose(..., *BOTH)
    square = array.isel(condition_2=_in_order(array, what))
    return array, np.asarray(square.values, np.float64)


def places(array: xr.DataArray) -> xr.DataArray:
    """The positions of the conditions of an array, with their labels."""
    others = {dim: 0 for dim in array.dims if dim != "condition"}
    apart = [n for n in array.coords if {*array[n].dims} - {"condition"}]
    one = array.drop_vars(apart).isel(others, drop=True)
    return one.copy(data=np.arange(one.size))


def _in_order(array: xr.DataArray, what: str) -> np.ndarray:
    """Positions on the second dim of the conditions of the first."""
    sizes = [array.sizes[dim] for dim in BOTH]
    first = {str(n): c for n, c in array.coords.items() if c.dims == ("condition",)}
    names = [n for n in first if f"{n}_2" in array.coords and array[f"{n}_2"].dims == BOTH[1:]]
    if not names:
        if sizes[0] != sizes[1]:
            raise LabelError(
                f"`{what}` has {sizes[0]} conditions on one dim and {sizes[1]} on the other."
            )
        return np.arange(sizes[0])
    one, two = (
        xr.DataArray(
            np.arange(size),
            {n: ("condition", array[f"{n}{end}"].values) for n in names},
            "condition",
        )
        for size, end in zip(sizes, ("", "_2"), strict=True)
    )
    try:
        return match(one, two, "condition", by=names, what=("rows", "columns"))[1].values
    except LabelError as error:
        raise LabelError(
            f"`{what}` has other conditions on condition than on condition_2: select the same on "
            f"both dims. {error}"
        ) from None


def _refuse_asymmetric(values: np.ndarray, what: str) -> None:
    known = np.where(np.isfinite(values), values, 0)
    size = np.abs(known).max() if known.size else 0.0
    own = np.abs(np.diagonal(known, axis1=-2, axis2=-1))
    if (np.abs(known - known.swapaxes(-1, -2)) > 1e-5 * size).any() or (own > 1e-5 * size).any():
        raise ValueError(
            f"`{what}` must hold symmetric matrices with zeros on the diagonal: rows and columns "
            "are the same conditions, in the order that their labels say."
        )


def reordered(pairs: Pairs, order: np.ndarray) -> Pairs:
    """The same dissimilarities of conditions in another order."""
    i, j = upper(pairs.n_conditions)
    take = place_of_pairs(pairs.n_conditions)[order[i], order[j]]
    return Pairs(
        pairs.values[..., take], pairs.known[take], pairs.outer, pairs.place.isel(condition=order)
    )


def order_of(first: xr.DataArray, other: xr.DataArray, *, what: tuple[str, str]) -> np.ndarray:
    """Positions in the other of the conditions of the first, as `places` made both.

    Conditions are the same if their labels are, as for `labels.match`; without any labels on either
    side, if their positions are.
    """
    if shared_coords(first, other, "condition") or any(
        "condition" in p.coords for p in (first, other)
    ):
        return match(first, other, "condition", what=what)[1].values
    return pair(first, other, "condition", what=what)[1].values


def same_conditions(first: Pairs, *others: Pairs, what: Sequence[str]) -> list[Pairs]:
    """Bring dissimilarities into the order of the conditions of the first.

    Raises
    ------
    LabelError
        If they are of other conditions.
    """
    found = [first]
    for name, other in zip(what[1:], others, strict=True):
        order = order_of(first.place, other.place, what=(what[0], name))
        found.append(reordered(other, order))
    return found


def all_known(pairs: Sequence[Pairs]) -> Bool[np.ndarray, " pair"]:
    """Pairs of conditions with a value everywhere."""
    return np.logical_and.reduce([p.known for p in pairs])


def outer_coords(array: xr.DataArray, dims: Sequence[str]) -> dict[str, xr.Variable]:
    """Labels along some of the outer dims."""
    return {
        str(n): c.variable
        for n, c in array.coords.items()
        if c.dims and set(map(str, c.dims)) <= set(dims)
    }
