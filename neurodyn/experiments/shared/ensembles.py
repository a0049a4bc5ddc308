"""Results of several networks: side by side, their means with intervals, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import bootstrap

#: Smallest number of networks for which a bootstrap interval is drawn.
FEW = 5


def stacked(parts: Sequence[Any], dim: Any = "seed") -> Any:
    """Datasets or DataArrays of equal coordinates along a new or an existing dim.

    Coordinates and attributes are those of the first part.
    """
    return xr.concat(
        parts,
        dim,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )


def interval(values: xr.DataArray, *, few: int = FEW) -> xr.Dataset:
    """Mean over `seed` and its 95 % bootstrap interval, or the range of few networks.

    Parameters
    ----------
    values
        One number for each network on `seed`; other dims stay.
    few
        With fewer networks, ``low`` and ``high`` are the smallest and the largest value.

    Returns
    -------
    xr.Dataset
        ``mean``, ``low`` and ``high``.
    """
    if values.sizes["seed"] >= few:
        return bootstrap(values)[["mean", "low", "high"]]
    ends = {"mean": values.mean("seed"), "low": values.min("seed"), "high": values.max("seed")}
    return xr.Dataset(ends)


def table(
    rows: Sequence[Sequence[Mapping[str, float]]],
    about: Mapping[str, tuple[str, str]],
    **sweep: Any,
) -> xr.Dataset:
    """Scores of networks on (seed, sweep).

    Parameters
    ----------
    rows
        For each step of the sweep the scores of its networks, by name.
    about
        Long name and units of each score.
    **sweep
        Name of a coordinate on `sweep`, and its values.
    """
    found = {name: np.array([[row[name] for row in one] for one in rows], float) for name in about}
    return labels.dataset(
        {name: (("seed", "sweep"), found[name].T, *reversed(about[name])) for name in about},
        {name: ("sweep", np.array(values)) for name, values in sweep.items()},
        source="analysis",
        values=False,
    )


def spread(values: Any, form: str = ".2f", unit: str = "") -> str:
    """Mean of the finite values with their range in brackets, as text; "none" without any.

    Examples
    --------
    >>> spread([1.0, 2.0], ".1f", " Hz"), spread([1.0])
    ('1.5 Hz (1.0 to 2.0)', '1.00')
    """
    values = np.asarray(values, float).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return "none"
    mean = f"{values.mean():{form}}{unit}"
    return mean if values.size == 1 else f"{mean} ({values.min():{form}} to {values.max():{form}})"
