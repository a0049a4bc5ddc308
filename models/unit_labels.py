"""Labels of the units of a model: areas, signs and time constants, as far as they are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurodyn.params import AbstractParameter, Indexed, areas_of, signs_of
from neurodyn.params.base import numbers_of


def unit_areas(areas: Any, W: Any, n_units: int) -> tuple[str, ...] | None:
    """Area of each unit, as given or as named in a multi-area weight parameter."""
    named = areas_of(W) if isinstance(W, AbstractParameter) else None
    if areas is None:
        return named
    if isinstance(areas, Mapping):
        areas = [name for name, size in areas.items() for _ in range(size)]
    areas = tuple(str(area) for area in areas)
    if len(areas) != n_units:
        raise ValueError(
            f"`areas` must name the area of each of the {n_units} units (or give the number of "
            f"units in each area), got {len(areas)} names."
        )
    if named is not None and named != areas:
        raise ValueError(f"`areas` contradicts the areas in `W`, {list(dict.fromkeys(named))}.")
    return areas


def unit_signs(W: Any) -> tuple[int, ...] | None:
    """Sign of each unit's outgoing weights, where a law fixes them."""
    signs = signs_of(W)
    return None if signs is None else tuple(int(s) for s in signs)


def label_units(
    areas: Sequence[str] | None, ei: Sequence[int] | None, tau: Any = None
) -> dict[str, np.ndarray]:
    """Unit coordinates out of what is known."""
    coords = {}
    if areas is not None:
        coords["area"] = np.asarray(areas)
    if ei is not None:
        coords["ei"] = np.asarray(ei, np.int64)
    known = None if tau is None or isinstance(tau, Indexed) else numbers_of(tau)
    if known is not None:
        coords["tau"] = known.astype(np.float64)
    return coords
