"""Several populations, brought onto the same conditions and times by their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Float

from neurodyn.analysis.shared.arrays import checked, pick
from neurodyn.analysis.shared.conditions import condition_means
from neurodyn.analysis.shared.systems import collected, many
from neurodyn.analysis.similarity.shapes import refuse_spanned
from neurodyn.labels import LabelError, match, pair

System = xr.Dataset | xr.DataArray | ArrayLike
#: One system with a dim `seed`, a list of systems, or a dict of them by names.
Systems = System | Sequence[System] | Mapping[str, System]


class Matched(NamedTuple):
    """Populations of the same conditions and times.

    Attributes
    ----------
    names
        Names of the systems.
    arrays
        Activity of each, ``(condition | trial, ..., unit)`` in the same order of labels.
    """

    names: list[Any]
    arrays: list[xr.DataArray]

    @property
    def first(self) -> xr.DataArray:
        """The one whose order of labels all others have."""
        return self.arrays[0]

    @property
    def row_dims(self) -> tuple[str, ...]:
        """All dims but that of units."""
        return tuple(str(dim) for dim in self.first.dims[:-1])

    def samples(self, whitened: bool = False) -> list[Float[np.ndarray, "sample unit"]]:
        """Conditions and times of each system on one axis, refusing what cannot be compared.

        Parameters
        ----------
        whitened
            Whether nothing of their shape is left but the dimensions that they span.

        Raises
        ------
        LabelError
            If values are not finite, a system does not vary, or has fewer than three samples.
        ValueError
            If `whitened`, and a system spans every pattern of its samples.
        """
        found = []
        for name, array in zip(self.names, self.arrays, strict=True):
            x = checked(array, what=str(name)).reshape(-1, array.shape[-1])
            if len(x) < 3:
                raise LabelError(
                    f"{name} has {len(x)} samples (conditions x times): take three at least, "
                    "because any two samples are as alike as any others."
                )
            if (x[1] == x[0]).all() and (x == x[:1]).all():
                raise LabelError(f"{name} is the same in all samples: it has no shape.")
            if whitened:
                refuse_spanned(x, str(name))
            found.append(x)
        return found


def matched(
    systems: Any,
    what: str,
    *,
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
    like: Matched | None = None,
) -> Matched:
    """Read systems, average their trials by condition, and match their labels.

    Parameters
    ----------
    systems
        One with a dim `seed`, a list, or a dict by names; a single system is a list of one.
    what
        Name of the argument.
    by
        Labels of trials that make a condition; None: trials are compared one by one.
    variable
        Which variable of Datasets.
    like
        Others, to whose labels these are matched.

    Raises
    ------
    LabelError
        If labels differ, or some systems have labels and others have none.
    """
    by = [by] if isinstance(by, str) else None if by is None else list(by)
    named = named_arrays(systems, what, variable)
    if by is not None:
        named = [(name, condition_means(array, by, what=str(name))) for name, array in named]
    first = like.first if like is not None else named[0][1]
    origin = like.names[0] if like is not None else named[0][0]
    found = []
    for name, array in named:
        if set(array.dims) != set(first.dims):
            raise LabelError(f"{origin} has dims {first.dims}, {name} has {array.dims}.")
        found.append(
            onto(first, array, (f"system {origin}", f"system {name}"), by=by).transpose(*first.dims)
        )
    return Matched([name for name, _ in named], found)


def named_arrays(systems: Any, what: str, variable: str | None) -> list[tuple[Any, xr.DataArray]]:
    """Activity of each system by its name, `unit` last."""
    members = _members(systems, what)
    return [(name, _read(system, str(name), variable)) for name, system in members]


def onto(
    first: xr.DataArray,
    array: xr.DataArray,
    what: tuple[str, str],
    *,
    by: Sequence[str] | None = None,
    without: str = "unit",
) -> xr.DataArray:
    """Match along all dims but units and `without`; by position only where neither has labels."""
    for dim in (str(d) for d in first.dims if d not in ("unit", without)):
        if any(dim in c.dims for side in (first, array) for c in side.coords.values()):
            labels = by if dim == "condition" and by else None
            array = match(first, array, dim, by=labels, what=what)[1]
        else:
            array = pair(first, array, dim, what=what)[1]
    return array


def unit_names(array: xr.DataArray) -> list[str]:
    """Labels of units as words; their positions where they have none."""
    own = array["unit"].values if "unit" in array.coords else np.arange(array.sizes["unit"])
    return [str(label) for label in own.tolist()]


def _members(systems: Any, what: str) -> list[tuple[Any, Any]]:
    """Systems by their names, the members of an ensemble by their seeds."""
    if not many(systems) and "seed" in getattr(systems, "dims", ()):
        seeds = systems["seed"].values.tolist()
        return [(seed, systems.isel(seed=i, drop=True)) for i, seed in enumerate(seeds)]
    named = collected(systems, what)
    for name, system in named:
        if "seed" in getattr(system, "dims", ()):
            raise LabelError(
                f"{name} has a dim 'seed': pass it alone, to compare its members, or select one, "
                ".isel(seed=0)."
            )
    return named


def _read(system: Any, name: str, variable: str | None) -> xr.DataArray:
    """Activity with the dims of the library, `unit` last."""
    if not isinstance(system, (xr.Dataset, xr.DataArray)) and np.ndim(system) in (2, 3):
        dims = ("condition", "time", "unit") if np.ndim(system) == 3 else ("condition", "unit")
        system = xr.DataArray(np.asarray(system), dims=dims)
    return pick(system, variable, what=name)
