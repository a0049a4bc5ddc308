"""One result of a sweep over its grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.values import is_words
from neurodyn.plot.style import BLUE, colours_of, heading, label, panel, styled

#: The dim that is averaged, unless it is the only one.
_SEED = "seed"


@styled
def sweep(
    result: xr.Dataset | xr.DataTree, name: str, *, x: str | None = None, by: str | None = None
) -> Any:
    """One result of a sweep over a dim of its grid: every point, and the mean.

    Parameters
    ----------
    result
        Result of :func:`neurodyn.sweep`.
    name
        Name of a result with a single value at each point; in a tree its path, such as
        ``"analysis/scores/correct"``.
    x
        Dim along the axis; None: the first of the grid.
    by
        Dim that gives colours; None: the second of the grid, if there is one, but not `seed`.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are points, the lines their means over seeds and over all dims but `x` and `by`. Points
        that failed are left out.

    Raises
    ------
    ValueError
        If there is no such result or dim, or the result has dims of its own.

    Examples
    --------
    >>> import neurodyn as nd
    >>> figure = nd.plot.sweep(found, "loss", x="tau", by="noise_std")  # doctest: +SKIP
    """
    dims = tuple(map(str, result["point_state"].dims))
    values = _values(result, name, dims)
    x, by = _chosen(dims, x, by)
    across = np.arange(values.sizes[x]) if is_words(values[x].values) else values[x].values
    figure, ax = panel(size=(4.2 if by else 3.4, 2.7))
    others = [dim for dim in dims if dim not in (x, by)]
    if by is None:
        _draw(ax, across, values.transpose(x, *others), BLUE, None)
    else:
        colours = colours_of(values[by].values)
        for i, one in enumerate(values[by].values.tolist()):
            _draw(ax, across, values.isel({by: i}).transpose(x, *others), colours[one], str(one))
    if is_words(values[x].values):
        ax.set_xticks(across, [str(one) for one in values[x].values])
    ax.set(xlabel=label(values[x]), ylabel=label(values))
    if by is not None:
        figure.legend(loc="outside right upper", title=heading(values[by]))
    return figure


def _values(result: xr.Dataset | xr.DataTree, name: str, dims: tuple[str, ...]) -> xr.DataArray:
    try:
        values = result[name]
    except KeyError:
        values = None
    if not isinstance(values, xr.DataArray):
        root = result.to_dataset() if isinstance(result, xr.DataTree) else result
        there = [
            n
            for n, v in root.data_vars.items()
            if set(v.dims) == set(dims) and v.dtype.kind in "biuf"
        ]
        raise ValueError(
            f"The sweep has no result {name!r}; single values are {', '.join(map(str, there))}."
        )
    own = [str(dim) for dim in values.dims if dim not in dims]
    if own or values.dtype.kind not in "biuf":
        what = f"dims of its own, {', '.join(own)}: select or average them" if own else "no numbers"
        raise ValueError(
            f"{name!r} has {what}. plot.sweep draws results with a single number at each point."
        )
    return values


def _chosen(dims: tuple[str, ...], x: str | None, by: str | None) -> tuple[str, str | None]:
    for dim in (x, by):
        if dim is not None and dim not in dims:
            raise ValueError(f"The sweep has no dim {dim!r}; it has {', '.join(dims)}.")
    if x is not None and x == by:
        raise ValueError(f"`x` and `by` are both {x!r}: give two dims.")
    grid = [dim for dim in dims if dim != _SEED] or [_SEED]
    x = x or next((dim for dim in grid if dim != by), _SEED)
    rest = [dim for dim in grid if dim not in (x, _SEED)]
    return x, by or (rest[0] if rest else None)


def _draw(ax: Any, across: np.ndarray, group: xr.DataArray, colour: Any, named: str | None) -> None:
    points = group.values.reshape(len(across), -1).astype(float)
    known = np.isfinite(points)
    places, _ = np.nonzero(known)
    if points.shape[1] > 1:
        ax.plot(across[places], points[known], "o", color=colour, ms=3, alpha=0.4, mew=0)
    total = np.where(known, points, 0.0).sum(1)
    mean = np.divide(total, known.sum(1), out=np.full(len(total), np.nan), where=known.any(1))
    ax.plot(across, mean, "o-", color=colour, ms=4, label=named)
