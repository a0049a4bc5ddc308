"""Branches of fixed points over a parameter."""

import itertools
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import place
from neurodyn.plot.style import BLUE, ORANGE, STROKES, panel, styled

#: Look of each kind of special point.
MARKERS = {
    "fold": ("s", STROKES[0]),
    "Hopf": ("o", STROKES[1]),
    "transcritical": ("D", STROKES[2]),
    "pitchfork": ("^", STROKES[3]),
    "flip": ("v", STROKES[4]),
    "Neimark-Sacker": ("o", STROKES[5]),
    "multiple": ("X", STROKES[6]),
}


@styled
def branches(branches: xr.Dataset, *, entry: Any = None) -> Any:
    """Branches of fixed points over a parameter: solid where stable, with their bifurcations.

    Parameters
    ----------
    branches
        Result of :func:`neurodyn.analysis.continuation`.
    entry
        Label of the entry of the state that is drawn. Default: the first one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the state has no such entry.
    """
    state = branches["state"]
    dim = next(str(d) for d in state.dims if d != "equilibrium")
    which = place(state, dim, entry)
    values, shown = state.isel({dim: which}).values, state[dim].values[which]
    at, kind = branches["parameter"].values, branches["kind"].values
    unstable = branches["n_unstable"].values > 0
    figure, ax = panel(size=(4.6, 3.4))
    for branch in np.unique(branches["branch"].values):
        here = np.flatnonzero(branches["branch"].values == branch)
        for first, last in _runs(unstable[here]):
            piece = here[max(first - 1, 0) : last]  # from the last point of the other kind
            look = ("--", ORANGE, 1.1) if unstable[here[first]] else ("-", BLUE, 1.8)
            ax.plot(at[piece], values[piece], ls=look[0], color=look[1], lw=look[2])
    ax.plot([], [], color=BLUE, lw=1.8, label="stable")
    ax.plot([], [], "--", color=ORANGE, lw=1.1, label="unstable")
    for name, (marker, colour) in MARKERS.items():
        found = kind == name
        if found.any():
            look = {"ms": 6, "mec": "black", "mew": 0.7, "zorder": 10, "ls": "none"}
            ax.plot(at[found], values[found], marker=marker, color=colour, label=name, **look)
    text = str(shown) if isinstance(shown, str) else f"{dim} {shown}"
    ax.set(xlabel=branches["parameter"].attrs.get("long_name", "parameter"), ylabel=text)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of equal flags."""
    cuts = [0, *(np.flatnonzero(np.diff(flags.astype(int))) + 1).tolist(), len(flags)]
    return list(itertools.pairwise(cuts))
