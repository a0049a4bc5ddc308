"""Choice of delays and rank of linear operators."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.plot.style import GREY, styled, subplots


@styled
def delay_choice(choice: xr.Dataset) -> Any:
    """Error of linear operators by delays and rank, and by steps ahead for the best rank.

    Parameters
    ----------
    choice
        Of :func:`neurodyn.analysis.choose_delays`.

    Returns
    -------
    matplotlib.figure.Figure
        Left: mean error against the rank, a line for each number of delays; the best is ringed.
        Right: error against the time ahead, with the best rank of each number of delays; dashed:
        predicting no change.
    """
    mean = choice["mean_error"].transpose("delays", "rank")
    error = choice["prediction_error"].transpose("delays", "rank", "horizon")
    counts, ranks = choice["delays"].values, choice["rank"].values
    colours = [mpl.colormaps["viridis"](x) for x in np.linspace(0.05, 0.85, len(counts))]
    figure, axes = subplots(1, 2, size=(3.3, 2.8))
    left, right = axes[0]
    ahead = choice["ahead"]
    for line, steps, count, colour in zip(mean.values, error.values, counts, colours, strict=True):
        left.plot(ranks, line, "o-", ms=3.5, color=colour, label=str(count))
        if np.isfinite(line).any():
            right.plot(ahead, steps[np.nanargmin(line)], color=colour)
    best = mean.sel(delays=choice["best_n_delays"], rank=choice["best_rank"])
    left.plot(choice["best_rank"], best, "o", ms=10, mfc="none", mec="black", mew=1)
    right.plot(ahead, choice["persistence_error"], "--", color=GREY, label="no change")
    left.set(xscale="log", yscale="log", xlabel="rank", ylabel="held-out error / variance")
    left.set_xticks(ranks, ranks.astype(str))
    left.minorticks_off()
    unit = ahead.attrs["units"]
    right.set(yscale="log", xlabel=f"time ahead ({'steps' if unit == '1' else unit})")
    left.legend(title="delays")
    right.legend()
    return figure
