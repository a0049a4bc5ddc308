"""Units of two populations that correspond."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, GREY, styled, subplots, whole_ticks


@styled
def unit_matching(units: xr.Dataset) -> Any:
    """Correlations of matched units, in the order of the matching.

    Parameters
    ----------
    units
        Of :func:`neurodyn.analysis.match_units`.

    Returns
    -------
    matplotlib.figure.Figure
        Left: correlation of all pairs; units of the first population by the correlation with their
        partner, those of the second in the order of their partners, so that matched pairs lie along
        the diagonal; rings mark them. Right: correlation of each unit with its partner against the
        largest with any unit.
    """
    r = units["correlation"].transpose("unit", "other").values
    mass = units["matching"].transpose("unit", "other").values
    matched = units["partner_correlation"].values
    rows = np.argsort(-np.nan_to_num(matched, nan=-2.0), kind="stable")
    place = np.argsort(rows)
    columns = np.argsort(place[mass.argmax(0)] + r.shape[0] * (mass.max(0) == 0), kind="stable")
    figure, axes = subplots(1, 2, size=(3.6, 3.0))
    left, right = axes[0]
    image = left.imshow(
        r[rows][:, columns], cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
    )
    y, x = np.nonzero(mass[rows][:, columns] > 0)
    area = 30 * mass[rows][:, columns][y, x] / mass.max()
    left.scatter(x, y, s=area, facecolors="none", edgecolors="black", linewidths=0.7)
    left.set(xlabel="unit of the other population, ordered", ylabel="unit, ordered")
    whole_ticks(left.xaxis)
    whole_ticks(left.yaxis)
    figure.colorbar(image, ax=left, shrink=0.9, label="correlation")
    low = min(0.0, float(np.nanmin(matched, initial=0.0)))
    right.plot([low, 1], [low, 1], color=GREY, lw=0.8)
    right.plot(r.max(1), matched, "o", ms=4, color=BLUE)
    right.set(xlabel="largest correlation with any unit", ylabel="correlation with the partner")
    right.set_title(f"{units.attrs['matching']}: {float(units['score']):.2f}")
    return figure
