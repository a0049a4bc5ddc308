"""What is decoded from populations: over time, between times, and as a posterior."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.plot.style import BLUE, GREY, ORANGE, label, panel, styled, subplots, timeline


@styled
def decoding(decoded: xr.Dataset) -> Any:
    """Score of decoders over time, with the band of its null.

    Parameters
    ----------
    decoded
        Of :func:`neurodyn.analysis.decode`, with ``times="each"``.

    Returns
    -------
    matplotlib.figure.Figure
        The balanced accuracy of classes, or r2; grey: the central 95 % of the null; dashed: chance;
        below: times at which p < .05, corrected for all times.

    Raises
    ------
    ValueError
        If the score has no times, as that of one decoder of a continuous label.
    """
    score = decoded[decoded.attrs["statistic"]]
    if score.dims != ("time",):
        raise ValueError(
            f"plot.decoding draws scores over time, got {score.dims}: decode with times='each', or "
            "draw plot.cross_temporal of times='cross'."
        )
    time, text = timeline(decoded)
    figure, ax = panel(size=(4.2, 2.6))
    order = np.argsort(time)
    time, values = time[order], score.values[order]
    if "null" in decoded:
        null = decoded["null"].transpose("draw", "time").values[:, order]
        ax.fill_between(
            time, *np.quantile(null, [0.025, 0.975], axis=0), color=GREY, alpha=0.35, lw=0,
            label="labels exchanged",
        )  # fmt: skip
    chance = float(decoded.attrs.get("chance", 0.0))
    ax.axhline(chance, color=GREY, ls="--", lw=1, label="chance")
    ax.plot(time, values, color=BLUE, label="decoded")
    if "p_value_corrected" in decoded:
        found = decoded["p_value_corrected"].values[order] < 0.05
        low, high = ax.get_ylim()
        ax.plot(time[found], np.full(found.sum(), low), "s", ms=3, color=ORANGE, label="p < .05")
        ax.set_ylim(low - 0.04 * (high - low), high)
    names = {"r2": "r2 of held-out trials", "balanced_accuracy": "balanced accuracy"}
    ax.set(xlabel=text, ylabel=names.get(str(score.name), label(score)))
    figure.legend(loc="outside right upper")
    return figure


@styled
def cross_temporal(cross: xr.Dataset) -> Any:
    """Score of the decoder of each time at all times, as a matrix.

    Parameters
    ----------
    cross
        Of :func:`neurodyn.analysis.decode`, with ``times="cross"``.

    Returns
    -------
    matplotlib.figure.Figure
        A square along the diagonal is a code that stays the same; a narrow diagonal is one that
        changes. Where the null was drawn, a line surrounds p < .05, corrected for all times.
    """
    cross = cross.sortby("train_time")
    score = cross[cross.attrs["statistic"]].transpose("train_time", "time")
    (fitted, up), (tried, right) = timeline(cross, dim="train_time"), timeline(cross)
    rows, columns = np.argsort(fitted), np.argsort(tried)
    values = score.values[np.ix_(rows, columns)]
    chance = float(cross.attrs.get("chance", 0.0))
    reach = max(float(np.nanmax(np.abs(values - chance))), 1e-6)
    figure, ax = panel(size=(3.8, 3.1))
    # Scores far below chance do not hide those above it.
    image = ax.pcolormesh(
        tried[columns], fitted[rows], values, cmap="RdBu_r", shading="nearest",
        vmin=chance - reach, vmax=chance + reach, rasterized=True,
    )  # fmt: skip
    if "p_value_corrected" in cross:
        p = cross["p_value_corrected"].transpose("train_time", "time").values
        found = p[np.ix_(rows, columns)] < 0.05
        if found.any() and not found.all() and min(found.shape) > 1:
            ax.contour(tried[columns], fitted[rows], found, [0.5], colors="black", linewidths=0.9)
    fit = up.replace("time of the fit", "time").replace("train_time", "time")
    ax.set(xlabel=f"{right}, tested", ylabel=f"{fit}, fitted", aspect="equal")
    figure.colorbar(image, ax=ax, label=score.name.replace("_", " "))
    return figure


@styled
def posterior(posterior: xr.Dataset) -> Any:
    """Posterior of each decoded variable over time, with its true value.

    Parameters
    ----------
    posterior
        Of :func:`neurodyn.analysis.bayesian_decode`, of one trial.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each variable: dark where the posterior is high (its sum over the other
        variables), and a line for the true value where it is known.

    Raises
    ------
    ValueError
        If there are several trials.
    """
    density = posterior["posterior"]
    if "trial" in density.dims:
        raise ValueError("plot.posterior draws one trial: select it first, .isel(trial=0).")
    names = [str(name) for name in posterior["feature"].values]
    time, text = timeline(posterior)
    order = np.argsort(time)
    figure, axes = subplots(len(names), 1, size=(5.4, 2.2), sharex=True)
    for ax, name in zip(axes[:, 0], names, strict=True):
        others = [other for other in density.dims if other not in ("time", name)]
        # A time without observation is empty, not zero.
        one = density.sum(others, skipna=False).sortby(name).transpose(name, "time")
        image = ax.pcolormesh(
            time[order], one[name].values, one.values[:, order], cmap="Greys", shading="nearest",
            rasterized=True,
        )  # fmt: skip
        if "true" in posterior:
            true = posterior["true"].sel(feature=name).values[order]
            ax.plot(time[order], true, color=ORANGE, lw=1, label="true")
            ax.legend(loc="upper right")
        ax.set_ylabel(label(posterior[name]))
        figure.colorbar(image, ax=ax, label="posterior")
    axes[-1, 0].set_xlabel(text)
    return figure
