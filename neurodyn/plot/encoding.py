"""How well units are predicted, against what their noise allows."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, GREY, panel, styled


@styled
def encoding(encoded: xr.Dataset) -> Any:
    """Held-out correlation of each unit against the largest that its reliability allows.

    Parameters
    ----------
    encoded
        Of :func:`neurodyn.analysis.encode`, of a recording with trials; of an ensemble, the mean
        over seeds is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        One dot a unit. On the line, the model predicts all that is not noise; grey: units that the
        summary leaves out.
    """
    r = encoded["r"].mean("seed") if "seed" in encoded["r"].dims else encoded["r"]
    reliability = encoded["reliability"].values
    bound = np.sqrt(np.clip(reliability, 0, None))
    kept = encoded["kept"].values.astype(bool)
    figure, ax = panel(size=(3.6, 3.0))
    low = float(min(0.0, np.nanmin(r.values)))
    ax.plot([0, 1], [0, 1], color=GREY, lw=1, label="all but noise")
    for chosen, colour, text in ((kept, BLUE, "kept"), (~kept, GREY, "left out")):
        if chosen.any():
            ax.plot(bound[chosen], r.values[chosen], "o", ms=4, color=colour, alpha=0.7, label=text)
    ax.set(
        xlim=(-0.02, 1.02), ylim=(low - 0.05, 1.05), xlabel="largest r that noise allows",
        ylabel="held-out r",
    )  # fmt: skip
    figure.legend(loc="outside right upper")
    return figure
